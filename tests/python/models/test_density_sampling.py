"""KernelDensity.sample: moments and distribution functions of what is drawn, on fixed seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.exceptions import NotFittedError

import vicinal as vc
from vicinal.kernels import (
    AitchisonAitken,
    Custom,
    Gaussian,
    GreatCircle,
    Laplace,
    Mahalanobis,
    Matern,
    Product,
    RationalQuadratic,
    StudentT,
    Sum,
    WangVanRyzin,
)
from vicinal.kernels.sampling import RADII
from vicinal.models import KernelDensity

SIZE = 40_000
KERNELS = {
    **{name: vc.kernels.as_kernel(name) for name in ("gaussian", "laplace", "logistic")},
    **{name: vc.kernels.as_kernel(name) for name in ("epanechnikov", "biweight", "triweight")},
    **{name: vc.kernels.as_kernel(name) for name in ("tricube", "triangular", "cosine")},
    **{name: vc.kernels.as_kernel(name) for name in ("uniform", "wendland_c2")},
    **{f"matern {nu}": Matern(nu) for nu in (0.5, 1.5, 2.5)},
    "student_t": StudentT(12.0),
    "rational_quadratic": RationalQuadratic(7.5),
    "custom compact": Custom(lambda u: 1 - u**4, support=1.0),
    "custom": Custom(lambda u: -(u**1.5), log=True),
}


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("name", KERNELS)
def test_radii_have_the_moments_of_the_profile(name, d):
    kernel = KERNELS[name]
    rng = np.random.RandomState(d)
    r = RADII[type(kernel)](kernel, rng, d, SIZE)
    for power in (1, 2):
        expected = math.exp(kernel.log_radial_integral(d + power) - kernel.log_radial_integral(d))
        error = np.std(r**power) / math.sqrt(SIZE)
        assert abs(np.mean(r**power) - expected) < 4 * error


@pytest.mark.parametrize("name", [*KERNELS, "cauchy"])
def test_one_feature_follows_the_density(name):
    kernel = KERNELS.get(name, name)
    model = KernelDensity(kernel=kernel, bandwidth=0.4, empty=0.0)
    model.fit([[0.0], [0.7], [2.0]], sample_weight=[1.0, 0.0, 3.0])
    drawn = model.sample(4000, random_state=3)
    grid = np.sinh(np.linspace(-12, 12, 40_001))
    density = np.exp(model.score_samples(grid[:, None]))
    below = np.concatenate([[0], np.cumsum(np.diff(grid) * (density[1:] + density[:-1]) / 2)])
    assert below[-1] == pytest.approx(1, abs=2e-3)
    result = stats.kstest(drawn[:, 0], lambda x: np.interp(x, grid, below / below[-1]))
    assert result.pvalue > 0.001


@pytest.mark.parametrize("metric", [None, "manhattan", "chebyshev"])
@pytest.mark.parametrize("kernel", ["gaussian", "epanechnikov", "laplace"])
def test_mean_and_covariance(problem, kernel, metric):
    h = np.array([0.5, 2.0, 1.0])
    model = KernelDensity(kernel=kernel, bandwidth=h, metric=metric)
    model.fit(problem.X, sample_weight=problem.weights)
    drawn = model.sample(SIZE, random_state=0)
    mean = np.average(problem.X, axis=0, weights=problem.weights)
    # One coordinate's variance: Scott's rule is scaled to that of the Gaussian.
    scale = vc.bandwidth.scott(problem.X) / vc.bandwidth.scott(
        problem.X, kernel=kernel, metric=metric
    )
    spread = np.cov(problem.X.T, aweights=problem.weights, ddof=0) + np.diag((h * scale) ** 2)
    error = np.sqrt(np.diag(spread) / SIZE)
    assert np.all(np.abs(drawn.mean(axis=0) - mean) < 4 * error)
    np.testing.assert_allclose(np.cov(drawn.T), spread, atol=0.03 * spread.max())


@pytest.mark.parametrize(
    ("metric", "distance"),
    [
        ("manhattan", lambda z: np.abs(z).sum(axis=1)),
        ("chebyshev", lambda z: np.abs(z).max(axis=1)),
        ("euclidean", lambda z: np.sqrt((z**2).sum(axis=1))),
        (
            Mahalanobis([[2.0, 1.0], [0.0, 1.0], [1.0, -1.0]]),
            lambda z: np.sqrt(((z @ [[2.0, 0.0, 1.0], [1.0, 1.0, -1.0]]) ** 2).sum(axis=1)),
        ),
    ],
    ids=["manhattan", "chebyshev", "euclidean", "mahalanobis"],
)
def test_distances_are_those_of_the_metric(metric, distance):
    model = KernelDensity(kernel="triangular", bandwidth=0.5, metric=metric).fit([[0.0, 0.0]])
    drawn = model.sample(4000, random_state=1)
    assert stats.kstest(distance(drawn) / 0.5, stats.beta(2, 2).cdf).pvalue > 0.001
    # Uniform over the sphere of the metric: point and mirror image alike.
    for axis in (0, 1):
        assert stats.binomtest(int((drawn[:, axis] > 0).sum()), 4000).pvalue > 0.001


def test_mahalanobis_covariance():
    L = np.array([[2.0, 1.0], [0.0, 1.0]])
    model = KernelDensity(bandwidth=0.5, metric=Mahalanobis(L)).fit([[3.0, 4.0]])
    drawn = model.sample(SIZE, random_state=0)
    expected = 0.25 * np.linalg.inv(L.T @ L)
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.03 * expected.max())


def test_keys_are_drawn_by_weight(problem):
    model = KernelDensity(bandwidth=1e-9).fit(problem.X, sample_weight=problem.weights)
    drawn = model.sample(SIZE, random_state=0)
    nearest = vc.knn(drawn, problem.X, 1).indices[:, 0]
    counts = np.bincount(nearest, minlength=60)
    present = problem.weights > 0
    assert counts[~present].sum() == 0
    expected = problem.weights[present] / problem.weights.sum() * SIZE
    assert stats.chisquare(counts[present], expected).pvalue > 0.001


def test_products_and_sums():
    kernel = Product(Gaussian(bandwidth=0.1, columns=0), WangVanRyzin(bandwidth=0.4, columns=1))
    drawn = KernelDensity(kernel=kernel).fit([[0.0, 5.0]]).sample(SIZE, random_state=0)
    assert np.std(drawn[:, 0]) == pytest.approx(0.1, rel=0.03)
    steps = np.arange(-3, 4)
    expected = np.where(steps == 0, 0.6, 0.5 * 0.6 * 0.4 ** np.abs(steps))
    shares = [(drawn[:, 1] == 5 + step).mean() for step in steps]
    np.testing.assert_allclose(shares, expected, atol=0.01)
    kernel = Sum(Gaussian(bandwidth=0.1), Laplace(bandwidth=9.0), coefficients=(3.0, 0.5))
    model = KernelDensity(kernel=kernel, empty=0.0).fit([[0.0]])
    # Their shares are coefficients times integrals.
    narrow = 3 * 0.1 * math.sqrt(2 * math.pi)
    drawn = model.sample(SIZE, random_state=0)[:, 0]
    expected = narrow / (narrow + 0.5 * 18) * math.erf(0.5 / (0.1 * math.sqrt(2)))
    expected += 9 / (narrow + 9) * -math.expm1(-0.5 / 9)
    assert np.mean(np.abs(drawn) < 0.5) == pytest.approx(expected, abs=0.01)


def test_features_left_out_keep_the_number_of_the_key():
    X = np.column_stack([np.arange(5.0), np.full(5, 2.5)])
    model = KernelDensity().fit(X)
    assert model.bandwidth_[1] == np.inf
    drawn = model.sample(50, random_state=0)
    assert set(drawn[:, 1]) == {2.5}
    assert len(set(drawn[:, 0])) == 50


def test_shape_dtype_and_seed(problem):
    model = KernelDensity().fit(problem.X.astype("f4"))
    assert model.sample().shape == (1, 3)
    assert model.sample(7, random_state=0).dtype == np.float32
    same = [model.sample(7, random_state=seed) for seed in (5, 5, np.random.RandomState(5))]
    assert same[0].tobytes() == same[1].tobytes() == same[2].tobytes()
    assert model.sample(7, random_state=6).tobytes() != same[0].tobytes()


def test_refusals(problem):
    with pytest.raises(NotFittedError):
        KernelDensity().sample()
    model = KernelDensity().fit(problem.X)
    with pytest.raises(ValueError, match="n_samples must be at least 1, got 0"):
        model.sample(0)
    with pytest.raises(TypeError, match="n_samples must be a whole number"):
        model.sample(1.5)
    sphere = KernelDensity(metric=GreatCircle(), bandwidth=100.0).fit([[50.0, 10.0], [40.0, 3.0]])
    with pytest.raises(ValueError, match=r"cannot draw from the kernel gaussian.*euclidean"):
        sphere.sample()
    categories = KernelDensity(kernel=AitchisonAitken(2, bandwidth=0.1)).fit([[0.0], [1.0]])
    with pytest.raises(ValueError, match="does not know its categories; wang_van_ryzin"):
        categories.sample()
    kernel = Sum(Gaussian(bandwidth=2.0), Gaussian(bandwidth=1.0), coefficients=(1.0, -0.1))
    with pytest.raises(ValueError, match="without negative weights"):
        KernelDensity(kernel=kernel).fit(problem.X).sample()
