"""LocalPCA against the weighted covariance, query by query."""

from __future__ import annotations

import numpy as np
import pytest

import vicinal as vc
from vicinal.models import LocalPCA


def reference(X, q, h, counts=None):
    """Return the Gaussian local mean and the eigenvalues and axes of the local covariance."""
    w = np.exp(-((X - q) ** 2).sum(axis=1) / (2 * h * h)) * (1 if counts is None else counts)
    mean = np.average(X, axis=0, weights=w)
    values, vectors = np.linalg.eigh((w[:, None] * (X - mean)).T @ (X - mean) / w.sum())
    return mean, values[::-1], vectors.T[::-1]


@pytest.mark.parametrize("weighted", [False, True])
def test_axes_are_those_of_the_weighted_covariance(problem, weighted):
    X, queries = problem.X, problem.queries
    counts = problem.weights if weighted else None
    model = LocalPCA(2, bandwidth=0.8).fit(X, sample_weight=counts)
    axes, variance = model.tangent_spaces(queries), model.explained_variance(queries)
    coordinates = model.transform(queries)
    for i, q in enumerate(queries):
        mean, values, vectors = reference(X, q, 0.8, counts)
        np.testing.assert_allclose(variance[i], values, rtol=1e-10, atol=1e-14)
        for k in range(2):
            sign = np.sign(axes[i, k] @ vectors[k])
            np.testing.assert_allclose(axes[i, k], sign * vectors[k], rtol=1e-7, atol=1e-9)
            assert axes[i, k][np.abs(axes[i, k]).argmax()] > 0
            assert coordinates[i, k] == pytest.approx(axes[i, k] @ (q - mean), abs=1e-12)
    np.testing.assert_allclose(
        model.dimension(queries), variance.sum(1) ** 2 / (variance**2).sum(1), rtol=1e-12
    )


def test_all_axes_give_the_row_back_and_some_project_it(problem):
    X, queries = problem.X, problem.queries
    model = LocalPCA(None, bandwidth=1.0).fit(X)
    np.testing.assert_allclose(
        model.inverse_transform(model.transform(queries), queries), queries, atol=1e-12
    )
    np.testing.assert_allclose(model.inverse_transform(model.transform(X)), X, atol=1e-12)
    plane = LocalPCA(bandwidth=1.0).fit(X)
    projected = plane.inverse_transform(plane.transform(queries), queries)
    normal = model.tangent_spaces(queries)[:, 2]
    along = ((queries - projected) * normal).sum(axis=1)
    np.testing.assert_allclose(queries - projected, along[:, None] * normal, atol=1e-10)


def test_a_share_takes_the_fewest_axes(problem):
    X, queries = problem.X, problem.queries
    model = LocalPCA(0.8, bandwidth=0.6).fit(X)
    axes, variance = model.tangent_spaces(queries), model.explained_variance(queries)
    taken = (axes != 0).any(axis=2).sum(axis=1)
    shares = np.cumsum(variance, axis=1) / variance.sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(taken, 1 + (shares < 0.8).sum(axis=1))
    assert len(set(taken)) > 1


def test_bits_do_not_depend_on_the_batch_or_threads():
    rng = np.random.default_rng(0)
    for d in (2, 5, 33):
        X = rng.normal(size=(200, d))
        model = LocalPCA(2, bandwidth=2.0).fit(X)
        whole = model.transform(X)
        order = rng.permutation(len(X))
        assert model.transform(X[order]).tobytes() == whole[order].tobytes()
        for i in range(0, 200, 7):
            assert model.transform(X[i : i + 1]).tobytes() == whole[i].tobytes()
        model.set_params(n_jobs=2)
        assert model.transform(X).tobytes() == whole.tobytes()


def test_a_tangent_of_a_sphere_is_orthogonal_to_the_radius():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(4000, 3))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    model = LocalPCA(2, kernel="epanechnikov", bandwidth=0.25).fit(X)
    axes = model.tangent_spaces(X[:50])
    assert np.abs((axes * X[:50, None, :]).sum(axis=2)).max() < 0.2
    assert np.median(model.dimension(X[:50])) == pytest.approx(2, abs=0.1)


