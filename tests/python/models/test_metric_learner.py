"""MetricLearner: its loss by the plain formula, its gradient by differences, what it learns."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NeighborhoodComponentsAnalysis

import vicinal as vc
from vicinal.models import LocalMeanClassifier, LocalMeanRegressor, MetricLearner
from vicinal.models.metric_loss import MetricLoss, squared_error, wrong_weight


def hollow_weights(Z):
    gaps = ((Z[:, None] - Z) ** 2).sum(-1)
    w = np.exp(-0.5 * gaps)
    np.fill_diagonal(w, 0)
    return w / w.sum(1, keepdims=True)


def one_hot(labels):
    return (labels[:, None] == np.unique(labels)).astype(float)


@pytest.mark.parametrize("name", ["numbers", "labels"])
def test_loss_is_the_formula(problem, name):
    A = np.random.default_rng(0).normal(size=(2, 3))
    w = hollow_weights(problem.X @ A.T)
    if name == "numbers":
        targets, of_means = problem.Y, squared_error
        expected = ((w @ targets - targets) ** 2).mean(0) / targets.var(0)
        expected = expected.mean()
    else:
        targets, of_means = one_hot(problem.labels), wrong_weight
        expected = 1 - (w @ targets * targets).sum(1).mean()
    loss, _ = MetricLoss(problem.X, targets, of_means, {})(A)
    assert loss == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "cauchy", "biweight"])
@pytest.mark.parametrize("of_means", [squared_error, wrong_weight])
def test_gradient(problem, kernel, of_means):
    targets = problem.Y if of_means is squared_error else one_hot(problem.labels)
    loss = MetricLoss(problem.X, targets, of_means, {"kernel": kernel})
    A = np.random.default_rng(1).normal(size=(2, 3))
    error = check_grad(
        lambda flat: loss(flat.reshape(2, 3))[0],
        lambda flat: loss(flat.reshape(2, 3))[1].ravel(),
        A.ravel(),
        epsilon=1e-6,
    )
    assert error < 2e-5 * max(1, np.linalg.norm(loss(A)[1]))


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "logistic", "epanechnikov"])
@pytest.mark.parametrize("of_means", [squared_error, wrong_weight])
def test_weights_count_equal_rows(problem, kernel, of_means):
    """Loss and gradient of weighted rows are those of repeated ones, alone in reach or not."""
    X = np.vstack([problem.X[:20], [[50.0, 50.0, 50.0], [90.0, 90.0, 90.0]]])
    Y = np.vstack([problem.Y[:20], problem.Y[:2]])
    targets = Y if of_means is squared_error else one_hot(np.arange(22) % 3)
    counts = np.array([*[1, 2, 3, 1] * 5, 2, 1])
    A = np.random.default_rng(1).normal(size=(2, 3))
    weighted = MetricLoss(X, targets, of_means, {"kernel": kernel}, counts.astype(float))
    again = [array.repeat(counts, axis=0) for array in (X, targets)]
    repeated = MetricLoss(*again, of_means, {"kernel": kernel})
    for got, expected in zip(weighted(A), repeated(A), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.filterwarnings("ignore:MetricLearner took max_iter")
@pytest.mark.parametrize("options", [{}, {"n_components": 2}, {"target": "labels"}])
def test_fit_with_weights(problem, options):
    counts = np.arange(len(problem.X)) % 4
    y = problem.labels if options.get("target") else problem.y
    options |= {"max_iter": 3, "tol": 0.0}
    weighted = MetricLearner(**options).fit(problem.X, y, sample_weight=counts)
    X, again = problem.X.repeat(counts, axis=0), y.repeat(counts)
    repeated = MetricLearner(**options).fit(X, again)
    plain = MetricLearner(**options).fit(problem.X, y, np.ones(len(y)))
    without = MetricLearner(**options).fit(problem.X, y)
    np.testing.assert_allclose(weighted.components_, repeated.components_, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-10)
    np.testing.assert_allclose(plain.components_, without.components_, rtol=1e-10)
    with pytest.raises(ValueError, match="at least one non-zero"):
        MetricLearner().fit(problem.X, y, sample_weight=np.zeros(len(y)))


def test_rows_without_answer_cost_the_mean():
    X = np.array([[0.0], [0.1], [9.0]])
    y = np.array([[1.0], [2.0], [6.0]])
    loss, grad = MetricLoss(X, y, squared_error, {"kernel": "epanechnikov"})(np.ones((1, 1)))
    expected = np.array([1.0, 1.0, (6 - 3) ** 2]).mean() / y.var()
    assert loss == pytest.approx(expected)
    assert np.isfinite(grad).all()


def test_finds_the_direction_that_matters():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(250, 5))
    direction = np.array([2.0, -1.0, 0.0, 0.5, 0.0]) / np.sqrt(5.25)
    y = np.sin(3 * X @ direction)
    model = MetricLearner(n_components=1).fit(X, y)
    found = model.components_[0] / np.linalg.norm(model.components_)
    assert abs(found @ direction) > 0.995
    assert model.loss_curve_[-1] < 0.05 < model.loss_curve_[0]
    assert len(model.loss_curve_) == model.n_iter_ + 1
    learned = LocalMeanRegressor(bandwidth=1.0).fit(model.transform(X), y)
    assert 1 - learned.loo_score() == pytest.approx(model.loss_curve_[-1], rel=1e-8)
    same = LocalMeanRegressor(bandwidth=1.0, metric=model.metric_).fit(X, y)
    expected = learned.predict(model.transform(X))
    np.testing.assert_allclose(same.predict(X), expected, rtol=1e-9, atol=1e-12)


def test_labels_as_neighborhood_components(problem):
    """Scikit-learn's analysis has the same loss, up to its kernel exp(−‖·‖²) and its sign."""
    start = np.eye(3)
    theirs = NeighborhoodComponentsAnalysis(init=start, tol=1e-10, max_iter=300)
    theirs.fit(problem.X, problem.labels)
    ours = MetricLearner(init=np.sqrt(2) * start, tol=0.0, max_iter=300)
    ours.fit(problem.X, problem.labels)
    targets = one_hot(problem.labels)
    loss = MetricLoss(problem.X, targets, wrong_weight, {})
    assert ours.loss_curve_[-1] <= loss(np.sqrt(2) * theirs.components_)[0] + 1e-4
    classifier = LocalMeanClassifier(bandwidth=1.0).fit(ours.transform(problem.X), problem.labels)
    assert classifier.loo_score() > 0.9


