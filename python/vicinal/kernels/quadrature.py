"""Integrals of a profile that has no closed form, with weights computed by the engine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from vicinal import _core
from vicinal.arrays import Array

if TYPE_CHECKING:
    from vicinal.kernels.base import ProfileKernel

NODES = 20  # Gauss–Legendre nodes per panel
PANELS = 16  # panels per smooth interval
FAR = 2.0**39  # an unbounded profile is followed to here; tables end at 2^40
SLOWEST = 0.97  # a tail whose doublings shrink less than this counts as divergent


def log_weights(kernel: ProfileKernel, u: Array) -> Array:
    """Return log profile(u) of a kernel, in float64: the log mass of one key at distance u."""
    from vicinal.kernels.lowering import lower

    plain = kernel.filled(bandwidth=1.0, metric="euclidean", columns=None)
    result = np.empty(u.size)
    _core.run(
        lower(plain, None, None, 1),
        np.ascontiguousarray(u)[:, None],
        np.zeros((1, 1)),
        None,
        outputs={"log_mass": result},
        num_threads=1,
    )
    return result


def log_radial_integral(
    kernel: ProfileKernel, d: int, breakpoints: tuple[float, ...], support: float
) -> float:
    """Return log ∫ profile(u) u^(d−1) du by Gauss–Legendre panels; inf where it diverges."""
    kinks = [0.0, *(b for b in breakpoints if b < support)]
    if math.isfinite(support):
        return log_sum(_log_panels(kernel, d, np.array([*kinks, support])))
    start = max(1.0, 2 * kinks[-1])
    doublings = int(math.log2(FAR / start))
    panels = _log_panels(kernel, d, np.array([*kinks, *(start * 2.0 ** np.arange(doublings))]))
    total = log_sum(panels)
    before, last = log_sum(panels[-2 * PANELS : -PANELS]), log_sum(panels[-PANELS:])
    if last < total + math.log(1e-17):
        return total
    ratio = math.exp(last - before)
    if ratio > SLOWEST:
        return math.inf
    return log_sum(np.array([total, last + math.log(ratio / (1 - ratio))]))  # a geometric tail


def sphere_integral(kernel: ProfileKernel, reach: float, breakpoints: tuple[float, ...]) -> float:
    """Return log ∫ profile(θ / reach) 2π sin θ dθ over the unit sphere, θ in 0 … π."""
    kinks = {0.0, math.pi, *(b * reach for b in (*breakpoints, 1.0))}
    edges = [t for t in kinks | {reach * 2.0**k for k in range(64)} if t <= math.pi]
    theta, log_step = _nodes(np.array(sorted(edges)))
    return log_sum(log_weights(kernel, theta / reach) + log_step + np.log(np.sin(theta))) + (
        math.log(2 * math.pi)
    )


def half_width(kernel: ProfileKernel) -> float:
    """Return the smallest u with half the weight at 0, by bisection; inf where there is none."""
    top = float(log_weights(kernel, np.zeros(1))[0]) - math.log(2)
    grid = np.concatenate([[0.0], 2.0 ** np.linspace(-32, 32, 4096)])
    below = np.flatnonzero(log_weights(kernel, grid) <= top)
    if below.size == 0 or below[0] == 0:
        return math.inf
    low, high = grid[below[0] - 1], grid[below[0]]
    for _ in range(60):
        middle = 0.5 * (low + high)
        if log_weights(kernel, np.array([middle]))[0] <= top:
            high = middle
        else:
            low = middle
    return float(high)


def log_sum(values: Array) -> float:
    """Return log Σ exp(values)."""
    peak = float(values.max(initial=-math.inf))
    if not math.isfinite(peak):
        return peak
    return peak + math.log(math.fsum(np.exp(values - peak).tolist()))


def _log_panels(kernel: ProfileKernel, d: int, edges: Array) -> Array:
    u, log_step = _nodes(edges)
    parts = log_weights(kernel, u) + (d - 1) * np.log(u) + log_step
    return np.array([log_sum(part) for part in parts.reshape(-1, NODES)])


def _nodes(edges: Array) -> tuple[Array, Array]:
    # Nodes and log weights of Gauss–Legendre on PANELS panels of every interval, in order.
    fractions = np.arange(PANELS) / PANELS
    widths = np.diff(edges)[:, None] / PANELS
    left = (edges[:-1, None] + np.diff(edges)[:, None] * fractions).reshape(-1, 1)
    half = 0.5 * np.repeat(widths, PANELS, axis=1).reshape(-1, 1)
    x, w = np.polynomial.legendre.leggauss(NODES)
    return (left + half * (x + 1)).ravel(), (np.log(half) + np.log(w)).ravel()
