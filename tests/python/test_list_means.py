"""Means alone are written without a state: the same bits as beside other statistics."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

import vicinal as vc
from vicinal.kernels import Epanechnikov, Gaussian, InverseDistance, Kernel, Laplace, Softmax, Sum

N = 700


def ragged(rng: np.random.Generator, longest: int = N) -> csr_array:
    """Rows of 0 to `longest` keys: none, one, a few packs, more than a tile."""
    sizes = rng.choice([0, 1, 2, 15, 16, 17, 40, 255, 256, 257, longest], N)
    indices = np.concatenate([rng.permutation(N)[:s] for s in sizes])
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    return csr_array((np.ones(len(indices)), indices, indptr), shape=(N, N))


def wild_values(rng: np.random.Generator, p: int, dtype: str) -> np.ndarray:
    y = rng.normal(size=(N, p)).astype(dtype)
    limits = np.finfo(dtype)
    y[rng.choice(N, 20, replace=False), 0] = limits.max / 2
    y[rng.choice(N, 20, replace=False), -1] = limits.tiny / 8
    y[3], y[4, 0] = np.inf, np.nan
    return y


def assert_same_bits(*args: object, **options: object) -> None:
    alone = vc.local_mean(*args, **options)  # type: ignore[arg-type]
    beside = vc.local_stats(*args, statistics=("mean", "log_mass"), **options)  # type: ignore[arg-type]
    np.testing.assert_array_equal(alone, beside.mean)
    few = vc.local_mean(*args, num_threads=1, **options)  # type: ignore[arg-type]
    np.testing.assert_array_equal(alone, few)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("p", [1, 3, 16, 70])
@pytest.mark.parametrize(
    "kernel",
    [
        Gaussian(bandwidth=0.3),
        Gaussian(bandwidth=0.01),
        Laplace(bandwidth=0.4, metric="manhattan"),
        Epanechnikov(bandwidth=1.0),
        InverseDistance(power=2),
        Softmax(bandwidth=0.7),
        Sum(Gaussian(bandwidth=1.0), Gaussian(bandwidth=0.5), coefficients=[1.0, -0.7]),
    ],
)
def test_computed_weights(kernel: Kernel, p: int, rng: np.random.Generator, dtype: str) -> None:
    x = rng.normal(size=(N, 3)).astype(dtype)
    x[10], x[11, 0], x[12] = np.nan, np.inf, x[13]
    near = vc.Graph(ragged(rng), data="pattern")
    for priors in ({}, {"weights": rng.random(N) * (rng.random(N) > 0.1)}):
        assert_same_bits(
            x, x, wild_values(rng, p, dtype), neighbors=near, kernel=kernel, empty="zero", **priors
        )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("p", [1, 3, 70])
@pytest.mark.parametrize("scale", [1e-30, 1e-5, 1.0, 1e30])
@pytest.mark.parametrize("signed", [False, True])
def test_given_weights(
    signed: bool, scale: float, p: int, rng: np.random.Generator, dtype: str
) -> None:
    graph = ragged(rng)
    graph.data = rng.random(graph.nnz) * scale * (rng.random(graph.nnz) > 0.2)
    if signed:
        graph.data *= rng.choice([-1.0, 1.0], graph.nnz)
    near = vc.Graph(graph, data="weight")
    assert_same_bits(None, None, wild_values(rng, p, dtype), neighbors=near, empty="zero")


def test_weights_that_cancel_leave_no_mean(rng: np.random.Generator, dtype: str) -> None:
    edges = csr_array(np.array([[1.0, -1.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]))
    y = rng.normal(size=3).astype(dtype)
    mean = vc.local_mean(None, None, y, neighbors=vc.Graph(edges, data="weight"), empty="nan")
    np.testing.assert_array_equal(np.isnan(mean), [True, False, True])
    np.testing.assert_allclose(mean[1], y[:2].mean(), rtol=1e-6)


def test_what_rounding_leaves_of_weights_is_none(rng: np.random.Generator, dtype: str) -> None:
    weights = rng.random((50, 16)).astype(dtype)
    weights[:, -1] = -weights[:, :-1].sum(1)
    assert (weights.sum(1) != 0).any()
    near = vc.Graph(csr_array(weights), data="weight")
    mean = vc.local_mean(None, None, rng.normal(size=16).astype(dtype), neighbors=near)
    assert np.isnan(mean).all()


def test_the_order_of_rows_changes_no_bit(rng: np.random.Generator) -> None:
    n, p = 17_000, 64  # values of more than 4 MB
    x = rng.normal(size=(n, 2)).astype("float32")
    y = rng.normal(size=(n, p)).astype("float32")
    indices = vc.knn(x, x, 40).indices
    x[5] = np.nan
    mean = vc.local_mean(x, x, y, neighbors=vc.Graph.from_indices(indices, n), bandwidth=0.2)
    some = rng.choice(n, 50, replace=False)
    for i in (5, *some):
        row = vc.Graph.from_indices(indices[i : i + 1], n)
        one = vc.local_mean(x[i : i + 1], x, y, neighbors=row, bandwidth=0.2)
        np.testing.assert_array_equal(one[0], mean[i])
    weights = np.exp(-((x[indices[some]] - x[some, None]).astype(float) ** 2).sum(2) / 0.08)
    expected = np.einsum("ik,ikp->ip", weights, y[indices[some]].astype(float))
    expected /= weights.sum(1, keepdims=True)
    good = ~np.isnan(expected).any(1)
    np.testing.assert_allclose(mean[some][good], expected[good], atol=1e-5)
