"""LocalPolynomialRegressor: the primitive's numbers, leave-one-out by refits, files, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

import vicinal as vc
from vicinal.models import LocalMeanRegressor, LocalPolynomialRegressor


@pytest.mark.parametrize("degree", [0, 1, 2])
@pytest.mark.parametrize("family", ["gaussian", "robust", "quantile"])
def test_predictions_are_those_of_the_primitive(degree, family, problem):
    model = LocalPolynomialRegressor(degree, family=family, bandwidth=1.3)
    model.fit(problem.X, problem.Y, problem.counts)
    fit = vc.local_fit(
        problem.queries,
        problem.X,
        problem.Y,
        degree=degree,
        family=family,
        bandwidth=1.3,
        weights=problem.counts,
    )
    assert_array_equal(model.predict(problem.queries), fit.fitted)
    if degree > 0:
        assert_array_equal(model.derivative(problem.queries), fit.derivatives)
    assert_array_equal(model.predict(problem.queries[3:4]), fit.fitted[3:4])


def test_degree_0_is_the_local_mean(problem):
    mean = LocalMeanRegressor(bandwidth="loo").fit(problem.X, problem.y)
    constant = LocalPolynomialRegressor(0, bandwidth="loo").fit(problem.X, problem.y)
    assert_allclose(constant.bandwidth_, mean.bandwidth_)
    assert_array_equal(constant.predict(problem.queries), mean.predict(problem.queries))
    assert_allclose(constant.loo_predict(), mean.loo_predict(), rtol=1e-12)
    with pytest.raises(ValueError, match="degree over 0"):
        constant.derivative(problem.queries)


@pytest.mark.parametrize("options", [{}, {"ridge": 0.1}, {"family": "quantile"}, {"degree": 2}])
def test_leave_one_out_refits_without_the_row(options, problem):
    model = LocalPolynomialRegressor(bandwidth=1.5, **options).fit(problem.X, problem.Y)
    left_out = model.loo_predict()
    for i in (0, 17, 41):
        rest = np.arange(60) != i
        refit = clone(model).fit(problem.X[rest], problem.Y[rest])
        assert_allclose(left_out[i], refit.predict(problem.X[i : i + 1])[0], rtol=1e-5, atol=1e-7)
    assert model.loo_score() < 1


def test_a_weight_leaves_one_unit_out(problem):
    counts = problem.counts
    model = LocalPolynomialRegressor(bandwidth=1.5).fit(problem.X, problem.y, counts)
    repeated = np.repeat(np.arange(60), counts)
    long = LocalPolynomialRegressor(bandwidth=1.5).fit(problem.X[repeated], problem.y[repeated])
    assert_allclose(model.loo_predict()[repeated], long.loo_predict(), rtol=1e-8)
    assert_allclose(model.loo_score(), long.loo_score(), rtol=1e-10)


@pytest.mark.parametrize("rule", ["loo", "gcv", "aicc"])
def test_rules_choose_for_the_fit(rule, rng):
    x = np.sort(rng.uniform(-3, 3, size=120))[:, None]
    y = 2 * x[:, 0] + 0.3 * rng.normal(size=120)
    line = LocalPolynomialRegressor(bandwidth=rule).fit(x, y)
    mean = LocalMeanRegressor(bandwidth=rule).fit(x, y)
    assert line.bandwidth_ > 3 * mean.bandwidth_  # a line needs no narrow window
    grid = line.bandwidth_ * np.array([0.5, 1.0, 2.0])
    scores = []
    for h in grid:
        fit = vc.local_fit(x, x, y, bandwidth=h, statistics="self_weight")
        error, trace = np.mean((y - fit.fitted) ** 2), fit.edf
        loo = np.mean(((y - fit.fitted) / (1 - fit.self_weight)) ** 2)
        gcv = error / (1 - trace / 120) ** 2
        aicc = np.log(error) + 1 + 2 * (trace + 1) / (120 - trace - 2)
        scores.append({"loo": loo, "gcv": gcv, "aicc": aicc}[rule])
    assert scores[1] <= min(scores) * (1 + 1e-6 * np.sign(min(scores)))


def test_standard_errors_and_intervals_cover(rng):
    x = rng.uniform(-2, 2, size=(1500, 1))
    y = np.sin(x[:, 0]) + 0.2 * (1 + (x[:, 0] > 0)) * rng.normal(size=1500)
    q = rng.uniform(-1.8, 1.8, size=(800, 1))
    new = np.sin(q[:, 0]) + 0.2 * (1 + (q[:, 0] > 0)) * rng.normal(size=800)
    model = LocalPolynomialRegressor(bandwidth=0.2).fit(x, y)
    fitted, std = model.predict(q, return_std=True)
    expected = vc.local_fit(q, x, y, bandwidth=0.2, statistics="standard_errors")
    assert_array_equal(std, expected.standard_errors[:, 0])
    assert_array_equal(fitted, model.predict(q))
    lower, upper = model.predict_interval(q, coverage=0.9)
    assert_allclose(np.mean((lower < new) & (new < upper)), 0.9, atol=0.03)
    assert_allclose((lower + upper) / 2, fitted, rtol=1e-9, atol=1e-9)
    quantile = LocalPolynomialRegressor(family="quantile", bandwidth=0.2).fit(x, y)
    lower, upper = quantile.predict_interval(q[:100], coverage=0.8)
    assert_allclose(np.mean((lower < new[:100]) & (new[:100] < upper)), 0.8, atol=0.1)
    with pytest.raises(ValueError, match="return_std is not available for family='quantile'"):
        quantile.predict(q, return_std=True)
    both = LocalPolynomialRegressor(bandwidth=0.2).fit(x, np.c_[y, 2 * y])
    lower2, _ = both.predict_interval(q[:5], coverage=0.9)
    assert_allclose(lower2[:, 1], 2 * lower2[:, 0], rtol=1e-9)


def test_empty_rows_warn_and_files_answer_alike(problem, path):
    options = {"kernel": "tricube", "bandwidth": 1.2, "neighbors": vc.KNearest(30)}
    model = LocalPolynomialRegressor(family="robust", **options).fit(problem.X, problem.Y)
    far = np.full((2, 3), 50.0)
    with pytest.warns(vc.LocalizationWarning, match="2 of 2 rows"):
        assert np.isnan(model.predict(far)).all()
    with pytest.warns(vc.LocalizationWarning, match="2 of 2 rows"):
        model.predict(far, return_std=True)
    near = LocalPolynomialRegressor(empty="nearest", **options).fit(problem.X, problem.y)
    assert np.isfinite(near.predict(far)).all()
    near.save(path)
    loaded = vc.load(path)
    assert type(loaded) is LocalPolynomialRegressor
    assert_array_equal(loaded.predict(problem.queries), near.predict(problem.queries))
    indices, weights = near.explain(problem.queries, k=3)
    assert indices.shape == weights.shape == (25, 3)


def test_refusals(problem):
    for options, words in (
        ({"degree": 4}, "degree must be 0, 1, 2 or 3"),
        ({"degree": 1.5}, "degree must be a whole number"),
        ({"family": "poisson"}, "family must be one of"),
        ({"quantile": 0}, "quantile must be above 0"),
        ({"ridge": -1}, "ridge must be finite"),
        ({"family": "quantile", "ridge": 1.0}, "ridge must be 0"),
        ({"mass_tol": 0.1}, "mass_tol must be 0"),
        ({"kernel": "sigmoid"}, "kernel must not be signed"),
        ({"bandwidth": "plugin"}, "'plugin' is of means alone"),
        ({"bandwidth": "gcv", "family": "quantile"}, "'gcv' is of smoothers"),
    ):
        with pytest.raises(ValueError, match=words):
            LocalPolynomialRegressor(**options).fit(problem.X, problem.y)
    model = LocalPolynomialRegressor().fit(problem.X, problem.y)
    with pytest.raises(ValueError, match="coverage must be above 0 and below 1"):
        model.predict_interval(problem.queries, coverage=1.0)
