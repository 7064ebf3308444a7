"""The displays: what they draw, their labels and legends, and the message without matplotlib."""

from __future__ import annotations

import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import vicinal as vc
from vicinal.models import KernelDensity, LocalMeanClassifier, LocalMeanRegressor, MeanShift
from vicinal.plotting import BandwidthCurveDisplay, LocalWeightsDisplay, TrajectoryDisplay

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    pyplot.close("all")


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_weights_over_one_feature(problem):
    model = LocalMeanRegressor(bandwidth=0.3).fit(problem.X[:, :1], problem.y)
    display = LocalWeightsDisplay.from_estimator(model, [[0.4]])
    expected = vc.local_weights([[0.4]], problem.X[:, :1], bandwidth=0.3)[0]
    np.testing.assert_allclose(display.weights, expected)
    heights = [segment[1][1] for segment in display.keys_artist_.get_segments()]
    np.testing.assert_allclose(heights, expected)
    assert display.ax_.get_xlabel() == "feature 0 (units of X)"
    assert display.ax_.get_ylabel() == "weight (share of the sum)"
    assert texts(display.ax_) == ["training rows", "query"]
    display.figure_.canvas.draw()


def test_weights_over_two_features(problem):
    frame = pd.DataFrame(problem.X, columns=["age", "size", "height"])
    model = LocalMeanClassifier().fit(frame, problem.labels)
    display = LocalWeightsDisplay.from_estimator(model, frame.iloc[[3]], features=(-1, 0))
    assert display.ax_.get_xlabel() == "height"
    assert display.ax_.get_ylabel() == "age"
    assert texts(display.ax_) == ["training rows", "query"]
    shown = display.keys_artist_.get_array()
    assert np.all(np.diff(shown) >= 0)
    assert shown.sum() == pytest.approx(1)
    np.testing.assert_allclose(display.query_artist_.get_offsets()[0], problem.X[3, [2, 0]])
    bars = [ax for ax in display.figure_.axes if ax is not display.ax_]
    assert [ax.get_ylabel() for ax in bars] == ["weight (share of the sum)"]
    display.figure_.canvas.draw()


def test_weights_of_an_empty_row_are_zero(problem):
    model = KernelDensity(kernel="uniform", bandwidth=0.1).fit(problem.X)
    display = LocalWeightsDisplay.from_estimator(model, [[50.0, 0.0, 0.0]])
    assert np.all(display.weights == 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": np.zeros((2, 3))}, "one query"),
        ({"X": np.zeros((1, 3)), "features": (0, 1, 2)}, "one or two columns out of 3"),
        ({"X": np.zeros((1, 3)), "features": (3,)}, "one or two columns out of 3"),
        ({"X": np.zeros((1, 2))}, "2 features"),
    ],
)
def test_weights_of_bad_arguments(problem, arguments, message):
    model = LocalMeanRegressor().fit(problem.X, problem.y)
    with pytest.raises(ValueError, match=message):
        LocalWeightsDisplay.from_estimator(model, **arguments)


@pytest.mark.parametrize(
    ("model", "label"),
    [
        (LocalMeanRegressor, "leave-one-out mean squared error (units of y²)"),
        (LocalMeanClassifier, "leave-one-out squared error of the probabilities"),
        (KernelDensity, "leave-one-out negative log-likelihood (nats per row)"),
    ],
)
def test_bandwidth_curve(problem, model, label):
    y = problem.labels if model is LocalMeanClassifier else problem.y
    weights = np.minimum(problem.weights, 1)
    fitted = model(bandwidth="loo").fit(problem.X, y, sample_weight=weights)
    display = BandwidthCurveDisplay.from_estimator(fitted)
    again = BandwidthCurveDisplay.from_estimator(model(), problem.X, y, sample_weight=weights)
    np.testing.assert_array_equal(display.scores, again.scores)
    x, shown = display.line_.get_data()
    assert np.all(np.diff(x) > 0)
    best = x[np.nanargmin(shown)]
    assert best == pytest.approx(display.chosen)
    assert best == pytest.approx(np.exp(np.log(fitted.bandwidth_).mean()))
    assert display.ax_.get_ylabel() == label
    assert display.ax_.get_xlabel() == "bandwidth (geometric mean over features, units of X)"
    assert display.ax_.get_xscale() == "log"
    assert texts(display.ax_) == ["criterion", f"chosen, {display.chosen:.3g}"]
    display.figure_.canvas.draw()


def test_bandwidth_curve_over_a_given_grid(problem):
    X = np.column_stack([problem.X[:, 0], np.ones(60)])
    grid = np.array([0.1, 0.4, 3.0])
    display = BandwidthCurveDisplay.from_estimator(
        LocalMeanRegressor(), X, problem.y, criterion="gcv", grid=grid, color="C2"
    )
    assert display.line_.get_color() == "C2"
    np.testing.assert_allclose(display.bandwidths, grid)
    assert display.ax_.get_xlabel() == "bandwidth (units of X)"
    assert display.ax_.get_ylabel().startswith("GCV mean squared error")
    display = BandwidthCurveDisplay.from_estimator(
        LocalMeanRegressor(), X, problem.y, criterion="aicc", grid=grid
    )
    assert display.ax_.get_ylabel().startswith("AICc, from the logarithm of the mean squared error")


