"""Draws from a kernel as a probability density around its key."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from vicinal.arrays import Array
from vicinal.kernels import compact, distance
from vicinal.kernels.base import Kernel, ProfileKernel
from vicinal.kernels.category import CategoryKernel, WangVanRyzin
from vicinal.kernels.custom import Custom
from vicinal.kernels.metrics import PER_COORDINATE, Mahalanobis, mapped, metric_name
from vicinal.kernels.normalizer import log_integral
from vicinal.kernels.quadrature import log_weights

__all__ = ["draw"]

Random = np.random.RandomState
Radius = Callable[[Any, Random, int, int], Array]  # (leaf, rng, d, size) -> (size,)

CELLS = 1 << 14  # of the table of a distribution function
TABLE = 2.0**-30, 2.0**30  # where an unbounded profile is tabulated


def draw(kernel: Kernel, d: int, size: int, rng: Random) -> Array:
    """Draw displacements with the density ``K(0, ·) / ∫ K``.

    Parameters
    ----------
    kernel : Kernel
        With bandwidths and metrics filled in.
    d : int
        Number of features.
    size : int
        Number of draws.
    rng : numpy.random.RandomState
        Source of randomness.

    Returns
    -------
    ndarray of float64, shape (size, d)
        0 in features with an infinite bandwidth, in which the density has no extent.

    Raises
    ------
    ValueError
        If some part cannot be drawn from: sums with negative coefficients, unordered categories,
        metrics of a sphere.
    """
    terms = kernel.terms()
    if kernel.signed or min(coefficient for coefficient, _ in terms) < 0:
        raise ValueError("sample needs a kernel without negative weights; drop the negative parts")
    logs = np.array([math.log(c) + log_integral(leaves, d) for c, leaves in terms])
    shares = np.exp(logs - logs.max())
    chosen = rng.choice(len(terms), size=size, p=shares / shares.sum())
    result = np.zeros((size, d))
    for i, (_, leaves) in enumerate(terms):
        rows = np.flatnonzero(chosen == i)
        for leaf in leaves:
            columns = np.array(leaf.resolved_columns(d))
            result[np.ix_(rows, columns)] = _leaf_draw(leaf, len(columns), len(rows), rng)
    return result


def _leaf_draw(leaf: ProfileKernel, count: int, size: int, rng: Random) -> Array:
    scales = np.broadcast_to(np.asarray(leaf.bandwidth, dtype=np.float64), (count,))
    if isinstance(leaf, CategoryKernel):
        return _categories(leaf, scales, size, rng)
    metric = leaf.metric or "euclidean"
    radius = RADII.get(type(leaf))
    if radius is None or metric_name(metric) not in (*PER_COORDINATE, "mahalanobis"):
        raise ValueError(
            f"sample cannot draw from the kernel {leaf.profile} with metric "
            f"{metric_name(metric)!r}; it can with {', '.join(PER_COORDINATE)} and Mahalanobis"
        )
    # A radial kernel's point is r·s, r and s independent, s by the cone measure of the unit sphere.
    finite = np.isfinite(scales)
    d = int(finite.sum())
    point = _on_unit_sphere(metric_name(metric), d, size, rng)
    point *= radius(leaf, rng, d, size)[:, None]
    if isinstance(metric, Mahalanobis):
        return mapped(point, _inverse_root(metric.components)) * scales
    result = np.zeros((size, count))
    result[:, finite] = point * scales[finite]
    return result


def _on_unit_sphere(metric: str, d: int, size: int, rng: Random) -> Array:
    if metric == "manhattan":
        point = rng.laplace(size=(size, d))
        return np.asarray(point / np.abs(point).sum(axis=1, keepdims=True))
    if metric == "chebyshev":
        point = rng.uniform(-1, 1, size=(size, d))
        return np.asarray(point / np.abs(point).max(axis=1, keepdims=True))
    point = rng.normal(size=(size, d))
    return np.asarray(point / np.sqrt((point**2).sum(axis=1, keepdims=True)))


def _inverse_root(components: Array) -> Array:
    # Rows s of unit length become x with ‖components x‖ = 1: LᵀL = C Cᵀ and x = C⁻ᵀ s.
    return np.asarray(np.linalg.inv(np.linalg.cholesky(components.T @ components)))


def _categories(leaf: CategoryKernel, scales: Array, size: int, rng: Random) -> Array:
    if not isinstance(leaf, WangVanRyzin):
        raise ValueError(
            f"sample cannot draw from the kernel {leaf.profile}: it does not know its categories; "
            "wang_van_ryzin, for whole numbers, can be drawn from"
        )
    steps = rng.geometric(1 - scales, size=(size, len(scales))) - 1
    return np.asarray(steps * rng.choice([-1.0, 1.0], size=steps.shape))


def _power_of_beta(power: float, a: float, b: float) -> Radius:
    """Return draws of r with r^power ~ Beta(a d, b), for profiles (1 − u^power)^(b − 1)."""
    return lambda _, rng, d, size: rng.beta(a * d, b, size) ** (1 / power)


def _wendland(_: ProfileKernel, rng: Random, d: int, size: int) -> Array:
    # (1 − u)⁴ + 4u (1 − u)⁴: Beta(d, 5) and Beta(d + 1, 5) by their integrals, 1 : 4d/(d + 5).
    second = rng.uniform(size=size) * (1 + 4 * d / (d + 5)) > 1
    return rng.beta(d + second, 5)


def _matern(leaf: distance.Matern, rng: Random, d: int, size: int) -> Array:
    # exp(−v) times 1, v and v²/3: Gamma(d), Gamma(d + 1) and Gamma(d + 2) by their integrals.
    integrals = np.array([1.0, d, d * (d + 1) / 3])[: int(leaf.nu + 0.5)]
    power = rng.choice(len(integrals), size=size, p=integrals / integrals.sum())
    return np.asarray(rng.gamma(d + power) / math.sqrt(2 * leaf.nu))


def _heavy_tail(scale: float, exponent: float) -> Radius:
    # (1 + u²/scale)^(−exponent): u²/scale is a ratio of Gamma(d/2) and Gamma(exponent − d/2).
    def radius(_: Any, rng: Random, d: int, size: int) -> Array:
        ratio = rng.gamma(0.5 * d, size=size) / rng.gamma(exponent - 0.5 * d, size=size)
        return np.asarray(np.sqrt(scale * ratio))

    return radius


def _rejected(proposal: Radius, acceptance: Callable[[Array], Array]) -> Radius:
    def radius(leaf: Any, rng: Random, d: int, size: int) -> Array:
        result = np.empty(0)
        while len(result) < size:
            r = proposal(leaf, rng, d, size)
            result = np.concatenate([result, r[rng.uniform(size=size) < acceptance(r)]])
        return result[:size]

    return radius


def _tabulated(leaf: Custom, rng: Random, d: int, size: int) -> Array:
    # Inverse of the distribution function, which is linear between the edges of many cells.
    if leaf.compact:
        u = np.linspace(0, leaf.support, CELLS + 1)
    else:
        u = np.concatenate([[0.0], np.geomspace(*TABLE, CELLS)])
    middle, wide = 0.5 * (u[:-1] + u[1:]), u[1:]
    log_mass = log_weights(leaf, middle) + d * np.log(wide) + np.log1p(-((u[:-1] / wide) ** d))
    below = np.concatenate([[0.0], np.cumsum(np.exp(log_mass - log_mass.max()))])
    return np.asarray(np.interp(rng.uniform(size=size) * below[-1], below, u))


# The distribution of r with a density proportional to profile(r) r^(d−1).
RADII: dict[type[ProfileKernel], Radius] = {
    distance.Gaussian: lambda _, rng, d, size: np.sqrt(rng.chisquare(d, size)),
    distance.Laplace: lambda _, rng, d, size: rng.gamma(d, size=size),
    distance.Logistic: _rejected(
        lambda _, rng, d, size: rng.gamma(d, size=size), lambda r: (1 + np.exp(-r)) ** -2
    ),
    distance.Cauchy: _heavy_tail(1.0, 1.0),
    distance.StudentT: lambda leaf, *rest: _heavy_tail(leaf.nu, 0.5 * (leaf.nu + 1))(leaf, *rest),
    distance.RationalQuadratic: lambda leaf, *rest: _heavy_tail(2 * leaf.alpha, leaf.alpha)(
        leaf, *rest
    ),
    distance.Matern: _matern,
    compact.Epanechnikov: _power_of_beta(2, 1 / 2, 2),
    compact.Biweight: _power_of_beta(2, 1 / 2, 3),
    compact.Triweight: _power_of_beta(2, 1 / 2, 4),
    compact.Tricube: _power_of_beta(3, 1 / 3, 4),
    compact.Triangular: _power_of_beta(1, 1, 2),
    compact.Cosine: _rejected(
        _power_of_beta(2, 1 / 2, 2),  # cos(πu/2) ≤ 1 − u²
        lambda r: 0.5 * np.pi * np.sinc(0.5 * (1 - r)) / (1 + r),  # their ratio
    ),
    compact.Uniform: _power_of_beta(1, 1, 1),
    compact.Wendland: _wendland,
    Custom: _tabulated,
}
