"""LocalAutoregressor against windows and weights written out in numpy."""

from __future__ import annotations

import numpy as np
import pytest
from model_formulas import gaussian, mean

import vicinal as vc
from vicinal.models import LocalAutoregressor

CLOSE = {"rtol": 1e-9, "atol": 1e-10}


@pytest.fixture
def series():
    rng = np.random.default_rng(3)
    return np.sin(np.arange(120) / 3) + 0.1 * rng.normal(size=120)


def cut(series, lags, horizon, spacing):
    times = range((lags - 1) * spacing, len(series) - horizon)
    windows = np.array([[series[t - i * spacing] for i in range(lags)] for t in times])
    after = np.array([series[t + 1 : t + 1 + horizon] for t in times])
    return windows, after


def line(query, X, Y, h):
    w = np.sqrt(gaussian(query[None], X, h)[0])
    design = np.column_stack([np.ones(len(X)), X - query])
    return np.linalg.lstsq(w[:, None] * design, w[:, None] * Y, rcond=None)[0][0]


@pytest.mark.parametrize(("lags", "horizon", "spacing"), [(4, 1, 1), (3, 2, 5), (1, 3, 1)])
def test_means_and_lines(series, lags, horizon, spacing):
    X, Y = cut(series, lags, horizon, spacing)
    model = LocalAutoregressor(lags, horizon, spacing=spacing, bandwidth=0.4).fit(series)
    np.testing.assert_array_equal(model.keys_, X)
    np.testing.assert_array_equal(model.values_, Y)
    asked = X[::9] + 0.05
    np.testing.assert_allclose(model.predict(asked), mean(gaussian(asked, X, 0.4), Y), **CLOSE)
    far = (lags - 1) * spacing + 1 + horizon
    apart = np.abs(np.subtract.outer(np.arange(len(X)), np.arange(len(X)))) >= far
    others = mean(gaussian(X, X, 0.4) * apart, Y)
    np.testing.assert_allclose(model.loo_predict(), others, **CLOSE)
    score = 1 - np.square(Y - others).mean() / np.square(Y - Y.mean(0)).mean()
    assert model.loo_score() == pytest.approx(score)
    model.set_params(degree=1).fit(series)
    lines = [line(query, X, Y, 0.4) for query in asked]
    np.testing.assert_allclose(model.predict(asked), lines, **CLOSE)
    lines = [line(X[i], X[apart[i]], Y[apart[i]], 0.4) for i in (0, 40, len(X) - 1)]
    np.testing.assert_allclose(model.loo_predict()[[0, 40, len(X) - 1]], lines, **CLOSE)


def test_forecast_goes_on_from_itself(series):
    X, Y = cut(series, 4, 2, 1)
    numbers = list(series)
    for _ in range(3):
        window = np.array(numbers[-1:-5:-1])[None]
        numbers.extend(mean(gaussian(window, X, 0.4), Y)[0])
    model = LocalAutoregressor(4, 2, bandwidth=0.4).fit(series)
    np.testing.assert_allclose(model.forecast(5), numbers[120:125], **CLOSE)
    np.testing.assert_array_equal(model.forecast(5, series), model.forecast(5))
    np.testing.assert_allclose(model.forecast(2, series[:50]), model.predict(X[46][None])[0])


def test_direct_forecast_is_one_prediction(series):
    model = LocalAutoregressor(4, 12, bandwidth=0.4).fit(series)
    window = series[-1:-5:-1]
    np.testing.assert_array_equal(model.forecast(12), model.predict(window[None])[0])


def test_several_channels(series):
    both = np.column_stack([series, np.cos(np.arange(120) / 3)])
    model = LocalAutoregressor(3, 2, bandwidth=0.5).fit(both)
    assert model.forecast(7).shape == (7, 2)
    assert model.predict(model.keys_[:4]).shape == (4, 2, 2)
    X = np.concatenate([both[2:-2], both[1:-3], both[:-4]], axis=1)
    np.testing.assert_array_equal(model.keys_, X)
    Y = np.stack([both[3:-1], both[4:]], axis=1)
    expected = mean(gaussian(X[:4], X, 0.5), Y.reshape(len(Y), -1)).reshape(4, 2, 2)
    np.testing.assert_allclose(model.predict(X[:4]), expected, **CLOSE)


def test_chosen_bandwidth_is_the_best_of_the_grid(series):
    model = LocalAutoregressor(4).fit(series)
    losses = {}
    for share in np.geomspace(0.05, 2.0, 16):
        gaps = model.keys_ - model.keys_.mean(0)
        h = share * np.sqrt(np.square(gaps).sum(1).mean())
        losses[h] = -LocalAutoregressor(4, bandwidth=h).fit(series).loo_score()
    assert model.bandwidth_ == pytest.approx(min(losses, key=losses.get))
    assert model.loo_score() > 0.9


