"""KernelDensity.gradient against finite differences, dense sums and the mean-shift identity."""

from __future__ import annotations

import numpy as np
import pytest

import vicinal as vc
from vicinal.kernels import (
    Custom,
    Gaussian,
    Laplace,
    Mahalanobis,
    Matern,
    Product,
    RationalQuadratic,
    StudentT,
    Sum,
    WangVanRyzin,
)
from vicinal.models import KernelDensity

LINEAR = Mahalanobis([[1.0, 0.3, 0.0], [0.2, -1.0, 0.5], [0.0, 0.4, 2.0], [0.1, 0.0, 0.3]])
SETTINGS = {
    **{
        name: {"kernel": name, "bandwidth": 2.2}
        for name in (
            *("gaussian", "laplace", "logistic", "epanechnikov", "biweight", "triweight"),
            *("tricube", "triangular", "cosine", "wendland_c2"),
        )
    },
    **{f"matern {nu}": {"kernel": Matern(nu), "bandwidth": 1.3} for nu in (0.5, 1.5, 2.5)},
    "student_t": {"kernel": StudentT(5.0), "bandwidth": 0.9},
    "rational_quadratic": {"kernel": RationalQuadratic(2.5), "bandwidth": 0.9},
    "per feature": {"kernel": "triweight", "bandwidth": [3.0, 2.5, 4.0]},
    "left out": {"bandwidth": [0.5, np.inf, 0.7]},
    "mahalanobis": {"bandwidth": 1.5, "metric": LINEAR},
    "mahalanobis cusp": {"kernel": "laplace", "bandwidth": 1.5, "metric": LINEAR},
    "product": {
        "kernel": Product(Gaussian(columns=(0, 2)), Laplace(columns=1)),
        "bandwidth": [0.7, 0.8, 0.9],
    },
    "two gaussians": {
        "kernel": Product(Gaussian(columns=(0, 2)), Gaussian(columns=1, bandwidth=0.6)),
        "bandwidth": 0.9,
    },
    "sum": {
        "kernel": Sum(Gaussian(bandwidth=0.5), Laplace(bandwidth=1.0), coefficients=(2.0, 0.3))
    },
}


def differences(model, queries, step=1e-5):
    """Return the central differences of score_samples."""
    result = np.empty_like(queries)
    for j in range(queries.shape[1]):
        move = step * np.eye(queries.shape[1])[j]
        up, down = model.score_samples(queries + move), model.score_samples(queries - move)
        result[:, j] = (up - down) / (2 * step)
    return result


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", SETTINGS)
def test_finite_differences(problem, name, weighted):
    model = KernelDensity(**SETTINGS[name])
    model.fit(problem.X, sample_weight=problem.weights if weighted else None)
    queries = 0.7 * problem.queries  # inside the support
    got, expected = model.gradient(queries), differences(model, queries)
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_cauchy_in_one_feature(problem):
    model = KernelDensity(kernel="cauchy", bandwidth=0.4).fit(problem.X[:, :1])
    expected = differences(model, problem.queries[:, :1])
    np.testing.assert_allclose(model.gradient(problem.queries[:, :1]), expected, atol=1e-7)


@pytest.mark.parametrize("bandwidth", [0.3, 2.0, [0.5, 1.0, 3.0]])
def test_mean_shift_identity(problem, bandwidth):
    """The identity m(q) − q = h² ∇ log p."""
    model = KernelDensity(bandwidth=bandwidth).fit(problem.X, sample_weight=problem.weights)
    mean = vc.local_mean(
        problem.queries, problem.X, problem.X, bandwidth=bandwidth, weights=problem.weights
    )
    shift = np.square(bandwidth) * model.gradient(problem.queries)
    np.testing.assert_allclose(shift, mean - problem.queries, atol=1e-12)


