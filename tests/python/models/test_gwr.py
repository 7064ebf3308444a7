"""GeographicallyWeightedRegressor against weighted least squares, place by place."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

import vicinal as vc
from vicinal.models import GeographicallyWeightedRegressor

KthNeighbor = vc.bandwidth.KthNeighbor


@pytest.fixture(scope="module")
def land():
    rng = np.random.default_rng(3)
    places = rng.uniform(0, 10, size=(120, 2))
    z = rng.normal([5.0, -2.0], size=(120, 2))
    y = 1 + np.sin(places[:, 0] / 3) * z[:, 0] - 0.2 * places[:, 1] * z[:, 1]
    return np.column_stack([z[:, 0], places, z[:, 1]]), y + 0.1 * rng.normal(size=120)


def weights_at(q, places, kernel, bandwidth):
    distances = np.sqrt(((places - q) ** 2).sum(axis=1))
    adaptive = isinstance(bandwidth, KthNeighbor)
    h = np.sort(distances)[bandwidth.k - 1] * (1 + 1e-7) if adaptive else bandwidth
    u = distances / h
    return np.exp(-(u**2) / 2) if kernel == "gaussian" else np.maximum(1 - u**2, 0) ** 2


def reference(X, y, kernel, bandwidth, counts=None):
    """Return coefficients, rows of the hat matrix and Σ l² of the coefficients at every row."""
    places, Z = X[:, 1:3], np.column_stack([np.ones(len(X)), X[:, [0, 3]]])
    counts = np.ones(len(X)) if counts is None else counts
    coefficients, hat, squares = [], [], []
    for i, q in enumerate(places):
        w = weights_at(q, places, kernel, bandwidth) * counts
        operator = np.linalg.solve(Z.T @ (w[:, None] * Z), Z.T * w)
        coefficients.append(operator @ y)
        hat.append(Z[i] @ operator)
        squares.append((operator**2 / np.maximum(counts, 1e-300)).sum(axis=1))
    return np.array(coefficients), np.array(hat), np.array(squares)


@pytest.mark.parametrize(
    ("kernel", "bandwidth", "weighted"),
    [
        ("bisquare", KthNeighbor(40), False),
        ("bisquare", 4.0, False),
        ("bisquare", 4.0, True),
        ("gaussian", 1.5, True),
        ("gaussian", KthNeighbor(15), False),
    ],
)
def test_everything_is_that_of_the_formulas(land, kernel, bandwidth, weighted):
    X, y = land
    counts = np.random.default_rng(0).integers(1, 4, len(y)).astype(float) if weighted else None
    model = GeographicallyWeightedRegressor([1, 2], kernel=kernel, bandwidth=bandwidth)
    model.fit(X, y, sample_weight=counts)
    coefficients, hat, squares = reference(X, y, kernel, bandwidth, counts)
    np.testing.assert_allclose(model.coefficients_, coefficients, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(model.influence_, hat.diagonal(), rtol=1e-10, atol=1e-12)
    fitted = hat @ y
    np.testing.assert_allclose(model.fitted_, fitted, rtol=1e-11, atol=1e-11)
    c = np.ones(len(y)) if counts is None else counts
    n, trace, rss = c.sum(), hat.trace(), (c * (y - fitted) ** 2).sum()
    assert model.effective_parameters_ == pytest.approx(trace, rel=1e-10)
    assert model.sigma2_ == pytest.approx(rss / (n - trace), rel=1e-9)
    aicc = n * np.log(rss / n) + n * np.log(2 * np.pi) + n + 2 * n * (trace + 1) / (n - trace - 2)
    assert model.aicc_ == pytest.approx(aicc, rel=1e-10)
    errors = np.sqrt(squares * rss / (n - trace))
    np.testing.assert_allclose(model.standard_errors_, errors, rtol=1e-8)
    np.testing.assert_allclose(model.t_values_, coefficients / errors, rtol=1e-7, atol=1e-8)
    around = np.array([c * weights_at(q, X[:, 1:3], kernel, bandwidth) for q in X[:, 1:3]])
    around /= around.sum(axis=1, keepdims=True)
    total = around @ y**2 - (around @ y) ** 2
    expected = 1 - around @ (y - fitted) ** 2 / total
    np.testing.assert_allclose(model.local_r2_, expected, rtol=1e-8, atol=1e-8)


def test_new_places_row_by_row(land, path):
    X, y = land
    model = GeographicallyWeightedRegressor([1, 2], bandwidth=KthNeighbor(50)).fit(X, y)
    new = X[::3] + 0.05
    whole, betas = model.predict(new), model.coefficients(new)
    for i in range(len(new)):
        places = X[:, 1:3]
        w = weights_at(new[i, 1:3], places, "bisquare", KthNeighbor(50))
        Z = np.column_stack([np.ones(len(X)), X[:, [0, 3]]])
        beta = np.linalg.solve(Z.T @ (w[:, None] * Z), Z.T @ (w * y))
        np.testing.assert_allclose(betas[i], beta, rtol=1e-9, atol=1e-9)
        assert whole[i] == pytest.approx(beta @ [1, new[i, 0], new[i, 3]], rel=1e-10)
        assert model.predict(new[i : i + 1]).tobytes() == whole[i].tobytes()
    model.save(path)
    for other in (vc.load(path), pickle.loads(pickle.dumps(model))):
        other.set_params(n_jobs=2)
        assert other.predict(new).tobytes() == whole.tobytes()
        assert other.standard_errors_.tobytes() == model.standard_errors_.tobytes()
        assert other.loo_score() == model.loo_score()


def test_integer_weights_repeat_rows(land):
    X, y = land
    counts = np.random.default_rng(1).integers(0, 4, len(y))
    for bandwidth in (KthNeighbor(60), "aicc"):
        make = GeographicallyWeightedRegressor([1, 2], bandwidth=bandwidth)
        weighted = make.fit(X, y, sample_weight=counts)
        same = (weighted.bandwidth_, weighted.aicc_, weighted.loo_score())
        answers = weighted.predict(X)
        repeated = make.fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
        assert repeated.bandwidth_ == same[0]
        assert (repeated.aicc_, repeated.loo_score()) == pytest.approx(same[1:], rel=1e-9)
        np.testing.assert_allclose(repeated.predict(X), answers, rtol=1e-8, atol=1e-9)


def test_leave_one_out_is_a_fit_without_the_row(land):
    X, y = land
    model = GeographicallyWeightedRegressor([1, 2], kernel="gaussian", bandwidth=2.0).fit(X, y)
    left_out = model.loo_predict()
    for i in (0, 17, 119):
        others = np.arange(len(y)) != i
        alone = GeographicallyWeightedRegressor([1, 2], kernel="gaussian", bandwidth=2.0)
        alone.fit(X[others], y[others])
        assert left_out[i] == pytest.approx(alone.predict(X[i : i + 1])[0], rel=1e-10)


@pytest.mark.parametrize("criterion", ["aicc", "gcv", "loo"])
@pytest.mark.parametrize("adaptive", [True, False])
def test_a_search_finds_what_others_do_not_beat(land, criterion, adaptive):
    X, y = land
    make = GeographicallyWeightedRegressor([1, 2], bandwidth=criterion, adaptive=adaptive)
    found = make.fit(X, y).bandwidth_

    def score(bandwidth):
        model = GeographicallyWeightedRegressor([1, 2], bandwidth=bandwidth).fit(X, y)
        if criterion == "loo":
            return -model.loo_score()
        n, rss = len(y), ((y - model.fitted_) ** 2).sum()
        trace = model.effective_parameters_
        return model.aicc_ if criterion == "aicc" else rss / (1 - trace / n) ** 2

    if adaptive:
        assert 46 <= found.k <= len(y)
        others = [KthNeighbor(k) for k in (46, 60, 80, 100, 119)]
    else:
        others = [found * factor for factor in (0.8, 0.97, 1.03, 1.3)]
    assert score(found) <= min(score(other) for other in others) + 1e-5


def test_columns_by_name_and_all_columns(land):
    X, y = land
    frame = pd.DataFrame(X, columns=["rural", "east", "north", "poverty"])
    by_name = GeographicallyWeightedRegressor(["east", "north"], bandwidth=3.0).fit(frame, y)
    by_number = GeographicallyWeightedRegressor([1, -2], bandwidth=3.0).fit(X, y)
    np.testing.assert_array_equal(by_name.coefficients_, by_number.coefficients_)
    both = GeographicallyWeightedRegressor(kernel="gaussian", bandwidth=2.0).fit(X, y)
    line = vc.local_fit(X, X, y, kernel="gaussian", bandwidth=2.0)
    np.testing.assert_allclose(both.fitted_, line.fitted, rtol=1e-9)
    np.testing.assert_allclose(both.coefficients_[:, 1:], line.derivatives, rtol=1e-7, atol=1e-9)


def test_great_circle():
    rng = np.random.default_rng(5)
    places = np.column_stack([rng.uniform(30, 60, 90), rng.uniform(-20, 20, 90)])
    z = rng.normal(size=90)
    y = z * places[:, 0] / 10
    metric = vc.kernels.GreatCircle()
    model = GeographicallyWeightedRegressor([0, 1], bandwidth=1500.0, metric=metric)
    model.fit(np.column_stack([places, z]), y)
    a, b = np.radians(places[0]), np.radians(places)
    chord = np.sin((b[:, 0] - a[0]) / 2) ** 2
    chord += np.cos(a[0]) * np.cos(b[:, 0]) * np.sin((b[:, 1] - a[1]) / 2) ** 2
    u = 2 * metric.radius * np.arcsin(np.sqrt(chord)) / 1500
    w, Z = np.maximum(1 - u**2, 0) ** 2, np.column_stack([np.ones(90), z])
    beta = np.linalg.solve(Z.T @ (w[:, None] * Z), Z.T @ (w * y))
    np.testing.assert_allclose(model.coefficients_[0], beta, rtol=1e-9)


def test_a_covariate_without_spread_has_slope_0(land):
    X, y = land
    constant = np.column_stack([X, np.full(len(y), 3.0), X[:, 0]])
    model = GeographicallyWeightedRegressor([1, 2], bandwidth=4.0).fit(constant, y)
    assert np.isfinite(model.coefficients_).all()
    assert model.regularized_ == len(y)
    np.testing.assert_array_equal(model.coefficients_[:, 3], 0)
    plain = GeographicallyWeightedRegressor([1, 2], bandwidth=4.0).fit(X, y)
    np.testing.assert_allclose(model.fitted_, plain.fitted_, rtol=1e-6)


@pytest.mark.parametrize(("empty", "expected"), [("nan", np.nan), ("zero", 0.0), (7.0, 7.0)])
def test_places_far_from_everything(land, empty, expected):
    X, y = land
    model = GeographicallyWeightedRegressor([1, 2], bandwidth=3.0, empty=empty).fit(X, y)
    far = np.array([[1.0, 500.0, 500.0, 1.0], X[0]])
    if empty == "nan":
        with pytest.warns(vc.LocalizationWarning, match="1 of 2 rows"):
            answer = model.predict(far)
    else:
        answer = model.predict(far)
    np.testing.assert_array_equal(answer[0], expected)
    assert answer[1] == model.fitted_[0]
    model.set_params(empty="nearest")
    assert model.predict(far)[0] in y
    model.set_params(empty="raise")
    with pytest.raises(ValueError, match="no key"):
        model.predict(far)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"coordinates": [1, 9]}, "coordinates must be columns of X"),
        ({"coordinates": [1, 1]}, "coordinates must name each column once"),
        ({"coordinates": "east"}, "coordinates must be None or a sequence"),
        ({"coordinates": ["east"]}, "give a data frame"),
        ({"coordinates": [0, 1, 2, 3]}, "leave no covariate"),
        ({"bandwidth": "aic"}, "bandwidth must be a number"),
        ({"bandwidth": -1.0}, "bandwidth must be positive"),
        ({"bandwidth": 0.0}, "bandwidth must be positive"),
        ({"mass_tol": 0.1}, "mass_tol must be 0"),
        ({"adaptive": "yes"}, "adaptive must be True or False"),
        ({"kernel": "sigmoid", "bandwidth": 1.0}, "kernel must have no negative weights"),
        ({"bandwidth": vc.bandwidth.KthNeighbor(500)}, "k of KthNeighbor"),
    ],
)
def test_bad_parameters_are_named(land, parameters, message):
    with pytest.raises(ValueError, match=message):
        GeographicallyWeightedRegressor(**parameters).fit(*land)


def test_a_bandwidth_of_all_rows_leaves_one_out_too(land):
    """The farthest row is among the others: the bandwidths are those of the fit."""
    X, y = land[0][:40], land[1][:40]
    n = len(y)
    model = GeographicallyWeightedRegressor([0, 1], bandwidth=vc.bandwidth.KthNeighbor(n))
    left_out = model.fit(X, y).loo_predict()
    for i in (0, 17, n - 1):
        far = np.sqrt(((X[:, :2] - X[i, :2]) ** 2).sum(axis=1))
        weights = np.maximum(1 - (far / (far.max() * (1 + 1e-7))) ** 2, 0) ** 2
        weights[i] = 0
        root = np.sqrt(weights)
        design = np.column_stack([np.ones(n), X[:, 2:]])
        line = np.linalg.lstsq(root[:, None] * design, root * y, rcond=None)[0]
        assert left_out[i] == pytest.approx(line @ design[i], rel=1e-8)
    assert np.isfinite(model.loo_score())
