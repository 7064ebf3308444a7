"""Label propagation and spreading against scikit-learn's and against dense linear algebra."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist
from sklearn import semi_supervised as sk
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning

import vicinal as vc
from vicinal.models import LabelPropagation

GAMMA = 6.0
RBF = {"bandwidth": 1 / np.sqrt(2 * GAMMA)}
KNN = {"kernel": "constant", "bandwidth": 1.0, "neighbors": vc.KNearest(6)}


@pytest.fixture
def moons():
    X, truth = make_moons(150, noise=0.08, random_state=0)
    y = np.full(150, -1)
    for label in (0, 1):
        y[np.flatnonzero(truth == label)[:4]] = label
    return X, y, truth


def held_solution(W, y):
    """Solve for the rows without a label (Zhu, Ghahramani & Lafferty, 2003)."""
    K = W / W.sum(1, keepdims=True)
    u, labelled = y == -1, y != -1
    Y = (y[labelled][:, None] == np.unique(y[labelled])).astype(float)
    P = np.zeros((len(y), Y.shape[1]))
    P[labelled] = Y
    P[u] = np.linalg.solve(np.eye(u.sum()) - K[np.ix_(u, u)], K[np.ix_(u, labelled)] @ Y)
    return P


@pytest.mark.parametrize("solver", ["iterate", "krylov"])
@pytest.mark.parametrize("alpha", [None, 0.2, 0.95])
@pytest.mark.parametrize("graph", ["rbf", "knn"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_distributions_are_those_of_scikit_learn(moons, solver, alpha, graph):
    X, y, _ = moons
    ours = {**(RBF if graph == "rbf" else KNN), "tol": 1e-11, "max_iter": 20_000}
    model = LabelPropagation(alpha=alpha, solver=solver, **ours).fit(X, y)
    theirs = {"kernel": graph, "gamma": GAMMA, "n_neighbors": 6, "tol": 1e-10}
    if alpha is None:
        peer = sk.LabelPropagation(max_iter=20_000, **theirs).fit(X, y)
    else:
        peer = sk.LabelSpreading(alpha=alpha, max_iter=20_000, **theirs).fit(X, y)
    found = model.label_distributions_
    np.testing.assert_allclose(found, peer.label_distributions_, atol=1e-6)
    np.testing.assert_array_equal(model.classes_, peer.classes_)
    sure = np.abs(found[:, 0] - 0.5) > 1e-6
    np.testing.assert_array_equal(model.transduction_[sure], peer.transduction_[sure])
    new = X[:40] + 0.01
    np.testing.assert_allclose(model.predict_proba(new), peer.predict_proba(new), atol=1e-6)
    assert model.residual_ <= 1e-11


def test_held_labels_are_the_harmonic_solution(moons):
    X, y, truth = moons
    W = np.exp(-GAMMA * cdist(X, X, "sqeuclidean"))
    expected = held_solution(W, y)
    for options in ({}, {"neighbors": vc.Radius(2.0)}):
        model = LabelPropagation(**RBF, **options, tol=1e-12).fit(X, y)
        if options:
            expected = held_solution(np.where(cdist(X, X) <= 2, W, 0), y)
        np.testing.assert_allclose(model.label_distributions_, expected, atol=1e-9)
    assert (model.transduction_ == truth).mean() > 0.8


def test_the_bound_of_truncation(moons):
    X, y, _ = moons
    W = np.exp(-GAMMA * cdist(X, X, "sqeuclidean"))
    K, u = W / W.sum(1, keepdims=True), y == -1
    steps = np.linalg.solve(np.eye(u.sum()) - K[np.ix_(u, u)], np.ones(u.sum())).max()
    exact = held_solution(W, y)
    for share in (1e-2, 1e-4):
        cut = LabelPropagation(**RBF, mass_tol=share, tol=1e-10).fit(X, y)
        apart = np.abs(cut.label_distributions_ - exact).max()
        assert 0 < apart <= share * steps


def test_spreading_by_the_formula(moons):
    X, y, _ = moons
    W = np.exp(-GAMMA * cdist(X, X, "sqeuclidean"))
    np.fill_diagonal(W, 0)
    d = W.sum(1)
    S = W / np.sqrt(np.outer(d, d))
    Y = (y[:, None] == [0, 1]).astype(float)
    F = np.linalg.solve(np.eye(150) - 0.9 * S, 0.1 * Y)
    model = LabelPropagation(alpha=0.9, tol=1e-13, **RBF).fit(X, y)
    np.testing.assert_allclose(model.label_distributions_, F / F.sum(1, keepdims=True), atol=1e-10)


def test_distances_that_are_stored(moons):
    X, y, _ = moons
    reach = vc.radius_neighbors(X, X, 0.6)
    plain = LabelPropagation(**RBF, neighbors=vc.Radius(0.6)).fit(X, y)
    graph = reach.to_csr()
    given = LabelPropagation(metric="precomputed", **RBF).fit(graph, y)
    np.testing.assert_allclose(given.label_distributions_, plain.label_distributions_, atol=1e-5)
    new = X[:9] + 0.02
    near = vc.radius_neighbors(new, X, 0.6).to_csr()
    np.testing.assert_allclose(given.predict_proba(near), plain.predict_proba(new), atol=1e-5)
    with pytest.raises(ValueError, match="bandwidth must be a number"):
        LabelPropagation(metric="precomputed").fit(graph, y)
    with pytest.raises(ValueError, match="leave edges out of X"):
        LabelPropagation(metric="precomputed", **RBF, neighbors=vc.KNearest(3)).fit(graph, y)


def test_parts_without_a_label_are_counted():
    X = np.array([[0.0], [1.0], [10.0], [11.0], [20.0], [21.0], [22.0]])
    y = [3, -1, -1, -1, 5, 5, -1]
    for options in ({"alpha": None}, {"alpha": 0.5}, {"solver": "iterate"}):
        model = LabelPropagation(
            kernel="triangular", bandwidth=2.0, neighbors=vc.Radius(2.0), **options
        )
        with pytest.warns(vc.LocalizationWarning, match="2 rows in 1 part of the graph"):
            model.fit(X, y)
        np.testing.assert_allclose(model.label_distributions_[2:4], [[1 / 3, 2 / 3]] * 2)
        np.testing.assert_array_equal(model.transduction_[[1, 6]], [3, 5])
    with pytest.warns(vc.LocalizationWarning, match="1 of 2 rows have no key"):
        far = model.predict_proba([[0.5], [99.0]])
    np.testing.assert_allclose(far, [[1, 0], [1 / 3, 2 / 3]])


def test_bad_input(moons):
    X, y, _ = moons
    with pytest.raises(ValueError, match="y holds no label: all 150 entries are -1"):
        LabelPropagation().fit(X, np.full(150, -1))
    with pytest.raises(ValueError, match="kernel must be nowhere negative"):
        LabelPropagation(kernel="sigmoid", bandwidth=1.0).fit(X, y)
    for parameters, message in (
        ({"alpha": 1.0}, "alpha must be None"),
        ({"solver": "krilov"}, "did you mean 'krylov'"),
        ({"max_iter": 0}, "max_iter must be a whole number from 1"),
        ({"tol": -1}, "tol must be a number from 0 on"),
        ({"empty": "nan"}, "empty must be one of"),
    ):
        with pytest.raises(ValueError, match=message):
            LabelPropagation(**parameters).fit(X, y)
    with pytest.warns(ConvergenceWarning, match="after max_iter=3 steps"):
        LabelPropagation(max_iter=3, **RBF).fit(X, y)


def test_labels_of_any_kind(moons):
    X, y, _ = moons
    names = np.array(["-1", "no", "yes"])[y + 1]
    model = LabelPropagation(**RBF).fit(X, names)
    assert model.classes_.tolist() == ["no", "yes"]
    mixed = np.array([-1, "no", "yes"], dtype=object)[y + 1]
    again = LabelPropagation(**RBF).fit(X, mixed)
    assert np.array_equal(again.transduction_, model.transduction_)
    by_loo = LabelPropagation(bandwidth="loo").fit(X, y)
    held = y != -1
    chosen = vc.bandwidth.select(X[held], np.eye(2)[y[held]], criterion="loo").bandwidth
    np.testing.assert_allclose(by_loo.bandwidth_, chosen)


@pytest.mark.parametrize("options", [RBF, KNN, {**RBF, "alpha": 0.3, "mass_tol": 1e-3}])
def test_rows_files_and_threads_change_no_bit(moons, options, tmp_path):
    X, y, _ = moons
    X = X.astype("f4")
    model = LabelPropagation(n_jobs=2, solver="iterate", tol=1e-4, **options).fit(X, y)
    assert model.label_distributions_.dtype == np.float32
    again = LabelPropagation(n_jobs=1, solver="iterate", tol=1e-4, **options).fit(X, y)
    assert model.label_distributions_.tobytes() == again.label_distributions_.tobytes()
    whole = model.predict_proba(X[:9])
    rows = np.concatenate([model.predict_proba(row[None]) for row in X[:9]])
    assert whole.tobytes() == rows.tobytes()
    model.save(tmp_path / "labels.npz")
    loaded = vc.load(tmp_path / "labels.npz")
    assert loaded.predict_proba(X[:9]).tobytes() == whole.tobytes()
    assert np.array_equal(loaded.transduction_, model.transduction_)


def test_files_of_stored_distances(tmp_path):
    graph = csr_array(np.array([[0, 1.0, 0], [1, 0, 2], [0, 2, 0]]))
    model = LabelPropagation(metric="precomputed", bandwidth=1.0).fit(graph, [0, -1, 1])
    model.save(tmp_path / "labels.npz")
    loaded = vc.load(tmp_path / "labels.npz")
    assert np.array_equal(loaded.predict_proba(graph), model.predict_proba(graph))


def test_a_callback_stops(moons):
    X, y, _ = moons
    seen = []
    model = LabelPropagation(
        solver="iterate", callback=lambda *told: seen.append(told) or len(seen) == 2, **RBF
    )
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    assert [told[0] for told in seen] == [1, 2]
    assert seen[0][2].shape == (150, 2)


def test_many_rows_are_brought_into_an_order_and_back(moons, monkeypatch):
    X, y, _ = moons
    plain = LabelPropagation(**KNN, tol=1e-9).fit(X, y)
    monkeypatch.setattr("vicinal.models.labeling.walks.MANY", 10)
    states = []
    model = LabelPropagation(**KNN, tol=1e-9, callback=lambda *told: states.append(told[2]))
    model.fit(X, y)
    np.testing.assert_allclose(model.label_distributions_, plain.label_distributions_, atol=1e-7)
    assert np.array_equal(states[-1], model.label_distributions_)


@pytest.mark.parametrize("alpha", [None, 0.8])
def test_what_the_others_say_of_a_row(moons, alpha):
    X, y = moons[:2]
    model = LabelPropagation(bandwidth=0.3, alpha=alpha).fit(X, y)
    weights = np.exp(-(cdist(X, X) ** 2) / (2 * 0.3**2))
    np.fill_diagonal(weights, 0)
    shares = weights @ model.label_distributions_
    np.testing.assert_array_equal(model.loo_predict(), model.classes_[shares.argmax(axis=1)])
    assert model.loo_score() == np.mean(model.loo_predict() == model.transduction_)


def test_stored_distances_leave_no_row_to_ask_about(moons):
    X, y = moons[:2]
    model = LabelPropagation(metric="precomputed", bandwidth=0.3).fit(cdist(X, X), y)
    with pytest.raises(ValueError, match="loo_predict needs rows"):
        model.loo_score()
