"""Localized against a loop of scikit-learn fits with the weights of the formula."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    RidgeClassifier,
    SGDRegressor,
)
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

import vicinal as vc
from vicinal.models import Localized, LocalMeanClassifier, LocalMeanRegressor

EXACT = {"solver": "newton-cholesky", "tol": 1e-10, "max_iter": 1000}
LINEAR = (
    LinearRegression(),
    LinearRegression(fit_intercept=False),
    Ridge(alpha=3.0),
    Ridge(alpha=0.5, fit_intercept=False),
    LogisticRegression(C=0.7, **EXACT),
    LogisticRegression(C=0.7, fit_intercept=False, **EXACT),
    PoissonRegressor(alpha=0.3, **EXACT),
    QuantileRegressor(quantile=0.3, alpha=0.0),
    RidgeClassifier(alpha=2.0),
)


def weights_at(q, X, h):
    w = np.exp(-((X - q) ** 2).sum(axis=1) / (2 * h * h))
    return w / w.max()


def target(estimator, problem):
    if is_classifier(estimator):
        return problem.labels == "high"
    return problem.counts if isinstance(estimator, PoissonRegressor) else problem.y


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("estimator", LINEAR, ids=str)
def test_linear_models_have_the_coefficients_of_a_loop(problem, estimator, weighted):
    X, y = problem.X, target(estimator, problem)
    prior = problem.weights if weighted else np.ones(len(X))
    model = Localized(estimator, bandwidth=0.9)
    model.fit(X, y, sample_weight=prior if weighted else None)
    assert model.linear_
    found, answers = model.coefficients(problem.queries), model.predict(problem.queries)
    for i, q in enumerate(problem.queries):
        w = weights_at(q, X[prior > 0], 0.9) * prior[prior > 0]
        one = estimator.fit(X[prior > 0], y[prior > 0], sample_weight=w)
        expected = np.r_[np.ravel(one.intercept_), np.ravel(one.coef_)]
        np.testing.assert_allclose(found[i], expected, rtol=1e-6, atol=1e-6)
        if is_classifier(estimator) and not hasattr(estimator, "predict_proba"):
            assert answers[i] == one.predict(q[None])[0]
        elif is_classifier(estimator):
            proba = model.predict_proba(problem.queries[i : i + 1])[0]
            np.testing.assert_allclose(proba, one.predict_proba(q[None])[0], atol=1e-6)
        else:
            assert answers[i] == pytest.approx(one.predict(q[None])[0], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("estimator", [Ridge(3.0), PoissonRegressor()])
def test_a_penalty_counts_a_constant_first_column(problem, estimator):
    """local_fit would leave it out."""
    X = np.column_stack([np.ones(len(problem.X)), problem.X])
    estimator.set_params(fit_intercept=False)
    model = Localized(estimator, on=[1, 2], bandwidth=1.0).fit(X, problem.counts)
    assert not model.linear_
    q = X[0]
    w = weights_at(q[1:3], X[:, 1:3], 1.0)
    expected = estimator.fit(X, problem.counts, sample_weight=w).predict(q[None])
    assert model.predict(q[None]) == pytest.approx(expected, rel=1e-9)


def test_ridge_classifier_of_three_classes(problem):
    labels = np.digitize(problem.y, np.quantile(problem.y, [0.3, 0.7]))
    model = Localized(RidgeClassifier(1.0), bandwidth=0.7).fit(problem.X, labels)
    assert model.linear_
    answers = model.predict(problem.queries)
    for answer, q in zip(answers, problem.queries, strict=True):
        one = RidgeClassifier(1.0).fit(
            problem.X, labels, sample_weight=weights_at(q, problem.X, 0.7)
        )
        assert answer == one.predict(q[None])[0]
    assert model.coefficients(problem.queries).shape == (len(answers), 1 + problem.X.shape[1], 3)


@pytest.mark.parametrize(
    "estimator",
    [GaussianNB(), Ridge(positive=True)],
    ids=str,
)
def test_others_are_cloned_and_fitted(problem, estimator):
    X, y = problem.X, target(estimator, problem)
    model = Localized(estimator, bandwidth=0.8, mass_tol=1e-3).fit(X, y)
    assert not model.linear_
    answers = model.predict(problem.queries)
    for i, q in enumerate(problem.queries):
        w = weights_at(q, X, 0.8)
        kept = w >= 1e-3
        if len(np.unique(y[kept])) == 1:
            assert answers[i] == y[kept][0]
            continue
        one = estimator.fit(X[kept], y[kept], sample_weight=w[kept])
        assert answers[i] == pytest.approx(one.predict(q[None])[0], rel=1e-9)


def test_a_class_without_a_row_nearby_has_probability_0():
    X = np.arange(9.0)[:, None]
    labels = np.repeat(["a", "b", "c"], 3)
    model = Localized(GaussianNB(), kernel="uniform", bandwidth=1.5).fit(X, labels)
    proba = model.predict_proba([[0.5], [1.0], [2.6], [7.5]])
    np.testing.assert_array_equal(proba[[0, 1, 3]], [[1, 0, 0], [1, 0, 0], [0, 0, 1]])
    assert proba[2, 2] == 0
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert model.predict([[8.0]])[0] == "c"


def test_queries_with_equal_weights_share_a_fit(problem, monkeypatch):
    fits = []
    inner = DecisionTreeRegressor.fit

    def counted(self, X, y, sample_weight=None):
        fits.append(len(y))
        return inner(self, X, y, sample_weight=sample_weight)

    monkeypatch.setattr(DecisionTreeRegressor, "fit", counted)
    model = Localized(
        DecisionTreeRegressor(random_state=0), kernel="constant", neighbors=vc.KNearest(60)
    )
    model.fit(problem.X, problem.y).predict(problem.queries)
    assert fits == [60]


def test_rows_do_not_know_each_other_and_processes_do_not_matter(problem):
    for model in (
        Localized(DecisionTreeRegressor(max_depth=2, random_state=0), bandwidth=0.5),
        Localized(KNeighborsRegressor(2), strategy="resample", bandwidth=0.5),
        Localized(Ridge(), bandwidth=0.5),
    ):
        model.fit(problem.X, problem.y)
        whole = model.predict(problem.queries)
        for i in range(0, 25, 5):
            assert model.predict(problem.queries[i : i + 1]).tobytes() == whole[i].tobytes()
    model = Localized(DecisionTreeRegressor(max_depth=2, random_state=0), bandwidth=0.5, n_jobs=2)
    first = Localized(DecisionTreeRegressor(max_depth=2, random_state=0), bandwidth=0.5)
    model.fit(problem.X, problem.y)
    expected = first.fit(problem.X, problem.y).predict(problem.queries)
    assert model.predict(problem.queries).tobytes() == expected.tobytes()


def test_resampling_draws_what_the_weights_are_worth(problem):
    model = Localized(KNeighborsRegressor(1), strategy="resample", bandwidth=0.8)
    first = model.fit(problem.X, problem.y).predict(problem.queries)
    np.testing.assert_array_equal(first, model.predict(problem.queries))
    assert np.isin(first, problem.y).all()
    other = model.set_params(random_state=1).predict(problem.queries)
    assert (first != other).any()


def test_columns_that_locate(problem):
    frame = pd.DataFrame(problem.X, columns=["east", "north", "rain"])
    model = Localized(LinearRegression(), on=["north", "east"], bandwidth=0.9)
    model.fit(frame, problem.y)
    np.testing.assert_array_equal(model.keys_, problem.X[:, [1, 0]])
    geography = vc.models.GeographicallyWeightedRegressor(
        [0, 1], kernel="gaussian", bandwidth=0.9
    ).fit(problem.X, problem.y)
    q = frame.iloc[:1]
    w = weights_at(problem.X[0, :2], problem.X[:, :2], 0.9)
    one = LinearRegression().fit(problem.X, problem.y, sample_weight=w)
    assert model.predict(q)[0] == pytest.approx(one.predict(problem.X[:1])[0], rel=1e-9)
    assert geography.coefficients_.shape == (60, 2)


@pytest.mark.parametrize("estimator", [Ridge(), Ridge(positive=True)], ids=str)
def test_leave_one_out_and_its_choice(problem, estimator):
    X, y = problem.X[:30], problem.y[:30]
    model = Localized(estimator, bandwidth="loo", grid=[0.3, 0.9, 3.0]).fit(X, y)
    losses = []
    for h in (0.3, 0.9, 3.0):
        rows = [np.arange(len(y)) != i for i in range(len(y))]
        single = Localized(estimator, bandwidth=h)
        left = [single.fit(X[r], y[r]).predict(X[~r])[0] for r in rows]
        losses.append(np.mean((left - y) ** 2))
        own = Localized(estimator, bandwidth=h).fit(X, y).loo_predict()
        np.testing.assert_allclose(own, left, rtol=1e-7, atol=1e-9)
    assert model.bandwidth_ == [0.3, 0.9, 3.0][np.argmin(losses)]
    assert model.loo_score() == pytest.approx(1 - min(losses) / y.var())


def test_a_default_grid_and_a_classifier(problem):
    model = Localized(LogisticRegression(), bandwidth="loo").fit(problem.X, problem.y > 0)
    assert np.all(np.asarray(model.bandwidth_) > 0)
    assert 0.3 < model.loo_score() <= 1


def test_inside_a_pipeline_and_a_search(problem):
    pipe = make_pipeline(StandardScaler(), Localized(Ridge()))
    grid = {"localized__bandwidth": [0.5, 2.0], "localized__estimator__alpha": [0.1, 10.0]}
    search = GridSearchCV(pipe, grid, cv=3).fit(problem.X, problem.y)
    assert search.best_score_ > 0.5
    assert np.isfinite(search.predict(problem.queries)).all()


def test_queries_far_from_everything(problem):
    far = np.array([[90.0, 0.0, 0.0]])
    for estimator in (Ridge(), DecisionTreeRegressor()):
        model = Localized(estimator, kernel="epanechnikov", bandwidth=2.0)
        model.fit(problem.X, problem.y)
        with pytest.warns(vc.LocalizationWarning, match="1 of 1 rows.*NaN"):
            assert np.isnan(model.predict(far)[0])
        nearest = np.argmin(((problem.X - far) ** 2).sum(axis=1))
        assert model.set_params(empty="nearest").predict(far)[0] == problem.y[nearest]
        with pytest.raises(ValueError, match="1 of 1 rows have no key"):
            model.set_params(empty="raise").predict(far)
    for estimator in (LogisticRegression(), GaussianNB()):
        model = Localized(estimator, kernel="epanechnikov", bandwidth=2.0)
        model.fit(problem.X, problem.y > 0)
        with pytest.warns(vc.LocalizationWarning, match="the class frequencies"):
            proba = model.predict_proba(far)
        np.testing.assert_allclose(proba[0, 1], np.mean(problem.y > 0))


def test_separable_classes_stay_finite():
    X = np.linspace(-1, 1, 20)[:, None]
    model = Localized(LogisticRegression(C=1e6), bandwidth=0.3).fit(X, X[:, 0] > 0)
    assert np.isfinite(model.coefficients(X)).all()
    np.testing.assert_array_equal(model.predict(X), X[:, 0] > 0)


def test_files(problem, path):
    around_ours = Localized(LocalMeanRegressor(bandwidth=0.7), bandwidth=2.0, on=[0, 2])
    around_ours.fit(problem.X, problem.y).save(path)
    expected = around_ours.predict(problem.queries)
    assert vc.load(path).predict(problem.queries).tobytes() == expected.tobytes()
    labels = Localized(LocalMeanClassifier(bandwidth=0.7), bandwidth=2.0)
    labels.fit(problem.X, problem.labels).save(path)
    assert vc.load(path).predict(problem.queries).tolist() == (
        labels.predict(problem.queries).tolist()
    )
    foreign = Localized(Ridge(), bandwidth=2.0).fit(problem.X, problem.y)
    with pytest.raises(TypeError, match="joblib or skops"):
        foreign.save(path)
    again = pickle.loads(pickle.dumps(foreign))
    assert again.predict(problem.queries).tobytes() == foreign.predict(problem.queries).tobytes()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"strategy": "draw"}, "strategy must be one of"),
        ({"estimator": KNeighborsRegressor()}, "take strategy='resample'"),
        ({"bandwidth": "aicc"}, "bandwidth must be one of"),
        ({"bandwidth": 0.0}, "bandwidth must be positive"),
        ({"kernel": "sigmoid", "bandwidth": 1.0}, "kernel must have no negative weights"),
        ({"on": [5]}, "on must be columns of X"),
        ({"empty": "nan"}, "empty must be one of"),
        ({"bandwidth": "loo", "grid": [[1.0]]}, "grid must be"),
        ({"random_state": -1}, "random_state must be a whole number"),
    ],
)
def test_bad_parameters_are_named(problem, parameters, message):
    with pytest.raises(ValueError, match=message):
        Localized(**{"estimator": SGDRegressor(), **parameters}).fit(problem.X, problem.y)


def test_what_is_no_linear_model_has_no_coefficients(problem):
    with pytest.raises(TypeError, match="coefficients are those of linear models"):
        Localized(GaussianNB()).fit(problem.X, problem.labels).coefficients(problem.X)
    with pytest.raises(TypeError, match="regressor or classifier"):
        Localized(StandardScaler()).fit(problem.X, problem.labels)
