"""KernelDensity against scikit-learn's, and its integral."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import KernelDensity as TheirDensity

import vicinal as vc
from vicinal.models import KernelDensity

NAMES = {
    "gaussian": "gaussian",
    "laplace": "exponential",
    "epanechnikov": "epanechnikov",
    "uniform": "tophat",
    "triangular": "linear",
    "cosine": "cosine",
}


@pytest.mark.parametrize("kernel", NAMES)
@pytest.mark.parametrize("weighted", [False, True])
def test_agrees_with_scikit_learn(problem, kernel, weighted):
    present = problem.weights > 0  # scikit-learn takes positive weights only
    X = problem.X[present]
    weights = problem.weights[present] if weighted else None
    ours = KernelDensity(kernel=kernel, bandwidth=2.5).fit(X, sample_weight=weights)
    theirs = TheirDensity(kernel=NAMES[kernel], bandwidth=2.5).fit(X, sample_weight=weights)
    inside = np.isfinite(theirs.score_samples(problem.queries))
    queries = problem.queries[inside]
    assert len(queries) > 15
    np.testing.assert_allclose(
        ours.score_samples(queries), theirs.score_samples(queries), rtol=1e-10, atol=1e-11
    )
    np.testing.assert_allclose(ours.score(queries), theirs.score(queries), rtol=1e-10)


@pytest.mark.parametrize("kernel", ["gaussian", "matern", "logistic", "tricube", "wendland_c2"])
def test_integral_is_one(kernel):
    model = KernelDensity(kernel=kernel, bandwidth=0.7, empty=0.0)
    model.fit([[0.0], [0.4], [2.0]], sample_weight=[1.0, 0.5, 3.0])
    grid = np.linspace(-40, 42, 200_001)
    total = np.exp(model.score_samples(grid[:, None])).sum() * (grid[1] - grid[0])
    assert total == pytest.approx(1, abs=1e-6)


def test_integral_with_two_bandwidths_and_a_constant_feature():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(40, 2)) * [1, 5], np.full(40, 2.0)])
    model = KernelDensity().fit(X)
    assert model.bandwidth_[2] == np.inf
    plane = KernelDensity(bandwidth=model.bandwidth_[:2]).fit(X[:, :2])
    np.testing.assert_allclose(model.score_samples(X), plane.score_samples(X[:, :2]))
    axes = np.linspace(-6, 6, 121), np.linspace(-30, 30, 121)
    mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    mass = np.exp(plane.score_samples(mesh)).sum() * 0.1 * 0.5
    assert mass == pytest.approx(1, abs=1e-6)


def test_total_mass_is_normalized_by_the_sum_of_weights(problem):
    one = KernelDensity(bandwidth=1.0).fit(problem.X, sample_weight=problem.weights)
    ten = KernelDensity(bandwidth=1.0).fit(problem.X, sample_weight=10 * problem.weights)
    np.testing.assert_allclose(
        one.score_samples(problem.queries), ten.score_samples(problem.queries), rtol=1e-12
    )


def test_score_weighs_rows(problem):
    model = KernelDensity().fit(problem.X)
    repeated = model.score(problem.X.repeat(problem.counts, axis=0))
    assert model.score(problem.X, sample_weight=problem.counts) == pytest.approx(repeated)


def test_far_queries_have_a_finite_log_density(problem):
    model = KernelDensity(bandwidth=0.1).fit(problem.X)
    far = model.score_samples([[100.0, 0.0, 0.0]])[0]
    nearest = np.min(((problem.X - [100.0, 0, 0]) ** 2).sum(1)) / 0.02
    assert far == pytest.approx(-nearest, rel=1e-3)


def test_loo_bandwidth_has_the_largest_likelihood(problem):
    chosen = KernelDensity(bandwidth="loo").fit(problem.X)
    for factor in (0.5, 2.0):
        other = KernelDensity(bandwidth=chosen.bandwidth_ * factor).fit(problem.X)
        assert chosen.loo_score() > other.loo_score()


@pytest.mark.parametrize("kernel", ["inverse_distance", "constant", "softmax", "cauchy"])
def test_kernels_without_an_integral_are_refused(problem, kernel):
    with pytest.raises(ValueError, match="integra"):
        KernelDensity(kernel=kernel, bandwidth=1.0).fit(problem.X)


def test_values_are_none_and_float32_is_kept(problem):
    model = KernelDensity().fit(problem.X.astype("f4"))
    assert model.values_ is None
    assert model.score_samples(problem.queries).dtype == np.float32
    assert model.loo_predict().dtype == np.float32


def test_metric_enters_the_integral():
    grid = np.linspace(-1.5, 1.5, 301)
    mesh = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    for metric in ("manhattan", "chebyshev"):
        model = KernelDensity(kernel="triangular", bandwidth=1.0, metric=metric, empty=0.0)
        mass = np.exp(model.fit([[0.0, 0.0]]).score_samples(mesh)).sum() * 1e-4
        assert mass == pytest.approx(1, abs=1e-3)
    with pytest.raises(ValueError, match="integra"):
        KernelDensity(kernel=vc.kernels.Softmax(bandwidth=1.0)).fit([[0.0, 0.0], [1.0, 1.0]])


def test_cross_validation_needs_targets(problem):
    with pytest.raises(ValueError, match="gcv"):
        KernelDensity(bandwidth="gcv").fit(problem.X)
