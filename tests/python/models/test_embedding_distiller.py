"""Encoder and decoder from an embedding, against their formulas and against refits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lle_cases import swiss_roll
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import vicinal as vc
from vicinal.models import EmbeddingDistiller, LocallyLinearEmbedding

SETTINGS = (
    {},
    {"kernel": "gaussian", "bandwidth": (2.0, 4.0)},
    {"kernel": "gaussian", "bandwidth": vc.bandwidth.Perplexity(4)},
    {"method": "affine"},
    {"method": "affine", "n_neighbors": 5, "reg": 0.1, "metric": "manhattan"},
)


@pytest.fixture(scope="module")
def roll():
    return swiss_roll(500)


@pytest.fixture(scope="module")
def fresh():
    return swiss_roll(120, seed=5)


def tricube_means(queries, keys, values, k):
    """The formula: weights (1 − (d/h)³)³ with h the distance to the k-th nearest key."""
    distances = np.linalg.norm(queries[:, None] - keys, axis=2)
    reach = np.sort(distances, axis=1)[:, k - 1 : k]
    weights = np.maximum(1 - (distances / reach) ** 3, 0) ** 3
    return weights @ values / weights.sum(axis=1, keepdims=True)


def affine_combinations(queries, keys, values, k, reg):
    """The formula: minimize ‖Σ w c‖² + reg k Σ ‖c‖² w² under Σ w = 1."""
    found = []
    for query in queries:
        rows = np.argsort(np.linalg.norm(keys - query, axis=1), kind="stable")[:k]
        gram = (keys[rows] - query) @ (keys[rows] - query).T
        weights = np.linalg.solve(gram + reg * k * np.diag(np.diag(gram)), np.ones(k))
        found.append(weights / weights.sum() @ values[rows])
    return np.array(found)


def test_local_means_are_those_of_the_formula(roll, fresh):
    X, Z = roll
    model = EmbeddingDistiller(n_neighbors=7).fit(X, Z)
    encoded = tricube_means(fresh[0], X, Z, 7)
    np.testing.assert_allclose(model.transform(fresh[0]), encoded, rtol=1e-9)
    decoded = tricube_means(encoded, Z, X, 7)
    np.testing.assert_allclose(model.inverse_transform(encoded), decoded, rtol=1e-9)


def test_given_bandwidths_are_of_the_encoder_and_of_the_decoder(roll, fresh):
    X, Z = roll
    model = EmbeddingDistiller(kernel="gaussian", bandwidth=(2.0, 4.0)).fit(X, Z)
    for found, queries, keys, values, h in (
        (model.transform(fresh[0]), fresh[0], X, Z, 2.0),
        (model.inverse_transform(fresh[1]), fresh[1], Z, X, 4.0),
    ):
        squares = np.square(queries[:, None] - keys).sum(axis=2)
        weights = np.exp(-squares / (2 * h**2))
        expected = weights @ values / weights.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_affine_maps_are_those_of_the_formula(roll, fresh):
    X, Z = roll
    model = EmbeddingDistiller(method="affine", n_neighbors=7, reg=1e-2).fit(X, Z)
    encoded = affine_combinations(fresh[0], X, Z, 7, 1e-2)
    np.testing.assert_allclose(model.transform(fresh[0]), encoded, rtol=1e-7, atol=1e-9)
    decoded = affine_combinations(encoded, Z, X, 7, 1e-2)
    np.testing.assert_allclose(model.inverse_transform(encoded), decoded, rtol=1e-6, atol=1e-8)


def test_it_is_what_locally_linear_embedding_brings_along(roll, fresh):
    lle = LocallyLinearEmbedding(n_neighbors=9, method="modified").fit(roll[0])
    model = EmbeddingDistiller(method="affine", n_neighbors=9, reg=1e-3).fit(
        roll[0], lle.embedding_
    )
    coordinates = lle.transform(fresh[0])
    assert model.transform(fresh[0]).tobytes() == coordinates.tobytes()
    back = lle.inverse_transform(coordinates)
    assert model.inverse_transform(coordinates).tobytes() == back.tobytes()


def test_training_rows_keep_their_coordinates_under_affine_maps(roll):
    X, Z = roll
    model = EmbeddingDistiller(method="affine").fit(X, Z)
    np.testing.assert_allclose(model.transform(X), Z, rtol=0, atol=1e-12)
    np.testing.assert_allclose(model.inverse_transform(Z), X, rtol=0, atol=1e-12)
    smoothed = EmbeddingDistiller().fit(X, Z).transform(X)
    assert np.abs(smoothed - Z).max() > 0.1


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("doubled", [False, True])
@pytest.mark.filterwarnings("ignore::vicinal.LocalizationWarning")
def test_leaving_out_is_a_fit_without_the_row(roll, setting, doubled):
    """Rows repeated more often than there are neighbors are left out one by one, too."""
    X, Z = (part[:80] for part in roll)
    if doubled:
        again = np.repeat(np.arange(4), [1, 2, 12, 30])
        X, Z = np.concatenate([X, X[again]]), np.concatenate([Z, Z[again]])
    model = EmbeddingDistiller(**setting).fit(X, Z)
    encoded = model.loo_transform()
    for row in (0, 1, 2, 3, 40, len(X) - 1):
        kept = np.arange(len(X)) != row
        alone = clone(model).fit(X[kept], Z[kept])
        places = alone.transform(X[row : row + 1])
        np.testing.assert_allclose(encoded[row], places[0], rtol=1e-9, atol=1e-9)
        missed = np.linalg.norm(X[row] - alone.inverse_transform(places)[0])
        assert model.distortion_[row] == pytest.approx(missed, rel=1e-6, abs=1e-9)
        assert alone.distortion(X[row : row + 1])[0] == pytest.approx(missed, rel=1e-12)


def test_scores_are_shares_of_variance(roll, fresh):
    X, Z = roll
    model = EmbeddingDistiller(method="affine").fit(X, Z)
    back = model.inverse_transform(model.transform(fresh[0]))
    expected = r2_score(fresh[0], back, multioutput="variance_weighted")
    assert model.score(fresh[0]) == pytest.approx(expected, rel=1e-12)
    assert model.score(fresh[0], fresh[1]) == model.score(fresh[0])
    spread = np.square(X - X.mean(axis=0)).sum()
    left_out = 1 - np.square(model.distortion_).sum() / spread
    assert model.loo_score() == pytest.approx(left_out, rel=1e-12)
    assert 0.9 < model.loo_score() < 1
    distances = np.linalg.norm(model.keys_ - model.loo_predict(), axis=1)
    np.testing.assert_allclose(distances, model.distortion_, rtol=1e-9)
    assert model.score(X) == pytest.approx(1)  # which is why rows of the fit are left out
    assert model.score(1e140 * X) < 0  # nothing overflows


def test_an_error_in_a_constant_column_counts(roll):
    X = np.column_stack([roll[0], np.zeros(500)])
    model = EmbeddingDistiller().fit(X, roll[1])
    moved = X[:100] + np.array([0, 0, 0, 50.0])
    assert model.score(moved) < model.score(X[:100]) - 1


def test_drift_is_uniform_without_drift_and_one_far_away(roll):
    X, Z = roll
    model = EmbeddingDistiller().fit(X, Z)
    same = swiss_roll(2000, seed=11)[0]
    for signal in ("distortion", "distance"):
        drift = model.drift(same, signal)
        assert drift.min() >= 0
        assert drift.max() <= 1
        assert drift.mean() == pytest.approx(0.5, abs=0.05)
        assert (drift > 0.95).mean() == pytest.approx(0.05, abs=0.03)
        assert (model.drift(same + np.array([0, 60, 0]), signal) == 1).mean() > 0.99
    thrown = same + np.array([3.0, 0, 0])  # off the surface, not far from it
    assert model.drift(thrown).mean() > 0.8
    errors = model.distortion(same[:50])
    shares = [(model.distortion_ < error).mean() for error in errors]
    np.testing.assert_array_equal(model.drift(same[:50]), shares)
    others = np.sort(np.linalg.norm(X[:, None] - X, axis=2), axis=1)[:, 8]
    new = np.sort(np.linalg.norm(same[:50, None] - X, axis=2), axis=1)[:, 7]
    np.testing.assert_array_equal(
        model.drift(same[:50], "distance"), [(others < reach).mean() for reach in new]
    )
    with pytest.raises(ValueError, match="signal must be one of 'distortion', 'distance'"):
        model.drift(same, "density")


def test_the_better_embedding_returns_more(roll):
    X, Z = roll
    rng = np.random.default_rng(3)
    candidates = {
        "shuffled": rng.permutation(Z),
        "unrolled": Z,
        "noisy": Z + rng.normal(scale=3, size=Z.shape),
        "one column": Z[:, 1],
    }
    model = EmbeddingDistiller(n_neighbors=6)
    table = model.compare(X, candidates, n_neighbors=[6, 12], method=["affine", "mean"])
    assert len(table["score"]) == 16
    assert np.all(np.diff(table["score"]) <= 0)
    assert table["embedding"][0] == "unrolled"
    first = [table["embedding"].tolist().index(name) for name in ("unrolled", "noisy", "shuffled")]
    assert first == sorted(first)
    for row in (0, 7, 15):
        Z = candidates[str(table["embedding"][row])]
        settings = {name: table[name][row] for name in ("n_neighbors", "method")}
        fitted = EmbeddingDistiller(n_neighbors=int(settings["n_neighbors"]))
        fitted.set_params(method=str(settings["method"])).fit(X, Z)
        assert table["score"][row] == fitted.loo_score()
        assert table["median_distortion"][row] == np.median(fitted.distortion_)
        expected = r2_score(
            fitted.embedding_, fitted.loo_transform(), multioutput="variance_weighted"
        )
        assert table["encoder_score"][row] == pytest.approx(expected)
    assert not hasattr(model, "keys_")
    assert list(model.compare(X, {"unrolled": roll[1]})) == [
        *("embedding", "score", "encoder_score", "median_distortion")
    ]
    pairs = [(1.0, 1.0), None]
    tried = model.compare(X, {"a": roll[1]}, bandwidth=pairs, method=["mean"])["bandwidth"]
    assert set(tried) == set(pairs)
    for wrong in ({}, roll[1]):
        with pytest.raises(ValueError, match="embeddings must be a dict of coordinates by name"):
            model.compare(X, wrong)
    with pytest.raises(ValueError, match="Invalid parameter 'k'"):
        model.compare(X, candidates, k=[3])


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_no_answer_depends_on_batch_order_or_threads(roll, fresh, setting):
    model = EmbeddingDistiller(**setting).fit(*roll)
    rows = np.concatenate([roll[0][:6], fresh[0][:18]])
    places = np.concatenate([roll[1][:6], fresh[1][:18]])
    methods = (
        (model.transform, rows),
        (model.inverse_transform, places),
        (model.distortion, rows),
        (model.drift, rows),
    )
    for answer, given in methods:
        whole = answer(given)
        alone = np.concatenate([answer(row[None]) for row in given])
        assert alone.tobytes() == whole.tobytes()
        order = np.random.default_rng(0).permutation(len(given))
        assert answer(given[order]).tobytes() == whole[order].tobytes()
        for threads in (1, 2, 3):
            model.set_params(n_jobs=threads)
            assert answer(given).tobytes() == whole.tobytes()
        model.set_params(n_jobs=None)
    bits = {
        clone(model).set_params(n_jobs=threads).fit(*roll).distortion_.tobytes()
        for threads in (1, 2, 3)
    }
    assert bits == {model.distortion_.tobytes()}


def test_in_searches_and_pipelines(roll):
    X, Z = roll
    order = np.random.default_rng(0).permutation(500)
    X, Z = X[order], Z[order]
    search = GridSearchCV(EmbeddingDistiller(), {"method": ["mean", "affine"]}, cv=3).fit(X, Z)
    assert search.best_params_ == {"method": "affine"}
    scores = cross_val_score(EmbeddingDistiller(), X, Z, cv=5)
    assert scores.mean() == pytest.approx(EmbeddingDistiller().fit(X, Z).loo_score(), abs=0.02)
    pipe = make_pipeline(StandardScaler(), EmbeddingDistiller(method="affine")).fit(X, Z)
    np.testing.assert_allclose(pipe.transform(X), Z, atol=1e-9)
    assert pipe.inverse_transform(Z).shape == X.shape
    frame = pd.DataFrame(X, columns=["x", "y", "z"])
    model = EmbeddingDistiller().fit(frame, pd.DataFrame(Z)).set_output(transform="pandas")
    assert list(model.transform(frame).columns) == ["embeddingdistiller0", "embeddingdistiller1"]
    assert list(model.get_feature_names_out()) == list(model.transform(frame).columns)
    np.testing.assert_array_equal(model.fit_transform(frame, Z), model.transform(frame))


def test_one_coordinate(roll):
    X, Z = roll
    model = EmbeddingDistiller().fit(X, Z[:, 0])
    assert model.embedding_.shape == (500, 1)
    assert model.transform(X[:3]).shape == (3, 1)


def test_a_second_fit_forgets_the_first(roll):
    X, Z = roll
    model = EmbeddingDistiller().fit(X, Z)
    before = model.distortion_, model.drift(X[:9], "distance")
    model.fit(X[:200], Z[:200])
    assert model.distortion_.shape == (200,)
    assert not np.array_equal(model.drift(X[:9], "distance"), before[1])
    assert model.fit(X, Z).distortion_.tobytes() == before[0].tobytes()