def test_auto_target(problem):
    whole = problem.counts
    as_labels = MetricLearner(max_iter=0).fit(problem.X, whole).loss_curve_[0]
    labels = MetricLearner(max_iter=0, target="labels").fit(problem.X, whole)
    assert as_labels == labels.loss_curve_[0]
    as_numbers = MetricLearner(max_iter=0).fit(problem.X, whole.astype(float)).loss_curve_[0]
    numbers = MetricLearner(max_iter=0, target="numbers").fit(problem.X, whole)
    assert as_numbers == numbers.loss_curve_[0] != as_labels


@pytest.mark.parametrize("init", ["auto", "scott", "identity", "pca", np.ones((2, 4))])
def test_starts_lower_the_loss(problem, init):
    X = np.column_stack([problem.X, np.full(60, 3.0)])  # a feature without spread
    model = MetricLearner(2, init=init, max_iter=5, tol=0.0)
    with pytest.warns(ConvergenceWarning, match="max_iter=5"):
        model.fit(X, problem.y)
    assert np.isfinite(model.components_).all()
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert (np.diff(model.loss_curve_) <= 1e-12).all()


def test_callback_and_verbose(problem, capsys):
    seen = []

    def stop(iteration, error, state):
        seen.append((iteration, error, state.shape))
        return iteration == 3

    model = MetricLearner(callback=stop, verbose=1).fit(problem.X, problem.y)
    assert [step[0] for step in seen] == [1, 2, 3]
    assert seen[0][2] == (3, 3)
    assert model.n_iter_ == 3
    assert capsys.readouterr().out.count("MetricLearner: step") == 3


def test_bits(problem):
    fits = [MetricLearner(n_jobs=n, tol=1e-2).fit(problem.X, problem.y) for n in (1, 2)]
    assert fits[0].components_.tobytes() == fits[1].components_.tobytes()
    whole = fits[0].transform(problem.queries)
    alone = np.concatenate([fits[0].transform(row[None]) for row in problem.queries])
    assert whole.tobytes() == alone.tobytes()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"n_components": 4}, "at most 3"),
        ({"n_components": 0}, "whole number from 1"),
        ({"init": "lda"}, "init must be one of"),
        ({"init": np.eye(2)}, r"init must have shape \(3, 3\)"),
        ({"target": "classes"}, "target must be one of"),
        ({"tol": -1.0}, "tol must be"),
        ({"neighbors": vc.KNearest(61)}, "at least 61 training rows"),
    ],
)
def test_refusals(problem, parameters, words):
    with pytest.raises(ValueError, match=words):
        MetricLearner(**parameters).fit(problem.X, problem.y)


def test_file(problem, path):
    model = MetricLearner(2, init=np.ones((2, 3)), tol=1e-2)
    model.fit(problem.X, problem.labels).save(path)
    again = vc.load(path)
    assert again.transform(problem.X).tobytes() == model.transform(problem.X).tobytes()
    np.testing.assert_array_equal(again.loss_curve_, model.loss_curve_)


def test_neighbors(problem):
    model = MetricLearner(neighbors=vc.KNearest(10), tol=1e-3).fit(problem.X, problem.y)
    assert model.loss_curve_[-1] < 0.8 * model.loss_curve_[0]
