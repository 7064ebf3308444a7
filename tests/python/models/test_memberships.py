"""Membership functions against their formulas, and what they refuse."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

import vicinal as vc

mf = vc.models.fuzzy
X = np.linspace(-4, 14, 73)
INF = math.inf


def piecewise(x, a, b, c, d):
    if x < a or x > d:
        return 0.0
    if b <= x <= c:
        return 1.0
    return (x - a) / (b - a) if x < b else (d - x) / (d - c)


FORMULAS = {
    mf.Triangle(0, 2, 7): lambda x: piecewise(x, 0, 2, 2, 7),
    mf.Triangle(0, 0, 5): lambda x: piecewise(x, 0, 0, 0, 5),
    mf.Triangle(3, 8, 8): lambda x: piecewise(x, 3, 8, 8, 8),
    mf.Trapezoid(-1, 2, 4, 9): lambda x: piecewise(x, -1, 2, 4, 9),
    mf.Trapezoid(-INF, -INF, 4, 9): lambda x: piecewise(x, -INF, -INF, 4, 9),
    mf.Trapezoid(2, 3, INF, INF): lambda x: piecewise(x, 2, 3, INF, INF),
    mf.Bell(2, 1.5, 5): lambda x: 1 / (1 + abs((x - 5) / 2) ** 3),
    mf.Gauss(5, 1.5): lambda x: math.exp(-((x - 5) ** 2) / 4.5),
    mf.Sigmoid(5, -2): lambda x: 1 / (1 + math.exp(2 * (x - 5))),
}


@pytest.mark.parametrize("membership", FORMULAS, ids=repr)
def test_formula(membership):
    expected = [FORMULAS[membership](x) for x in X]
    np.testing.assert_allclose(membership(X), expected, rtol=1e-14, atol=1e-15)
    assert membership(X).dtype == np.float64
    assert membership(5).shape == ()


@pytest.mark.parametrize("membership", FORMULAS, ids=repr)
def test_far_away_and_missing(membership):
    degrees = membership([-1e300, 1e300, -INF, INF, np.nan])
    assert np.isin(degrees[:4], [0, 1]).all()
    assert np.isnan(degrees[4])


def test_compared_by_content():
    assert mf.Gauss(1, 2) == mf.Gauss(1.0, np.float32(2))
    assert hash(mf.Gauss(1, 2)) == hash(mf.Gauss(1.0, 2.0))
    assert mf.Triangle(0, 1, 2) != mf.Gauss(0, 1)
    assert pickle.loads(pickle.dumps(mf.Bell(1, 2, 3))) == mf.Bell(1, 2, 3)
    assert repr(mf.Triangle(0, 1, 2)) == "Triangle(a=0.0, b=1.0, c=2.0)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mf.Triangle(2, 1, 3), "corners must be numbers that do not fall"),
        (lambda: mf.Triangle(0, 1, INF), "Trapezoid takes shoulders without end"),
        (lambda: mf.Trapezoid(-INF, 0, 1, 2), "a = b = -inf"),
        (lambda: mf.Trapezoid(0, 1, 2, np.nan), "corners must be numbers"),
        (lambda: mf.Bell(0, 1, 2), "width must be positive"),
        (lambda: mf.Bell(1, -1, 2), "slope must be positive"),
        (lambda: mf.Gauss(0, 0), "width must be positive"),
        (lambda: mf.Gauss(np.nan, 1), "parameters must be finite"),
        (lambda: mf.Sigmoid(0, INF), "parameters must be finite"),
    ],
)
def test_wrong_parameters(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_parameters_are_numbers():
    with pytest.raises(TypeError, match="center must be a number, got '1'"):
        mf.Gauss("1", 2)
