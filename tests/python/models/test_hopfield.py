"""Hopfield networks against their formulas in numpy, and the promises of their energies."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import vicinal as vc
from vicinal.models import Hopfield


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def softmax_step(q, x, beta, log_weights=0.0):
    s = beta * q @ x.T + log_weights
    w = np.exp(s - s.max(1, keepdims=True))
    return w / w.sum(1, keepdims=True) @ x


def modern_energy(q, x, beta, log_weights=0.0):
    s = beta * q @ x.T + log_weights
    peak = s.max(1)
    return (q**2).sum(1) / 2 - (peak + np.log(np.exp(s - peak[:, None]).sum(1))) / beta


def signs(rng, *shape):
    return np.where(rng.random(shape) < 0.5, -1.0, 1.0)


def test_modern_retrieval_is_the_formulas_fixed_point(rng):
    x, q = rng.normal(size=(40, 8)), rng.normal(size=(30, 8))
    model = Hopfield(tol=1e-12, max_iter=2000).fit(x)
    expected = q
    for _ in range(2000):
        expected = softmax_step(expected, x, 8**-0.5)
    np.testing.assert_allclose(model.predict(q), expected, atol=1e-9)
    np.testing.assert_allclose(model.energy(q), modern_energy(q, x, 8**-0.5), rtol=1e-13)


def test_one_update_is_attention(rng):
    x, y, q = rng.normal(size=(50, 16)), rng.normal(size=(50, 3)), rng.normal(size=(9, 16))
    model = Hopfield(max_iter=1).fit(x, values=x)
    assert np.array_equal(model.recall(q).states, vc.attention(q, x, x))
    read = Hopfield(max_iter=1).fit(x, values=y).predict(q)
    np.testing.assert_allclose(read, vc.attention(vc.attention(q, x, x), x, y), rtol=1e-12)
    column = Hopfield(max_iter=1).fit(x, values=y[:, 0]).predict(q)
    np.testing.assert_allclose(column, read[:, 0], rtol=1e-12)


@pytest.mark.parametrize("neighbors", [None, vc.KNearest(7)])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_modern_energy_never_rises(rng, neighbors, weighted):
    x, q = rng.normal(size=(60, 5)), 2 * rng.normal(size=(40, 5))
    weights = rng.uniform(0.5, 2, 60) if weighted else None
    model = Hopfield(beta=1.3, neighbors=neighbors, tol=1e-9, max_iter=300)
    found = model.fit(x, sample_weight=weights).recall(q, trace=True)
    size = np.maximum((x**2).sum(1).max(), np.abs(found.energy).max())
    assert np.diff(found.energy, axis=0).max() <= 4 * np.spacing(size)
    assert found.energy[0].sum() > found.energy[-1].sum()
    if neighbors is None:
        logs = 0.0 if weights is None else np.log(weights)
        np.testing.assert_allclose(found.energy[0], modern_energy(q, x, 1.3, logs), rtol=1e-12)


def test_a_query_equal_to_a_pattern_is_retrieved_and_reported(rng):
    x = signs(rng, 20, 64)
    found = Hopfield(beta=1.0).fit(x).recall(x)
    np.testing.assert_allclose(found.retrieved, x, atol=1e-6)
    assert np.array_equal(found.pattern, np.arange(20))
    assert found.converged.all()
    np.testing.assert_allclose(found.ess, 1, rtol=1e-6)
    np.testing.assert_allclose(found.share, 1, rtol=1e-6)
    mean = Hopfield(beta=1e-3).fit(x).recall(x)  # one metastable state of all patterns
    np.testing.assert_allclose(mean.ess, 20, rtol=1e-3)


def test_the_nearest_alone_and_what_they_drop(rng):
    x, q = rng.normal(size=(80, 6)), rng.normal(size=(12, 6))
    model = Hopfield(beta=1.0, neighbors=vc.KNearest(10), max_iter=1).fit(x)
    scores = q @ x.T
    cut = np.where(scores >= np.sort(scores, axis=1)[:, -10, None], scores, -np.inf)
    w = np.exp(cut - cut.max(1, keepdims=True))
    expected = w / w.sum(1, keepdims=True) @ x
    found = model.recall(q)
    np.testing.assert_allclose(found.states, expected, rtol=1e-10, atol=1e-12)
    at = expected @ x.T
    shares = np.exp(at) / np.exp(at).sum(1, keepdims=True)
    kept = np.sort(shares, axis=1)[:, -10:].sum(1)
    np.testing.assert_allclose(found.dropped, 1 - kept, rtol=1e-8)
    full = Hopfield(beta=1.0, max_iter=1).fit(x).predict(q)
    w = np.exp(scores)
    dropped = 1 - np.sort(w / w.sum(1, keepdims=True), axis=1)[:, -10:].sum(1)
    assert (np.abs(full - expected) <= dropped[:, None] * np.ptp(x, axis=0)).all()


def test_polynomial_updates_are_the_formula(rng):
    x, q = rng.normal(size=(30, 6)), rng.normal(size=(10, 6))
    for degree in (2, 3, 4):
        model = Hopfield(memory="polynomial", degree=degree, max_iter=1).fit(x)
        w = (q @ x.T) ** degree
        expected = (w @ x) / w.sum(1, keepdims=True)
        np.testing.assert_allclose(model.predict(q), expected, rtol=1e-8)
        np.testing.assert_allclose(model.energy(q), -(w / 6**degree).sum(1), rtol=1e-10)
    with pytest.warns(vc.LocalizationWarning, match="no pattern weighs in 1 of 2"):
        ends = Hopfield(memory="polynomial").fit(np.eye(3)).predict([[0, 0, 0], [1, 0.1, 0]])
    assert not ends[0].any()


def by_hand(state, x, degree, weights):
    """One sweep, unit by unit, from the energies themselves."""
    state = state.copy()
    for i in range(len(state)):
        levels = []
        for sign in (state[i], -state[i]):
            state[i] = sign
            levels.append(-(weights * ((x @ state) / len(state)) ** degree).sum())
        if levels[0] < levels[1] or np.isclose(*levels, rtol=1e-12, atol=1e-15):
            state[i] = -state[i]
    return state


@pytest.mark.parametrize(("memory", "degree"), [("classical", 2), ("dense", 3), ("dense", 4)])
def test_signs_take_the_lower_energy_unit_by_unit(rng, memory, degree):
    x, q = signs(rng, 7, 15), signs(rng, 20, 15)
    weights = rng.uniform(0.5, 2, 7)
    model = Hopfield(memory=memory, degree=degree, max_iter=1).fit(x, sample_weight=weights)
    expected = np.array([by_hand(row, x, degree, weights) for row in q])
    assert np.array_equal(model.predict(q), expected)
    trace = Hopfield(memory=memory, degree=degree).fit(x, sample_weight=weights)
    found = trace.recall(q, trace=True)
    assert np.diff(found.energy, axis=0).max() <= 4 * np.spacing(np.abs(found.energy).max())
    assert found.converged.all()
    assert not found.residual.any()


def test_dense_memory_keeps_more_patterns_than_the_classical(rng):
    x = signs(rng, 60, 32)
    kept = [
        np.mean(Hopfield(memory=memory, degree=5).fit(x).predict(x) == x)
        for memory in ("classical", "dense")
    ]
    assert kept[0] < 0.95
    assert kept[1] > 0.999


def test_synchronous_updates_may_cycle_and_say_so():
    x = np.array([[1.0, -1.0]])  # either unit wants the other one's opposite
    model = Hopfield(memory="classical", update="synchronous", max_iter=50).fit(x)
    with pytest.warns(ConvergenceWarning, match="1 of 1 states still moved"):
        found = model.recall([[1.0, 1.0]])
    assert found.residual[0] == pytest.approx(np.sqrt(8))
    assert not found.converged[0]
    rest = Hopfield(memory="classical").fit(x).recall([[1.0, 1.0]])
    assert rest.converged[0]


@pytest.mark.parametrize("memory", ["modern", "polynomial", "dense", "classical"])
def test_rows_files_and_threads_change_no_bit(rng, memory, tmp_path):
    x, q = rng.normal(size=(50, 7)).astype("f4"), rng.normal(size=(11, 7)).astype("f4")
    model = Hopfield(memory=memory, degree=2, max_iter=1000, n_jobs=2).fit(x)
    whole = model.predict(q)
    assert whole.dtype == np.float32
    assert whole.tobytes() == np.concatenate([model.predict(row[None]) for row in q]).tobytes()
    assert whole.tobytes() == model.set_params(n_jobs=1).predict(q).tobytes()
    model.save(tmp_path / "memory.npz")
    assert vc.load(tmp_path / "memory.npz").predict(q).tobytes() == whole.tobytes()


def test_a_callback_stops(rng):
    seen = []

    def look(iteration, error, state):
        seen.append((iteration, error, state.shape))
        return iteration == 2

    model = Hopfield(tol=0.0, callback=look).fit(rng.normal(size=(9, 4)))
    with pytest.warns(ConvergenceWarning):
        model.predict(rng.normal(size=(3, 4)))
    assert [entry[0] for entry in seen] == [1, 2]
    assert seen[0][2] == (3, 4)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"memory": "modem"}, "did you mean 'modern'"),
        ({"beta": 0.0}, "beta must be positive and finite, got 0.0"),
        ({"degree": 1}, "degree must be a whole number from 2"),
        ({"update": "both"}, "update must be one of"),
        ({"max_iter": 0}, "max_iter must be a whole number from 1"),
        ({"tol": -1.0}, "tol must be a number from 0 on"),
        ({"neighbors": 3}, "neighbors must be None or vicinal.KNearest"),
        ({"neighbors": vc.KNearest(9)}, "needs at least 9 training rows"),
        ({"neighbors": vc.KNearest(2), "memory": "dense"}, "drop neighbors"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        Hopfield(**parameters).fit(np.eye(4))


@pytest.mark.parametrize("memory", ["modern", "polynomial", "dense"])
@pytest.mark.parametrize("weighted", [False, True])
def test_patterns_are_updated_by_the_others(memory, weighted):
    rng = np.random.default_rng(4)
    X = np.repeat(rng.normal(size=(4, 12)), 5, axis=0) + 0.3 * rng.normal(size=(20, 12))
    weights = rng.uniform(0.5, 2, 20) if weighted else None
    model = Hopfield(memory=memory, beta=2.0, degree=4, max_iter=1).fit(X, sample_weight=weights)
    found = model.loo_predict()
    for i in range(0, 20, 3):
        others = np.arange(20) != i
        own = None if weights is None else weights[others]
        alone = Hopfield(memory=memory, beta=2.0, degree=4, max_iter=1)
        alone.fit(X[others], sample_weight=own)
        np.testing.assert_allclose(found[i], alone.predict(X[i : i + 1])[0], rtol=1e-10)
    truth, counts = model.keys_, np.ones(20) if weights is None else weights
    missed = (counts[:, None] * (truth - found) ** 2).sum()
    spread = (counts[:, None] * (truth - np.average(truth, axis=0, weights=counts)) ** 2).sum()
    assert model.loo_score() == pytest.approx(1 - missed / spread)
    assert model.empty_rows_ == 0


def test_patterns_that_weigh_are_named():
    rng = np.random.default_rng(5)
    X, asked = rng.normal(size=(30, 6)), rng.normal(size=(4, 6))
    model = Hopfield(beta=1.5).fit(X)
    weights = np.exp(1.5 * asked @ X.T)
    indices, shares = model.explain(asked, k=3)
    np.testing.assert_array_equal(indices, np.argsort(-weights, axis=1)[:, :3])
    heaviest = np.take_along_axis(weights, indices, axis=1)
    np.testing.assert_allclose(shares, heaviest / weights.sum(axis=1, keepdims=True), rtol=1e-10)
    assert model.bandwidth_ == pytest.approx(1 / 1.5)
    few = Hopfield(beta=1.5, neighbors=vc.KNearest(2)).fit(X)
    assert (few.explain(asked, k=3)[0][:, 2] == -1).all()
