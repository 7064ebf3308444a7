"""Dask arrays: the same law under every scheduler, lazily, with the refusals of one process."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
import weakref
from pathlib import Path

import dask
import dask.array as da
import distributed
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import vicinal as vc
from accuracy import near
from cases import DISTANCE_CASES, DOT_CASES, ordinary_bandwidth, sample

M, N, D, P = 37, 300, 3, 2
ROWS, COLUMNS = (20, 10, 7), (100, 50, 90, 60)  # chunks of queries and of keys


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two worker processes of one thread."""
    cluster = distributed.LocalCluster(
        n_workers=2,
        processes=True,
        threads_per_worker=1,
        dashboard_address=None,
        local_directory=tmp_path_factory.mktemp("workers"),
    )
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield client


@pytest.fixture(params=["synchronous", "threads", "processes"])
def scheduler(request):
    """Return what `compute` takes: both local schedulers, and a cluster."""
    return request.getfixturevalue("cluster") if request.param == "processes" else request.param


@pytest.fixture
def plain(rng, dtype):
    """Return queries, keys and values in memory."""
    return tuple(rng.normal(size=shape).astype(dtype) for shape in ((M, D), (N, D), (N, P)))


def chunked(q, x, y, rows=ROWS, columns=COLUMNS):
    """Return dask arrays of two-dimensional queries, keys and values."""
    return (
        da.from_array(q, (rows, -1)),
        da.from_array(x, (columns, -1)),
        da.from_array(y, (columns, *(-1,) * (y.ndim - 1))),
    )


def pieces(chunks):
    ends = np.cumsum(chunks)
    return [slice(end - size, end) for end, size in zip(ends, chunks, strict=True)]


def by_hand(q, x, y, rows, columns, weights=None, mask=None, bias=None, own=None, **options):
    """Return what one process gets that accumulates and merges the same pieces."""
    means = []
    for i in pieces(rows):
        parts = []
        for j in pieces(columns):
            part = vc.LocalMeanAccumulator(
                q[i], self_indices=None if own is None else own[i], **options
            )
            part.update(
                x[j],
                y[j],
                key_offset=j.start,
                weights=None if weights is None else weights[j],
                mask=None if mask is None else mask[i, j],
                bias=None if bias is None else bias[i, j],
            )
            parts.append(part)
        means.append(vc.partial.merge_all(parts).result().mean)
    return np.concatenate(means)


@pytest.mark.parametrize("case", DISTANCE_CASES + DOT_CASES, ids=lambda c: c.name)
def test_every_kernel(case, dtype):
    q, x, y = sample(case, M, N, D, P, dtype)
    options = {"kernel": case.make(), "bandwidth": ordinary_bandwidth(case, q, x)}
    got = vc.dask.local_mean(*chunked(q, x, y), **options).compute(scheduler="synchronous")
    assert got.dtype == dtype
    near(got, vc.local_mean(q, x, y, **options), dtype, scale=np.abs(y).max())


@pytest.mark.parametrize("rows", [(M,), (1, 1, 1, 34), (0, 30, 0, 7)])
@pytest.mark.parametrize("columns", [(N,), (299, 1), (0, 150, 0, 150), (20,) * 15, (4,) * 75])
def test_any_chunks(rows, columns, plain, dtype):
    got = vc.dask.local_mean(*chunked(*plain, rows, columns), bandwidth=0.7)
    assert got.chunks == (rows, (P,))
    got = got.compute(scheduler="synchronous")
    # Own bits for these chunks of the keys, the same for any chunks of the queries.
    assert got.tobytes() == by_hand(*plain, (M,), columns, bandwidth=0.7).tobytes()
    near(got, vc.local_mean(*plain, bandwidth=0.7), dtype, scale=np.abs(plain[2]).max())


def test_same_bits_under_every_scheduler(plain, rng, dtype, scheduler):
    q, x, y = plain
    given = {
        "weights": rng.uniform(0, 2, N).astype(dtype),
        "mask": rng.random((M, N)) < 0.7,
        "bias": rng.normal(size=(M, N)).astype(dtype),
    }
    options = {"kernel": "laplace", "bandwidth": [0.5, 1.0, 2.0], "metric": "manhattan"}
    options |= {"exclude_self": True, "empty": 0.25}
    own = rng.integers(-1, N, M)
    result = vc.dask.local_mean(*chunked(q, x, y), self_indices=own, **given, **options)
    expected = by_hand(q, x, y, ROWS, COLUMNS, own=own, **given, **options)
    assert result.compute(scheduler=scheduler).tobytes() == expected.tobytes()


