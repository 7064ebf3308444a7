"""HierarchicalLocalModel against its formula, level after level, in plain numpy."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from model_formulas import gaussian, mean
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression

import vicinal as vc
from vicinal.models import HierarchicalLocalModel, Level, LocalMeanRegressor

CLOSE = {"rtol": 1e-11, "atol": 1e-12}


def three(**lowest):
    return [Level(bandwidth=0.7, **lowest), Level(bandwidth=0.9), Level(bandwidth=0.3)]


def normalized(w):
    return w / w.sum(1, keepdims=True)


def test_formula_with_maps(problem):
    model = HierarchicalLocalModel(
        [Level(bandwidth=0.7, map=np.tanh), Level(bandwidth=0.4, step=0.5), {"bandwidth": 0.3}]
    ).fit(problem.X, problem.Y, problem.weights)
    rows, queries, w = problem.X, problem.queries, problem.weights
    hand_up = (
        (0.7, lambda z, m: np.tanh(m)),
        (0.4, lambda z, m: z + 0.5 * (m - z)),
    )
    for level, (h, update) in enumerate(hand_up, 1):
        at_queries = mean(gaussian(queries, rows, h) * w, rows)
        at_rows = mean(gaussian(rows, rows, h) * w, rows)
        rows, queries = update(rows, at_rows), update(queries, at_queries)
        np.testing.assert_allclose(model.transform(problem.queries, level), queries, **CLOSE)
    np.testing.assert_allclose(model.keys_, rows, **CLOSE)
    expected = mean(gaussian(queries, rows, 0.3) * w, problem.Y)
    np.testing.assert_allclose(model.predict(problem.queries), expected, **CLOSE)
    assert model.bandwidth_ == [0.7, 0.4, 0.3]


def test_product_of_stochastic_means_is_stochastic(problem):
    """Identity 10, on every level; and the product is what the hierarchy answers by."""
    model = HierarchicalLocalModel(three()).fit(problem.X, problem.y)
    rows, product = problem.X, np.eye(60)
    for level, h in enumerate((0.7, 0.9), 1):
        product = normalized(gaussian(rows, rows, h)) @ product
        rows = product @ problem.X
        weights = model.weights(problem.X, level)
        assert weights.min() >= 0
        np.testing.assert_allclose(weights.sum(1), 1, rtol=0, atol=1e-14)
        np.testing.assert_allclose(weights, product, **CLOSE)
        fresh = model.weights(problem.queries, level)
        assert fresh.min() >= 0
        np.testing.assert_allclose(fresh.sum(1), 1, rtol=0, atol=1e-14)
        np.testing.assert_allclose(
            fresh @ problem.X, model.transform(problem.queries, level), **CLOSE
        )
    fresh = model.weights(problem.queries)
    np.testing.assert_allclose(fresh @ problem.y, model.predict(problem.queries), **CLOSE)
    low, high = problem.X.min(0), problem.X.max(0)
    inside = model.transform(10 * problem.queries)
    assert (inside >= low).all()
    assert (inside <= high).all()


def test_targets_are_those_of_the_others(problem):
    levels = [Level(bandwidth=0.8, values="targets"), Level(bandwidth=0.2)]
    model = HierarchicalLocalModel(levels).fit(problem.X, problem.Y)
    hollow = gaussian(problem.X, problem.X, 0.8) * (1 - np.eye(60))
    np.testing.assert_allclose(model.keys_, mean(hollow, problem.Y), **CLOSE)
    handed = mean(gaussian(problem.queries, problem.X, 0.8), problem.Y)
    np.testing.assert_allclose(model.transform(problem.queries), handed, **CLOSE)
    expected = mean(gaussian(handed, mean(hollow, problem.Y), 0.2), problem.Y)
    np.testing.assert_allclose(model.predict(problem.queries), expected, **CLOSE)


def test_weights_restart_at_targets(problem):
    levels = [Level(bandwidth=0.8, values="targets"), Level(bandwidth=0.5), Level(bandwidth=0.2)]
    model = HierarchicalLocalModel(levels).fit(problem.X, problem.y)
    weights = model.weights(problem.queries, 2)
    np.testing.assert_allclose(weights.sum(1), 1, rtol=0, atol=1e-14)
    np.testing.assert_allclose(
        weights @ problem.y, model.transform(problem.queries, 2)[:, 0], **CLOSE
    )


def test_one_level_is_the_regressor(problem):
    model = HierarchicalLocalModel([Level("laplace", "loo")]).fit(problem.X, problem.Y)
    single = LocalMeanRegressor(kernel="laplace", bandwidth="loo").fit(problem.X, problem.Y)
    queries = problem.queries
    assert model.predict(queries).tobytes() == single.predict(queries).tobytes()
    assert model.loo_score() == single.loo_score()
    np.testing.assert_array_equal(model.explain(queries)[0], single.explain(queries)[0])
    assert model.transform(queries).tobytes() == queries.tobytes()


@pytest.mark.parametrize("map_", [PCA(2), LinearRegression()], ids=["transform", "predict"])
def test_fitted_maps(problem, map_):
    model = HierarchicalLocalModel([Level(bandwidth=0.7, map=map_), Level(bandwidth=0.5)])
    model.fit(problem.X, problem.y)
    assert not hasattr(map_, "n_features_in_")  # a clone is fitted
    means = mean(gaussian(problem.X, problem.X, 0.7), problem.X)
    if isinstance(map_, PCA):
        expected = PCA(2).fit(means).transform(means)
    else:
        expected = LinearRegression().fit(means, problem.y).predict(means)[:, None]
    np.testing.assert_allclose(model.keys_, expected, rtol=1e-9, atol=1e-9)


def test_maps_that_take_weights_get_them(problem):
    levels = [Level(bandwidth=0.7, map=LinearRegression()), Level(bandwidth=0.5)]
    rows = np.repeat(np.arange(60), problem.counts)
    one = HierarchicalLocalModel(levels).fit(problem.X, problem.y, problem.counts)
    other = HierarchicalLocalModel(levels).fit(problem.X[rows], problem.y[rows])
    np.testing.assert_allclose(
        one.predict(problem.queries), other.predict(problem.queries), rtol=1e-9
    )


def test_chosen_bandwidths_predict_the_targets(problem):
    model = HierarchicalLocalModel([Level(bandwidth="loo"), Level(bandwidth="loo")])
    model.fit(problem.X, problem.y)
    lower, upper = (
        vc.bandwidth.select(rows, problem.y).bandwidth for rows in (problem.X, model.keys_)
    )
    np.testing.assert_allclose(model.bandwidth_[0], lower)
    np.testing.assert_allclose(model.bandwidth_[1], upper)


def test_bits_do_not_depend_on_threads_or_batch(problem):
    def fitted(n_jobs):
        model = HierarchicalLocalModel(three(map=np.tanh), n_jobs=n_jobs)
        return model.fit(problem.X, problem.y).predict(problem.queries)

    whole = fitted(1)
    assert whole.tobytes() == fitted(2).tobytes()
    model = HierarchicalLocalModel(three(map=np.tanh)).fit(problem.X, problem.y)
    alone = np.concatenate([model.predict(row[None]) for row in problem.queries])
    assert alone.tobytes() == whole.tobytes()


def test_empty_rows(problem):
    levels = [Level("epanechnikov", 0.5), Level("epanechnikov", 0.5)]
    model = HierarchicalLocalModel(levels).fit(problem.X, problem.y)
    far = np.full((1, 3), 40.0)  # takes the nearest row below, so that it has an answer
    assert np.isfinite(model.predict(far)).all()
    columns = [Level(bandwidth=0.5, map=lambda z: 100 * z), Level("epanechnikov", 1e-3)]
    lonely = HierarchicalLocalModel(columns).fit(problem.X, problem.y)
    with pytest.warns(vc.LocalizationWarning, match="25 of 25 rows"):
        assert np.isnan(lonely.predict(problem.queries)).all()


def test_window_by_name(problem):
    frame = pd.DataFrame(problem.X, columns=["a", "b", "time"])
    window = vc.Window(0.5, 0.5, on="time")
    levels = [Level(bandwidth=0.7, neighbors=window), Level(bandwidth=0.5)]
    named = HierarchicalLocalModel(levels).fit(frame, problem.y)
    window = vc.Window(0.5, 0.5, on=2)
    levels = [Level(bandwidth=0.7, neighbors=window), Level(bandwidth=0.5)]
    numbered = HierarchicalLocalModel(levels).fit(problem.X, problem.y)
    assert named.keys_.tobytes() == numbered.keys_.tobytes()


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ([], "levels is empty"),
        ("gaussian", "sequence of Level"),
        ([3], "Level objects or dicts"),
        ([{"kernl": "gaussian"}, Level()], "level 1:.*kernl"),
        ([Level(), Level(map=np.tanh)], "last level"),
        ([Level(values="keys"), Level()], "level 1: values must be one of"),
        ([Level(step=2.0), Level()], "level 1: step must be above 0"),
        ([Level(step=0.5, values="targets"), Level()], "level 1: step=0.5 moves rows"),
        ([Level(map=PCA), Level()], "level 1: map must be"),
        ([Level(map=lambda z: z[:-1]), Level()], "one row per row"),
        ([Level(map=lambda z: z[:, :0]), Level()], "one row per row"),
    ],
)
def test_refusals(problem, levels, words):
    with pytest.raises(ValueError, match=words):
        HierarchicalLocalModel(levels).fit(problem.X, problem.y)


def test_refused_calls(problem):
    model = HierarchicalLocalModel([Level(map=np.tanh), Level()]).fit(problem.X, problem.y)
    with pytest.raises(ValueError, match="level 1 has map"):
        model.weights(problem.queries)
    with pytest.raises(ValueError, match="at most 1"):
        model.transform(problem.queries, level=2)
    with pytest.raises(ValueError, match="level=0"):
        model.weights(problem.queries, level=0)


def test_file(problem, path):
    levels = [Level("laplace", 0.7, values="targets"), {"step": 0.5, "bandwidth": 0.4}, Level()]
    model = HierarchicalLocalModel(levels).fit(problem.X, problem.Y, problem.weights)
    model.save(path)
    again = vc.load(path)
    assert again.predict(problem.queries).tobytes() == model.predict(problem.queries).tobytes()
    assert again.loo_score() == model.loo_score()
    mapped = HierarchicalLocalModel([Level(map=np.tanh), Level()]).fit(problem.X, problem.y)
    with pytest.raises(TypeError, match="cannot be kept in a file"):
        mapped.save(path)
