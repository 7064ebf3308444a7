"""The data that bandwidths are made for: checked, and their spread; a weight counts equal rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from vicinal.arrays import Array, as_array, as_points

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike

__all__ = ["as_sample", "as_values", "quantile", "spread_of"]


def as_sample(X: ArrayLike, sample_weight: ArrayLike | None) -> tuple[Array, Array | None]:
    """Return checked keys (n, d) and weights (n,) of which some is positive."""
    points = as_points(X, "X")
    if points.ndim != 2 or len(points) == 0:
        raise ValueError(f"X must be (n, d) with at least one row, got shape {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError("X holds NaN or inf; drop or fill those rows first")
    if sample_weight is None:
        return points, None
    weights = np.asarray(as_array(sample_weight, "sample_weight"), dtype=np.float64)
    if weights.shape != (len(points),):
        raise ValueError(
            f"sample_weight must have shape ({len(points)},), got shape {weights.shape}"
        )
    if not (weights.min() >= 0 and 0 < weights.sum() < math.inf):
        raise ValueError("sample_weight must be finite, not negative and not all zero")
    return points, weights


def as_values(y: ArrayLike | None, n: int) -> Array | None:
    """Return the values as (n, p)."""
    if y is None:
        return None
    values = as_array(y, "y")
    if values.ndim not in (1, 2) or len(values) != n:
        raise ValueError(f"y must be ({n},) or ({n}, p), got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("y holds NaN or inf; drop those rows, or weigh them 0 and fill them")
    return values.reshape(n, -1)


def spread_of(points: Array, weights: Array | None) -> tuple[Array, Array, float]:
    """Return weighted mean and standard deviation (ddof 0) per feature, and n = Σ weights."""
    data = np.asarray(points, dtype=np.float64)
    if weights is not None:  # what weighs nothing may lie anywhere
        data, weights = data[weights > 0], weights[weights > 0]
    mean = np.average(data, axis=0, weights=weights)
    variance = np.average((data - mean) ** 2, axis=0, weights=weights)
    constant = (data == data[0]).all(axis=0)  # rounding must not turn a constant into a spread
    deviation = np.where(constant, 0.0, np.sqrt(variance))
    return mean, deviation, float(len(data) if weights is None else weights.sum())


def quantile(x: Array, weights: Array, share: float) -> float:
    """Return the smallest x that at least this share of the weight does not exceed."""
    order = np.argsort(x, kind="stable")
    below = np.cumsum(weights[order])
    return float(x[order[np.searchsorted(below, share * below[-1])]])
