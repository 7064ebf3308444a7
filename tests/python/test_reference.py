"""The oracle itself against formulas of numpy, scipy and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special, stats
from scipy.spatial.distance import cdist
from sklearn.gaussian_process import kernels as gp
from sklearn.metrics import pairwise
from sklearn.neighbors import KernelDensity, KNeighborsRegressor

import reference_kernels as rk
from reference import local_stats, plain, plain_stats

Factor = rk.Factor
M, N, D, P = 11, 57, 3, 4


@pytest.fixture
def data(rng):
    return rng.normal(size=(M, D)), rng.normal(size=(N, D)), rng.normal(size=(N, P))


def distance(q, x, h):
    return cdist(q, x) / h


EXPECTED = {
    "rbf": (Factor("gaussian", 0.7), lambda q, x: pairwise.rbf_kernel(q, x, gamma=1 / (2 * 0.49))),
    "laplace": (Factor("laplace", 0.7), lambda q, x: np.exp(-distance(q, x, 0.7))),
    "laplacian": (
        Factor("laplace", 0.7, metric="manhattan"),
        lambda q, x: pairwise.laplacian_kernel(q, x, gamma=1 / 0.7),
    ),
    "logistic": (Factor("logistic", 2.0), lambda q, x: stats.logistic.pdf(distance(q, x, 2.0))),
    "cauchy": (Factor("cauchy", 0.7), lambda q, x: math.pi * stats.cauchy.pdf(distance(q, x, 0.7))),
    "student": (
        Factor("student_t", 0.7, shape=3.0),
        lambda q, x: stats.t.pdf(distance(q, x, 0.7), 3) / stats.t.pdf(0, 3),
    ),
    "rational": (
        Factor("rational_quadratic", 0.7, shape=1.3),
        lambda q, x: gp.RationalQuadratic(length_scale=0.7, alpha=1.3)(q, x),
    ),
    **{
        f"matern{nu}": (
            Factor("matern", 0.7, shape=nu),
            lambda q, x, nu=nu: gp.Matern(length_scale=0.7, nu=nu)(q, x),
        )
        for nu in (0.5, 1.5, 2.5)
    },
    "polynomial": (
        Factor("polynomial", 2.0, shape=3, offset=1.5),
        lambda q, x: pairwise.polynomial_kernel(q, x, degree=3, gamma=0.5, coef0=1.5),
    ),
    "sigmoid": (
        Factor("sigmoid", 2.0, offset=0.3),
        lambda q, x: pairwise.sigmoid_kernel(q, x, gamma=0.5, coef0=0.3),
    ),
    "softmax": (Factor("softmax", 2.0), lambda q, x: np.exp(q @ x.T / 2)),
    "fisher": (
        Factor("von_mises_fisher", 0.5),
        lambda q, x: np.exp(2 * pairwise.cosine_similarity(q, x)),
    ),
    "ard": (
        Factor("gaussian", (0.5, 1.0, 2.0)),
        lambda q, x: gp.RBF(length_scale=[0.5, 1.0, 2.0])(q, x),
    ),
    "chebyshev": (
        Factor("triangular", 1.7, metric="chebyshev"),
        lambda q, x: np.maximum(1 - cdist(q, x, "chebyshev") / 1.7, 0),
    ),
    "cosine distance": (
        Factor("gaussian", 0.5, metric="cosine"),
        lambda q, x: np.exp(-2 * pairwise.cosine_distances(q, x) ** 2),
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_weights_match_libraries(name, data):
    kernel, expected = EXPECTED[name]
    q, x, _ = data
    assert_allclose(rk.weights(kernel, q, x), expected(q, x), rtol=2e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("name", "sklearn_name"),
    [
        ("gaussian", "gaussian"),
        ("uniform", "tophat"),
        ("epanechnikov", "epanechnikov"),
        ("laplace", "exponential"),
        ("triangular", "linear"),
        ("cosine", "cosine"),
    ],
)
def test_log_mass_is_sklearn_density_up_to_a_constant(name, sklearn_name, data):
    q, x, _ = data
    ours = np.float64(local_stats(Factor(name, 2.5), q, x).log_mass)
    theirs = KernelDensity(kernel=sklearn_name, bandwidth=2.5, rtol=1e-12).fit(x).score_samples(q)
    assert np.ptp(ours - theirs) < 1e-9


def test_polynomial_compact_kernels(data):
    q, x, _ = data
    u = np.minimum(distance(q, x, 2.0), 1)
    for name, weight in {
        "biweight": (1 - u**2) ** 2,
        "triweight": (1 - u**2) ** 3,
        "tricube": (1 - u**3) ** 3,
        "wendland_c2": (1 - u) ** 4 * (4 * u + 1),
    }.items():
        assert_allclose(rk.weights(Factor(name, 2.0), q, x), weight, atol=1e-14)


def test_angular_metrics(rng):
    q, x = (rng.uniform(-1.5, 1.5, size=(k, 2)) for k in (M, N))
    expected = pairwise.haversine_distances(q, x)
    assert_allclose(rk.distances(Factor("laplace", metric="haversine"), q, x), expected, rtol=1e-12)
    kilometers = rk.distances(
        Factor("laplace", metric="great_circle"), np.degrees(q), np.degrees(x)
    )
    assert_allclose(kilometers, expected * 6371.0088, rtol=1e-12)


def test_mahalanobis(data, rng):
    q, x, _ = data
    components = rng.normal(size=(2, D))
    kernel = Factor("gaussian", metric="mahalanobis", components=components)
    expected = cdist(q, x, "mahalanobis", VI=components.T @ components)
    assert_allclose(rk.distances(kernel, q, x), expected, rtol=1e-10)


def test_category_kernels(rng):
    q, x = rng.integers(0, 4, size=(M, 1)).astype(float), rng.integers(0, 4, (N, 1)).astype(float)
    gap = np.abs(q - x.T)
    aitchison = np.where(gap == 0, 0.8, 0.2 / 3)
    assert_allclose(rk.weights(Factor("aitchison_aitken", 0.2, shape=4), q, x), aitchison)
    wang = np.where(gap == 0, 0.8, 0.4 * 0.2**gap)
    assert_allclose(rk.weights(Factor("wang_van_ryzin", 0.2), q, x), wang)


LOGS = [k for k, _ in EXPECTED.values()]


@pytest.mark.parametrize("kernel", LOGS, ids=list(EXPECTED))
def test_log_weights_are_logs_of_weights(kernel, data):
    q, x = (a.astype(rk.EXACT) for a in data[:2])
    weight = rk.weights(kernel, q, x)
    log, sign = rk.log_weights(kernel, q, x)
    assert_allclose(np.float64(sign * np.exp(log)), np.float64(weight), rtol=5e-16, atol=1e-18)


def test_products_and_sums(data):
    q, x = (a.astype(rk.EXACT) for a in data[:2])
    a, b = Factor("gaussian", 0.9, columns=(0, 2)), Factor("triangular", 3.0, columns=(1,))
    wa, wb = (np.exp(-(cdist(q[:, [0, 2]], x[:, [0, 2]]) ** 2) / (2 * 0.81))), None
    wb = np.maximum(1 - np.abs(q[:, None, 1] - x[None, :, 1]) / 3, 0)
    for kernel, expected in ((rk.product(a, b), wa * wb), (rk.sum_of(a, b), wa + wb)):
        assert_allclose(np.float64(rk.weights(kernel, q, x)), np.float64(expected), rtol=1e-12)
        log, sign = rk.log_weights(kernel, q, x)
        assert_allclose(np.float64(sign * np.exp(log)), np.float64(expected), rtol=1e-12)
    signed = rk.sum_of(a, b, coefficients=(1.0, -2.0))
    assert_allclose(np.float64(rk.weights(signed, q, x)), np.float64(wa - 2 * wb), atol=1e-14)


def test_every_statistic_in_numpy(data, rng):
    q, x, y = data
    prior = rng.uniform(0, 2, N) * (rng.random(N) < 0.8)
    bias, mask = rng.normal(size=(M, N)), rng.random((M, N)) < 0.7
    got = local_stats(
        Factor("gaussian", 1.2),
        q,
        x,
        y,
        weights=prior,
        bias=bias,
        mask=mask,
        exclude_self=True,
        k=5,
    )
    w = np.exp(-(distance(q, x, 1.2) ** 2) / 2 + bias) * prior * mask
    w[np.arange(M), np.arange(M)] = 0
    mean = w @ y / w.sum(1, keepdims=True)
    assert_allclose(np.float64(got.mean), mean, rtol=1e-12)
    assert_allclose(np.float64(got.log_mass), np.log(w.sum(1)), rtol=1e-12)
    assert_allclose(np.float64(got.ess), w.sum(1) ** 2 / (w**2).sum(1), rtol=1e-12)
    assert_array_equal(got.count, (w > 0).sum(1))
    for i in range(M):
        expected = np.cov(y.T, aweights=w[i], ddof=0)
        assert_allclose(np.float64(got.covariance[i]), expected, rtol=1e-10, atol=1e-12)
        assert_allclose(np.float64(got.variance[i]), np.diag(expected), rtol=1e-10)
        assert_array_equal(got.top_k[0][i], np.argsort(-w[i])[:5])
    assert_allclose(np.float64(got.top_k[1]), -np.sort(-w)[:, :5] / w.sum(1)[:, None], rtol=1e-12)
    assert_array_equal(np.float64(got.self_weight), 0)


def test_log_space_far_from_everything():
    got = local_stats(Factor("gaussian", 1e-3), [[50.0]], [[0.0], [60.0], [40.0]], [1.0, 2.0, 4.0])
    assert_array_equal(np.float64(got.mean), [[3.0]])
    assert_allclose(np.float64(got.log_mass), -(1e4**2) / 2 + math.log(2))


def test_log_mass_is_logsumexp(data):
    q, x, _ = data
    logs = -(distance(q, x, 0.05) ** 2) / 2
    got = np.float64(local_stats(Factor("gaussian", 0.05), q, x).log_mass)
    assert_allclose(got, special.logsumexp(logs, axis=1), rtol=1e-12)


def test_shepard_is_sklearn_distance_weighting(data):
    q, x, y = data
    q = np.vstack([q, x[:3]])
    x, y = np.vstack([x, x[1:2]]), np.vstack([y, 7 * y[:1]])
    theirs = KNeighborsRegressor(n_neighbors=N + 1, weights="distance").fit(x, y).predict(q)
    got = local_stats(Factor("inverse_distance", shape=1.0), q, x, y).mean
    assert_allclose(np.float64(got), theirs, rtol=1e-10)


def test_empty_policies():
    kernel = Factor("epanechnikov", 1.0)
    q, x, y = [[0.0], [10.0]], [[0.5], [6.0], [14.0]], [1.0, 2.0, 3.0]
    for empty, expected in {"nan": math.nan, "zero": 0.0, "nearest": 2.0, -3.5: -3.5}.items():
        got = local_stats(kernel, q, x, y, empty=empty)
        assert_array_equal(np.float64(got.mean), [[1.0], [expected]])
        assert got.empty_rows == 1
        assert got.log_mass[1] == -math.inf
    masked = local_stats(kernel, q, x, y, empty="nearest", mask=[[True] * 3, [False, False, True]])
    assert np.float64(masked.mean[1, 0]) == 3.0
    nothing = local_stats(kernel, q, np.zeros((0, 1)), np.zeros(0), empty="nearest")
    assert np.isnan(np.float64(nothing.mean)).all()


def test_plain_yardstick(data):
    q, x, y = data
    exact = local_stats(Factor("cauchy", 0.5), q, x, y)
    mean, log_mass, ess, variance = plain_stats(Factor("cauchy", 0.5), q, x, y)
    assert_allclose(plain(Factor("cauchy", 0.5), q, x, y), np.float64(exact.mean), rtol=1e-11)
    assert_allclose(mean, np.float64(exact.mean), rtol=1e-11)
    assert_allclose(log_mass, np.float64(exact.log_mass), rtol=1e-11)
    assert_allclose(ess, np.float64(exact.ess), rtol=1e-11)
    assert_allclose(variance, np.float64(exact.variance), rtol=1e-11)
