"""Leave-one-out of every model against refits without the row, and sample weights as counts."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from sklearn.metrics import r2_score

import vicinal as vc
from vicinal.models import KernelDensity, LocalMeanClassifier, LocalMeanRegressor


def without(rows, i):
    return np.delete(rows, i, axis=0)


@pytest.mark.parametrize("target", ["y", "Y"])
def test_regressor_refitted_without_each_row(problem, target):
    values = getattr(problem, target)
    model = LocalMeanRegressor(bandwidth=0.8).fit(problem.X, values)
    expected = [
        LocalMeanRegressor(bandwidth=0.8)
        .fit(without(problem.X, i), without(values, i))
        .predict(problem.X[i : i + 1])[0]
        for i in range(60)
    ]
    np.testing.assert_allclose(model.loo_predict(), expected, rtol=1e-12, atol=1e-13)
    assert model.loo_score() == pytest.approx(r2_score(values, expected), rel=1e-12)


def test_classifier_refitted_without_each_row(problem):
    model = LocalMeanClassifier(bandwidth=0.8).fit(problem.X, problem.labels)
    expected = [
        LocalMeanClassifier(bandwidth=0.8)
        .fit(without(problem.X, i), without(problem.labels, i))
        .predict(problem.X[i : i + 1])[0]
        for i in range(60)
    ]
    assert model.loo_predict().tolist() == expected
    assert model.loo_score() == np.mean(np.array(expected) == problem.labels)


def test_density_refitted_without_each_row(problem):
    model = KernelDensity(bandwidth=0.8).fit(problem.X)
    expected = [
        KernelDensity(bandwidth=0.8)
        .fit(without(problem.X, i))
        .score_samples(problem.X[i : i + 1])[0]
        for i in range(60)
    ]
    np.testing.assert_allclose(model.loo_predict(), expected, rtol=1e-12)
    assert model.loo_score() == pytest.approx(np.sum(expected), rel=1e-12)


def test_hollow_mean_and_closed_form(problem):
    weights = np.minimum(problem.weights, 1)
    model = LocalMeanRegressor(bandwidth=1.5).fit(problem.X, problem.y, sample_weight=weights)
    options = {"bandwidth": 1.5, "weights": weights}
    hollow = vc.local_mean(problem.X, problem.X, problem.y, exclude_self=True, **options)
    np.testing.assert_allclose(model.loo_predict(), hollow, rtol=1e-13, atol=1e-14)
    stats = vc.local_stats(
        problem.X, problem.X, problem.y, statistics=("mean", "self_weight"), **options
    )
    closed = (stats.mean - stats.self_weight * problem.y) / (1 - stats.self_weight)
    sound = 1 - stats.self_weight >= 0.01
    assert sound.sum() > 50
    np.testing.assert_allclose(model.loo_predict()[sound], closed[sound], atol=1e-12)


def test_tiny_share_of_the_others_is_not_lost():
    """1 − S is 2e-22 here: the closed form would divide rounding by rounding."""
    X = np.array([[0.0], [10.0], [10.5]])
    model = LocalMeanRegressor(bandwidth=1.0).fit(X, [1.0, 2.0, 4.0])
    w = np.exp(-0.5 * np.array([10.0, 10.5]) ** 2)
    assert model.loo_predict()[0] == pytest.approx(w @ [2, 4] / w.sum(), rel=1e-12)


@pytest.mark.parametrize("kernel", ["gaussian", "epanechnikov", "laplace", "softmax"])
@pytest.mark.parametrize("bandwidth", [0.3, 2.0])
def test_counts_are_repeated_rows(problem, kernel, bandwidth):
    counts, where = problem.counts, np.repeat(np.arange(60), problem.counts)
    model = LocalMeanRegressor(kernel=kernel, bandwidth=bandwidth, empty="zero")
    weighted = model.fit(problem.X, problem.Y, sample_weight=counts).loo_predict()[where]
    score = model.loo_score()
    repeated = model.fit(problem.X[where], problem.Y[where]).loo_predict()
    np.testing.assert_allclose(weighted, repeated, rtol=1e-9, atol=1e-11)
    assert score == pytest.approx(model.loo_score(), rel=1e-10)


def test_counts_are_repeated_rows_in_densities_and_classes(problem):
    counts, where = problem.counts, np.repeat(np.arange(60), problem.counts)
    for model, y in [
        (KernelDensity(bandwidth=0.5), None),
        (LocalMeanClassifier(bandwidth=0.5), problem.labels),
    ]:
        model.fit(problem.X, y, sample_weight=counts)
        weighted, score = model.loo_predict()[where], model.loo_score()
        model.fit(problem.X[where], None if y is None else y[where])
        if y is None:
            np.testing.assert_allclose(weighted, model.loo_predict(), rtol=1e-11)
        else:
            assert np.array_equal(weighted, model.loo_predict())
        assert score == pytest.approx(model.loo_score(), rel=1e-12)


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        *product([LocalMeanRegressor, LocalMeanClassifier], vc.bandwidth.selection.NAMES),
        *product([KernelDensity], ["scott", "silverman", "plugin", "loo"]),
    ],
)
def test_bandwidth_rules_count_rows(problem, model, rule):
    counts, where = problem.counts, np.repeat(np.arange(60), problem.counts)
    y = problem.labels if model is LocalMeanClassifier else problem.y
    weighted = model(bandwidth=rule).fit(problem.X, y, sample_weight=counts)
    repeated = model(bandwidth=rule).fit(problem.X[where], y[where])
    np.testing.assert_allclose(weighted.bandwidth_, repeated.bandwidth_, rtol=1e-10)


def test_coincident_rows_of_inverse_distance():
    X = np.array([[0.0], [0.0], [1.0]])
    model = LocalMeanRegressor(kernel="inverse_distance", bandwidth=1.0)
    model.fit(X, [1.0, 3.0, 8.0], sample_weight=[2.0, 1.0, 2.0])
    np.testing.assert_allclose(model.loo_predict(), [2.0, 1.0, 8.0], rtol=1e-14)


def test_rows_of_weight_zero_are_predicted_but_never_scored(problem):
    present = problem.counts > 0
    model = LocalMeanRegressor(bandwidth=0.8)
    model.fit(problem.X, problem.y, sample_weight=np.minimum(problem.counts, 1))
    predictions, score = model.loo_predict(), model.loo_score()
    assert np.all(np.isfinite(predictions))
    model.fit(problem.X[present], problem.y[present])
    np.testing.assert_allclose(predictions[present], model.loo_predict(), rtol=1e-11)
    assert score == pytest.approx(model.loo_score(), rel=1e-12)


def test_a_single_row_with_weight_has_no_others(problem):
    weights = np.zeros(60)
    weights[3] = 1
    model = KernelDensity(bandwidth=1.0).fit(problem.X, sample_weight=weights)
    with pytest.warns(vc.LocalizationWarning, match="1 of 60 rows"):
        assert model.loo_predict()[3] == -np.inf