def test_epanechnikov_is_the_shadow_of_the_flat_kernel(problem):
    model = KernelDensity(kernel="epanechnikov", bandwidth=2.5).fit(problem.X)
    options = {"kernel": "uniform", "bandwidth": 2.5}
    flat = vc.local_mean(problem.X, problem.X, problem.X, **options)
    gradient = model.gradient(problem.X)
    density = np.exp(model.score_samples(problem.X))
    count = vc.local_stats(problem.X, problem.X, statistics="count", **options).count
    normalizer = np.exp(model._log_normalizer()) / 60
    expected = 2 * normalizer * count / density / 2.5**2
    np.testing.assert_allclose(gradient, expected[:, None] * (flat - problem.X), atol=1e-12)


@pytest.mark.parametrize("kernel", ["laplace", "triangular"])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_a_cusp_pulls_nowhere(problem, kernel, offset):
    X = np.concatenate([problem.X, problem.X[:5], problem.X[:2]])  # some keys several times
    gap = (X[None] - X[:, None]) / 3
    u = np.sqrt((gap**2).sum(-1))
    k = np.exp(-u) if kernel == "laplace" else np.maximum(1 - u, 0)
    g = np.exp(-u) if kernel == "laplace" else (u < 1)
    pull = (gap * (g / np.where(u > 0, u, np.inf))[..., None]).sum(1) / 3
    model = KernelDensity(kernel=kernel, bandwidth=3.0).fit(X + offset)
    expected = pull / k.sum(1)[:, None]
    np.testing.assert_allclose(model.gradient(X + offset), expected, atol=1e-6 if offset else 1e-8)


def test_uniform_and_category_kernels_are_flat(problem):
    model = KernelDensity(kernel="uniform", bandwidth=9.0).fit(problem.X)
    assert not model.gradient(problem.queries).any()
    kernel = Product(Gaussian(columns=0), WangVanRyzin(bandwidth=0.3, columns=1))
    X = np.column_stack([problem.X[:, 0], problem.counts])
    model = KernelDensity(kernel=kernel, bandwidth=0.5).fit(X)
    gradient = model.gradient(X)
    assert not gradient[:, 1].any()
    step = [1e-5, 0]
    expected = (model.score_samples(X + step) - model.score_samples(X - step)) / 2e-5
    np.testing.assert_allclose(gradient[:, 0], expected, atol=1e-7)


@pytest.mark.parametrize("kernel", ["gaussian", "biweight", "laplace"])
def test_float32_and_offsets(problem, kernel):
    model = KernelDensity(kernel=kernel, bandwidth=2.5)
    expected = model.fit(problem.X).gradient(problem.queries)
    got = model.fit(problem.X.astype("f4")).gradient(problem.queries)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=1e-6)
    far = model.fit(problem.X + 1e6).gradient(problem.queries + 1e6)
    np.testing.assert_allclose(far, expected, atol=1e-7)


def test_far_queries_point_at_the_nearest_key(problem):
    for kernel in ("gaussian", "matern"):
        model = KernelDensity(kernel=kernel, bandwidth=0.1).fit(problem.X)
        query = np.array([[100.0, 0.0, 0.0]])
        gap = problem.X[np.argmin(((problem.X - query) ** 2).sum(1))] - query[0]
        unit = gap / np.linalg.norm(gap)
        size = np.linalg.norm(gap) / 0.01 if kernel == "gaussian" else 3**0.5 / 0.1
        np.testing.assert_allclose(model.gradient(query)[0], size * unit, rtol=1e-2, atol=0.1)


def test_keys_of_weight_zero_may_lie_anywhere(problem):
    weights = np.where(np.arange(60) == 7, 0.0, 1.0)
    moved = np.where(np.arange(60)[:, None] == 7, 1e200, problem.X)
    model = KernelDensity(kernel="biweight", bandwidth=3.0)
    expected = model.fit(problem.X, sample_weight=weights).gradient(problem.queries)
    got = model.fit(moved, sample_weight=weights).gradient(problem.queries)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("kernel", ["epanechnikov", "triangular", "uniform"])