def test_a_callable_bias_and_pickled_kernels_under_every_scheduler(plain, dtype, scheduler):
    q, x, y = plain
    kernels = vc.kernels
    kernel = kernels.Sum(
        kernels.Product(kernels.Custom(lambda u: -u - u**3, log=True), kernels.Matern(nu=2.5)),
        kernels.Softmax(bandwidth=2.0),
    )

    def bias(rows, cols):
        return np.sin(rows[:, None] - 0.1 * cols)

    options = {"kernel": kernel, "bandwidth": 0.8, "bias": bias}
    got = vc.dask.local_mean(*chunked(q, x, y), **options).compute(scheduler=scheduler)
    near(got, vc.local_mean(q, x, y, **options), dtype, scale=np.abs(y).max())


@pytest.mark.parametrize("count", [2, 9, 64, 65, 75])
def test_merging_in_groups_is_the_tree_of_merge_all(count, rng):
    """Sums that cancel beyond the digits of a compensated sum tell one order from another."""
    x = rng.normal(size=(count, 1))
    y = 10.0 ** rng.integers(0, 60, size=(count, 20))
    order = rng.permutation(count)
    y[order[: count // 2]] = -y[order[-(count // 2) :]]
    q, columns = np.zeros((3, 1)), (1,) * count
    result = vc.dask.local_mean(*chunked(q, x, y, (3,), columns), kernel="constant")
    expected = by_hand(q, x, y, (3,), columns, kernel="constant")
    assert result.compute(scheduler="synchronous").tobytes() == expected.tobytes()


ARGUMENTS = {
    "kernel": lambda rng: {"kernel": vc.kernels.Epanechnikov(bandwidth=9.0)},
    "metric": lambda rng: {"metric": vc.kernels.Mahalanobis(np.diag([1.0, 2.0, 3.0]))},
    "weights": lambda rng: {"weights": rng.uniform(0, 1, N)},
    "weights of bool": lambda rng: {"weights": rng.random(N) < 0.5},
    "log_weights": lambda rng: {"log_weights": np.where(rng.random(N) < 0.2, -np.inf, -1.5)},
    "bias of pairs": lambda rng: {"bias": rng.normal(size=(M, N))},
    "bias of keys": lambda rng: {"bias": rng.normal(size=N)},
    "bias of queries": lambda rng: {"bias": rng.normal(size=(M, 1))},
    "bias, one number": lambda rng: {"bias": np.float64(0.5)},
    "mask of pairs": lambda rng: {"mask": rng.random((M, N)) < 0.3},
    "mask of keys": lambda rng: {"mask": rng.random((1, N)) < 0.3},
    "self_indices": lambda rng: {"exclude_self": True, "self_indices": rng.integers(-1, N, M)},
    "self_indices without use": lambda rng: {"self_indices": np.arange(M)},
    "empty": lambda rng: {"kernel": "uniform", "bandwidth": 0.2, "empty": "zero"},
    "empty, a number": lambda rng: {"kernel": "uniform", "bandwidth": 0.2, "empty": -3.0},
}
OF_ARRAYS = ("weights", "log_weights", "bias", "mask", "self_indices")


@pytest.mark.parametrize("lazy", [False, True], ids=["numpy", "dask"])
@pytest.mark.parametrize("argument", ARGUMENTS.values(), ids=ARGUMENTS)
def test_every_argument(argument, lazy, plain, rng, dtype):
    options = argument(rng)
    expected = vc.local_mean(*plain, **options)
    if lazy:  # in chunks of their own
        for name in options.keys() & set(OF_ARRAYS):
            options[name] = da.from_array(options[name], 31)
    result = vc.dask.local_mean(*chunked(*plain), **options)
    near(result.compute(scheduler="threads"), expected, dtype, scale=np.abs(plain[2]).max())


def test_nan_for_empty_rows(rng):
    q, x = rng.normal(size=(8, 2)), rng.normal(size=(9, 2)) + 50
    result = vc.dask.local_mean(da.from_array(q, 4), da.from_array(x, 3), x, kernel="uniform")
    assert np.isnan(result.compute()).all()


def test_row_numbers_are_those_of_the_whole_array(rng, dtype):
    x, y = rng.normal(size=(N, D)).astype(dtype), rng.normal(size=N).astype(dtype)
    expected = vc.local_mean(x, x, y, bandwidth=0.3, exclude_self=True)
    for rows, columns in (((N,), COLUMNS), (COLUMNS, (N,)), (COLUMNS, COLUMNS[::-1])):
        queries, keys, values = chunked(x, x, y, rows, columns)
        result = vc.dask.local_mean(queries, keys, values, bandwidth=0.3, exclude_self=True)
        assert result.chunks == (rows,)
        got = result.compute(scheduler="threads")
        near(got, expected, dtype, scale=np.abs(y).max())
        hand = by_hand(x, x, y, rows, columns, own=np.arange(N), bandwidth=0.3, exclude_self=True)
        assert got.tobytes() == hand.tobytes()


@pytest.mark.parametrize("chunks", [1, -1, (2, 1)], ids=["one by one", "whole", "uneven"])
@pytest.mark.parametrize(
    ("of_queries", "of_keys", "of_values"),
    [((3,), (3,), (3,)), ((3, 1), (2,), (1,)), ((1,), (3,), (3,)), ((), (3,), (1,))],
)
def test_leading_dimensions(chunks, of_queries, of_keys, of_values, rng):
    q, x = rng.normal(size=(*of_queries, 9, 2)), rng.normal(size=(*of_keys, 30, 2))
    y, mask = rng.normal(size=(*of_values, 30, 2)), rng.random((9, 30)) < 0.8
    arrays = [
        da.from_array(array, (*lead(array, chunks), size, 2))
        for array, size in ((q, 4), (x, 11), (y, 30))
    ]
    result = vc.dask.local_mean(*arrays, mask=mask)
    expected = vc.local_mean(q, x, y, mask=mask)
    assert result.shape == expected.shape
    got = result.compute(scheduler="synchronous")
    near(got, expected, np.dtype("float64"))
    assert tuple(map(sum, result.chunks)) == got.shape


def lead(array, chunks):
    """Return chunks of the leading dimensions, for as far as they can be cut so."""
    return tuple(chunks if size == 3 else -1 for size in array.shape[:-2])


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


X = np.arange(12.0).reshape(6, 2)
Y = np.arange(6.0)
XC, YC = da.from_array(X, (4, 2)), da.from_array(Y, 4)
UNKNOWN = XC[XC[:, 0] > 2]
f = vc.dask.local_mean
REFUSED = [
    (ValueError, r"tol .*0\.001.*all keys.*vicinal\.local_mean", lambda: f(XC, XC, YC, tol=1e-3)),
    (ValueError, r"empty .*nearest.*all keys", lambda: f(XC, XC, YC, empty="nearest")),
    (ValueError, r"nan_policy .*omit.*weights=", lambda: f(XC, XC, YC, nan_policy="omit")),
    (ValueError, r"nan_policy .*raise", lambda: f(XC, XC, YC, nan_policy="raise")),
    (ValueError, r"nan_policy .*drop", lambda: f(XC, XC, YC, nan_policy="drop")),
    (ValueError, r"empty .*none", lambda: f(XC, XC, YC, empty="none")),
    (ValueError, r"num_threads .*0", lambda: f(XC, XC, YC, num_threads=0)),
    (TypeError, r"'out'", lambda: f(XC, XC, YC, out=Y)),
    (TypeError, r"'progress'", lambda: f(XC, XC, YC, progress=True)),
    (ValueError, r"queries .*unknown.*queries\.compute_chunk_sizes", lambda: f(UNKNOWN, XC, YC)),
    (ValueError, r"keys .*unknown.*keys\.compute_chunk_sizes", lambda: f(XC, UNKNOWN, YC)),
    (ValueError, r"weights .*unknown", lambda: f(XC, XC, YC, weights=UNKNOWN[:, 0])),
    (
        ValueError,
        r"queries .*one chunk.*2.*queries\.rechunk\(\{-1: -1\}\)",
        lambda: f(XC.rechunk(1), XC, YC),
    ),
    (ValueError, r"keys .*keys\.rechunk", lambda: f(XC, XC.rechunk(1), YC)),
    (ValueError, r"values .*values\.rechunk", lambda: f(XC, XC, XC.rechunk(1))),
    (ValueError, r"queries.*x\[:, None\]", lambda: f(YC, XC, YC)),
    (ValueError, r"keys.*x\[None\]", lambda: f(XC, YC, YC)),
    (ValueError, r"queries.*1 feature.*keys.*2", lambda: f(XC[:, :1], XC, YC)),
    (ValueError, r"values.*\(6, 2\).*\(5,\)", lambda: f(XC, XC, YC[:5])),
    (ValueError, r"weights .*6.*\(5,\)", lambda: f(XC, XC, YC, weights=YC[:5])),
    (ValueError, r"log_weights .*6.*\(5,\)", lambda: f(XC, XC, YC, log_weights=Y[:5])),
    (ValueError, r"weights.*log_weights", lambda: f(XC, XC, YC, weights=Y, log_weights=YC)),
    (ValueError, r"mask.*\(2, 6\)", lambda: f(XC, XC, YC, mask=np.ones((2, 6), bool))),
    (TypeError, r"mask.*bool", lambda: f(XC, XC, YC, mask=XC @ XC.T)),
    (ValueError, r"bias.*\(2, 6\)", lambda: f(XC, XC, YC, bias=da.ones((2, 6)))),
    (ValueError, r"self_indices.*4 queries.*6 keys", lambda: f(XC[:4], XC, YC, exclude_self=True)),
    (ValueError, r"self_indices.*6.*\(5,\)", lambda: f(XC, XC, YC, self_indices=np.arange(5))),
    (TypeError, r"self_indices.*whole", lambda: f(XC, XC, YC, self_indices=YC)),
    (
        ValueError,
        r"do not broadcast.*weights",
        lambda: f(da.stack([XC] * 3), XC, X, weights=np.ones((2, 6))),
    ),
    (TypeError, r"keys.*complex", lambda: f(XC, XC + 1j, YC)),
    (TypeError, r"values.*object", lambda: f(XC, XC, YC.astype(object))),
    (TypeError, r"values.*None", lambda: f(XC, XC, None)),
    (TypeError, r"values .*Delayed.*to_dask_array", lambda: f(XC, XC, dask.delayed(Y))),
    (TypeError, r"bias .*Delayed", lambda: f(XC, XC, YC, bias=dask.delayed(Y))),
    (TypeError, r"bandwidth.*compute", lambda: f(XC, XC, YC, bandwidth=XC.std(axis=0))),
    (ValueError, r"bandwidth.*positive", lambda: f(XC, XC, YC, bandwidth=0.0)),
    (ValueError, r"gaussian", lambda: f(XC, XC, YC, kernel="gausian")),
]


@pytest.mark.parametrize(("kind", "message", "call"), REFUSED, ids=[m for _, m, _ in REFUSED])
def test_message_names_the_argument(kind, message, call):
    with pytest.raises(kind, match=f"(?s){message}"):
        call()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": -YC}, "weights"),
        ({"log_weights": np.inf * (YC + 1)}, "log_weights"),
        ({"self_indices": YC.astype(int) + 1, "exclude_self": True}, r"self_indices.*below 6"),
        ({"kernel": "uniform", "mask": XC @ XC.T > 1e9, "empty": "raise"}, "empty='raise'"),
    ],
    ids=str,
)
def test_numbers_are_refused_when_they_are_computed(options, message):
    result = f(XC, XC, YC, **options)
    with pytest.raises(ValueError, match=message):
        result.compute(scheduler="synchronous")


