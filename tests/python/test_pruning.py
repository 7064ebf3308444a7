"""Keys met through a tree: compact kernels exactly, decaying ones within tol; bits of the row."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import reference_kernels as rk
import vicinal as vc
from accuracy import assert_accurate
from reference import local_stats, plain
from vicinal import _core
from vicinal.key_index import is_tree_sized

Factor = rk.Factor
k = vc.kernels

COMPACT = ["epanechnikov", "biweight", "tricube", "triangular", "cosine", "uniform", "wendland_c2"]
DECAYING = [
    "gaussian",
    "laplace",
    "logistic",
    "cauchy",
    "student_t",
    "rational_quadratic",
    "matern",
]
N = 6000  # more than are met without a tree


def draw(rng, n, d, dtype, p=2):
    """Return a few queries, some far, and keys in clusters, with their values."""
    centers = 3 * rng.normal(size=(6, d))
    x = centers[rng.integers(0, 6, n)] + 0.5 * rng.normal(size=(n, d))
    q = np.concatenate([x[:30] + 0.1, 4 * rng.normal(size=(20, d)), [[30.0] * d]])
    return q.astype(dtype), x.astype(dtype), rng.normal(size=(n, p)).astype(dtype)


def compare(kernel, spec, q, x, y, dtype, **options):
    names = ("mean", "log_mass", "ess", "count")
    got = vc.local_stats(q, x, y, kernel=kernel, statistics=names, **options)
    exact = local_stats(spec, q, x, y)
    # (of a far row, weights are exponentials of large numbers: their rounding is for other tests)
    some = exact.log_mass > -30
    with np.errstate(invalid="ignore"):  # rows without a key
        yardstick = plain(spec, q, x, y)
    assert_accurate(
        got.mean[some], exact.mean[some], yardstick[some], scale=np.abs(y).max(), dtype=dtype
    )
    assert_array_equal(np.isnan(got.mean).all(axis=1), exact.count == 0)
    small = np.spacing(np.asarray(1, dtype)) ** 0.7
    assert_allclose(got.log_mass[some], exact.log_mass[some].astype(float), rtol=small, atol=small)
    assert_allclose(got.ess[some], exact.ess[some].astype(float), rtol=100 * small)
    return got


@pytest.mark.parametrize("profile", COMPACT)
@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_compact_kernels_leave_nothing_out(rng, dtype, profile, d):
    q, x, y = draw(rng, N, d, dtype)
    h = float(dtype.type(0.8))
    got = compare(profile, Factor(profile, h), q, x, y, dtype, bandwidth=h)
    assert 0 < got.pairs_visited < (0.7 if d < 5 else 1) * len(q) * N
    assert 0 < got.empty_rows < len(q)


@pytest.mark.parametrize("metric", ["manhattan", "chebyshev", "cosine"])
def test_metrics(rng, dtype, metric):
    q, x, y = draw(rng, N, 3, dtype)
    h = {"manhattan": 1.0, "chebyshev": 0.6, "cosine": 0.05}[metric]
    h = float(dtype.type(h))
    spec = Factor("biweight", h, metric=metric)
    got = vc.local_stats(q, x, y, kernel="biweight", bandwidth=h, metric=metric)
    exact = local_stats(spec, q, x, y)
    some = exact.log_mass > -3
    tolerance = 3e-3 if dtype == np.float32 else 1e-10  # of weights near the edge, cosine most
    assert some.any()
    assert_allclose(got.mean[some], exact.mean[some].astype(float), atol=tolerance)
    assert got.pairs_visited < len(q) * N


def test_places_on_the_sphere(rng, dtype):
    x = np.column_stack([np.arcsin(rng.uniform(-1, 1, N)), rng.uniform(-np.pi, np.pi, N)])
    q = np.concatenate([x[:30], [[1.57, 0.0], [0.0, 3.14159], [0.0, -3.14159]]])
    x, q, y = x.astype(dtype), q.astype(dtype), rng.normal(size=(N, 1)).astype(dtype)
    spec = Factor("triweight", 0.25, metric="haversine")
    got = vc.local_stats(q, x, y, kernel="triweight", bandwidth=0.25, metric="haversine")
    exact = local_stats(spec, q, x, y)
    assert_allclose(got.mean, exact.mean.astype(float), atol=1e-4 if dtype == np.float32 else 1e-11)
    assert got.pairs_visited < 0.7 * len(q) * N


def test_a_bandwidth_per_feature_and_a_linear_map(rng, dtype):
    q, x, y = draw(rng, N, 3, dtype)
    h = np.array([0.9, 2.0, np.inf])
    compare("tricube", Factor("tricube", h), q, x, y, dtype, bandwidth=h)
    components = rng.normal(size=(2, 3))
    spec = Factor("epanechnikov", 1.0, metric="mahalanobis", components=components)
    metric = k.Mahalanobis(components)
    got = vc.local_stats(q, x, y, kernel=k.Epanechnikov(metric=metric))
    exact = local_stats(spec, q, x, y)
    some = exact.log_mass > 0
    assert_allclose(
        got.mean[some],
        exact.mean[some].astype(float),
        atol=1e-4 if dtype == np.float32 else 1e-11,
    )


def test_products_and_sums(rng, dtype):
    q, x, y = draw(rng, N, 3, dtype)
    product = k.Product(
        k.Epanechnikov(bandwidth=1.0, columns=[0, 1]), k.Gaussian(bandwidth=0.7, columns=[2])
    )
    spec = rk.product(
        Factor("epanechnikov", 1.0, columns=(0, 1)), Factor("gaussian", 0.7, columns=(2,))
    )
    got = compare(product, spec, q, x, y, dtype)
    assert got.pairs_visited < len(q) * N
    both = k.Sum(k.Uniform(bandwidth=0.5), k.Biweight(bandwidth=1.5), coefficients=[2.0, 1.0])
    spec = rk.sum_of(Factor("uniform", 0.5), Factor("biweight", 1.5), coefficients=(2.0, 1.0))
    compare(both, spec, q, x, y, dtype)


def test_priors_masks_biases_and_own_keys(rng, dtype):
    q, x, y = draw(rng, N, 2, dtype)
    weights = rng.exponential(size=N).astype(dtype) * (rng.random(N) < 0.7)
    mask, bias = rng.random((len(q), N)) < 0.5, rng.normal(size=(len(q), N)).astype(dtype)
    for options in ({"weights": weights}, {"mask": mask}, {"bias": bias}):
        got = vc.local_mean(q, x, y, kernel="biweight", **options)
        exact = local_stats(Factor("biweight"), q, x, y, **options)
        some = exact.count > 0
        rounding = 5e-5 if dtype == np.float32 else 1e-12
        assert_allclose(got[some], exact.mean[some].astype(float), atol=rounding)
    own = rng.integers(-1, N, len(q))
    own[:30] = np.arange(30)
    stats = vc.local_stats(
        q, x, y, statistics=("mean", "self_weight"), kernel="biweight", self_indices=own
    )
    exact = local_stats(Factor("biweight"), q, x, y, self_indices=own)
    rounding, some = 1e-5 if dtype == np.float32 else 1e-12, exact.count > 0
    assert_allclose(stats.self_weight[some], exact.self_weight[some].astype(float), atol=rounding)
    assert (stats.self_weight[~some] == 0).all()
    got = vc.local_mean(q, x, y, kernel="biweight", self_indices=own, exclude_self=True)
    exact = local_stats(Factor("biweight"), q, x, y, self_indices=own, exclude_self=True)
    some = exact.count > 0
    assert_allclose(got[some], exact.mean[some].astype(float), atol=2 * rounding)


def test_moments_counts_and_heaviest_keys(rng, dtype):
    q, x, y = draw(rng, N, 2, dtype)
    x = np.round(x * 4) / 4  # ties
    names = ("covariance", "variance", "count", "top_k")
    got = vc.local_stats(q, x, y, statistics=names, k=7, kernel="uniform", bandwidth=0.6)
    exact = local_stats(Factor("uniform", 0.6), q, x, y, k=7)
    assert_array_equal(got.count, exact.count)
    assert_array_equal(got.top_k[0], exact.top_k[0])
    some = exact.count > 0
    for name in ("variance", "covariance"):
        assert_allclose(
            getattr(got, name)[some],
            getattr(exact, name)[some].astype(float),
            atol=1e-5 if dtype == np.float32 else 1e-12,
        )


def test_nearest_for_empty_rows_and_what_is_not_finite(rng, dtype):
    q, x, y = draw(rng, N, 2, dtype)
    got = vc.local_mean(q, x, y, kernel="epanechnikov", bandwidth=0.1, empty="nearest")
    nearest = vc.knn(q, x, 1).indices[:, 0]
    alone = np.isnan(vc.local_mean(q, x, y, kernel="epanechnikov", bandwidth=0.1)[:, 0])
    assert alone.any()
    assert_array_equal(got[alone], y[nearest[alone]])
    y[5] = np.nan  # reaches the rows that use it
    means = vc.local_mean(q, x, y, kernel="epanechnikov", bandwidth=0.5, empty="zero")
    used = ((q.astype(float) - x[5]) ** 2).sum(-1) < 0.25
    assert used.any()
    assert_array_equal(np.isnan(means[:, 0]), used)
    x[7] = np.nan  # a key of which nothing is known may be seen by every row
    assert np.isnan(vc.local_mean(q, x, y, kernel="epanechnikov", bandwidth=0.5)).all()
    with pytest.raises(ValueError, match=r"keys must not hold NaN .* in row 7"):
        vc.local_mean(q, x, y, tol=1e-3)
    weights = np.ones(N, dtype)
    weights[[5, 7]] = 0  # absent keys may hold anything
    kept = np.flatnonzero(weights)
    options = {"tol": 1e-3, "bandwidth": 0.1}
    got = vc.local_mean(q, x, y, weights=weights, **options)
    assert_array_equal(got, vc.local_mean(q, x[kept], y[kept], **options))


@pytest.mark.parametrize("options", [{"kernel": "tricube"}, {"tol": 1e-4, "bandwidth": 0.2}])
def test_same_bits_for_any_threads_batch_and_index(rng, dtype, options):
    q, x, y = draw(rng, N, 3, dtype)
    q = np.concatenate([q, x[:300]])
    names = ("mean", "log_mass", "ess", "count", "variance", "top_k")

    def bits(queries, keys, **more):
        s = vc.local_stats(queries, keys, y, statistics=names, k=3, **options, **more)
        return [s.mean, s.log_mass, s.ess, s.count, s.variance, *s.top_k]

    whole = bits(q, x)
    for threads in (1, 2, 3, 7):
        for a, b in zip(bits(q, x, num_threads=threads), whole, strict=True):
            assert a.tobytes() == b.tobytes()
    order = rng.permutation(len(q))
    for a, b in zip(bits(q[order], vc.KeyIndex(x)), whole, strict=True):
        assert a.tobytes() == b[order].tobytes()
    for i in (0, 50, 200):
        for a, b in zip(bits(q[i : i + 1], x), whole, strict=True):
            assert a.tobytes() == b[i : i + 1].tobytes()


def spread_out(rng, kind, n, d):
    """Return keys of three characters: clustered, uniform, heavy-tailed."""
    if kind == "clustered":
        return draw(rng, n, d, np.float64)[1]
    return rng.uniform(-3, 3, (n, d)) if kind == "uniform" else rng.standard_t(1.5, (n, d))


@pytest.mark.parametrize("kind", ["clustered", "uniform", "heavy"])
@pytest.mark.parametrize("profile", DECAYING)
def test_tol_is_never_exceeded(rng, kind, profile):
    x = spread_out(rng, kind, N, 2)
    y = np.column_stack([rng.normal(size=N), np.sign(x[:, 0])])
    q = np.concatenate([x[:60], 6 * rng.normal(size=(20, 2)), [[40.0, -9.0]]])
    h = 0.03
    weights = rng.exponential(size=N) if profile in ("gaussian", "laplace") else None
    kernel = {"student_t": k.StudentT(3), "matern": k.Matern(1.5)}.get(profile, profile)
    exact = vc.local_stats(q, x, y, kernel=kernel, bandwidth=h, weights=weights)
    variance = vc.local_stats(
        q, x, y, kernel=kernel, bandwidth=h, weights=weights, statistics="variance"
    ).variance
    visited = []
    for tol in (0.3, 1e-2, 1e-4, 1e-8, 1e-12):
        got = vc.local_stats(
            q,
            x,
            y,
            kernel=kernel,
            bandwidth=h,
            weights=weights,
            tol=tol,
            statistics=("mean", "log_mass", "variance"),
        )
        lost = exact.log_mass - got.log_mass
        rounding = 1e-13 * np.maximum(1, np.abs(exact.log_mass))
        assert (lost >= -rounding).all()
        assert (lost <= -np.log1p(-tol) + rounding).all()
        width = np.ptp(y, axis=0)
        assert (np.abs(got.mean - exact.mean) <= tol * width + 1e-12).all()
        assert (np.abs(got.variance - variance) <= tol * width**2 + 1e-12).all()
        visited.append(got.pairs_visited)
    assert visited[0] <= visited[-1] <= len(q) * N
    if profile == "gaussian":
        assert visited[-1] < 0.7 * len(q) * N


def test_tol_of_von_mises_fisher(rng):
    x = rng.normal(size=(N, 3)) * [0.3, 0.3, 1] + [0, 0, 2]
    q = np.concatenate([x[:40], rng.normal(size=(40, 3)) * [1, 1, 0.01]])
    y = rng.normal(size=N)
    options = {"kernel": "von_mises_fisher", "bandwidth": 0.01}
    exact = vc.local_stats(q, x, y, **options)
    for tol in (1e-1, 1e-3, 1e-6):
        got = vc.local_stats(q, x, y, tol=tol, **options)
        lost = exact.log_mass - got.log_mass
        assert (lost >= -1e-10).all()
        assert (lost <= -np.log1p(-tol) + 1e-10).all()
        assert (np.abs(got.mean - exact.mean) <= tol * np.ptp(y) + 1e-10).all()
    assert got.pairs_visited < len(q) * N


def test_tol_in_float32_is_close_to_the_exact_answer(rng):
    q, x, y = draw(rng, 20_000, 2, np.float32)
    exact = local_stats(Factor("gaussian", 0.05), q, x, y)
    got = vc.local_stats(q, x, y, bandwidth=0.05, tol=1e-6)
    inside = exact.log_mass > -40
    assert_allclose(got.log_mass[inside], exact.log_mass[inside].astype(float), atol=2e-5)
    assert_allclose(got.mean, exact.mean.astype(float), atol=2e-3)  # far rows: rounded exponents
    assert got.pairs_visited < 0.2 * len(q) * 20_000


@pytest.mark.parametrize(
    ("kernel", "h", "tol"), [("gaussian", 0.02, 1e-5), ("laplace", 0.01, 1e-2), ("uniform", 0.1, 0)]
)
def test_rows_far_apart_meet_what_they_need(rng, dtype, kernel, h, tol):
    """Few rows among many keys: together they meet hardly more tiles than one by one."""
    x = rng.normal(size=(60_000, 2)).astype(dtype)
    q = np.concatenate([rng.normal(size=(70, 2)), [[9.0, -7.0], [0.0, 12.0]]]).astype(dtype)
    index = vc.KeyIndex(x)
    options = {"kernel": kernel, "bandwidth": h, "tol": tol, "statistics": "log_mass"}
    together = vc.local_stats(q, index, **options)
    alone = [vc.local_stats(row[None], index, **options) for row in q]
    assert together.pairs_visited <= 2 * sum(s.pairs_visited for s in alone)
    assert_array_equal(together.log_mass, np.concatenate([s.log_mass for s in alone]))


def test_tol_where_nothing_can_be_left_out(rng, dtype):
    """A mask, a bias, a dot product, few keys: the answer is that of tol = 0."""
    q, x, y = draw(rng, N, 2, dtype)
    mask = rng.random((len(q), N)) < 0.5
    for options in ({"mask": mask}, {"kernel": "softmax"}, {"bias": np.zeros((len(q), N), dtype)}):
        exact = vc.local_mean(q, x, y, **options)
        assert vc.local_mean(q, x, y, tol=1e-3, **options).tobytes() == exact.tobytes()
    few = vc.local_mean(q, x[:500], y[:500])
    assert vc.local_mean(q, x[:500], y[:500], tol=0.1).tobytes() == few.tobytes()


def test_own_keys_with_tol(rng):
    x, y = draw(rng, N, 2, np.float64)[1:]
    exact = vc.local_mean(x, x, y, bandwidth=0.1, exclude_self=True)
    got = vc.local_mean(x, x, y, bandwidth=0.1, exclude_self=True, tol=1e-6)
    assert (np.abs(got - exact) <= 1e-6 * np.ptp(y, axis=0) + 1e-12).all()


def test_a_batch_of_trees(rng, dtype):
    x = rng.normal(size=(3, N, 2)).astype(dtype)
    y = rng.normal(size=(3, N)).astype(dtype)
    whole = vc.local_mean(x[:, :40], x, y, kernel="wendland_c2", bandwidth=0.4)
    for i in range(3):
        one = vc.local_mean(x[i, :40], x[i], y[i], kernel="wendland_c2", bandwidth=0.4)
        assert one.tobytes() == whole[i].tobytes()


def test_many_equal_points():
    x = np.zeros((300_000, 2), np.float32)
    x[::3] = 1
    got = vc.local_stats(x[:1000], x, kernel="uniform", bandwidth=0.5, statistics="count")
    assert_array_equal(got.count, np.where(x[:1000, 0] == 1, 100_000, 200_000))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"tol": -1e-3}, ValueError, "tol must be at least 0 and below 1, got -0.001"),
        ({"tol": 1}, ValueError, "tol must be at least 0 and below 1"),
        ({"tol": np.nan}, ValueError, "tol must be at least 0 and below 1"),
        ({"tol": "small"}, TypeError, "tol must be a number, got str"),
        ({"tol": 0.1, "kernel": "sigmoid"}, ValueError, "tol must be 0 for a kernel that may be"),
    ],
)
def test_refusals(options, error, message):
    with pytest.raises(error, match=message):
        vc.local_mean(np.zeros((2, 2)), np.zeros((4, 2)), np.zeros(4), **options)


@pytest.mark.parametrize("features", [_core.few_features, _core.few_features + 1])
@pytest.mark.parametrize("beyond", [0, 1])
def test_python_knows_when_the_engine_takes_a_tree(beyond, features, rng):
    x = rng.normal(size=(_core.few_keys + beyond, features))
    got = vc.local_stats(x[:3], x, kernel="uniform", bandwidth=1e-3, statistics="count")
    assert_array_equal(got.count, 1)
    assert (got.pairs_visited < 3 * len(x)) == is_tree_sized(x)
    assert is_tree_sized(x) == (beyond == 1 and features == _core.few_features)


@pytest.mark.parametrize(
    ("kernel", "h"),
    [("cauchy", 0.1), ("student_t", 0.1), ("rational_quadratic", 0.1), ("gaussian", 3.0)],
)
@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_no_tree_is_planted_where_all_keys_count(kernel, h, metric, rng, dtype):
    x = rng.normal(size=(20_000, 2)).astype(dtype)
    y = rng.normal(size=20_000).astype(dtype)
    q = rng.normal(size=(50, 2)).astype(dtype)
    options = {
        "kernel": kernel,
        "bandwidth": h,
        "metric": metric,
        "statistics": ("mean", "log_mass"),
    }
    exact, got = (vc.local_stats(q, x, y, tol=tol, **options) for tol in (0, 1e-6))
    assert got.pairs_visited == q.shape[0] * x.shape[0]
    assert_array_equal(got.mean, exact.mean)
    assert_array_equal(got.log_mass, exact.log_mass)
    one = vc.local_stats(q[:1], vc.KeyIndex(x), y, tol=1e-6, **options)
    assert one.mean[0] == got.mean[0]
    if kernel == "gaussian":
        less = vc.local_stats(q, x, y, tol=1e-6, **(options | {"bandwidth": 0.1}))
        assert less.pairs_visited < got.pairs_visited
