"""Linear neighborhood propagation: its quadratic problems, its fixed point, its policies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls
from sklearn.datasets import make_moons

import vicinal as vc
from vicinal.models import LinearNeighborhoodPropagation
from vicinal.models.labeling.projection import onto_simplex


@pytest.fixture
def moons():
    X, truth = make_moons(200, noise=0.1, random_state=1)
    y = np.full(200, -1)
    for label in (0, 1):
        y[np.flatnonzero(truth == label)[:12]] = label
    return X, y, truth


def simplex_weights(x, near, reg):
    """Solve min wᵀ(G + reg tr G)w on the simplex by nonnegative least squares, Σw heavily held."""
    away = near - x
    gram = away @ away.T
    gram[np.diag_indices(len(gram))] += reg * np.trace(gram)
    root = np.linalg.cholesky(gram).T / np.sqrt(np.trace(gram))
    heavy = 1e5
    w = nnls(np.vstack([root, np.full(len(gram), heavy)]), np.append(np.zeros(len(gram)), heavy))[0]
    return w / w.sum()


def test_the_simplex_is_nearest():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 6)) * 3
    found = onto_simplex(rows)
    np.testing.assert_allclose(found.sum(1), 1)
    assert found.min() >= 0
    others = rng.dirichlet(np.ones(6), size=2000)
    inward = ((rows - found)[:, None] * (others - found[:, None])).sum(2)
    assert inward.max() <= 1e-12  # the angle to every point of the simplex is obtuse


@pytest.mark.parametrize("d", [2, 9])
def test_weights_solve_their_problem(d):
    X = np.random.default_rng(d).normal(size=(60, d))
    y = np.r_[0, 1, np.full(58, -1)]
    model = LinearNeighborhoodPropagation(7).fit(X, y)
    W = model.weights_.toarray()
    near = vc.knn(X, X, 7, exclude_self=True).indices
    for i in range(0, 60, 5):
        expected = np.zeros(60)
        expected[near[i]] = simplex_weights(X[i], X[near[i]], 1e-3)
        np.testing.assert_allclose(W[i], expected, atol=2e-6)
    free = LinearNeighborhoodPropagation(7, nonnegative=False, alpha=0.5).fit(X, y)
    expected = vc.lle_weights(X, near, reg=1e-3).toarray()
    np.testing.assert_allclose(free.weights_.toarray(), expected, atol=1e-12)
    assert (expected < -1e-3).any()


@pytest.mark.parametrize("alpha", [0.99, 0.6, None])
@pytest.mark.parametrize("solver", ["iterate", "krylov"])
def test_distributions_are_the_fixed_point(moons, alpha, solver):
    X, y, truth = moons
    model = LinearNeighborhoodPropagation(
        9, alpha=alpha, solver=solver, tol=1e-11, max_iter=50_000
    ).fit(X, y)
    W, Y = model.weights_.toarray(), (y[:, None] == [0, 1]).astype(float)
    if alpha is None:
        u = y == -1
        F = Y.copy()
        F[u] = np.linalg.solve(np.eye(u.sum()) - W[np.ix_(u, u)], W[np.ix_(u, ~u)] @ Y[~u])
    else:
        F = np.linalg.solve(np.eye(200) - alpha * W, (1 - alpha) * Y)
    F /= F.sum(1, keepdims=True)
    np.testing.assert_allclose(model.label_distributions_, F, atol=1e-7)
    assert (model.transduction_ == truth).mean() > 0.9
    assert model.score(X, truth) > 0.9


def test_training_rows_get_their_own_shares(moons, tmp_path):
    X, y, _ = moons
    model = LinearNeighborhoodPropagation(9).fit(X.astype("f4"), y)
    shares = model.predict_proba(X.astype("f4"))
    np.testing.assert_allclose(shares, model.label_distributions_, atol=1e-6)
    new = X[:9].astype("f4") + np.float32(0.01)
    whole = model.predict_proba(new)
    assert whole.dtype == np.float32
    rows = np.concatenate([model.predict_proba(row[None]) for row in new])
    assert whole.tobytes() == rows.tobytes()
    model.save(tmp_path / "labels.npz")
    assert vc.load(tmp_path / "labels.npz").predict_proba(new).tobytes() == whole.tobytes()


def test_bad_input(moons):
    X, y, _ = moons
    with pytest.raises(ValueError, match="y holds no label"):
        LinearNeighborhoodPropagation().fit(X, np.full(200, -1))
    with pytest.raises(ValueError, match="n_neighbors=9 needs more rows"):
        LinearNeighborhoodPropagation(9).fit(X[:9], y[:9])
    with pytest.raises(ValueError, match="n_neighbors must be a whole number from 1"):
        LinearNeighborhoodPropagation(0).fit(X, y)
    with pytest.raises(ValueError, match="nonnegative must be True or False"):
        LinearNeighborhoodPropagation(nonnegative="no").fit(X, y)
    line = np.arange(20.0)[:, None] * [1.0, 0.5]
    apart = np.concatenate([line, line + 100])
    with pytest.warns(vc.LocalizationWarning, match="20 rows in 1 part of the graph"):
        LinearNeighborhoodPropagation(2).fit(apart, np.r_[0, 1, np.full(38, -1)])
    same = np.ones((8, 2))
    even = LinearNeighborhoodPropagation(3).fit(same, [0, 1, -1, -1, -1, -1, -1, -1])
    assert np.isfinite(even.label_distributions_).all()


def test_what_the_others_say_of_a_row(moons):
    X, y, _ = moons
    model = LinearNeighborhoodPropagation(8, alpha=0.9).fit(X, y)
    weights = model.weights_.toarray()
    assert np.all(weights.diagonal() == 0)
    shares = weights @ model.label_distributions_
    np.testing.assert_array_equal(model.loo_predict(), model.classes_[shares.argmax(axis=1)])
    assert model.loo_score() == np.mean(model.loo_predict() == model.transduction_)
    np.testing.assert_array_equal(model.values_, model.label_distributions_)


def test_rows_that_reproduce_a_row_are_named(moons):
    X, y, _ = moons
    model = LinearNeighborhoodPropagation(6, nonnegative=False).fit(X, y)
    asked = X[:5] + 0.02
    indices, shares = model.explain(asked, k=8)
    near = vc.knn(asked, X, 6).indices
    for row, (found, share) in enumerate(zip(indices, shares, strict=True)):
        assert set(found[:6].tolist()) == set(near[row].tolist())
        assert (found[6:] == -1).all()
        assert (share[6:] == 0).all()
        assert share.sum() == pytest.approx(1)
        assert np.all(np.diff(np.abs(share[:6])) <= 1e-15)
        mean = share[:6] @ model.label_distributions_[found[:6]]
        clipped = np.clip(mean, 0, 1) / np.clip(mean, 0, 1).sum()
        np.testing.assert_allclose(model.predict_proba(asked)[row], clipped, atol=1e-6)
