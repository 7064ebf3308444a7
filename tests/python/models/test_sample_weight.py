"""Sample weights in fit: 0 is absence, integers are repetition, only the right arrays are taken."""

from __future__ import annotations

import numpy as np
import pytest

from vicinal.models import KernelDensity, LocalMeanClassifier, LocalMeanRegressor

SETTINGS = [
    {"bandwidth": 0.7},
    {"bandwidth": "scott"},
    {"kernel": "biweight", "bandwidth": 2.0, "empty": "nearest"},
]


def answers(model, queries):
    if isinstance(model, KernelDensity):
        return model.score_samples(queries)
    if isinstance(model, LocalMeanClassifier):
        return model.predict_proba(queries)
    return model.predict(queries)


def target(model, problem):
    return problem.labels if model is LocalMeanClassifier else problem.y


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("model", [LocalMeanRegressor, LocalMeanClassifier, KernelDensity])
def test_integers_are_repetition_and_zero_is_absence(problem, model, setting):
    counts, y = problem.counts, target(model, problem)
    weighted = model(**setting).fit(problem.X, y, sample_weight=counts)
    repeated = model(**setting).fit(problem.X.repeat(counts, axis=0), y.repeat(counts))
    np.testing.assert_allclose(weighted.bandwidth_, repeated.bandwidth_, rtol=1e-12)
    np.testing.assert_allclose(
        answers(weighted, problem.queries), answers(repeated, problem.queries), rtol=1e-10
    )


@pytest.mark.parametrize("model", [LocalMeanRegressor, LocalMeanClassifier, KernelDensity])
def test_what_weighs_nothing_may_be_anything(problem, model):
    """A row of weight 0 may lie where it likes, as long as it is finite."""
    y = target(model, problem)
    weights = np.ones(60)
    weights[10] = 0
    moved = problem.X.copy()
    moved[10] = 1e200
    a = model(bandwidth=0.7).fit(problem.X, y, sample_weight=weights)
    b = model(bandwidth=0.7).fit(moved, y, sample_weight=weights)
    assert np.array_equal(answers(a, problem.queries), answers(b, problem.queries))


@pytest.mark.parametrize("model", [LocalMeanRegressor, LocalMeanClassifier, KernelDensity])
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(60), "zero"),
        (np.full(60, -1.0), "[Nn]egative"),
        (np.full(60, np.nan), "NaN"),
        (np.full(60, np.inf), "infinity"),
        (np.ones(59), "sample_weight.shape"),
        (np.ones((60, 2)), "1D array"),
    ],
    ids=["zeros", "negative", "nan", "inf", "short", "matrix"],
)
def test_bad_weights(problem, model, weights, message):
    with pytest.raises(ValueError, match=message):
        model().fit(problem.X, target(model, problem), sample_weight=weights)


def test_a_number_is_one_weight_for_all(problem):
    a = LocalMeanRegressor(bandwidth=0.7).fit(problem.X, problem.y, sample_weight=1.0)
    b = LocalMeanRegressor(bandwidth=0.7).fit(problem.X, problem.y)
    np.testing.assert_allclose(a.predict(problem.queries), b.predict(problem.queries), rtol=1e-14)


def test_weights_beyond_float32(problem):
    """Weights keep their digits and their range beside float32 rows."""
    X = problem.X.astype("f4")
    for factor in (1e-60, 1e60):
        scaled = LocalMeanRegressor(bandwidth=0.7)
        scaled.fit(X, problem.y, sample_weight=problem.weights * factor)
        plain = LocalMeanRegressor(bandwidth=0.7)
        plain.fit(X, problem.y, sample_weight=problem.weights)
        assert scaled.sample_weight_.dtype == np.float64
        np.testing.assert_allclose(
            scaled.predict(problem.queries), plain.predict(problem.queries), rtol=1e-5, atol=1e-6
        )