def test_empty_arrays():
    none = da.zeros((0, 2))
    assert f(none, XC, YC).compute().shape == (0,)
    assert f(none, XC, XC).compute().shape == (0, 2)
    assert f(none, none, none, exclude_self=True).compute().shape == (0, 2)
    assert_array_equal(f(XC, none, none[:, 0], empty=1.5).compute(), np.full(6, 1.5))
    assert f(XC, XC, XC[:, :0]).compute().shape == (6, 0)
    assert f(da.zeros((0, 4, 2)), XC, XC).compute().shape == (0, 4, 2)


def test_lists_and_a_key_index_are_one_chunk():
    result = f(X.tolist(), vc.KeyIndex(X), Y.tolist())
    assert result.chunks == ((6,),)
    assert result.compute().tobytes() == by_hand(X, X, Y, (6,), (6,)).tobytes()


def test_without_dask_the_message_says_what_to_install():
    code = """
import sys
sys.modules["dask"] = None
from vicinal import *
import vicinal as vc
try:
    vc.dask
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "vicinal.dask needs dask: pip install 'vicinal[dask]'"


def test_the_example_of_the_docstring():
    examples = doctest.DocTestFinder().find(vc.dask.local_mean, "local_mean", globs={})
    assert examples
    for example in examples:
        assert doctest.DocTestRunner().run(example).failed == 0


def test_the_code_of_the_documentation():
    page = Path(__file__).parents[2] / "docs" / "larger-than-memory.md"
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) == 3
    names: dict[str, object] = {}
    exec("\n".join(blocks), names)
    near(names["streamed"].mean, names["merged"], np.dtype("float32"))