def test_bandwidth_curve_of_a_selection(problem):
    selection = vc.bandwidth.select(problem.X, problem.y)
    figure, axes = pyplot.subplots(1, 2)
    display = BandwidthCurveDisplay.from_selection(selection, ax=axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert display.plot(ax=axes[0]) is display
    assert display.ax_ is axes[0]


def test_bandwidth_curve_of_rules_is_refused(problem):
    model = LocalMeanRegressor().fit(problem.X, problem.y)
    with pytest.raises(ValueError, match="criterion must be one of loo, gcv"):
        BandwidthCurveDisplay.from_estimator(model, criterion="scott")


def test_message_without_matplotlib(problem, monkeypatch):
    model = LocalMeanRegressor().fit(problem.X, problem.y)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="displays need matplotlib; install it with"):
        LocalWeightsDisplay.from_estimator(model, problem.X[:1])


def test_displays_refuse_what_is_no_fitted_model(problem):
    model = LocalMeanRegressor().fit(problem.X, problem.y)
    pipe = make_pipeline(StandardScaler(), LocalMeanRegressor()).fit(problem.X, problem.y)
    for wrong in (pipe, LinearRegression().fit(problem.X, problem.y)):
        with pytest.raises(TypeError, match="estimator must be a model"):
            LocalWeightsDisplay.from_estimator(wrong, problem.X[:1])
        with pytest.raises(TypeError, match="estimator must be a model"):
            BandwidthCurveDisplay.from_estimator(wrong)
    with pytest.raises(NotFittedError):
        BandwidthCurveDisplay.from_estimator(LocalMeanRegressor())
    with pytest.raises(TypeError, match="ax must be one matplotlib Axes, got ndarray"):
        LocalWeightsDisplay.from_estimator(model, problem.X[:1], ax=np.array([1]))
    rule = vc.bandwidth.select(problem.X, problem.y, criterion="scott")
    with pytest.raises(ValueError, match="selection has no curve"):
        BandwidthCurveDisplay.from_selection(rule)


def test_features_by_name_or_number(problem):
    frame = pd.DataFrame(problem.X, columns=[f"x{i}" for i in range(problem.X.shape[1])])
    model = LocalMeanRegressor().fit(frame, problem.y)
    for features, labels in [("x1", ["x1"]), (1, ["x1"]), (("x1", 0), ["x1", "x0"])]:
        display = LocalWeightsDisplay.from_estimator(model, frame[:1], features=features)
        assert display.feature_names == labels
        assert display.ax_.get_xlabel() == labels[0]
    with pytest.raises(ValueError, match="features must be one or two columns"):
        LocalWeightsDisplay.from_estimator(model, frame[:1], features="y")


@pytest.fixture
def shifted(problem):
    return MeanShift(kernel="gaussian", bandwidth=0.6, max_iter=2000).fit(problem.X)


def test_trajectories(problem, shifted):
    display = TrajectoryDisplay.from_estimator(shifted, problem.X[:20], features=(2, 0))
    assert len(display.lines_) == 20
    for row, line, label in zip(problem.X, display.lines_, display.labels, strict=False):
        way = np.column_stack(line.get_data())
        np.testing.assert_array_equal(way[0], row[[2, 0]])
        gap = way[-1] - shifted.cluster_centers_[label][[2, 0]]
        assert np.sqrt((gap**2).sum()) <= 0.6
        assert len(way) > 1
    np.testing.assert_array_equal(
        display.centers_artist_.get_offsets(), shifted.cluster_centers_[:, [2, 0]]
    )
    assert display.ax_.get_xlabel() == "feature 2 (units of X)"
    assert display.ax_.get_ylabel() == "feature 0 (units of X)"
    names = texts(display.ax_)
    assert names[0] == "training rows"
    assert names[-1] == "modes"
    modes = sorted(set(display.labels.tolist()))[:10]
    assert names[1:-1] == [f"to mode {number}" for number in modes if number < 10]
    styles = {
        (line.get_marker(), line.get_linestyle())
        for line, label in zip(display.lines_, display.labels, strict=True)
        if label < 10
    }
    assert len(styles) == len([number for number in modes if number < 10])  # not by color alone
    display.figure_.canvas.draw()


def test_trajectories_are_those_of_the_ascent(problem, shifted):
    ways = shifted.trajectories(problem.X[:5])
    for way in ways:
        steps = vc.local_mean(way[:-1], problem.X, problem.X, bandwidth=0.6)
        np.testing.assert_array_equal(way[1:], steps)
    scaled = MeanShift(kernel="gaussian", bandwidth=[0.6, 0.6, 1.2]).fit(problem.X)
    np.testing.assert_allclose(scaled.trajectories(problem.X[:5])[3][0], problem.X[3], rtol=1e-14)


def test_trajectories_of_bad_arguments(problem, shifted):
    with pytest.raises(TypeError, match=r"estimator must be a vicinal\.models\.MeanShift"):
        TrajectoryDisplay.from_estimator(KernelDensity().fit(problem.X))
    with pytest.raises(NotFittedError):
        TrajectoryDisplay.from_estimator(MeanShift())
    for features in [(0,), (0, 3), (0, 1, 2)]:
        with pytest.raises(ValueError, match="features must be two columns out of 3"):
            TrajectoryDisplay.from_estimator(shifted, features=features)
    blurred = MeanShift(variant="blurring", bandwidth=1.0).fit(problem.X)
    with pytest.raises(ValueError, match="trajectories are those of variant='standard'"):
        TrajectoryDisplay.from_estimator(blurred)
