"""Exact search against a brute force in float64 and against scikit-learn and scipy."""

from __future__ import annotations

import pickle
import signal
import time

import numpy as np
import pytest
from scipy.spatial import cKDTree
from sklearn.neighbors import NearestNeighbors

import vicinal as vc

METRICS = ["euclidean", "manhattan", "chebyshev", "cosine", "dot", "haversine"]


def exact_ranks(queries, keys, metric):
    """Return what orders the pairs, from differences in float64, in feature order."""
    q, x = np.asarray(queries, np.float64), np.asarray(keys, np.float64)
    ranks = np.zeros((len(q), len(x)))
    if metric == "haversine":
        u = np.sin((q[:, None, 0] - x[None, :, 0]) / 2)
        v = np.sin((q[:, None, 1] - x[None, :, 1]) / 2)
        return u * u + np.cos(q[:, None, 0]) * np.cos(x[None, :, 0]) * v * v
    if metric == "cosine":
        q, x = (a / np.linalg.norm(a, axis=1)[:, None] for a in (q, x))
        return ((q[:, None] - x[None]) ** 2).sum(-1) / 2
    if metric == "dot":
        for j in range(q.shape[1]):
            ranks = ranks - q[:, None, j] * x[None, :, j]
        return ranks
    for j in range(q.shape[1]):
        t = np.abs(q[:, None, j] - x[None, :, j])
        if metric == "chebyshev":
            ranks = np.maximum(ranks, t)
        else:
            ranks = ranks + (t if metric == "manhattan" else t * t)
    return ranks


def as_distance(ranks, metric):
    if metric == "euclidean":
        return np.sqrt(ranks)
    return 2 * np.arcsin(np.sqrt(ranks)) if metric == "haversine" else ranks


def draw(rng, rows, features, metric, dtype):
    points = rng.normal(size=(rows, 2 if metric == "haversine" else features))
    if metric == "haversine":
        points = np.clip(points * [0.7, 1.5], [-1.5, -3.1], [1.5, 3.1])
    return points.astype(dtype)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("n", "features"), [(1, 2), (255, 1), (257, 3), (5000, 3), (3000, 12)])
def test_knn_is_the_brute_force(rng, dtype, metric, n, features):
    if metric == "cosine" and features == 1:
        features = 2  # all cosines are ±1, up to rounding
    x, q = draw(rng, n, features, metric, dtype), draw(rng, 150, features, metric, dtype)
    ranks = exact_ranks(q, x, metric)
    for k in {1, min(n, 7), min(n, 300)}:
        expected = np.argsort(ranks, axis=1, kind="stable")[:, :k]
        distances, indices = vc.knn(q, x, k, metric=metric)
        np.testing.assert_array_equal(indices, expected)
        assert distances.dtype == dtype
        wanted = as_distance(np.take_along_axis(ranks, expected, 1), metric)
        np.testing.assert_allclose(distances, wanted, rtol=2 * np.finfo(dtype).eps, atol=1e-15)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("n", "features"), [(1, 2), (257, 3), (3000, 2), (3000, 12)])
def test_radius_is_the_brute_force(rng, dtype, metric, n, features):
    x, q = draw(rng, n, features, metric, dtype), draw(rng, 100, features, metric, dtype)
    all_distances = as_distance(exact_ranks(q, x, metric), metric)
    radius = max(float(np.quantile(all_distances, 0.1)), 0.0 if metric != "dot" else -np.inf)
    found = vc.radius_neighbors(q, x, radius, metric=metric)
    order = np.argsort(all_distances, axis=1, kind="stable")
    for i in range(len(q)):
        expected = order[i][all_distances[i, order[i]] <= radius]
        ours = found.indices[found.indptr[i] : found.indptr[i + 1]]
        np.testing.assert_array_equal(ours, expected)


def test_mahalanobis_and_great_circle(rng):
    x, q = rng.normal(size=(2000, 3)), rng.normal(size=(50, 3))
    components = rng.normal(size=(2, 3))
    metric = vc.kernels.Mahalanobis(components)
    expected = NearestNeighbors(n_neighbors=5, algorithm="brute").fit(x @ components.T)
    distances, indices = expected.kneighbors(q @ components.T)
    found = vc.knn(q, x, 5, metric=metric)
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-10)
    degrees = np.column_stack([rng.uniform(-89, 89, 2000), rng.uniform(-180, 180, 2000)])
    circle = vc.kernels.GreatCircle("km")
    found = vc.knn(degrees[:50], degrees, 4, metric=circle)
    same = NearestNeighbors(n_neighbors=4, metric="haversine").fit(np.radians(degrees))
    distances, indices = same.kneighbors(np.radians(degrees[:50]))
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_allclose(found.distances, distances * circle.radius, rtol=1e-9, atol=1e-6)


