"""From one level of noise to the next lower one: the probability flow, and the reverse walk."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from vicinal.arrays import Array

__all__ = ["walk"]

Mean = Callable[[Array, float], Array]


def walk(
    mean: Mean,
    points: Array,
    sigmas: Array,
    *,
    step: str,
    rng: np.random.RandomState,
    callback: Callable[[int, float, Array], Any] | None,
) -> Array:
    """Carry points (m, d) of noise ``sigmas[0]`` down to ``sigmas[-1]``.

    `mean(points, sigma)` is the denoiser, `step` one of "euler", "heun" and "sde".
    """
    for number, (now, below) in enumerate(pairwise(sigmas), 1):
        if step == "sde":
            points = _ancestral(mean, points, now, below, rng)
        else:
            points = _flow(mean, points, now, below, heun=step == "heun" and below > 0)
        if callback is not None and callback(number, float(below), points):
            break
    return points


def _flow(mean: Mean, points: Array, now: float, below: float, *, heun: bool) -> Array:
    """Follow dx/dσ = (x − m(x, σ))/σ; at σ' = 0 Euler's step is the mean itself."""
    pull = mean(points, now) - points
    moved = points + points.dtype.type(1 - below / now) * pull
    if not heun:
        return np.asarray(moved)
    slope = pull / points.dtype.type(now)
    slope += (mean(moved, below) - moved) / points.dtype.type(below)
    return np.asarray(points + points.dtype.type((now - below) / 2) * slope)


def _ancestral(
    mean: Mean, points: Array, now: float, below: float, rng: np.random.RandomState
) -> Array:
    """Draw x' of q(x' | x, x₀ = m): mean x + s (m − x), variance σ'² s, with s = 1 − σ'²/σ²."""
    share = 1 - (below / now) ** 2
    moved = points + points.dtype.type(share) * (mean(points, now) - points)
    if below > 0:
        noise = np.asarray(rng.standard_normal(points.shape), dtype=points.dtype)
        moved += points.dtype.type(below * np.sqrt(share)) * noise
    return np.asarray(moved)
