"""LocalMeanRegressor against plain formulas and scikit-learn's neighbors."""

from __future__ import annotations

import numpy as np
import pytest
from model_formulas import epanechnikov, gaussian, mean
from sklearn.neighbors import KNeighborsRegressor, RadiusNeighborsRegressor

import vicinal as vc
from vicinal.models import LocalMeanRegressor


@pytest.mark.parametrize("target", ["y", "Y"])
def test_gaussian_formula(problem, target):
    values = getattr(problem, target)
    model = LocalMeanRegressor(bandwidth=0.8).fit(problem.X, values)
    expected = mean(gaussian(problem.queries, problem.X, 0.8), values)
    np.testing.assert_allclose(model.predict(problem.queries), expected, rtol=1e-12, atol=1e-13)


def test_bandwidth_per_feature(problem):
    h = np.array([0.5, 1.0, np.inf])
    model = LocalMeanRegressor(bandwidth=h).fit(problem.X, problem.y)
    h[:] = -1  # the model has its own copy
    expected = mean(gaussian(problem.queries, problem.X, np.array([0.5, 1, np.inf])), problem.y)
    np.testing.assert_allclose(model.predict(problem.queries), expected, rtol=1e-12, atol=1e-13)


def test_weights_enter_the_mean(problem):
    model = LocalMeanRegressor(kernel="epanechnikov", bandwidth=3.0)
    model.fit(problem.X, problem.Y, sample_weight=problem.weights)
    w = epanechnikov(problem.queries, problem.X, 3.0) * problem.weights
    np.testing.assert_allclose(
        model.predict(problem.queries), mean(w, problem.Y), rtol=1e-12, atol=1e-13
    )


def test_scott_formula(problem):
    w = problem.weights
    center = np.average(problem.X, axis=0, weights=w)
    sigma = np.sqrt(np.average((problem.X - center) ** 2, axis=0, weights=w))
    model = LocalMeanRegressor().fit(problem.X, problem.y, sample_weight=w)
    np.testing.assert_allclose(model.bandwidth_, sigma * w.sum() ** (-1 / 7), rtol=1e-12)


def test_scott_leaves_constant_features_out(problem):
    X = np.column_stack([problem.X, np.full(60, 3.0)])
    model = LocalMeanRegressor().fit(X, problem.y)
    assert model.bandwidth_[-1] == np.inf
    constant = LocalMeanRegressor().fit(np.ones((5, 2)), np.arange(5.0))
    assert np.all(constant.bandwidth_ == 1)
    assert constant.predict([[1.0, 1.0]]) == 2.0


def test_flat_kernel_is_radius_neighbors(problem):
    ours = LocalMeanRegressor(kernel="uniform", bandwidth=2.0).fit(problem.X, problem.y)
    theirs = RadiusNeighborsRegressor(radius=2.0).fit(problem.X, problem.y)
    np.testing.assert_allclose(
        ours.predict(problem.queries), theirs.predict(problem.queries), rtol=1e-12
    )


def test_small_bandwidth_is_one_neighbor(problem):
    ours = LocalMeanRegressor(bandwidth=1e-3).fit(problem.X, problem.Y)
    theirs = KNeighborsRegressor(n_neighbors=1).fit(problem.X, problem.Y)
    np.testing.assert_allclose(
        ours.predict(problem.queries), theirs.predict(problem.queries), rtol=1e-12
    )


def test_infinite_bandwidth_is_the_weighted_mean(problem):
    model = LocalMeanRegressor(bandwidth=np.inf)
    model.fit(problem.X, problem.y, sample_weight=problem.weights)
    expected = np.average(problem.y, weights=problem.weights)
    np.testing.assert_allclose(model.predict(problem.queries), expected, rtol=1e-12)


def test_chosen_bandwidth_predicts(problem):
    for rule in ("loo", "gcv", "aicc", "silverman", "plugin"):
        model = LocalMeanRegressor(bandwidth=rule).fit(problem.X, problem.y)
        assert np.all(np.asarray(model.bandwidth_) > 0)
        assert model.score(problem.X, problem.y) > 0.5
    best = LocalMeanRegressor(bandwidth="loo").fit(problem.X, problem.y)
    assert best.loo_score() >= LocalMeanRegressor().fit(problem.X, problem.y).loo_score()


