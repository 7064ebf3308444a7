"""Gradients of kernels as kernels: the shadow identity of mean shift.

For a profile k and u = ‖q − x‖/h, ∇_q k(u) = g(u) (x − q)/h² with g(u) = −k′(u)/u. So the gradient
of a sum of kernels is a local mean under g: k is the shadow of g (Cheng, 1995).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from vicinal.arrays import Array
from vicinal.kernels import compact, distance
from vicinal.kernels.base import Kernel, ProfileKernel
from vicinal.kernels.category import CategoryKernel
from vicinal.kernels.composite import Product
from vicinal.kernels.custom import Custom
from vicinal.kernels.metrics import Mahalanobis, mapped

__all__ = ["Pull", "pulls"]

# Where k has a cusp at 0, g ~ 1/u there is taken as 1/√(u² + TIP²), in float64: a coincident key,
# which pulls nowhere, weighs 1/TIP, so that smoothing and rounding both cost about TIP.
TIP = 2.0**-26


class Derivative(NamedTuple):
    """The profile g = −k′(u)/u as factor · kernel."""

    factor: float
    kernel: Kernel
    cusp: bool = False


class Pull(NamedTuple):
    """A term of a gradient: ``factor · Σ w kernel(q, x) · (x − q)[columns] · metric``."""

    factor: float
    kernel: Kernel
    columns: Array  # (c,)
    metric: Array  # (c, c), or (c,) for a diagonal
    cusp: bool  # coincident keys have nearly all the mass, and no part in the sum

    def applied(self, gaps: Array) -> Array:
        """Return the factor and the metric on gaps x − q of `columns`, (m, c)."""
        scaled = gaps * self.metric if self.metric.ndim == 1 else mapped(gaps, self.metric)
        return np.asarray(self.factor * scaled)


def pulls(kernel: Kernel, d: int) -> list[Pull]:
    """Return the terms of ∇_q Σ w K(q, x) for a kernel that is filled in.

    Parameters
    ----------
    kernel : Kernel
        With bandwidths and metrics.
    d : int
        Number of features.

    Returns
    -------
    list of Pull
        Nothing for category columns, along which there is no derivative, and for uniform kernels,
        whose derivative is 0 almost everywhere.

    Raises
    ------
    ValueError
        For kernels with negative weights, metrics other than Euclidean and Mahalanobis, and
        profiles without a known derivative.
    """
    if kernel.signed:
        raise ValueError("gradient needs a kernel without negative weights")
    return [
        _pull(coefficient, leaves, i, d)
        for coefficient, leaves in kernel.terms()
        for i, leaf in enumerate(leaves)
        if not isinstance(leaf, CategoryKernel | compact.Uniform)
    ]


def _pull(coefficient: float, leaves: tuple[ProfileKernel, ...], i: int, d: int) -> Pull:
    leaf = leaves[i]
    derivative = DERIVATIVES.get(type(leaf))
    if derivative is None:
        names = ", ".join(cls.profile for cls in DERIVATIVES)
        raise ValueError(
            f"gradient knows no derivative of the kernel {leaf.profile}; it knows those of {names}"
        )
    factor, own, cusp = derivative(leaf)
    factors = (*leaves[:i], own, *leaves[i + 1 :])
    columns = np.array(leaf.resolved_columns(d))
    return Pull(
        coefficient * factor,
        Product(*factors) if len(factors) > 1 else factors[0],
        columns,
        _inverse_square(leaf, len(columns)),
        cusp,
    )


def _inverse_square(leaf: ProfileKernel, count: int) -> Array:
    h = np.broadcast_to(np.asarray(leaf.bandwidth, dtype=np.float64), (count,))
    if leaf.metric == "euclidean":
        return np.asarray(1 / h**2)
    if isinstance(leaf.metric, Mahalanobis):
        return np.asarray(leaf.metric.components.T @ leaf.metric.components / h**2)
    raise ValueError(
        f"gradient needs the metric euclidean or Mahalanobis, got {leaf.metric!r} in the kernel "
        f"{leaf.profile}"
    )


def _like(leaf: ProfileKernel, other: ProfileKernel, stretch: float = 1.0) -> ProfileKernel:
    """Return `other` on the columns of `leaf`, with its bandwidth times `stretch`."""
    h = leaf.bandwidth
    assert h is not None
    scaled = tuple(stretch * own for own in h) if isinstance(h, tuple) else stretch * h
    return other.filled(bandwidth=scaled, metric=leaf.metric, columns=leaf.columns)


def _cusp(leaf: ProfileKernel, rest: ProfileKernel) -> Derivative:
    # g = rest / u; the rational quadratic of α = ½ is 1/√(1 + u²).
    tip = _like(leaf, distance.RationalQuadratic(alpha=0.5), TIP)
    return Derivative(1 / TIP, Product(_like(leaf, rest), tip), cusp=True)


def _power_tail(leaf: ProfileKernel, scale: float, exponent: float) -> Derivative:
    # k = (1 + u²/scale)^(−exponent), so g = (2 exponent/scale) (1 + u²/scale)^(−exponent − 1).
    alpha = exponent + 1
    other = distance.RationalQuadratic(alpha=alpha)
    return Derivative(2 * exponent / scale, _like(leaf, other, math.sqrt(scale / (2 * alpha))))


def _matern(leaf: distance.Matern) -> Derivative:
    if leaf.nu == 0.5:
        return _cusp(leaf, distance.Laplace())
    if leaf.nu == 1.5:  # v = √3 u: k = (1 + v) e^−v and g = 3 e^−v
        return Derivative(3.0, _like(leaf, distance.Laplace(), math.sqrt(1 / 3)))
    # v = √5 u: k = (1 + v + v²/3) e^−v and g = 5/3 (1 + v) e^−v
    return Derivative(5 / 3, _like(leaf, distance.Matern(nu=1.5), math.sqrt(3 / 5)))


def _wendland(leaf: compact.Wendland) -> Derivative:
    ramp = _like(leaf, compact.Triangular())
    return Derivative(20.0, Product(ramp, ramp, ramp))  # g = 20 (1 − u)³


@cache
def _of_tricube() -> Custom:
    return Custom(lambda u: u * (1 - u**3) ** 2, support=1.0)


@cache
def _of_cosine() -> Custom:
    return Custom(lambda u: np.sinc(0.5 * u), support=1.0)  # sin(πu/2) / (πu/2)


@cache
def _of_logistic() -> Custom:
    def log_ratio(u: Array) -> Array:  # of tanh(u/2)/(u/2) to 4 cosh²(u/2)
        v = np.maximum(u, 1e-9)
        return np.asarray(-v - 3 * np.log1p(np.exp(-v)) + np.log(-np.expm1(-v) / (0.5 * v)))

    return Custom(log_ratio, log=True)


DERIVATIVES: dict[type[ProfileKernel], Callable[[Any], Derivative]] = {
    distance.Gaussian: lambda leaf: Derivative(1.0, leaf),
    distance.Laplace: lambda leaf: _cusp(leaf, distance.Laplace()),
    distance.Logistic: lambda leaf: Derivative(0.5, _like(leaf, _of_logistic())),
    distance.Cauchy: lambda leaf: _power_tail(leaf, 1.0, 1.0),
    distance.StudentT: lambda leaf: _power_tail(leaf, leaf.nu, 0.5 * (leaf.nu + 1)),
    distance.RationalQuadratic: lambda leaf: _power_tail(leaf, 2 * leaf.alpha, leaf.alpha),
    distance.Matern: _matern,
    compact.Epanechnikov: lambda leaf: Derivative(2.0, _like(leaf, compact.Uniform())),
    compact.Biweight: lambda leaf: Derivative(4.0, _like(leaf, compact.Epanechnikov())),
    compact.Triweight: lambda leaf: Derivative(6.0, _like(leaf, compact.Biweight())),
    compact.Tricube: lambda leaf: Derivative(9.0, _like(leaf, _of_tricube())),
    compact.Triangular: lambda leaf: _cusp(leaf, compact.Uniform()),
    compact.Cosine: lambda leaf: Derivative(0.25 * math.pi**2, _like(leaf, _of_cosine())),
    compact.Wendland: _wendland,
}
