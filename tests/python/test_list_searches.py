"""Which keys a row lists: the k nearest and balls, by every metric, with and without an index."""

from __future__ import annotations

import numpy as np
import pytest

import vicinal as vc
from set_cases import LIST_LENGTH as K
from set_cases import LISTED as N
from vicinal.kernels import (
    AitchisonAitken,
    Gaussian,
    Laplace,
    Polynomial,
    Product,
    Softmax,
    VonMisesFisher,
)


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


@pytest.mark.parametrize(
    "kernel",
    [Softmax(bandwidth=1.3), VonMisesFisher(bandwidth=0.4), Polynomial(degree=3)],
    ids=lambda kernel: kernel.profile,
)
def test_nearest_by_score(kernel, rng):
    q, x = rng.normal(size=(2, N, 3))
    score = q @ x.T
    if isinstance(kernel, VonMisesFisher):
        score /= np.linalg.norm(q, axis=1)[:, None] * np.linalg.norm(x, axis=1)
    used = np.zeros((N, N), bool)
    np.put_along_axis(used, np.argsort(-score, 1)[:, :K], True, 1)
    got = vc.local_mean(q, x, x, kernel=kernel, neighbors=vc.KNearest(K))
    np.testing.assert_allclose(got, vc.local_mean(q, x, x, kernel=kernel, mask=used), atol=1e-12)


def test_nearest_of_a_product_is_by_its_largest_factor(rng):
    q, x = rng.normal(size=(2, N, 3))
    kernel = Product(Gaussian(columns=[0, 1], bandwidth=0.8), Laplace(columns=[2], bandwidth=0.5))
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


def test_an_index_changes_no_bit(rng, dtype):
    x = rng.normal(size=(9000, 3)).astype(dtype)
    q, y = x[:500] + dtype.type(0.01), rng.normal(size=(9000, 2)).astype(dtype)
    index = vc.KeyIndex(x)
    for near in (vc.KNearest(8), vc.KNearest(8) & vc.Radius(0.2), vc.Radius(0.2)):
        for arguments in ({}, {"bandwidth": [0.5, 1.0, 2.0]}, {"weights": rng.random(9000)}):
            plain = vc.local_mean(q, x, y, neighbors=near, **arguments)
            indexed = vc.local_mean(q, index, y, neighbors=near, **arguments)
            assert plain.tobytes() == indexed.tobytes()


def test_a_million_equal_points_neither_hang_nor_unbalance():
    x = np.zeros((1_000_000, 2), np.float32)
    q = np.zeros((100, 2), np.float32)
    y = np.arange(1_000_000, dtype=np.float32)
    got = vc.local_mean(q, x, y, neighbors=vc.KNearest(16))
    np.testing.assert_array_equal(got, np.full(100, 7.5, np.float32))  # ties by row


def test_no_key_is_left_to_search(dtype):
    x = np.arange(10.0).reshape(5, 2).astype(dtype)
    far = np.full((5, 2), np.inf, dtype)
    for near in (vc.KNearest(2), vc.KNearest(2) | vc.Radius(1.0), vc.KNearest(2) & vc.Radius(1.0)):
        got = vc.local_mean(x, x, np.ones(5, dtype), weights=np.zeros(5), neighbors=near)
        assert np.isnan(got).all()
        assert (vc.local_mean(x, far, np.ones(5, dtype), neighbors=near, empty=3) == 3).all()


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


@pytest.mark.parametrize("metric", ["dot", "euclidean"])
def test_many_rows_meet_tiles_together(rng, metric):
    keys = rng.normal(size=(3000, 20))
    queries = rng.normal(size=(301, 20))  # several groups, and one that is not full
    scores = queries @ keys.T
    if metric == "euclidean":
        scores -= ((queries**2).sum(1)[:, None] + (keys**2).sum(1)) / 2
    nearest = np.argpartition(-scores, 7, axis=1)[:, :7]
    logs = np.take_along_axis(scores, nearest, 1)
    weights = np.exp(logs - logs.max(1, keepdims=True))
    expected = (weights[..., None] * keys[nearest]).sum(1) / weights.sum(1, keepdims=True)
    options = {
        "kernel": Softmax(bandwidth=1.0) if metric == "dot" else Gaussian(bandwidth=1.0),
        "neighbors": vc.KNearest(7),
    }
    index = vc.KeyIndex(keys, metric=metric)
    for threads in (1, 2):
        got = vc.local_mean(queries, index, keys, num_threads=threads, **options)
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)
    alone = [
        vc.local_mean(queries[i : i + 1], index, keys, **options)[0] for i in range(0, 301, 50)
    ]
    np.testing.assert_array_equal(got[::50], alone)
