"""CoefficientMapDisplay: what is drawn, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from vicinal.models import GeographicallyWeightedRegressor, LocalMeanRegressor
from vicinal.plotting import CoefficientMapDisplay


@pytest.fixture
def model(problem):
    return GeographicallyWeightedRegressor([0, 1], bandwidth=3.0).fit(problem.X, problem.y)


def test_a_map_has_the_coefficient_and_labels(model):
    display = CoefficientMapDisplay.from_estimator(model, critical=0.0)
    np.testing.assert_array_equal(display.coefficient, model.coefficients_[:, 1])
    assert display.significant.all()
    assert display.ax_.get_xlabel() == "column 0"
    assert display.ax_.get_ylabel() == "column 1"
    constant = CoefficientMapDisplay.from_estimator(model, 0, critical=3.0, ax=display.ax_)
    assert constant.coefficient_name == "constant"
    np.testing.assert_array_equal(constant.significant, np.abs(model.t_values_[:, 0]) >= 3)


def test_what_cannot_be_drawn_is_named(model, problem):
    with pytest.raises(ValueError, match="coefficient must be 0 to 1, got 2"):
        CoefficientMapDisplay.from_estimator(model, 2)
    line = GeographicallyWeightedRegressor([0], bandwidth=3.0).fit(problem.X, problem.y)
    with pytest.raises(ValueError, match="two coordinates"):
        CoefficientMapDisplay.from_estimator(line)
    with pytest.raises(TypeError, match="GeographicallyWeightedRegressor"):
        CoefficientMapDisplay.from_estimator(LocalMeanRegressor().fit(problem.X, problem.y))