def hard_points(rng, kind, rows, features):
    """Return points whose distances cancel: none, few dimensions, tight clusters, copies."""
    cloud = rng.normal(size=(rows, features))
    if kind == "latent":
        return rng.normal(size=(rows, 2)) @ rng.normal(size=(2, features)) + 0.05 * cloud
    centers = 30 * rng.normal(size=(max(rows // 20, 1), features))
    if kind == "clusters":
        return centers[rng.integers(len(centers), size=rows)] + 1e-4 * cloud
    if kind == "copies":
        return np.round(cloud[rng.integers(rows // 30, size=rows)])
    return cloud


@pytest.mark.parametrize("kind", ["cloud", "latent", "clusters", "copies"])
@pytest.mark.parametrize("features", [9, 64, 200])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_many_features(rng, dtype, kind, features, offset):
    """Distances of many features are expanded; what cancels in them changes no answer."""
    points = (hard_points(rng, kind, 1700, features) + offset).astype(dtype)
    x, q = points[:1500], points[1450:]
    ranks = exact_ranks(q, x, "euclidean")
    order = np.argsort(ranks, axis=1, kind="stable")
    for k in (1, 16, 140):
        found = vc.knn(q, x, k)
        wanted = np.sqrt(np.take_along_axis(ranks, order[:, :k], 1))
        rtol = max(4 * np.finfo(dtype).eps, 1e-13)  # the reference is in float64
        np.testing.assert_allclose(found.distances, wanted, rtol=rtol)
        picked = np.take_along_axis(ranks, found.indices, 1)
        same = np.isclose(picked, wanted**2, rtol=1e-13, atol=0) | (found.indices == order[:, :k])
        assert same.all()
        if dtype == np.float32:
            np.testing.assert_array_equal(found.indices, order[:, :k])
    radius = float(np.median(np.sqrt(np.take_along_axis(ranks, order[:, 9:10], 1))))
    within = vc.radius_neighbors(q, x, radius)
    clear = np.abs(np.sqrt(ranks) - radius).min(axis=1) > 1e-12 * max(radius, 1)
    counts = (np.sqrt(ranks) <= radius).sum(axis=1)
    np.testing.assert_array_equal(np.diff(within.indptr)[clear], counts[clear])


def test_agrees_with_scipy_on_many_points(rng):
    x = rng.normal(size=(60_000, 3))
    distances, indices = cKDTree(x).query(x[:20_000], 16)
    found = vc.knn(x[:20_000], x, 16)
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-14)


def test_directions_that_hardly_differ(rng, dtype):
    x = 1 + 1e-5 * rng.normal(size=(2000, 3))
    x = (x * 10.0 ** rng.integers(-8, 8, (2000, 1))).astype(dtype)
    whole = vc.knn(x[:100], x, 4, metric="cosine")
    assert (whole.distances >= 0).all()
    for i in (0, 31, 99):
        one = vc.knn(x[i : i + 1], x, 4, metric="cosine")
        np.testing.assert_array_equal(one.indices[0], whole.indices[i])
    ranks = exact_ranks(x[:100], x, "cosine")
    found = np.take_along_axis(ranks, whole.indices, 1)
    np.testing.assert_allclose(found, np.sort(ranks, axis=1)[:, :4], rtol=1e-3, atol=1e-15)
    huge = (x[:50] / np.abs(x[:50]).max() * np.finfo(dtype).max / 4).astype(dtype)
    same = (huge / np.finfo(dtype).max * 8).astype(dtype)
    if dtype == np.float64:  # (float32 has not the digits to keep these directions)
        np.testing.assert_allclose(
            vc.knn(huge, huge, 3, metric="cosine").distances,
            vc.knn(same, same, 3, metric="cosine").distances,
            rtol=1e-3,
            atol=1e-15,
        )


@pytest.mark.parametrize("spread", [1e-2, 1e-4, 3e-5])
def test_across_the_date_line(rng, dtype, spread):
    longitude = np.where(rng.random(3000) < 0.5, np.pi - 1e-6, -np.pi + 1e-6)
    x = np.column_stack([0.3 + spread * rng.normal(size=3000), longitude])
    x[:, 1] -= np.sign(longitude) * spread * np.abs(rng.normal(size=3000))
    x = x.astype(dtype)
    ranks = exact_ranks(x[:200], x, "haversine")
    expected = np.argsort(ranks, axis=1, kind="stable")[:, :3]
    np.testing.assert_array_equal(vc.knn(x[:200], x, 3, metric="haversine").indices, expected)


def test_sizes_near_the_ends_of_the_range(rng, dtype):
    for power in (-22, 18) if dtype == np.float32 else (-140, 140):
        x = (rng.normal(size=(2000, 3)) * 10.0**power).astype(dtype)
        expected = np.argsort(exact_ranks(x[:50], x, "euclidean"), axis=1, kind="stable")[:, :5]
        np.testing.assert_array_equal(vc.knn(x[:50], x, 5).indices, expected)


def test_an_infinite_query_leaves_its_neighbors_alone(rng, dtype):
    x = np.column_stack([rng.normal(size=(300, 2)), np.zeros(300)]).astype(dtype)
    q = x[:20].copy()
    expected = vc.knn(q, x, 3, metric="dot").indices
    q[4, 2] = np.inf
    found = vc.knn(q, x, 3, metric="dot")
    others = np.arange(20) != 4
    np.testing.assert_array_equal(found.indices[others], expected[others])
    assert (found.indices[4] == -1).all()


def test_far_offset_in_float32(rng):
    x = (rng.normal(size=(3000, 12)) + 1e4).astype(np.float32)
    expected = np.argsort(exact_ranks(x[:100], x, "euclidean"), axis=1, kind="stable")[:, :8]
    np.testing.assert_array_equal(vc.knn(x[:100], x, 8).indices, expected)


@pytest.mark.parametrize("features", [1, 2, 12])
def test_ties_go_by_row(rng, dtype, features):
    x = rng.integers(0, 4, size=(4000, features)).astype(dtype)
    q = x[:80]
    expected = np.argsort(exact_ranks(q, x, "euclidean"), axis=1, kind="stable")
    for k in (3, 40, 1500):
        np.testing.assert_array_equal(vc.knn(q, x, k).indices, expected[:, :k])
    found = vc.radius_neighbors(q, x, 0.0)
    for i, row in enumerate(q):
        np.testing.assert_array_equal(
            found.indices[found.indptr[i] : found.indptr[i + 1]], np.flatnonzero((x == row).all(1))
        )


@pytest.mark.parametrize("features", [1, 2, 4, 5])
def test_few_queries_among_many_keys(rng, dtype, features):
    """Rows of a group then need leaves of their own; rounded places make ties between leaves."""
    x = (rng.normal(size=(20_000, features)) * 30).round().astype(dtype)
    x[:3] *= -0.0
    q = np.concatenate([x[:40], rng.normal(size=(40, features)) * 40, [[-1e6] * features]])
    q = q.astype(dtype)
    expected = np.argsort(exact_ranks(q, x, "euclidean"), axis=1, kind="stable")
    for k in (1, 9, 200):
        np.testing.assert_array_equal(vc.knn(q, x, k).indices, expected[:, :k])
    own = np.arange(len(q))
    rest = [row[row != i][:5] for i, row in enumerate(expected)]
    found = vc.knn(q, x, 5, exclude_self=True, self_indices=own)
    np.testing.assert_array_equal(found.indices, rest)


def test_a_million_equal_points():
    x = np.ones((1_000_000, 2))
    started = time.perf_counter()
    index = vc.KeyIndex(x)
    found = vc.knn(x[:50_000], index, 5)
    assert (found.indices == np.arange(5)).all()
    assert (found.distances == 0).all()
    own = vc.knn(x[:3], index, 2, exclude_self=True, self_indices=[0, 1, 2]).indices
    np.testing.assert_array_equal(own, [[1, 2], [0, 2], [0, 1]])
    # brute force would take 5·10¹⁰ pairs, an unbalanced tree as many steps
    assert time.perf_counter() - started < 60


def test_own_keys(rng, dtype):
    x = rng.normal(size=(900, 2)).astype(dtype)
    ranks = exact_ranks(x, x, "euclidean")
    np.fill_diagonal(ranks, np.inf)
    expected = np.argsort(ranks, axis=1, kind="stable")[:, :4]
    np.testing.assert_array_equal(vc.knn(x, x, 4, exclude_self=True).indices, expected)
    own = np.full(900, -1)
    own[::2] = np.arange(0, 900, 2)
    mixed = vc.knn(x, x, 1, exclude_self=True, self_indices=own).indices[:, 0]
    np.testing.assert_array_equal(mixed[1::2], np.arange(1, 900, 2))
    np.testing.assert_array_equal(mixed[::2], expected[::2, 0])
    everything = vc.knn(x, x, 900, exclude_self=True)
    assert (everything.indices[:, -1] == -1).all()
    assert np.isposinf(everything.distances[:, -1]).all()
    found = vc.radius_neighbors(x, x, 0.1, exclude_self=True)
    rows = np.repeat(np.arange(900), np.diff(found.indptr))
    assert (rows != found.indices).all()


def test_what_is_not_a_number(dtype):
    x = np.array([[0.0, 0.0], [1.0, np.inf], [2.0, 0.0]], dtype)
    q = np.array([[0.4, 0.0], [np.nan, 0.0], [0.0, -np.inf]], dtype)
    found = vc.knn(q, x, 3)
    np.testing.assert_array_equal(found.indices, [[0, 2, -1], [-1, -1, -1], [-1, -1, -1]])
    assert np.isposinf(found.distances[0, 2])
    assert np.isnan(found.distances[1]).all()
    np.testing.assert_array_equal(vc.radius_neighbors(q, x, np.inf).indptr, [0, 2, 2, 2])
    with pytest.raises(ValueError, match="keys must not hold NaN, got one in row 1"):
        vc.knn(q, np.array([[0.0, 0.0], [np.nan, 0.0]], dtype), 1)
    huge = np.array([[1e30], [-2e30], [3e30]], dtype) * (1 if dtype == "float32" else 1e250)
    np.testing.assert_array_equal(vc.knn(huge, huge, 2).indices[:, 0], [0, 1, 2])


@pytest.mark.parametrize("features", [2, 12, 70])
def test_same_bits_for_any_threads_batch_and_index(rng, dtype, features):
    x, q = (rng.normal(size=(n, features)).astype(dtype) for n in (3000, 301))
    index = vc.KeyIndex(x)
    whole = vc.knn(q, x, 9)
    for threads in (1, 2, 3, 7):
        again = vc.knn(q, index, 9, num_threads=threads)
        assert again.distances.tobytes() == whole.distances.tobytes()
        assert again.indices.tobytes() == whole.indices.tobytes()
    for i in (0, 17, 300):
        one = vc.knn(q[i : i + 1], index, 9)
        assert one.distances.tobytes() == whole.distances[i : i + 1].tobytes()
    radius = float(np.median(whole.distances))
    within = vc.radius_neighbors(q, x, radius)
    alone = vc.radius_neighbors(q[5:6], index, radius, num_threads=1)
    part = slice(within.indptr[5], within.indptr[6])
    assert alone.distances.tobytes() == within.distances[part].tobytes()


def test_index_stands_for_its_keys(rng):
    x, y = rng.normal(size=(500, 2)), rng.normal(size=500)
    index = vc.KeyIndex(x, metric="manhattan")
    assert len(index) == 500
    assert "manhattan" in repr(index)
    np.testing.assert_array_equal(np.sort(index.order), np.arange(500))
    assert vc.local_mean(x, index, y).tobytes() == vc.local_mean(x, x, y).tobytes()
    copy = pickle.loads(pickle.dumps(index))
    np.testing.assert_array_equal(vc.knn(x, copy, 3).indices, vc.knn(x, index, 3).indices)
    np.testing.assert_array_equal(
        vc.knn(x, index, 3).indices, vc.knn(x, x, 3, metric="manhattan").indices
    )
    single = vc.knn(x.astype(np.float32), index, 3)  # numpy's result type: float64
    assert single.distances.dtype == np.float64
    with pytest.raises(ValueError, match="index in the metric 'manhattan'"):
        vc.knn(x, index, 3, metric="euclidean")


@pytest.mark.parametrize(
    ("own", "options", "other"),
    [
        ("manhattan", {"neighbors": vc.KNearest(4)}, "euclidean"),
        ("euclidean", {"kernel": "softmax", "neighbors": vc.KNearest(4) | vc.Radius(1.0)}, "dot"),
        ("cosine", {}, "euclidean"),
    ],
)
def test_an_index_of_another_metric_is_not_used_and_says_so(own, options, other, rng):
    x = rng.normal(size=(300, 3))
    index, values = vc.KeyIndex(x, metric=own), x[:, 0]
    with pytest.warns(UserWarning, match=f"'{own}', but the kernel measures by '{other}'") as said:
        got = vc.local_mean(x, index, values, **options)
    (warning,) = said
    assert warning.filename == __file__
    np.testing.assert_array_equal(got, vc.local_mean(x, x, values, **options))


@pytest.mark.parametrize(
    ("own", "options"),
    [
        ("manhattan", {}),
        ("manhattan", {"metric": "manhattan", "neighbors": vc.KNearest(4)}),
        ("euclidean", {"metric": "chebyshev", "kernel": "uniform"}),
        ("euclidean", {"kernel": vc.kernels.AitchisonAitken(3, bandwidth=0.2)}),
        ("euclidean", {"kernel": vc.kernels.Product("gaussian", "laplace")}),
        ("cosine", {"kernel": "von_mises_fisher"}),
    ],
)
def test_an_index_that_serves_is_silent(own, options, rng):
    x = rng.integers(0, 3, size=(300, 3)).astype(float)
    got = vc.local_mean(x, vc.KeyIndex(x, metric=own), x[:, 0], **options)
    np.testing.assert_array_equal(got, vc.local_mean(x, x, x[:, 0], **options))


def test_sparse_matrix(rng):
    x = rng.normal(size=(200, 2))
    ours = vc.knn(x, x, 5).to_csr()
    theirs = NearestNeighbors(n_neighbors=5).fit(x).kneighbors_graph(x, mode="distance")
    assert ours.shape == (200, 200)
    np.testing.assert_allclose(ours.toarray(), theirs.toarray(), atol=1e-12)
    found = vc.radius_neighbors(x, x, 0.3)
    within = NearestNeighbors(radius=0.3).fit(x).radius_neighbors_graph(x, mode="distance")
    np.testing.assert_allclose(found.to_csr().toarray(), within.toarray(), atol=1e-12)
    assert len(found) == 200


def test_empty_inputs():
    x = np.zeros((3, 2))
    assert vc.knn(np.empty((0, 2)), x, 2).indices.shape == (0, 2)
    assert vc.radius_neighbors(np.empty((0, 2)), x, 1.0).indptr.tolist() == [0]
    assert vc.radius_neighbors(x, np.empty((0, 2)), 1.0).indptr.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"k": 0}, ValueError, r"k must be 1 to the number of keys \(4\), got 0"),
        ({"k": 5}, ValueError, r"k must be 1 to the number of keys \(4\), got 5"),
        ({"k": 1.5}, TypeError, "k must be a whole number"),
        ({"queries": np.zeros((2, 3))}, ValueError, r"got shapes \(2, 3\) and \(4, 2\)"),
        ({"queries": np.zeros((1, 2, 2))}, ValueError, r"queries must be \(m, d\)"),
        ({"keys": np.zeros(4)}, ValueError, "keys must be"),
        ({"metric": "euclid"}, ValueError, "metric"),
        ({"exclude_self": True}, ValueError, "self_indices must be given"),
        ({"num_threads": 0}, ValueError, "num_threads must be at least 1"),
    ],
)
def test_refusals_of_knn(change, error, message):
    arguments = {"queries": np.zeros((2, 2)), "keys": np.zeros((4, 2)), "k": 1, **change}
    with pytest.raises(error, match=message):
        vc.knn(**arguments)


@pytest.mark.parametrize("radius", [-1.0, np.nan])
def test_refusals_of_radius(radius):
    with pytest.raises(ValueError, match="radius must be at least 0"):
        vc.radius_neighbors(np.zeros((2, 2)), np.zeros((4, 2)), radius)


@pytest.mark.parametrize("work", ["build", "order", "search", "prune"])
def test_ctrl_c_is_heard(rng, work):
    x = rng.normal(size=(1_500_000, 3)).astype(np.float32)
    calls = {
        "build": lambda: vc.KeyIndex(x, num_threads=1),
        "order": lambda: vc.knn(x, x[:1000], 1, num_threads=1),
        "search": lambda: vc.knn(x[:200_000], x[:200_000], 64, num_threads=1),
        "prune": lambda: vc.local_mean(x, x, x, kernel="uniform", bandwidth=0.05, num_threads=1),
    }

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    started = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, 0.15)
    try:
        with pytest.raises(KeyboardInterrupt):
            calls[work]()
        answered = time.perf_counter()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert answered - started < 0.15 + 1  # 0.2 s are promised; a busy machine gets five times that


def test_progress_and_interruption(rng):
    x = rng.normal(size=(30_000, 24)).astype(np.float32)
    seen = []
    vc.knn(x[:5000], x, 4, progress=seen.append)
    assert seen[-1] == 1
    assert seen == sorted(seen)

    def stop(_):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        vc.knn(x, x, 4, progress=stop)
