"""RuleDisplay: what it draws, its labels, and what it refuses."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from fuzzy_cases import INPUTS, OUTPUTS, RANGES, RULES
from matplotlib import pyplot

import vicinal as vc
from vicinal.plotting import RuleDisplay

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    pyplot.close("all")


@pytest.fixture
def model():
    return vc.models.Mamdani(INPUTS, OUTPUTS, RULES, ranges=RANGES)


def test_memberships_and_surface(model):
    display = RuleDisplay.from_estimator(model, ranges={"food": (0, 10)}, output="mood")
    service, food, surface = display.axes_
    assert [t.get_text() for t in service.get_legend().get_texts()] == list(INPUTS["service"])
    assert service.get_ylabel() == "degree of membership"
    assert (food.get_xlabel(), surface.get_xlabel(), surface.get_ylabel()) == (
        "food",
        "service",
        "food",
    )
    styles = [line.get_linestyle() for line in service.lines]
    assert len(set(styles)) == 3
    x, y = food.lines[1].get_data()
    np.testing.assert_array_equal(y, INPUTS["food"]["fine"](x))
    across, up, mood = display.surface
    assert across[[0, -1]].tolist() == [-1, 11]  # three widths of the bell
    expected = model.infer({"service": across[7], "food": up[30]})["mood"]
    assert mood[30, 7] == expected
    display.figure_.canvas.draw()


def test_one_input_on_given_axes(model):
    axes = pyplot.subplots(1, 2)[1]
    display = RuleDisplay.from_estimator(
        model, inputs=["service"], ranges={"service": (0, 10)}, fixed={"food": 8}, ax=axes
    )
    x, y = display.axes_[1].lines[0].get_data()
    expected = model.infer({"service": x, "food": 8.0})["tip"]
    np.testing.assert_array_equal(y, expected)
    assert display.axes_[1].get_ylabel() == "tip"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": ["srvice"]}, "'srvice' is no input"),
        ({"inputs": []}, "one or two names"),
        ({"output": "joy"}, "output 'joy' is not among tip, mood"),
        ({"fixed": {"wine": 1}}, "'wine' is no input"),
    ],
)
def test_wrong_names(model, change, message):
    with pytest.raises(ValueError, match=message):
        RuleDisplay.from_estimator(model, **change)


def test_wrong_objects(model):
    with pytest.raises(TypeError, match="must be a Mamdani or TakagiSugeno system"):
        RuleDisplay.from_estimator(vc.models.KernelDensity())
    with pytest.raises(ValueError, match="ax must be 3 axes, got 1"):
        RuleDisplay.from_estimator(model, ax=pyplot.subplots()[1])
