"""Membership functions: how far a number belongs to a term, between 0 and 1."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, fields
from itertools import pairwise
from math import inf, isfinite, isnan
from typing import TYPE_CHECKING

import numpy as np

from vicinal.arrays import Array, as_array

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike

__all__ = ["Bell", "Gauss", "Membership", "Piecewise", "Sigmoid", "Trapezoid", "Triangle"]


@dataclass(frozen=True)
class Membership:
    """What all membership functions share."""

    def __post_init__(self) -> None:
        for name, value in zip(self._names(), self.parameters, strict=True):
            if isinstance(value, bool) or not isinstance(value, int | float | np.number):
                raise TypeError(f"{name} must be a number, got {value!r}")
            object.__setattr__(self, name, float(value))
        if problem := self._problem():
            raise ValueError(f"{problem}, got {self}")

    def __call__(self, x: ArrayLike) -> Array:
        """Return the degrees of membership.

        Parameters
        ----------
        x : array_like
            Numbers of any shape.

        Returns
        -------
        ndarray
            Degrees of the shape of `x`, in float64; NaN where `x` is NaN.
        """
        numbers = np.array(as_array(x, "x"), np.float64, order="C")
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return self._degree(numbers)

    @property
    def parameters(self) -> tuple[float, ...]:
        """The parameters, in the order of the constructor."""
        return tuple(getattr(self, name) for name in self._names())

    @property
    def support(self) -> tuple[float, float]:
        """The closed interval outside of which the degree is 0."""
        return -inf, inf

    @classmethod
    def _names(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))

    @abstractmethod
    def _degree(self, x: Array) -> Array: ...

    def _problem(self) -> str:
        """Return what is wrong with the parameters, or nothing."""
        return "" if all(map(isfinite, self.parameters)) else "parameters must be finite"


@dataclass(frozen=True)
class Piecewise(Membership):
    """Straight pieces: 0, up to 1, 1, down to 0."""

    @property
    def knots(self) -> tuple[float, float, float, float]:
        """Where the rise begins, where it ends, where the fall begins, where it ends."""
        p = self.parameters
        return p[0], p[1], p[-2], p[-1]

    @property
    def support(self) -> tuple[float, float]:
        """The closed interval outside of which the degree is 0."""
        return self.knots[0], self.knots[3]

    @property
    def sides(self) -> list[tuple[float, float, float, float]]:
        """The straight sides: slope, height at 0, where it begins and where it ends."""
        a, b, c, d = self.knots
        rising = [(1 / (b - a), -a / (b - a), a, b)] if a < b else []
        return [*rising, (-1 / (d - c), d / (d - c), c, d)] if c < d else rising

    def _degree(self, x: Array) -> Array:
        a, b, c, d = self.knots
        left = (x - a) / (b - a) if a < b else np.where(x >= a, 1.0, 0.0)
        right = (d - x) / (d - c) if c < d else np.where(x <= d, 1.0, 0.0)
        degree = np.asarray(np.minimum(left, right))
        np.clip(degree, 0.0, 1.0, out=degree)
        if a == b and c == d:  # sides keep a NaN, jumps do not
            degree[np.isnan(x)] = np.nan
        return degree

    def _problem(self) -> str:
        a, b, c, d = self.knots
        if any(map(isnan, self.knots)) or any(high < low for low, high in pairwise(self.knots)):
            return "corners must be numbers that do not fall"
        if (not isfinite(a) and b != -inf) or (not isfinite(d) and c != inf) or a == inf:
            return (
                "a corner must be finite, or be the end of a shoulder: a = b = -inf or c = d = inf"
            )
        return ""


@dataclass(frozen=True)
class Triangle(Piecewise):
    """A triangle: rises from `a` to 1 at `b` and falls to `c`.

    Parameters
    ----------
    a, b, c : float
        Finite and not falling; ``a = b`` or ``b = c`` is a side that jumps.

    Raises
    ------
    ValueError
        If they fall or are not finite.

    Examples
    --------
    >>> from vicinal.models.fuzzy import Triangle
    >>> Triangle(0, 0, 5)([-1, 0, 1, 5])
    array([0. , 1. , 0.8, 0. ])
    """

    a: float
    b: float
    c: float

    def _problem(self) -> str:
        if not all(map(isfinite, self.parameters)):
            return "corners must be finite; Trapezoid takes shoulders without end"
        return super()._problem()

    @property
    def knots(self) -> tuple[float, float, float, float]:
        """Where the rise begins, where it ends, where the fall begins, where it ends."""
        return self.a, self.b, self.b, self.c


@dataclass(frozen=True)
class Trapezoid(Piecewise):
    """A trapezoid: rises from `a` to 1 at `b`, stays up to `c` and falls to `d`.

    Parameters
    ----------
    a, b, c, d : float
        Not falling; ``a = b`` or ``c = d`` is a side that jumps, ``a = b = -inf`` or
        ``c = d = inf`` a shoulder without end.

    Raises
    ------
    ValueError
        If they fall, or one is infinite alone.

    Examples
    --------
    >>> from math import inf
    >>> from vicinal.models.fuzzy import Trapezoid
    >>> Trapezoid(0, 2, 3, 4)([1, 2.5, 3.5, 5])
    array([0.5, 1. , 0.5, 0. ])
    >>> Trapezoid(-inf, -inf, 3, 4)([-100, 3.5])
    array([1. , 0.5])
    """

    a: float
    b: float
    c: float
    d: float


@dataclass(frozen=True)
class Bell(Membership):
    r"""A generalized bell, :math:`1 / (1 + |(x - center) / width|^{2\,slope})`.

    Parameters
    ----------
    width : float
        Greater than 0: half the width at the degree 1/2.
    slope : float
        Greater than 0.
    center : float
        Where the degree is 1.

    Raises
    ------
    ValueError
        If `width` or `slope` is not positive, or a parameter is not finite.

    Examples
    --------
    >>> from vicinal.models.fuzzy import Bell
    >>> Bell(2, 1, 5)([5, 7, 9])
    array([1. , 0.5, 0.2])
    """

    width: float
    slope: float
    center: float

    def _degree(self, x: Array) -> Array:
        return 1 / (1 + np.abs((x - self.center) / self.width) ** (2 * self.slope))

    def _problem(self) -> str:
        return super()._problem() or _positive(width=self.width, slope=self.slope)


@dataclass(frozen=True)
class Gauss(Membership):
    r"""A Gaussian, :math:`\exp(-(x - center)^2 / (2\,width^2))`.

    Parameters
    ----------
    center : float
        Where the degree is 1.
    width : float
        Greater than 0: the standard deviation.

    Raises
    ------
    ValueError
        If `width` is not positive, or a parameter is not finite.

    Examples
    --------
    >>> from vicinal.models.fuzzy import Gauss
    >>> Gauss(5, 2)([5, 7]).round(4)
    array([1.    , 0.6065])
    """

    center: float
    width: float

    def _degree(self, x: Array) -> Array:
        u = (x - self.center) / self.width
        return np.exp(-0.5 * u * u)

    def _problem(self) -> str:
        return super()._problem() or _positive(width=self.width)


@dataclass(frozen=True)
class Sigmoid(Membership):
    r"""A logistic curve, :math:`1 / (1 + \exp(-slope\,(x - center)))`.

    Parameters
    ----------
    center : float
        Where the degree is 1/2.
    slope : float
        Four times the slope there; below 0 the curve falls.

    Raises
    ------
    ValueError
        If a parameter is not finite.

    Examples
    --------
    >>> from vicinal.models.fuzzy import Sigmoid
    >>> Sigmoid(5, 2)([4, 5, 6]).round(4)
    array([0.1192, 0.5   , 0.8808])
    """

    center: float
    slope: float

    def _degree(self, x: Array) -> Array:
        return 1 / (1 + np.exp(-self.slope * (x - self.center)))


def _positive(**parameters: float) -> str:
    wrong = [name for name, value in parameters.items() if value <= 0]
    return f"{wrong[0]} must be positive" if wrong else ""
