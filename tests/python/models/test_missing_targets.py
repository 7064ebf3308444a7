"""NaN in the targets: refused, or left out of the mean of their own column."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import r2_score

import vicinal as vc
from vicinal.models import KernelDensity, LocalMeanClassifier, LocalMeanRegressor


@pytest.fixture
def gaps(problem):
    Y = problem.Y.copy()
    Y[::7, 0] = np.nan
    Y[3:9, 1] = np.nan
    return Y


def each_column(problem, Y, call, **parameters):
    """Fit each column on its own known rows and stack what `call` says of the models."""
    answers = []
    for y in Y.T:
        known = ~np.isnan(y)
        weights = problem.weights[known]
        model = LocalMeanRegressor(**parameters).fit(problem.X[known], y[known], weights)
        answers.append(call(model))
    return np.column_stack(answers)


@pytest.mark.parametrize("setting", [{}, {"kernel": "epanechnikov", "empty": "nearest"}], ids=str)
def test_omit_is_a_fit_of_the_known_rows(problem, gaps, setting):
    setting = {"bandwidth": 1.2, **setting}
    model = LocalMeanRegressor(nan_policy="omit", **setting)
    model.fit(problem.X, gaps, sample_weight=problem.weights)
    expected = each_column(problem, gaps, lambda m: m.predict(problem.queries), **setting)
    np.testing.assert_allclose(model.predict(problem.queries), expected, rtol=1e-12)


def test_leave_one_out_of_the_known_rows(problem, gaps):
    model = LocalMeanRegressor(nan_policy="omit", bandwidth=0.8)
    model.fit(problem.X, gaps, sample_weight=problem.weights)
    fitted, scores = model.loo_predict(), []
    assert np.all(np.isfinite(fitted))
    for j, y in enumerate(gaps.T):
        known = ~np.isnan(y)
        weights = problem.weights[known]
        alone = LocalMeanRegressor(bandwidth=0.8).fit(problem.X[known], y[known], weights)
        np.testing.assert_allclose(fitted[known, j], alone.loo_predict(), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(fitted[~known, j], alone.predict(problem.X[~known]), rtol=1e-11)
        scores.append(r2_score(y[known], fitted[known, j], sample_weight=weights))
    assert model.loo_score() == pytest.approx(np.mean(scores), rel=1e-12)


def test_bandwidths_are_compared_on_complete_rows(problem, gaps):
    known = ~np.isnan(gaps).any(axis=1)
    for rule in ("loo", "gcv", "aicc", "plugin"):
        model = LocalMeanRegressor(nan_policy="omit", bandwidth=rule).fit(problem.X, gaps)
        expected = vc.bandwidth.select(problem.X[known], gaps[known], criterion=rule)
        np.testing.assert_array_equal(model.bandwidth_, expected.bandwidth)
    scott = LocalMeanRegressor(nan_policy="omit").fit(problem.X, gaps)
    np.testing.assert_array_equal(scott.bandwidth_, vc.bandwidth.scott(problem.X))


def test_omit_without_gaps_changes_no_bit(problem):
    plain = LocalMeanRegressor().fit(problem.X, problem.Y).predict(problem.queries)
    omit = LocalMeanRegressor(nan_policy="omit").fit(problem.X, problem.Y)
    assert omit.predict(problem.queries).tobytes() == plain.tobytes()


def test_gaps_survive_in_a_file(problem, gaps, path):
    model = LocalMeanRegressor(nan_policy="omit").fit(problem.X, gaps)
    model.save(path)
    assert vc.load(path).predict(problem.queries).tobytes() == (
        model.predict(problem.queries).tobytes()
    )


def test_refusals(problem, gaps):
    with pytest.raises(ValueError, match="y contains NaN"):
        LocalMeanRegressor().fit(problem.X, gaps)
    with pytest.raises(ValueError, match="nan_policy must be 'raise' or 'omit', got 'propagate'"):
        LocalMeanRegressor(nan_policy="propagate").fit(problem.X, gaps)
    omit = LocalMeanRegressor(nan_policy="omit")
    with pytest.raises(ValueError, match="column of NaN only"):
        omit.fit(problem.X, np.full(60, np.nan))
    with pytest.raises(ValueError, match="infinity"):
        omit.fit(problem.X, np.where(np.isnan(gaps), np.inf, gaps))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        omit.fit(problem.X, gaps[:-1])
    with pytest.raises(ValueError, match="requires y"):
        omit.fit(problem.X, None)
    for model in (LocalMeanClassifier, KernelDensity):
        with pytest.raises(TypeError, match="nan_policy"):
            model(nan_policy="omit")