def test_far_rows_and_coincident_keys(problem, path):
    model = LocalPCA(1, kernel="epanechnikov", bandwidth=0.5).fit(problem.X)
    with pytest.warns(vc.LocalizationWarning, match="1 of 1 rows"):
        variance = model.explained_variance([[99.0, 0.0, 0.0]])
    np.testing.assert_array_equal(variance, np.nan)
    model.set_params(empty="nearest")
    np.testing.assert_array_equal(model.explained_variance([[99.0, 0.0, 0.0]]), 0)
    model.set_params(empty="raise")
    with pytest.raises(ValueError, match="no key"):
        model.transform([[99.0, 0.0, 0.0]])
    same = LocalPCA(bandwidth=1.0).fit(np.ones((5, 2)))
    np.testing.assert_array_equal(same.explained_variance([[1.0, 1.0]]), 0)
    np.testing.assert_array_equal(same.dimension([[1.0, 1.0]]), 0)
    model = LocalPCA(2, bandwidth=0.7).fit(problem.X)
    model.save(path)
    loaded = vc.load(path)
    assert loaded.transform(problem.queries).tobytes() == model.transform(problem.queries).tobytes()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"n_components": 4},
            "n_components must be at most the number of features, got 4 for n_features=3",
        ),
        ({"n_components": 0}, "n_components must be a whole number from 1"),
        ({"n_components": 1.5}, "n_components must be a whole number from 1 to 3, a share"),
        ({"empty": "zero"}, "empty must be one of"),
        ({"bandwidth": 0.0}, "bandwidth must be positive"),
    ],
)
def test_bad_parameters_are_named(problem, parameters, message):
    with pytest.raises(ValueError, match=message):
        LocalPCA(**parameters).fit(problem.X)


def test_coordinates_that_do_not_fit(problem):
    model = LocalPCA(2).fit(problem.X)
    with pytest.raises(ValueError, match=r"Z must be \(25, 2\)"):
        model.inverse_transform(np.zeros((25, 3)), problem.queries)


@pytest.mark.parametrize("weighted", [False, True])
def test_rows_are_projected_onto_the_planes_of_the_others(problem, weighted):
    X = problem.X
    counts = np.random.default_rng(0).uniform(0.5, 2, len(X)) if weighted else None
    model = LocalPCA(2, bandwidth=0.9).fit(X, sample_weight=counts)
    projected = model.loo_predict()
    for i in range(0, len(X), 7):
        others = np.delete(np.arange(len(X)), i)
        own = None if counts is None else counts[others]
        mean, _, vectors = reference(X[others], X[i], 0.9, own)
        expected = mean + vectors[:2].T @ (vectors[:2] @ (X[i] - mean))
        np.testing.assert_allclose(projected[i], expected, rtol=1e-9, atol=1e-9)
    weights = np.ones(len(X)) if counts is None else counts
    missed = np.average(((X - projected) ** 2).sum(axis=1), weights=weights)
    spread = ((X - np.average(X, axis=0, weights=weights)) ** 2).sum(axis=1)
    score = 1 - missed / np.average(spread, weights=weights)
    assert model.loo_score() == pytest.approx(score, rel=1e-12)


def test_a_row_alone_is_scored_as_the_mean():
    X = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.0], [50.0, 0.0]])
    model = LocalPCA(1, kernel="epanechnikov", bandwidth=3.0).fit(X)
    with pytest.warns(vc.LocalizationWarning, match="1 of 4 rows"):
        assert np.isnan(model.loo_predict()[3]).all()
    charged = ((X[3] - X.mean(axis=0)) ** 2).sum() / ((X - X.mean(axis=0)) ** 2).sum()
    assert model.loo_score() == pytest.approx(1 - charged)


def test_mass_tol_leaves_out_a_share(problem):
    X = problem.X
    exact = LocalPCA(2, bandwidth=0.5).fit(X).explained_variance(X)
    near = LocalPCA(2, bandwidth=0.5, mass_tol=1e-4).fit(X).explained_variance(X)
    # A share e of points within a ball of diameter R moves a covariance by at most 1.5 e R².
    bound = 1.5e-4 * ((X[:, None] - X) ** 2).sum(axis=2).max()
    np.testing.assert_allclose(near, exact, rtol=0, atol=bound)
