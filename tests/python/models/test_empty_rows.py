"""Queries without a key in the support: each policy, one warning with count and remedy."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

import vicinal as vc
from vicinal.models import KernelDensity, LocalMeanClassifier, LocalMeanRegressor

X = np.array([[0.0], [1.0], [1.0], [5.0]])
Y = np.array([1.0, 2.0, 4.0, 9.0])
LABELS = np.array(["a", "b", "b", "c"])
QUERIES = np.array([[0.2], [3.0], [40.0], [np.nextafter(3.0, 4)]])  # all but the first are empty
COMPACT = {"kernel": "epanechnikov", "bandwidth": 0.5}


def only_warning(call):
    """Return the result of `call` and its one warning's text."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call()
    assert [item.category for item in caught] == [vc.LocalizationWarning]
    assert caught[0].filename == __file__
    return result, str(caught[0].message)


def test_regressor_gives_nan_and_one_warning():
    model = LocalMeanRegressor(**COMPACT).fit(X, Y)
    result, text = only_warning(lambda: model.predict(QUERIES))
    assert np.array_equal(result, [1, np.nan, np.nan, np.nan], equal_nan=True)
    assert "3 of 4 rows" in text
    assert "empty='nearest'" in text
    model.fit(X, np.column_stack([Y, Y]))
    both, _ = only_warning(lambda: model.predict(QUERIES))
    assert np.isnan(both).sum() == 6


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("empty", "expected"),
    [("zero", [1, 0, 0, 0]), (-7.5, [1, -7.5, -7.5, -7.5]), ("nearest", [1, 2, 9, 9])],
)
def test_regressor_policies_are_silent(empty, expected):
    model = LocalMeanRegressor(**COMPACT, empty=empty).fit(X, Y)
    # 3 is as far from 1 (twice) as from 5: the tie goes to the first index.
    assert model.predict(QUERIES).tolist() == expected


def test_classifier_gives_the_class_frequencies():
    model = LocalMeanClassifier(**COMPACT).fit(X, LABELS, sample_weight=[1, 1, 2, 1])
    probabilities, text = only_warning(lambda: model.predict_proba(QUERIES))
    np.testing.assert_allclose(probabilities, [[1, 0, 0]] + 3 * [[0.2, 0.6, 0.2]], rtol=1e-15)
    assert "3 of 4 rows" in text
    assert "class frequencies" in text
    labels, _ = only_warning(lambda: model.predict(QUERIES))
    assert labels.tolist() == ["a", "b", "b", "b"]


@pytest.mark.filterwarnings("error")
def test_classifier_nearest():
    model = LocalMeanClassifier(**COMPACT, empty="nearest").fit(X, LABELS)
    assert model.predict(QUERIES).tolist() == ["a", "b", "c", "c"]


def test_density_is_zero():
    model = KernelDensity(**COMPACT).fit(X)
    result, text = only_warning(lambda: model.score_samples(QUERIES))
    assert np.isfinite(result[0])
    assert result[1:].tolist() == [-np.inf] * 3
    assert "3 of 4 rows" in text
    total, _ = only_warning(lambda: model.score(QUERIES))
    assert total == -np.inf


@pytest.mark.filterwarnings("error")
def test_density_policies():
    floor = KernelDensity(**COMPACT, empty=1e-6).fit(X).score_samples(QUERIES)
    np.testing.assert_allclose(floor[1:], np.log(1e-6))
    model = KernelDensity(**COMPACT, empty="nearest").fit(X)
    nearest = model.score_samples(QUERIES)
    np.testing.assert_allclose(nearest[1:], model.score_samples(X)[[1, 3, 3]], rtol=1e-14)
    with pytest.raises(ValueError, match="at least 0"):
        KernelDensity(empty=-1.0).fit(X)


@pytest.mark.parametrize(
    ("model", "y", "method"),
    [
        (LocalMeanRegressor, Y, "predict"),
        (LocalMeanClassifier, LABELS, "predict"),
        (LocalMeanClassifier, LABELS, "predict_proba"),
        (KernelDensity, None, "score_samples"),
    ],
)
def test_raise(model, y, method):
    fitted = model(**COMPACT, empty="raise").fit(X, y)
    assert len(getattr(fitted, method)(QUERIES[:1])) == 1
    with pytest.raises(ValueError, match="3"):
        getattr(fitted, method)(QUERIES)


def test_leave_one_out():
    model = LocalMeanRegressor(**COMPACT).fit(X, Y)
    assert model.empty_rows_ == 2  # the first and the last are alone
    result, text = only_warning(model.loo_predict)
    assert np.array_equal(result, [np.nan, 4, 2, np.nan], equal_nan=True)
    assert "2 of 4 rows" in text
    score, _ = only_warning(model.loo_score)
    errors = np.array([1 - 4, 2 - 4, 4 - 2, 9 - 4])  # the lonely rows: the global mean, 4
    assert score == pytest.approx(1 - (errors**2).sum() / ((Y - 4) ** 2).sum())
    assert LocalMeanRegressor(**COMPACT, empty="nearest").fit(X, Y).loo_predict().tolist() == [
        2,
        4,
        2,
        2,
    ]


def test_empty_rows_follow_a_new_fit():
    model = LocalMeanRegressor(**COMPACT).fit(X, Y)
    assert model.empty_rows_ == 2
    assert model.fit(X[1:3], Y[1:3]).empty_rows_ == 0
    assert LocalMeanRegressor().fit(X, Y).empty_rows_ == 0
    weighted = LocalMeanRegressor(**COMPACT).fit(X, Y, sample_weight=[2, 1, 0, 1])
    assert weighted.empty_rows_ == 2  # a second unit is company; weight 0 has row 1


def test_loo_bandwidth_charges_empty_rows():
    """A bandwidth that leaves most rows alone must not win by answering only the easy ones."""
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 1, size=(80, 1))
    y = np.sin(6 * x[:, 0]) + 0.05 * rng.normal(size=80)
    model = LocalMeanRegressor(kernel="epanechnikov", bandwidth="loo").fit(x, y)
    assert model.empty_rows_ < 8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", vc.LocalizationWarning)
        assert model.loo_score() > 0.9


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("model", [LocalMeanRegressor, LocalMeanClassifier])
def test_grid_search_over_a_compact_kernel_has_no_nan_candidate(problem, model):
    y = problem.y if model is LocalMeanRegressor else problem.labels
    grid = {"bandwidth": np.geomspace(0.01, 3, 8), "kernel": ["epanechnikov", "uniform"]}
    search = GridSearchCV(model(empty="nearest"), grid, cv=5).fit(problem.X, y)
    assert np.all(np.isfinite(search.cv_results_["mean_test_score"]))
    assert search.best_score_ > 0.2
