"""Rows with lists of their own: kernels, priors, hits, limits, searches, strips."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

import vicinal as vc
import vicinal.strips
from set_cases import LIST_LENGTH as K
from set_cases import LISTED as N
from set_cases import random_lists
from vicinal.kernels import (
    AitchisonAitken,
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


def test_great_circles(rng):
    places = np.stack([rng.uniform(-80, 80, N), rng.uniform(-180, 180, N)], 1)
    kernel = Gaussian(bandwidth=800.0, metric=vc.kernels.GreatCircle())
    near = vc.KNearest(9) & vc.Radius(1500.0)
    got = vc.local_mean(places, places, places, kernel=kernel, neighbors=near)
    found = vc.radius_neighbors(places, places, 1500.0, metric=vc.kernels.GreatCircle())
    used = np.zeros((N, N), bool)
    for i in range(N):
        used[i, found.indices[found.indptr[i] : found.indptr[i + 1]][:9]] = True
    np.testing.assert_allclose(
        got, vc.local_mean(places, places, places, kernel=kernel, mask=used), rtol=1e-9
    )


def test_categories_have_nearest_keys(rng):
    x = rng.integers(0, 4, size=(N, 2)).astype(float)
    kernel = AitchisonAitken(levels=4, bandwidth=0.3)
    got = vc.local_mean(x, x, x, kernel=kernel, neighbors=vc.KNearest(5))
    unlike = (x[:, None] != x[None]).sum(-1)
    used = np.zeros((N, N), bool)
    np.put_along_axis(used, np.argsort(unlike, 1, kind="stable")[:, :5], True, 1)
    np.testing.assert_allclose(got, vc.local_mean(x, x, x, kernel=kernel, mask=used), rtol=1e-12)


@pytest.mark.parametrize("name", ["softmax", "von Mises-Fisher", "polynomial"])
def test_nearest_by_score(name, rng):
    q, x = rng.normal(size=(2, N, 3))
    score = q @ x.T
    if name == "von Mises-Fisher":
        score /= np.linalg.norm(q, axis=1)[:, None] * np.linalg.norm(x, axis=1)
    used = np.zeros((N, N), bool)
    np.put_along_axis(used, np.argsort(-score, 1)[:, :K], True, 1)
    kernel = KERNELS[name]
    got = vc.local_mean(q, x, x, kernel=kernel, neighbors=vc.KNearest(K))
    np.testing.assert_allclose(got, vc.local_mean(q, x, x, kernel=kernel, mask=used), atol=1e-12)


def test_nearest_of_a_product_is_by_its_largest_factor(rng):
    q, x = rng.normal(size=(2, N, 3))
    kernel = KERNELS["product"]
    u = np.maximum(
        np.sqrt(((q[:, None, :2] - x[None, :, :2]) ** 2).sum(-1)) / 0.8,
        np.abs(q[:, None, 2] - x[None, :, 2]) / 0.5,
    )
    used = np.zeros((N, N), bool)
    np.put_along_axis(used, np.argsort(u, 1)[:, :K], True, 1)
    got = vc.local_mean(q, x, x, kernel=kernel, neighbors=vc.KNearest(K))
    np.testing.assert_allclose(got, vc.local_mean(q, x, x, kernel=kernel, mask=used), atol=1e-12)


def test_radius_is_in_bandwidths_where_each_feature_has_one(rng):
    x = rng.normal(size=(N, 2))
    h = np.array([0.5, 2.0])
    u = np.sqrt((((x[:, None] - x[None]) / h) ** 2).sum(-1))
    for near in (vc.Radius(0.9), vc.Radius(0.9) | vc.Radius(0.1)):  # tiles, lists
        got = vc.local_mean(x, x, x, bandwidth=h, neighbors=near)
        np.testing.assert_allclose(got, vc.local_mean(x, x, x, bandwidth=h, mask=u <= 0.9))


@pytest.mark.parametrize("near", [vc.Radius(0.5), vc.Radius(0.5) | vc.KNearest(1)], ids=str)
@pytest.mark.parametrize("h", [0.03, 0.7, np.inf])
def test_the_ball_is_closed(near, h, dtype):
    x = (np.arange(6000)[:, None] * 0.1).astype(dtype)
    d = np.abs(x.astype(float) - x.astype(float).T)
    counts = vc.local_stats(x[:700], x, kernel="laplace", bandwidth=h, neighbors=near).count
    np.testing.assert_array_equal(counts, (d <= 0.5).sum(1)[:700])


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


# -------------------------------------------------------------------------- graphs with numbers


# ------------------------------------------------------------------------------------ edge cases


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


def test_an_index_changes_no_bit(rng, dtype):
    x = rng.normal(size=(9000, 3)).astype(dtype)
    q, y = x[:500] + dtype.type(0.01), rng.normal(size=(9000, 2)).astype(dtype)
    index = vc.KeyIndex(x)
    for near in (vc.KNearest(8), vc.KNearest(8) & vc.Radius(0.2), vc.Radius(0.2)):
        for arguments in ({}, {"bandwidth": [0.5, 1.0, 2.0]}, {"weights": rng.random(9000)}):
            plain = vc.local_mean(q, x, y, neighbors=near, **arguments)
            indexed = vc.local_mean(q, index, y, neighbors=near, **arguments)
            assert plain.tobytes() == indexed.tobytes()


def test_batches_share_a_set(rng):
    x, y = rng.normal(size=(2, 3, 200, 2))
    got = vc.local_mean(x, x, y, neighbors=vc.KNearest(6))
    for i in range(3):
        alone = vc.local_mean(x[i], x[i], y[i], neighbors=vc.KNearest(6))
        assert got[i].tobytes() == alone.tobytes()


def test_a_callable_bias_meets_the_same_pairs(rng, monkeypatch):
    monkeypatch.setattr("vicinal.strips.PAIRS", 1 << 12)  # many strips of few rows
    x = rng.normal(size=(N, 2))
    bias = rng.normal(size=(N, N))
    for near in (vc.Window(4, 2), vc.KNearest(5), vc.Grid((20, 20), 2)):
        by_strips = vc.local_mean(x, x, x, bias=lambda r, c: bias[np.ix_(r, c)], neighbors=near)
        whole = vc.local_mean(x, x, x, bias=bias, neighbors=near)
        np.testing.assert_allclose(by_strips, whole, atol=1e-14)
        sparse = vc.local_weights(x, x, bias=lambda r, c: bias[np.ix_(r, c)], neighbors=near)
        np.testing.assert_allclose(sparse @ x, whole, atol=1e-13)


@pytest.mark.parametrize("near", [vc.KNearest(5), vc.KNearest(5) & vc.Radius(0.5), vc.Radius(0.4)])
def test_strips_of_a_callable_bias_share_one_tree(near, rng, dtype, monkeypatch):
    n = 9000
    x = rng.normal(size=(n, 2)).astype(dtype)
    bias = rng.normal(size=(40, n)).astype(dtype)
    planted = []
    index = vicinal.strips._core.KeyIndex

    def plant(*arguments):
        planted.append(index(*arguments))
        return planted[-1]

    def mean():
        return vc.local_mean(x[:40], x, x, bias=lambda r, c: bias[np.ix_(r, c)], neighbors=near)

    whole = mean()  # in one strip
    assert not planted
    monkeypatch.setattr(vicinal.strips, "PAIRS", 7 * n)
    monkeypatch.setattr(vicinal.strips, "_core", _Core(vicinal.strips._core, KeyIndex=plant))
    assert mean().tobytes() == whole.tobytes()
    assert len(planted) == 1


def test_strips_leave_absent_keys_alone(rng, monkeypatch):
    monkeypatch.setattr("vicinal.strips.PAIRS", 1 << 10)
    x = rng.normal(size=(N, 2))
    options = {"neighbors": vc.KNearest(5), "bias": lambda r, c: np.zeros((len(r), len(c)))}
    weights = np.ones(N)
    weights[7] = 0
    expected = vc.local_mean(x, x, x, weights=weights, **options)
    broken = x.copy()
    broken[7] = np.nan
    for prior in ({"weights": weights}, {"log_weights": np.where(weights == 0, -np.inf, 0)}):
        got = vc.local_mean(np.nan_to_num(x), broken, np.nan_to_num(x), **prior, **options)
        assert_array_equal(got, expected)


class _Core:
    """The engine with some of its names replaced."""

    def __init__(self, core, **names):
        self.__dict__.update(vars(core) | names)


def test_tol_gives_sparse_weights(rng):
    x = rng.normal(size=(6000, 2))
    exact = vc.local_weights(x[:50], x, bandwidth=0.1)
    sparse = vc.local_weights(x[:50], x, bandwidth=0.1, tol=1e-6)
    assert sparse.nnz < exact.size // 2
    assert np.abs(sparse.toarray() - exact).sum(1).max() < 2e-6


# -------------------------------------------------------------------------------------- bad input


def test_a_million_equal_points_neither_hang_nor_unbalance():
    x = np.zeros((1_000_000, 2), np.float32)
    q = np.zeros((100, 2), np.float32)
    y = np.arange(1_000_000, dtype=np.float32)
    got = vc.local_mean(q, x, y, neighbors=vc.KNearest(16))
    np.testing.assert_array_equal(got, np.full(100, 7.5, np.float32))  # ties by row


# ------------------------------------------------------------------- found by an independent review


def test_sparse_weights_of_few_rows_and_many_keys(rng):
    # several workers meet chunks of the same rows
    x = rng.normal(size=(60_000, 2))
    near = vc.Window(None, None)
    expected = vc.local_weights(x[:3], x, neighbors=near, num_threads=1)
    for _ in range(5):
        got = vc.local_weights(x[:3], x, neighbors=near, num_threads=4)
        np.testing.assert_array_equal(got.indices, expected.indices)
        assert got.data.tobytes() == expected.data.tobytes()


def test_no_key_is_left_to_search(dtype):
    x = np.arange(10.0).reshape(5, 2).astype(dtype)
    far = np.full((5, 2), np.inf, dtype)
    for near in (vc.KNearest(2), vc.KNearest(2) | vc.Radius(1.0), vc.KNearest(2) & vc.Radius(1.0)):
        got = vc.local_mean(x, x, np.ones(5, dtype), weights=np.zeros(5), neighbors=near)
        assert np.isnan(got).all()
        assert (vc.local_mean(x, far, np.ones(5, dtype), neighbors=near, empty=3) == 3).all()


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


@pytest.mark.parametrize(("far", "radius", "kind"), [(1e250, 1e200, "d"), (1e30, 1e25, "f")])
def test_radius_whose_square_overflows(far, radius, kind):
    x = np.array([[0.0], [far]], kind)
    got = vc.local_mean(x[:1], x, x[:, 0], kernel="constant", neighbors=vc.Radius(radius))
    assert got == 0


def test_radius_of_mapped_points(rng):
    x = rng.normal(size=(6000, 2)) * 0.01
    x[:3000] -= 1e3
    x[3000:] += 1e3
    x = x.astype(np.float32)
    metric = vc.kernels.Mahalanobis(np.array([[1.0, 0.3], [-0.2, 0.9]]))
    found = vc.radius_neighbors(x[:50], x, 0.01, metric=metric)
    got = vc.local_stats(x[:50], x, kernel="constant", metric=metric, neighbors=vc.Radius(0.01))
    np.testing.assert_array_equal(got.count, np.diff(found.indptr))


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
