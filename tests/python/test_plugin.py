"""Plug-in bandwidths against direct double sums, published values and the best bandwidth known."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq

import vicinal as vc
from vicinal.kernels import Epanechnikov, Gaussian, Product
from vicinal.models import KernelDensity, LocalMeanClassifier, LocalMeanRegressor

# Mean annual rainfall of 70 cities in inches: R's data set `precip`.
PRECIPITATION = """
67 54.7 7 48.5 14 17.2 20.7 13 43.4 40.2 38.9 54.5 59.8 48.3 22.9 11.5 34.4 35.1 38.7 30.8 30.6 43.1
56.8 40.8 41.8 42.5 31 31.7 30.2 25.9 49.2 37 35.9 15 30.2 7.2 36.2 45.5 7.8 33.4 36.1 40.2 42.7
42.5 16.2 39 35 37 31.4 37.6 39.9 36.2 42.8 46.4 24.7 49.1 46 35.9 7.8 48.2 15.2 32.5 44.7 42.6 38.8
17.4 40.8 29.1 14.6 59.2
"""


def derivative_of_normal(order, u):
    """Return φ^(order)(u) by the explicit Hermite polynomials."""
    polynomial = {4: u**4 - 6 * u**2 + 3, 6: u**6 - 15 * u**4 + 45 * u**2 - 15}[order]
    return polynomial * np.exp(-0.5 * u**2) / math.sqrt(2 * math.pi)


def sheather_jones(x):
    """Solve their equation with sums over all pairs: the reference of the binned one."""
    n, gaps = len(x), x[:, None] - x[None]
    quartiles = np.quantile(x, [0.25, 0.75], method="inverted_cdf")
    scale = min(x.std(), (quartiles[1] - quartiles[0]) / 1.349)

    def functional(order, g):
        return derivative_of_normal(order, gaps / g).sum() / (n**2 * g ** (order + 1))

    # g = (−2 φ^(r)(0) / (ψ_{r+2} n))^(1/(r+3)), ψ of the normal distribution for the pilots.
    psi_6, psi_8 = -15 / (16 * math.sqrt(math.pi)), 105 / (32 * math.sqrt(math.pi))
    peak = {order: derivative_of_normal(order, 0.0) for order in (4, 6)}
    a = scale * (-2 * peak[4] / (psi_6 * n)) ** (1 / 7)
    b = scale * (-2 * peak[6] / (psi_8 * n)) ** (1 / 9)
    ratio = functional(4, a) / -functional(6, b)

    def excess(h):
        g = (2 * peak[4] * 2 * math.sqrt(math.pi) * ratio) ** (1 / 7) * h ** (5 / 7)
        return h - (2 * math.sqrt(math.pi) * n * functional(4, g)) ** (-1 / 5)

    top = 1.144 * x.std() * n ** (-1 / 5)
    return brentq(excess, top / 30, top, xtol=1e-12)


def samples():
    rng = np.random.default_rng(5)
    return {
        "normal": rng.normal(size=200),
        "two scales": np.concatenate([rng.normal(size=150), 4 + 0.1 * rng.normal(size=150)]),
        "heavy tails": rng.standard_t(2, size=250) * 1e3,
        "offset": 1e6 + rng.gamma(1.5, size=100),
        "rounded": np.round(rng.normal(size=300), 1),
    }


@pytest.mark.parametrize("name", samples())
def test_density_rule_is_sheather_and_jones(name):
    x = samples()[name]
    np.testing.assert_allclose(vc.bandwidth.plugin(x[:, None]), [sheather_jones(x)], rtol=3e-4)


def test_density_rule_on_published_data():
    x = np.array(PRECIPITATION.split(), dtype=float)
    # R 4.2.2, bw.SJ(precip, nb=60000): sums over n(n − 1) pairs, rounded constants, 1/(n − 1).
    assert vc.bandwidth.plugin(x[:, None])[0] == pytest.approx(3.942, rel=0.01)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_density_rule_recovers_the_best_of_normal_data(d):
    """The minimum of the exact mean integrated squared error for a normal density."""
    n = 5000
    X = np.random.default_rng(d).normal(size=(n, d)) * [1, 10, 0.1][:d]

    def exact(h):  # Marron and Wand, 1992, with a product of equal factors
        own = (2 * math.sqrt(math.pi) * h) ** -d / n
        return (
            own
            + (1 - 1 / n) * (2 * math.pi * (2 + 2 * h**2)) ** (-d / 2)
            - 2 * (2 * math.pi * (2 + h**2)) ** (-d / 2)
        )

    grid = np.geomspace(0.02, 2, 2000)
    best = grid[np.argmin([exact(h) for h in grid])]
    np.testing.assert_allclose(vc.bandwidth.plugin(X) / [1, 10, 0.1][:d], best, rtol=0.1)


def test_density_rule_sees_structure_that_scott_smooths_away():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=2000), 20 + rng.normal(size=2000)])[:, None]
    single = 1.06 * 2000 ** (-1 / 5)
    assert vc.bandwidth.plugin(X)[0] == pytest.approx(single, rel=0.2)
    assert vc.bandwidth.scott(X)[0] > 8 * single


@pytest.mark.parametrize("y", [None, "values"])
def test_constant_features_are_left_out(y):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    X = np.column_stack([x[:, 0], np.full(200, 7.0), x[:, 1]])
    y = None if y is None else np.sin(x[:, 0])
    h = vc.bandwidth.plugin(X, y)
    assert h[1] == np.inf
    np.testing.assert_allclose(h[[0, 2]], vc.bandwidth.plugin(x, y), rtol=1e-12)
    np.testing.assert_array_equal(vc.bandwidth.plugin(np.ones((200, 2)), y), np.ones(2))


@pytest.mark.parametrize("with_values", [False, True])
@pytest.mark.parametrize("kernel", ["epanechnikov", "uniform", "laplace", "matern", "tricube"])
def test_scaled_to_the_variance_of_the_kernel(kernel, with_values):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    y = np.cos(X[:, 0]) if with_values else None
    factor = vc.bandwidth.scott(X, kernel=kernel) / vc.bandwidth.scott(X)
    got = vc.bandwidth.plugin(X, y, kernel=kernel)
    np.testing.assert_allclose(got, factor * vc.bandwidth.plugin(X, y), rtol=1e-12)


@pytest.mark.parametrize("metric", ["manhattan", "chebyshev"])
def test_metrics_per_coordinate(metric):
    X = np.random.default_rng(0).normal(size=(100, 3))
    factor = vc.bandwidth.scott(X, metric=metric) / vc.bandwidth.scott(X)
    got = vc.bandwidth.plugin(X, metric=metric)
    np.testing.assert_allclose(got, factor * vc.bandwidth.plugin(X), rtol=1e-12)


@pytest.mark.parametrize("with_values", [False, True])
def test_counts_are_rows(with_values):
    rng = np.random.default_rng(3)
    X, counts = rng.normal(size=(150, 2)), rng.integers(0, 4, 150)
    X[:, 1] *= 1e-4
    y = np.sin(2 * X[:, 0]) + 0.2 * rng.normal(size=150) if with_values else None
    weighted = vc.bandwidth.plugin(X, y, sample_weight=counts)
    where = np.repeat(np.arange(150), counts)
    repeated = vc.bandwidth.plugin(X[where], None if y is None else y[where])
    np.testing.assert_allclose(weighted, repeated, rtol=1e-10)
    moved = np.where((counts == 0)[:, None], 1e200, X)  # what weighs nothing may lie anywhere
    np.testing.assert_array_equal(vc.bandwidth.plugin(moved, y, sample_weight=counts), weighted)


@pytest.mark.parametrize("with_values", [False, True])
def test_float32_and_scale(with_values):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(300, 2)).astype(np.float32)
    y = np.sin(3 * X[:, 0], dtype=np.float64) if with_values else None
    h = vc.bandwidth.plugin(X, y)
    assert h.dtype == np.float64
    np.testing.assert_allclose(vc.bandwidth.plugin(X.astype(np.float64), y), h, rtol=1e-12)
    scaled = vc.bandwidth.plugin(X * np.float32(1024), None if y is None else 1e-100 * y)
    np.testing.assert_allclose(scaled, 1024 * h, rtol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("d", [1, 3])
def test_few_rows(n, d):
    rng = np.random.default_rng(n)
    X, y = rng.normal(size=(n, d)), rng.normal(size=(n, 2))
    for h in (vc.bandwidth.plugin(X), vc.bandwidth.plugin(X, y), vc.bandwidth.plugin(X, 0 * y)):
        assert h.shape == (d,)
        assert np.all((h > 0) & np.isfinite(h))


def test_many_features():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 700))
    h = vc.bandwidth.plugin(X, X[:, 0] + 0.1 * rng.normal(size=60))
    assert np.all((h > 0) & np.isfinite(h))
    np.testing.assert_allclose(vc.bandwidth.plugin(X), vc.bandwidth.silverman(X), rtol=0.8)


def test_duplicates_and_levels():
    rng = np.random.default_rng(0)
    for x in (rng.integers(0, 2, 400), rng.integers(0, 6, 400), np.repeat(rng.normal(size=9), 50)):
        X = x[:, None].astype(float)
        assert 0 < vc.bandwidth.plugin(X)[0] < X.std()
        for y in (x % 2, rng.normal(size=len(x)), x + 0.1 * rng.normal(size=len(x))):
            assert 0 < vc.bandwidth.plugin(X, y)[0] <= 16.001 * X.std()
    X = rng.integers(0, 5, 2000)[:, None].astype(float)
    y = np.sin(2 * X[:, 0]) + 0.3 * rng.normal(size=2000)
    model = LocalMeanRegressor(bandwidth="plugin").fit(X, y)
    np.testing.assert_allclose(model.predict(X), np.sin(2 * X[:, 0]), atol=0.1)


CURVES = {
    "slow": (lambda X: np.sin(2 * X[:, 0]), 0.3),
    "fast": (lambda X: np.sin(6 * X[:, 0]), 0.3),
    "noisy line": (lambda X: X.sum(axis=1), 1.0),
}


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("design", ["normal", "uniform"])
@pytest.mark.parametrize("curve", CURVES)
def test_regression_rule_is_near_the_best_bandwidth(curve, design, d):
    """The error of the truth at fresh points, against that of the best candidate of a grid."""
    rng = np.random.default_rng(1)
    truth, noise = CURVES[curve]

    def draw(n):
        return rng.normal(size=(n, d)) if design == "normal" else rng.uniform(-2, 2, size=(n, d))

    X, fresh = draw(2000), draw(2000)
    y = truth(X) + noise * rng.normal(size=2000)

    def error(h):
        return np.mean((vc.local_mean(fresh, X, y, bandwidth=h) - truth(fresh)) ** 2)

    best = min(error(h * X.std(axis=0)) for h in np.geomspace(0.01, 2, 30))
    assert error(vc.bandwidth.plugin(X, y)) < 1.25 * best


def test_regression_rule_on_noise_and_on_constants():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 1))
    np.testing.assert_allclose(vc.bandwidth.plugin(X, rng.normal(size=300)), 16 * X.std(axis=0))
    np.testing.assert_array_equal(vc.bandwidth.plugin(X, np.ones(300)), vc.bandwidth.scott(X))


def test_rows_beyond_the_averaged_ones_change_little():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60_000, 2))
    y = np.sin(2 * X[:, 0]) + 0.3 * rng.normal(size=len(X))
    h = vc.bandwidth.plugin(X, y)
    np.testing.assert_allclose(vc.bandwidth.plugin(X[::-1], y[::-1]), h, rtol=0.05)


def test_the_number_of_threads_changes_no_bit():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 2)), rng.normal(size=500)
    one, three = (vc.bandwidth.plugin(X, y, num_threads=t) for t in (1, 3))
    assert one.tobytes() == three.tobytes()


def test_selection_and_models(problem_of_models):
    X, y, labels = problem_of_models
    got = vc.bandwidth.select(X, y, criterion="plugin")
    np.testing.assert_array_equal(got.bandwidth, vc.bandwidth.plugin(X, y))
    assert np.isnan(got.scores).all()
    np.testing.assert_array_equal(
        KernelDensity(bandwidth="plugin").fit(X).bandwidth_, vc.bandwidth.plugin(X)
    )
    model = LocalMeanRegressor(bandwidth="plugin").fit(X, y)
    np.testing.assert_array_equal(model.bandwidth_, got.bandwidth)
    model = LocalMeanClassifier(bandwidth="plugin").fit(X, labels)
    one_hot = labels[:, None] == np.unique(labels)
    np.testing.assert_array_equal(model.bandwidth_, vc.bandwidth.plugin(X, one_hot))


@pytest.fixture
def problem_of_models():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(120, 2))
    y = np.sin(2 * X[:, 0]) + 0.1 * rng.normal(size=120)
    return X, y, np.array(["low", "mid", "high"])[np.digitize(y, [-0.5, 0.5])]


def test_products_give_each_factor_its_columns():
    X = np.random.default_rng(0).normal(size=(100, 3))
    kernel = Product(Gaussian(columns=(0, 1)), Epanechnikov(columns=2))
    gaussian = vc.bandwidth.plugin(X)
    expected = gaussian * [1, 1, math.sqrt(5)]
    np.testing.assert_allclose(vc.bandwidth.plugin(X, kernel=kernel), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kernel": "softmax"}, '(?=.*"loo")(?=.*per coordinate)'),
        ({"metric": "cosine"}, '(?=.*"loo")(?=.*plugin)'),
        ({"kernel": "wang_van_ryzin"}, '"loo"'),
        ({"y": np.ones(5)}, r"y must be \(20,\)"),
        ({"y": np.full(20, np.nan)}, "y holds NaN"),
        ({"sample_weight": np.zeros(20)}, "sample_weight"),
    ],
)
def test_refusals(arguments, words):
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(ValueError, match=words):
        vc.bandwidth.plugin(X, **arguments)
