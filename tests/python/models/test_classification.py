"""LocalMeanClassifier: probabilities, labels, class frequencies, several outputs."""

from __future__ import annotations

import numpy as np
import pytest
from model_formulas import gaussian, mean
from sklearn.neighbors import KNeighborsClassifier

from vicinal.models import LocalMeanClassifier


def test_probabilities_are_local_means_of_one_hot_labels(problem):
    model = LocalMeanClassifier(bandwidth=0.8)
    model.fit(problem.X, problem.labels, sample_weight=problem.weights)
    one_hot = (problem.labels[:, None] == np.array(["high", "low", "mid"])).astype(float)
    expected = mean(gaussian(problem.queries, problem.X, 0.8) * problem.weights, one_hot)
    probabilities = model.predict_proba(problem.queries)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-14)
    assert model.classes_.tolist() == ["high", "low", "mid"]
    assert np.array_equal(model.predict(problem.queries), model.classes_[expected.argmax(1)])


def test_ties_go_to_the_first_class():
    model = LocalMeanClassifier(bandwidth=1.0).fit([[-1.0], [1.0]], ["b", "a"])
    assert model.predict([[0.0]]) == ["a"]


def test_small_bandwidth_is_one_neighbor(problem):
    ours = LocalMeanClassifier(bandwidth=1e-3).fit(problem.X, problem.labels)
    theirs = KNeighborsClassifier(n_neighbors=1).fit(problem.X, problem.labels)
    assert np.array_equal(ours.predict(problem.queries), theirs.predict(problem.queries))
    assert np.all(np.isfinite(ours.predict_proba(problem.queries)))


def test_far_queries_still_have_a_class(problem):
    model = LocalMeanClassifier(bandwidth=0.1).fit(problem.X, problem.labels)
    theirs = KNeighborsClassifier(n_neighbors=1).fit(problem.X, problem.labels)
    far = problem.queries * 1e3
    assert np.array_equal(model.predict(far), theirs.predict(far))


def test_several_outputs(problem):
    labels = np.column_stack([problem.labels, np.where(problem.X[:, 0] > 0, "right", "left")])
    model = LocalMeanClassifier(bandwidth=0.8).fit(problem.X, labels)
    each = [LocalMeanClassifier(bandwidth=0.8).fit(problem.X, column) for column in labels.T]
    predicted = model.predict(problem.queries)
    assert predicted.shape == (25, 2)
    for i, single in enumerate(each):
        assert np.array_equal(model.classes_[i], single.classes_)
        assert np.array_equal(predicted[:, i], single.predict(problem.queries))
        np.testing.assert_allclose(
            model.predict_proba(problem.queries)[i],
            single.predict_proba(problem.queries),
            rtol=1e-12,
            atol=1e-14,
        )
    assert model.loo_predict().shape == (60, 2)
    assert 0 < model.loo_score() < min(single.loo_score() for single in each) + 1e-12


def test_class_of_weight_zero_is_never_predicted(problem):
    weights = (problem.labels != "mid").astype(float)
    model = LocalMeanClassifier().fit(problem.X, problem.labels, sample_weight=weights)
    assert model.class_prior_[2] == 0
    assert np.all(model.predict_proba(problem.queries)[:, 2] == 0)


def test_float32_is_kept(problem):
    model = LocalMeanClassifier().fit(problem.X.astype("f4"), problem.labels)
    assert model.predict_proba(problem.queries).dtype == np.float32


@pytest.mark.parametrize("policy", ["nan", "zero", 0.0, None])
def test_policies_that_are_no_class(problem, policy):
    with pytest.raises(ValueError, match="empty must be one of 'prior', 'nearest', 'raise'"):
        LocalMeanClassifier(empty=policy).fit(problem.X, problem.labels)


def test_numbers_are_no_labels(problem):
    with pytest.raises(ValueError, match="Unknown label type"):
        LocalMeanClassifier().fit(problem.X, problem.y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("classes", [2, 3, 17])
def test_probabilities_are_never_above_one(dtype, classes):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(600, 3)).astype(dtype)
    y = rng.integers(classes, size=600)
    X[:, 0] += 9 * y  # sure of most rows
    probabilities = LocalMeanClassifier(bandwidth=0.5).fit(X, y).predict_proba(X + dtype(0.01))
    assert probabilities.max() <= 1
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=8 * np.finfo(dtype).eps)