def test_rows_without_a_key(problem, kernel):
    queries = np.concatenate([problem.queries, [[50.0, 0, 0], [0, 60.0, 0]]])
    model = KernelDensity(kernel=kernel, bandwidth=6.0).fit(problem.X)
    inside = model.gradient(problem.queries)
    with pytest.warns(vc.LocalizationWarning, match="2 of 27 rows.*a gradient of 0"):
        got = model.gradient(queries)
    np.testing.assert_array_equal(got, np.concatenate([inside, np.zeros((2, 3))]))
    for empty in ("nearest", 0.5):
        got = model.set_params(empty=empty).gradient(queries)
        np.testing.assert_array_equal(got[25:], np.zeros((2, 3)))
    model.set_params(empty="nan")
    with pytest.warns(vc.LocalizationWarning, match="a gradient of NaN"):
        got = model.gradient(queries)
    assert np.isnan(got[25:]).all()
    np.testing.assert_array_equal(got[:25], inside)
    with pytest.raises(ValueError, match="2 rows have no key in the support"):
        model.set_params(empty="raise").gradient(queries)


@pytest.mark.parametrize("kernel", ["gaussian", "biweight", "laplace", "tricube"])
def test_many_keys_and_mass_tol(kernel):
    rng = np.random.default_rng(0)
    X, queries = rng.normal(size=(6000, 2)), rng.normal(size=(50, 2))
    few = KernelDensity(kernel=kernel, bandwidth=1.0).fit(X)
    exact = few.gradient(queries)
    np.testing.assert_allclose(exact, differences(few, queries), atol=1e-6)
    tol = 1e-4
    model = KernelDensity(kernel=kernel, bandwidth=1.0, mass_tol=tol).fit(X)
    # The identity's local mean moves by tol times the diameter; under other kernels the two masses
    # by tol each as well.
    diameter = np.linalg.norm(np.ptp(X, axis=0))
    assert np.abs(model.gradient(queries) - exact).max() <= 5 * tol * diameter


@pytest.mark.parametrize("kernel", ["gaussian", "biweight", "laplace", "logistic"])
def test_rows_have_their_bits_alone(problem, kernel):
    model = KernelDensity(kernel=kernel, bandwidth=2.0).fit(problem.X)
    together = model.gradient(problem.queries)
    for i in (0, 11, 24):
        assert model.gradient(problem.queries[i : i + 1]).tobytes() == together[i].tobytes()
    model.set_params(n_jobs=3)
    assert model.gradient(problem.queries).tobytes() == together.tobytes()


def test_ascent_ends_at_a_mode():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(200, 2)), 8 + rng.normal(size=(200, 2))])
    model = KernelDensity(kernel="triweight", bandwidth=3.0).fit(X)
    point = np.array([[1.5, -1.0]])
    for _ in range(200):
        point = point + 0.5 * model.gradient(point)
    assert np.abs(model.gradient(point)).max() < 1e-9
    assert np.abs(point).max() < 0.7


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"metric": "manhattan"}, "euclidean or Mahalanobis, got 'manhattan'"),
        ({"kernel": Custom(lambda u: 1 - u, support=1.0)}, "no derivative of the kernel custom"),
        (
            {"kernel": Sum(Gaussian(), Gaussian(bandwidth=0.5), coefficients=(1.0, -0.1))},
            "without negative weights",
        ),
    ],
)
def test_refusals(problem, setting, message):
    model = KernelDensity(**{"bandwidth": 1.0, **setting}).fit(problem.X)
    with pytest.raises(ValueError, match=message):
        model.gradient(problem.queries)


def test_two_keys():
    model = KernelDensity(bandwidth=2.0).fit([[-1.0], [1.0]])
    np.testing.assert_allclose(model.gradient([[0.0], [3.0]]), [[0], [-(3 - np.tanh(0.75)) / 4]])
