"""Dask arrays: the same law under every scheduler and for any chunks."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

import vicinal as vc
from accuracy import near
from cases import DISTANCE_CASES, DOT_CASES, ordinary_bandwidth, sample
from dask_cases import COLUMNS, ROWS, D, M, N, P, by_hand, chunked


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
