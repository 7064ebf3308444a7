"""Rows with lists of their own: kernels, priors, hits, limits."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.sparse import csr_array

import vicinal as vc
from set_cases import LIST_LENGTH as K
from set_cases import LISTED as N
from set_cases import random_lists
from vicinal.kernels import (
    Cauchy,
    Gaussian,
    InverseDistance,
    Laplace,
    Polynomial,
    Product,
    Softmax,
    Sum,
    Tricube,
    VonMisesFisher,
)


@pytest.fixture
def lists(rng):
    return random_lists(rng)


KERNELS = {
    "gaussian": Gaussian(bandwidth=0.7),
    "per feature": Gaussian(bandwidth=[0.5, 0.9, 2.0]),
    "laplace in city blocks": Laplace(bandwidth=0.7, metric="manhattan"),
    "cauchy, largest difference": Cauchy(bandwidth=0.7, metric="chebyshev"),
    "tricube": Tricube(bandwidth=1.7),
    "mahalanobis": Gaussian(
        metric=vc.kernels.Mahalanobis(np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 2.0]]))
    ),
    "softmax": Softmax(bandwidth=1.3),
    "von Mises-Fisher": VonMisesFisher(bandwidth=0.4),
    "polynomial": Polynomial(degree=3),
    "product": Product(
        Gaussian(columns=[0, 1], bandwidth=0.8), Laplace(columns=[2], bandwidth=0.5)
    ),
    "sum": Sum(Gaussian(bandwidth=0.4), Cauchy(bandwidth=1.0), coefficients=[2.0, 1.0]),
    "difference": Sum(Gaussian(bandwidth=1.4), Gaussian(bandwidth=0.5), coefficients=[1.0, -0.4]),
    "inverse distance": InverseDistance(power=3),
    "custom": vc.kernels.Custom(lambda u: np.exp(-u), support=3.0, bandwidth=0.9),
}


OF_THREE_COLUMNS = ("per feature", "mahalanobis")
KERNELS_AND_FEATURES = [(name, 3) for name in KERNELS] + [
    (name, 12) for name in KERNELS if name not in OF_THREE_COLUMNS
]


@pytest.mark.parametrize(("name", "d"), KERNELS_AND_FEATURES)
def test_lists_weigh_as_a_mask_does(name, d, lists, rng, dtype):
    graph, used = lists
    q, x = rng.normal(size=(2, N, d)).astype(dtype)
    y = rng.normal(size=(N, 4)).astype(dtype)
    weights = rng.random(N).astype(dtype)
    kernel = KERNELS[name]
    for arguments in ({}, {"weights": weights}, {"bias": rng.normal(size=(N, N)).astype(dtype)}):
        listed = vc.local_stats(q, x, y, kernel=kernel, neighbors=graph, **arguments)
        masked = vc.local_stats(q, x, y, kernel=kernel, mask=used, **arguments)
        atol = 1e-11 if dtype == np.float64 else 3e-4
        np.testing.assert_allclose(listed.mean, masked.mean, atol=atol, rtol=atol)
        np.testing.assert_allclose(listed.log_mass, masked.log_mass, atol=atol, rtol=atol)
        np.testing.assert_allclose(listed.ess, masked.ess, rtol=100 * atol)
        np.testing.assert_array_equal(listed.count, masked.count)
        assert listed.empty_rows == masked.empty_rows
        assert listed.pairs_visited == N * K


def test_long_lists_span_tiles(rng, dtype):
    x = rng.normal(size=(3000, 2)).astype(dtype)
    y = rng.normal(size=(3000, 3)).astype(dtype)
    got = vc.local_stats(x[:40], x, y, neighbors=vc.KNearest(2500), bandwidth=0.05)
    _, indices = vc.knn(x[:40], x, 2500)
    mask = np.zeros((40, 3000), bool)
    np.put_along_axis(mask, indices, True, 1)
    expected = vc.local_stats(x[:40], x, y, mask=mask, bandwidth=0.05)
    atol = 1e-13 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(got.mean, expected.mean, atol=atol)
    np.testing.assert_allclose(got.log_mass, expected.log_mass, atol=atol)


@pytest.mark.parametrize("near", [vc.KNearest(3), vc.Radius(0.2), vc.Window(1, 1)], ids=str)
def test_empty_rows_follow_the_policy(near):
    x = np.arange(10.0)[:, None]
    q, y = x + 0.4, np.arange(10.0)
    arguments = {"kernel": "uniform", "bandwidth": 0.1, "neighbors": near}
    assert np.isnan(vc.local_mean(q, x, y, **arguments)).all()
    assert (vc.local_mean(q, x, y, empty=7, **arguments) == 7).all()
    nearest = vc.local_mean(q, x, y, empty="nearest", **arguments)
    if near == vc.Radius(0.2):  # no candidate at all
        assert np.isnan(nearest).all()
    else:
        np.testing.assert_array_equal(nearest, y)
    with pytest.raises(ValueError, match="10 of 10 queries"):
        vc.local_mean(q, x, y, empty="raise", **arguments)


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "cauchy", "logistic"])
def test_far_rows_and_tiny_bandwidths_take_the_nearest_listed(kernel, lists, rng, dtype):
    graph, used = lists
    x = rng.normal(size=(N, 2)).astype(dtype)
    q = x + dtype.type(1e3)
    y = rng.normal(size=(N, 1)).astype(dtype)
    got = vc.local_mean(q, x, y, kernel=kernel, bandwidth=1e-20, neighbors=graph)
    assert np.isfinite(got).all()
    if kernel != "cauchy":
        d = ((q[:, None].astype(float) - x[None].astype(float)) ** 2).sum(-1)
        nearest = np.where(used, d, np.inf).argmin(1)
        np.testing.assert_allclose(got, y[nearest], rtol=1e-6)


def test_coincident_keys_of_inverse_distance(lists, rng):
    graph, used = lists
    x = np.round(rng.normal(size=(N, 1)), 1)
    y = rng.normal(size=N)
    got = vc.local_mean(x, x, y, kernel=InverseDistance(), neighbors=graph)
    np.testing.assert_allclose(
        got, vc.local_mean(x, x, y, kernel=InverseDistance(), mask=used), rtol=1e-12
    )


def test_nan_and_infinity_reach_only_their_rows(lists, rng):
    graph, used = lists
    q, x = rng.normal(size=(2, N, 2))
    y = rng.normal(size=(N, 2))
    clean = vc.local_mean(q, x, y, neighbors=graph)
    bad_key, bad_value, bad_query, far = x.copy(), y.copy(), q.copy(), x.copy()
    bad_key[3, 1] = np.nan
    bad_value[5, 0] = np.inf
    bad_query[7, 0] = np.nan
    far[9, 0] = np.inf
    got = vc.local_mean(q, bad_key, y, neighbors=graph)
    assert np.isnan(got[used[:, 3]]).all()
    assert got[~used[:, 3]].tobytes() == clean[~used[:, 3]].tobytes()
    got = vc.local_mean(q, x, bad_value, neighbors=graph)
    assert np.isinf(got[used[:, 5], 0]).all()
    assert got[:, 1].tobytes() == clean[:, 1].tobytes()
    got = vc.local_mean(bad_query, x, y, neighbors=graph)
    assert np.isnan(got[7]).all()
    assert np.isfinite(np.delete(got, 7, 0)).all()
    got = vc.local_mean(q, far, y, neighbors=graph)
    without = vc.local_mean(q, x, y, mask=used & (np.arange(N) != 9))
    np.testing.assert_allclose(got, without, atol=1e-12)
    omitted = np.where(np.arange(N)[:, None] == 5, np.nan, y)
    got = vc.local_mean(q, x, omitted, neighbors=vc.KNearest(4), nan_policy="omit")
    _, indices = vc.knn(q, x, 4)  # a missing value does not change who the neighbors are
    four = np.zeros((N, N), bool)
    np.put_along_axis(four, indices, True, 1)
    np.testing.assert_allclose(
        got, vc.local_mean(q, x, omitted, mask=four, nan_policy="omit"), atol=1e-12
    )
    for near in (vc.KNearest(3), vc.Radius(1.0)):
        with pytest.raises(ValueError, match="keys must not hold NaN"):
            vc.local_mean(q, bad_key, y, neighbors=near)


def test_batches_share_a_set(rng):
    x, y = rng.normal(size=(2, 3, 200, 2))
    got = vc.local_mean(x, x, y, neighbors=vc.KNearest(6))
    for i in range(3):
        alone = vc.local_mean(x[i], x[i], y[i], neighbors=vc.KNearest(6))
        assert got[i].tobytes() == alone.tobytes()


def test_tol_gives_sparse_weights(rng):
    x = rng.normal(size=(6000, 2))
    exact = vc.local_weights(x[:50], x, bandwidth=0.1)
    sparse = vc.local_weights(x[:50], x, bandwidth=0.1, tol=1e-6)
    assert sparse.nnz < exact.size // 2
    assert np.abs(sparse.toarray() - exact).sum(1).max() < 2e-6


def test_sparse_weights_of_few_rows_and_many_keys(rng):
    # several workers meet chunks of the same rows
    x = rng.normal(size=(60_000, 2))
    near = vc.Window(None, None)
    expected = vc.local_weights(x[:3], x, neighbors=near, num_threads=1)
    for _ in range(5):
        got = vc.local_weights(x[:3], x, neighbors=near, num_threads=4)
        np.testing.assert_array_equal(got.indices, expected.indices)
        assert got.data.tobytes() == expected.data.tobytes()


def test_infinite_weights_in_lists(rng):
    x = np.array([[0.0, 0], [0, 1], [0, 2], [1, 0.1]])
    q, y = [[0.0, 0.2]], np.arange(4.0)
    shepard = InverseDistance(columns=[0], bandwidth=1.0)
    for kernel in (
        Product(shepard, Gaussian(columns=[1], bandwidth=1.0)),
        Sum(Gaussian(columns=[1], bandwidth=1.0), shepard),
        shepard,
    ):
        names = ("mean", "log_mass", "count", "top_k")
        dense = vc.local_stats(q, x, y, kernel=kernel, statistics=names)
        for near in (vc.Window(None, None) | vc.Window(0, 0), vc.Grid((4,), 4)):
            queries, keys = (np.repeat(q, 4, 0), x) if isinstance(near, vc.Grid) else (q, x)
            got = vc.local_stats(queries, keys, y, kernel=kernel, neighbors=near, statistics=names)
            np.testing.assert_allclose(got.mean[0], dense.mean[0], rtol=1e-13)
            assert got.log_mass[0] == dense.log_mass[0] == np.inf
            assert got.count[0] == dense.count[0]
            np.testing.assert_array_equal(got.top_k[0][0], dense.top_k[0][0])


@pytest.mark.parametrize("coefficients", [(1.0, 5.0), (1.0, -5.0), (0.0, 2.0)])
def test_the_heaviest_keys_of_a_sum(coefficients, rng):
    x = rng.normal(size=(N, 1))
    kernel = Sum(Gaussian(bandwidth=0.1), Tricube(bandwidth=2.0), coefficients=coefficients)
    weights = vc.local_weights(x, x, kernel=kernel)
    order = np.argsort(-np.abs(weights), axis=1, kind="stable")[:, :5]
    for near in (None, vc.Window(None, None), vc.Window(None, None) | vc.Window(0, 0)):
        stats = vc.local_stats(x, x, kernel=kernel, neighbors=near, statistics=("top_k",), k=5)
        indices, found = stats.top_k
        np.testing.assert_array_equal(indices, order)
        np.testing.assert_allclose(found, np.take_along_axis(weights, order, 1), rtol=1e-9)


def test_infinite_keys_in_features_that_do_not_count():
    x = np.array([[0.0, 1.0], [0.0, np.inf], [1.0, 0.5]])
    near = vc.Graph(csr_array(np.ones((1, 3))), data="pattern")
    for kernel in ("constant", "epanechnikov", "gaussian"):
        options = {"kernel": kernel, "bandwidth": [3.0, np.inf]}
        dense = vc.local_mean([[0.0, 0.0]], x, [1.0, 2.0, 4.0], **options)
        got = vc.local_mean([[0.0, 0.0]], x, [1.0, 2.0, 4.0], neighbors=near, **options)
        np.testing.assert_allclose(got, dense)


def test_interruptions_reach_long_lists(monkeypatch):
    x = np.random.default_rng(0).normal(size=(300_000, 2))

    class Stop(Exception):
        pass

    start = time.perf_counter()

    def report(fraction):
        if time.perf_counter() - start > 0.1:
            raise Stop

    near = vc.Window(None, None) | vc.Radius(0.5)
    with pytest.raises(Stop):
        vc.local_mean(x[:5000], x, x, neighbors=near, progress=report, num_threads=2)
    assert time.perf_counter() - start < 1.5  # 25 seconds for a group of rows before