def test_overlapping_windows_would_flatter():
    walk = np.cumsum(np.random.default_rng(0).normal(size=400))
    options = {"lags": 5, "horizon": 20, "bandwidth": 1.0}
    near = LocalAutoregressor(**options, theiler=1).fit(walk).loo_score()
    assert near > LocalAutoregressor(**options).fit(walk).loo_score() + 0.1


def test_nearest_windows_only(series):
    options = {"kernel": "constant", "bandwidth": 1.0, "neighbors": vc.KNearest(3)}
    model = LocalAutoregressor(4, **options, theiler=6).fit(series)
    X, Y = model.keys_, model.values_
    distance = ((X[:, None] - X) ** 2).sum(-1)
    distance[np.abs(np.subtract.outer(np.arange(len(X)), np.arange(len(X)))) < 6] = np.inf
    nearest = np.argsort(distance, axis=1)[:, :3]
    np.testing.assert_allclose(model.loo_predict(), Y[nearest].mean(1), **CLOSE)


def test_bits_and_types(series):
    single = series.astype("f4")
    for degree in (0, 1):
        model = LocalAutoregressor(4, degree=degree, bandwidth=0.4, n_jobs=1).fit(single)
        whole = model.predict(model.keys_)
        assert whole.dtype == np.float32
        alone = np.concatenate([model.predict(row[None]) for row in model.keys_[:20]])
        assert alone.tobytes() == whole[:20].tobytes()
        assert model.set_params(n_jobs=2).predict(model.keys_).tobytes() == whole.tobytes()


def test_file(series, path):
    for model in (LocalAutoregressor(3, 2, degree=1), LocalAutoregressor(bandwidth=[0.5] * 8)):
        model.fit(series).save(path)
        again = vc.load(path)
        assert again.forecast(9).tobytes() == model.forecast(9).tobytes()
        assert again.loo_score() == model.loo_score()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"lags": 0}, "lags must be a whole number from 1"),
        ({"horizon": 0}, "horizon must be"),
        ({"spacing": 1.5}, "spacing must be"),
        ({"degree": 2}, "degree must be 0"),
        ({"ridge": -1}, "ridge must be"),
        ({"theiler": -1}, "theiler must be a whole number from 0"),
        ({"bandwidth": "scott"}, "bandwidth must be one of 'loo'"),
        ({"bandwidth": -1.0}, "bandwidth must be positive"),
        ({"lags": 119}, "series has 120 numbers; windows of 119 and 1 after them need 121"),
        ({"neighbors": vc.KNearest(500)}, "500"),
    ],
)
def test_refusals(series, parameters, words):
    with pytest.raises(ValueError, match=words):
        LocalAutoregressor(**parameters).fit(series)


def test_refused_calls(series):
    model = LocalAutoregressor(4, bandwidth=0.4).fit(series)
    with pytest.raises(ValueError, match="4 numbers at least in 1 channels"):
        model.forecast(3, series[:3])
    with pytest.raises(ValueError, match="windows of 4 numbers"):
        model.predict(np.zeros((2, 5)))
    with pytest.raises(ValueError, match="steps must be a whole number"):
        model.forecast(0)
    with pytest.raises(ValueError, match="contains NaN"):
        model.fit(np.where(series > 0.9, np.nan, series))


def test_windows_are_named_and_those_alone_counted(series):
    series[60] = 9.0  # the windows that hold it are like no other
    X, _ = cut(series, 4, 1, 1)
    model = LocalAutoregressor(4, kernel="epanechnikov", bandwidth=0.8).fit(series)
    asked = X[:3] + 0.01
    squares = ((asked[:, None] - X) ** 2).sum(axis=2) / 0.8**2
    weights = np.maximum(1 - squares, 0)
    indices, shares = model.explain(asked, k=2)
    np.testing.assert_array_equal(indices, np.argsort(-weights, axis=1, kind="stable")[:, :2])
    heaviest = np.take_along_axis(weights, indices, axis=1)
    np.testing.assert_allclose(shares, heaviest / weights.sum(axis=1, keepdims=True), rtol=1e-12)
    apart = np.abs(np.subtract.outer(np.arange(len(X)), np.arange(len(X)))) >= 5
    near = ((X[:, None] - X) ** 2).sum(axis=2) < 0.8**2
    alone = ~(near & apart).any(axis=1)
    assert 0 < alone.sum() < len(X)
    np.testing.assert_array_equal(np.isnan(model.loo_predict()[:, 0]), alone)
    assert model.empty_rows_ == alone.sum()
