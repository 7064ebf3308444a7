"""Dask arrays: nothing is computed before the result, in the shapes and chunks that were told."""

from __future__ import annotations

import weakref

import dask.array as da
import numpy as np
import pytest

import vicinal as vc
from dask_cases import chunked


@pytest.mark.parametrize("types", ["fff", "fdf", "dff", "ffd", "eee", "iii", "ifi", "eid", "?bf"])
def test_type_chunks_and_meta(types, rng):
    q, x, y = (
        np.round(rng.normal(size=(n, 2))).astype(t) for n, t in zip((5, 7, 7), types, strict=True)
    )
    for values in (y, y[:, 0]):
        result = vc.dask.local_mean(*chunked(q, x, values, (3, 2), (4, 3)))
        expected = vc.local_mean(q, x, values)
        assert isinstance(result, da.Array)
        assert result.dtype == expected.dtype
        assert result.shape == expected.shape
        assert result.chunks == ((3, 2), (2,))[: expected.ndim]
        assert type(result._meta) is np.ndarray
        assert result._meta.dtype == expected.dtype
        assert result._meta.ndim == expected.ndim
        blocks = [result.blocks[i].compute(scheduler="synchronous") for i in (0, 1)]
        assert [len(block) for block in blocks] == [3, 2]
        assert all(block.dtype == expected.dtype for block in blocks)


def test_nothing_is_computed_before_the_result(rng):
    def fail(block):
        raise LookupError("computed")

    def never(shape, chunks, dtype=float):
        return da.zeros(shape, chunks=chunks).map_blocks(
            fail, dtype=dtype, meta=np.empty((0,) * len(shape), dtype)
        )

    keys = never((30, 2), (10, 2))
    result = vc.dask.local_mean(
        never((12, 2), (5, 2)),
        keys,
        never((30, 3), (30, 3)),
        weights=never((30,), 7),
        bias=never((12, 30), 4),
        mask=never((12, 30), 6, bool),
        exclude_self=True,
        self_indices=never((12,), 12, np.int64),
    )
    assert result.shape == (12, 3)
    with pytest.raises(LookupError, match="computed"):
        result.compute(scheduler="synchronous")


def test_the_shapes_may_be_larger_than_any_memory():
    many = 10**9
    queries, keys = (da.zeros((many, 3), chunks=(many // 2, 3)) for _ in range(2))
    result = vc.dask.local_mean(
        queries,
        keys,
        keys[:, 0],
        weights=keys[:, 1].astype("float32"),
        mask=da.ones((many, many), chunks=many // 2, dtype=bool),
        bias=da.ones((many, many), chunks=many // 2, dtype=np.float16),
        exclude_self=True,
        self_indices=da.zeros(many, chunks=many // 2, dtype=np.int32),
    )
    assert result.shape == (many,)


class Blocks:
    """An array that counts how many of its blocks live at once."""

    shape, ndim, dtype = (80, 2), 2, np.dtype(float)

    def __init__(self):
        self.read = self.live = self.peak = 0

    def __getitem__(self, rows):
        block = np.zeros((2, 2)).view(_Block)
        weakref.finalize(block, self._dropped)
        self.read += 1
        self.live += 1
        self.peak = max(self.peak, self.live)
        return block

    def _dropped(self):
        self.live -= 1


class _Block(np.ndarray):
    pass


def test_keys_are_read_once_and_dropped_after_use():
    """With the queries in one chunk; of several, one at a time."""
    for queries in (da.zeros((6, 2)), da.zeros((6, 2), chunks=(3, 2))):
        blocks = Blocks()
        keys = da.from_array(blocks, (2, 2), asarray=False, meta=np.empty((0, 0)))
        result = vc.dask.local_mean(queries, keys, np.zeros(80))
        for part in result.blocks:
            part.compute(scheduler="synchronous")
        assert blocks.read == 40 * len(result.chunks[0])
        assert blocks.peak <= 2


def test_the_same_call_has_the_same_name(plain):
    arrays = chunked(*plain)
    first = vc.dask.local_mean(*arrays, bandwidth=0.5)
    assert vc.dask.local_mean(*arrays, bandwidth=0.5).name == first.name
    assert vc.dask.local_mean(*arrays, bandwidth=0.6).name != first.name
    assert vc.dask.local_mean(*arrays, bandwidth=0.5, empty="zero").name != first.name


def test_a_task_uses_one_thread_unless_told(plain, monkeypatch):
    used = []

    class Recorder(vc.LocalMeanAccumulator):
        def __init__(self, queries, **options):
            used.append(options["num_threads"])
            super().__init__(queries, **options)

    monkeypatch.setattr(vc.dask, "LocalMeanAccumulator", Recorder)
    results = [
        vc.dask.local_mean(*chunked(*plain), num_threads=count).compute(scheduler="synchronous")
        for count in (None, 2, -1)
    ]
    assert set(used) == {1, 2, -1}
    assert len({result.tobytes() for result in results}) == 1