def test_float32_is_kept(problem):
    model = LocalMeanRegressor().fit(problem.X.astype("f4"), problem.y)
    assert model.keys_.dtype == model.values_.dtype == np.float32
    assert model.predict(problem.queries).dtype == np.float32
    double = LocalMeanRegressor(bandwidth=model.bandwidth_).fit(problem.X, problem.y)
    np.testing.assert_allclose(
        model.predict(problem.queries), double.predict(problem.queries), atol=2e-5
    )


def test_targets_beyond_float32_are_refused(problem):
    with pytest.raises(ValueError, match="pass X as float64"):
        LocalMeanRegressor().fit(problem.X.astype("f4"), problem.y * 1e39)


def test_kernel_with_its_own_bandwidth(problem):
    kernel = vc.kernels.Gaussian(bandwidth=0.8)
    own = LocalMeanRegressor(kernel=kernel).fit(problem.X, problem.y)
    given = LocalMeanRegressor(bandwidth=0.8).fit(problem.X, problem.y)
    assert own.bandwidth_ == 0.8
    assert np.array_equal(own.predict(problem.queries), given.predict(problem.queries))
    with pytest.raises(ValueError, match="given twice"):
        LocalMeanRegressor(kernel=kernel, bandwidth=0.7).fit(problem.X, problem.y)


def test_product_kernel_on_columns(problem):
    kernel = vc.kernels.Product(
        vc.kernels.Gaussian(bandwidth=0.7, columns=(0, 1)),
        vc.kernels.Epanechnikov(bandwidth=9.0, columns=2),
    )
    model = LocalMeanRegressor(kernel=kernel).fit(problem.X, problem.y)
    q, x = problem.queries, problem.X
    w = gaussian(q[:, :2], x[:, :2], 0.7) * epanechnikov(q[:, 2:], x[:, 2:], 9.0)
    np.testing.assert_allclose(model.predict(q), mean(w, problem.y), rtol=1e-12, atol=1e-13)
    assert model.bandwidth_ == (0.7, 9.0)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"bandwidth": 0.0}, "bandwidth must be positive"),
        ({"bandwidth": -1.0}, "bandwidth must be positive"),
        ({"bandwidth": np.nan}, "bandwidth must be positive"),
        ({"bandwidth": [1.0, 2.0]}, "bandwidth has 2 numbers for 3 features"),
        ({"bandwidth": "aic"}, "bandwidth must be a number.*did you mean"),
        ({"bandwidth": None}, "bandwidth must be a number"),
        ({"kernel": "rbf"}, "bandwidth = 1/√"),
        ({"kernel": "no such kernel"}, "kernel must be one of"),
        ({"metric": "no such metric"}, "metric must be one of"),
        ({"metric": "cosine"}, "loo"),
        ({"empty": "prior"}, "empty must be one of 'nan', 'zero', 'nearest', 'raise' or a number"),
        ({"n_jobs": 0}, "num_threads must be at least 1"),
    ],
    ids=str,
)
def test_bad_parameters(problem, parameters, message):
    with pytest.raises(ValueError, match=message):
        LocalMeanRegressor(**parameters).fit(problem.X, problem.y)


@pytest.mark.parametrize("rule", ["loo", "gcv", "aicc"])
def test_one_row_has_no_leave_one_out(rule):
    with pytest.raises(ValueError, match="at least 2 training rows"):
        LocalMeanRegressor(bandwidth=rule).fit([[1.0, 2.0]], [3.0])
    with pytest.raises(ValueError, match="at least 2 training rows"):
        LocalMeanRegressor().fit([[1.0, 2.0]], [3.0]).loo_predict()


def test_explain_names_the_heaviest(problem):
    model = LocalMeanRegressor(bandwidth=0.8).fit(problem.X, problem.y)
    indices, shares = model.explain(problem.queries, k=4)
    w = gaussian(problem.queries, problem.X, 0.8)
    w /= w.sum(1, keepdims=True)
    expected = np.argsort(-w, axis=1)[:, :4]
    assert indices.dtype == np.int64
    assert np.array_equal(indices, expected)
    np.testing.assert_allclose(shares, np.take_along_axis(w, expected, 1), rtol=1e-10)


def test_explain_pads_what_is_missing():
    model = LocalMeanRegressor(kernel="triangular", bandwidth=1.0).fit([[0.0], [5.0]], [1.0, 2.0])
    indices, shares = model.explain([[0.5], [9.0]], k=3)
    assert indices.tolist() == [[0, -1, -1], [-1, -1, -1]]
    assert shares.tolist() == [[1, 0, 0], [0, 0, 0]]
