"""Arrays in and out: layouts, dtypes, protocols, broadcasting, `out=`; nothing changed."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal

import vicinal as vc

M, N, D, P = 7, 90, 3, 2


@pytest.fixture
def data(rng):
    return rng.normal(size=(M, D)), rng.normal(size=(N, D)), rng.normal(size=(N, P))


class Exported:
    """An array of another library: DLPack and nothing else."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class Converted:
    """An array of another library: `__array__` and nothing else."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


class Grad:
    """A tensor that requires grad."""

    requires_grad = True

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")


def every_other(a):
    wide = np.zeros((2 * a.shape[0], a.shape[1]), a.dtype)
    wide[::2] = a
    return wide[::2]


def unaligned(a):
    raw = np.zeros(a.nbytes + 1, np.uint8)
    view = raw[1:].view(a.dtype).reshape(a.shape)
    view[:] = a
    return view


LAYOUTS = {
    "fortran": np.asfortranarray,
    "reversed rows": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "reversed columns": lambda a: np.ascontiguousarray(a[:, ::-1])[:, ::-1],
    "every other row": every_other,
    "every other column": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "unaligned": unaligned,
    "swapped bytes": lambda a: a.astype(a.dtype.newbyteorder()),
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "list": lambda a: a.tolist(),
    "array protocol": Converted,
    "DLPack": Exported,
    "pandas": pd.DataFrame,
    "polars": lambda a: pl.DataFrame(a, schema=[f"c{j}" for j in range(a.shape[1])]),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_and_protocols(layout, data):
    q, x, y = data
    change, expected = LAYOUTS[layout], vc.local_mean(q, x, y)
    for arguments in itertools.product(*((a, change(a)) for a in data)):
        got = vc.local_mean(*arguments)
        assert type(got) is np.ndarray
        assert got.tobytes() == expected.tobytes()


def test_memory_mapped_keys(data, tmp_path):
    q, x, y = data
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert vc.local_mean(q, mapped, y).tobytes() == vc.local_mean(q, x, y).tobytes()


def test_inputs_are_not_changed(data):
    before = [a.tobytes() for a in data]
    q, x, y = data
    prior, bias, mask = np.ones(N), np.zeros((M, N)), np.ones((M, N), bool)
    vc.local_stats(q, x, y, weights=prior, bias=bias, mask=mask, statistics=("mean", "variance"))
    assert [a.tobytes() for a in data] == before
    assert (prior == 1).all()
    assert not bias.any()
    assert mask.all()


def test_row_contiguous_views_are_not_copied():
    x = np.zeros((200_000, 12), np.float32)[:, 2:9]
    y = np.zeros((400_000, 2), np.float32)[::2]
    q = np.zeros((3, 7), np.float32)
    vc.local_mean(q, x[:10], y[:10])
    tracemalloc.start()
    vc.local_mean(q, x, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


DTYPES = [
    (("f4", "f4", "f4"), "f4"),
    (("f8", "f8", "f8"), "f8"),
    (("f4", "f8", "f4"), "f8"),
    (("f4", "f4", "f8"), "f8"),
    (("f4", "i8", "i2"), "f4"),
    (("i4", "f4", "?"), "f4"),
    (("i4", "u1", "?"), "f8"),
    (("f2", "f2", "f2"), "f4"),
    (("f2", "i8", "f8"), "f8"),
]


@pytest.mark.parametrize(("kinds", "result"), DTYPES)
def test_dtypes(kinds, result, rng):
    arrays = [
        rng.integers(0, 2, size=shape).astype(kind)
        for kind, shape in zip(kinds, ((M, D), (N, D), (N, P)), strict=True)
    ]
    got = vc.local_mean(*arrays)
    assert got.dtype == np.dtype(result)
    expected = vc.local_mean(*(a.astype(result) for a in arrays))
    assert got.tobytes() == expected.tobytes()


def test_nothing_else_promotes(data):
    q, x, y = (a.astype(np.float32) for a in data)
    options = {
        "weights": np.ones(N),
        "bias": np.zeros((M, N)),
        "bandwidth": np.ones(D),
        "empty": np.float64(3),
    }
    for name, value in options.items():
        assert vc.local_mean(q, x, y, **{name: value}).dtype == np.float32
    assert vc.local_mean(q, x, y, log_weights=np.zeros(N)).dtype == np.float32
    stats = vc.local_stats(
        q, x, y, weights=np.ones(N), statistics=("mean", "count", "top_k", "ess")
    )
    assert stats.mean.dtype == stats.ess.dtype == stats.top_k[1].dtype == np.float32
    assert stats.count.dtype == stats.top_k[0].dtype == np.int64


def test_integers_beyond_float32(rng):
    """Integer keys follow the floating type; they are not read as bits."""
    x = np.array([[2**24 - 1], [5], [-3]])
    got = vc.local_mean(np.array([[2.0**24]], np.float32), x, np.array([7, 8, 9], np.uint8))
    assert_array_equal(got, np.float32([7]))


class TestBroadcasting:
    """Leading dimensions broadcast as in numpy."""

    def test_grouped_heads(self, rng):
        q = rng.normal(size=(2, 3, 4, 5, D))
        x, y = rng.normal(size=(2, 3, 1, N, D)), rng.normal(size=(2, 3, 1, N, P))
        got = vc.local_mean(q, x, y, kernel="softmax")
        assert got.shape == (2, 3, 4, 5, P)
        for b, g, r in itertools.product(range(2), range(3), range(4)):
            one = vc.local_mean(q[b, g, r], x[b, g, 0], y[b, g, 0], kernel="softmax")
            assert got[b, g, r].tobytes() == one.tobytes()

    def test_shared_keys_and_values(self, rng):
        q, x, y = rng.normal(size=(4, M, D)), rng.normal(size=(N, D)), rng.normal(size=(N, P))
        got = vc.local_mean(q, x, y)
        assert got.shape == (4, M, P)
        assert got[2].tobytes() == vc.local_mean(q[2], x, y).tobytes()

    def test_one_number_per_key(self, rng):
        q, x, y = rng.normal(size=(M, D)), rng.normal(size=(4, N, D)), rng.normal(size=(4, N))
        got = vc.local_mean(q, x, y)
        assert got.shape == (4, M)
        assert got[3].tobytes() == vc.local_mean(q, x[3], y[3]).tobytes()

    def test_values_shared_by_a_batch_of_keys(self, rng):
        q, x, y = rng.normal(size=(M, D)), rng.normal(size=(4, N, D)), rng.normal(size=(N, P))
        got = vc.local_mean(q, x, y[None])
        assert got.shape == (4, M, P)
        assert got[3].tobytes() == vc.local_mean(q, x[3], y).tobytes()

    def test_priors_biases_and_masks(self, rng):
        q, x, y = (rng.normal(size=s) for s in ((2, 3, M, D), (3, N, D), (3, N, P)))
        prior, bias = rng.uniform(0.5, 1, (2, 1, N)), rng.normal(size=(3, 1, N))
        mask = rng.random((2, 1, M, N)) < 0.7
        own = rng.permutation(N)[:M]
        got = vc.local_stats(
            q, x, y, weights=prior, bias=bias, mask=mask, self_indices=own, exclude_self=True
        )
        assert got.mean.shape == (2, 3, M, P)
        assert got.log_mass.shape == got.ess.shape == got.count.shape == (2, 3, M)
        for a, b in itertools.product(range(2), range(3)):
            one = vc.local_stats(
                q[a, b],
                x[b],
                y[b],
                weights=prior[a, 0],
                bias=bias[b],
                mask=mask[a, 0],
                self_indices=own,
                exclude_self=True,
            )
            assert got.mean[a, b].tobytes() == one.mean.tobytes()
            assert got.log_mass[a, b].tobytes() == one.log_mass.tobytes()

    def test_shapes_of_every_statistic(self, rng):
        q, x, y = (rng.normal(size=s) for s in ((2, M, D), (2, N, D), (2, N, P)))
        got = vc.local_stats(
            q,
            x,
            y,
            k=4,
            self_indices=np.arange(M),
            statistics=("variance", "covariance", "top_k", "self_weight"),
        )
        assert got.variance.shape == (2, M, P)
        assert got.covariance.shape == (2, M, P, P)
        assert got.top_k[0].shape == got.top_k[1].shape == (2, M, 4)
        assert got.self_weight.shape == (2, M)
        assert vc.local_weights(q, x).shape == (2, M, N)

    def test_shapes_that_do_not_fit(self, rng):
        q, x = rng.normal(size=(2, M, D)), rng.normal(size=(3, N, D))
        with pytest.raises(ValueError, match=r"queries.*\(2.*keys.*\(3|\(2,.*\(3,"):
            vc.local_mean(q, x, rng.normal(size=(3, N, P)))


def test_out_is_filled_and_returned(data, dtype):
    q, x, y = (a.astype(dtype) for a in data)
    for values in (y, y[:, 0]):
        expected = vc.local_mean(q, x, values)
        out = np.full_like(expected, 99)
        assert vc.local_mean(q, x, values, out=out) is out
        assert out.tobytes() == expected.tobytes()


@pytest.mark.parametrize("name", ["queries", "keys", "values"])
def test_out_may_not_overlap(name, rng):
    arrays = {key: rng.normal(size=(30, 2)) for key in ("queries", "keys", "values")}
    with pytest.raises(ValueError, match=f"out.*{name}|overlap"):
        vc.local_mean(**arrays, out=arrays[name])


def test_out_must_be_writeable(data):
    out = np.zeros((M, P))
    out.flags.writeable = False
    with pytest.raises(ValueError, match="out"):
        vc.local_mean(*data, out=out)


def test_grad_is_refused_with_the_way_out(data):
    with pytest.raises(TypeError, match=r"queries.*vicinal\.torch"):
        vc.local_mean(Grad(), *data[1:])


def test_unmasked_masked_arrays_pass(data):
    q, x, y = data
    assert vc.local_mean(q, np.ma.asarray(x), y).tobytes() == vc.local_mean(q, x, y).tobytes()


def test_what_float32_cannot_hold_is_infinite_without_a_warning(rng):
    """A float64 bias of 1e308 beside float32 data is +inf: that row is NaN, by the table."""
    x = rng.normal(size=(4, 2)).astype(np.float32)
    bias = np.zeros((4, 4))
    bias[1, 2] = 1e308
    bias[3] = -1e308
    got = vc.local_mean(x, x, x, bias=bias, empty="zero")
    assert np.isnan(got).all(1).tolist() == [False, True, False, False]
    assert (got[3] == 0).all()
    with pytest.raises(ValueError, match="log_weights"):
        vc.local_mean(x, x, x, log_weights=np.full(4, 1e308))
