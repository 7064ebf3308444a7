"""Rules of thumb: Scott's and Silverman's, scaled to the kernel."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from vicinal.arrays import Array, as_array, as_points
from vicinal.kernels import Kernel, as_kernel
from vicinal.kernels.category import CategoryKernel
from vicinal.kernels.metrics import PER_COORDINATE, Metric, mean_square_coordinate, metric_name

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.kernels import ProfileKernel

__all__ = ["as_sample", "is_per_coordinate", "scott", "silverman", "spread_of"]

Factor = Callable[[float, int], float]  # (number of points, number of features) -> share of σ


def scott(
    X: ArrayLike,
    *,
    kernel: str | Kernel = "gaussian",
    metric: Metric | None = None,
    sample_weight: ArrayLike | None = None,
) -> Array:
    """Return Scott's bandwidth, ``σ_j n^(−1/(d+4))`` per feature.

    Parameters
    ----------
    X : array_like of shape (n, d)
        The keys.
    kernel : str or Kernel
        The rule is scaled to the kernel's variance; where that is infinite, to the half-width at
        half maximum.
    metric : str, optional
        Metric of the kernel, if the kernel leaves it open.
    sample_weight : array_like of shape (n,), optional
        Weights of the keys; n is their sum, σ is weighted.

    Returns
    -------
    ndarray of float64, shape (d,)
        A feature with σ_j = 0 is left out: it gets inf and does not count in d. If all have, the
        bandwidth is 1.

    Raises
    ------
    ValueError
        For a metric that is not per coordinate, a category column without a bandwidth, NaN in `X`.

    Notes
    -----
    Scott, 1992. σ is the root of the mean squared deviation (ddof 0).

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> vc.bandwidth.scott(np.array([[-1.0], [1.0]])).round(3)
    array([0.871])
    """
    return _rule(X, kernel, metric, sample_weight, "scott", lambda n, d: math.pow(n, -1 / (d + 4)))


def silverman(
    X: ArrayLike,
    *,
    kernel: str | Kernel = "gaussian",
    metric: Metric | None = None,
    sample_weight: ArrayLike | None = None,
) -> Array:
    """Return Silverman's bandwidth, ``σ_j (n (d+2)/4)^(−1/(d+4))`` per feature.

    Parameters
    ----------
    X, kernel, metric, sample_weight
        As in `scott`.

    Returns
    -------
    ndarray of float64, shape (d,)
        As in `scott`.

    Raises
    ------
    ValueError
        As in `scott`.

    Notes
    -----
    Silverman, 1986.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> vc.bandwidth.silverman(np.array([[-1.0], [1.0]])).round(3)
    array([0.922])
    """

    def factor(n: float, d: int) -> float:
        return math.pow(n * (d + 2) / 4, -1 / (d + 4))

    return _rule(X, kernel, metric, sample_weight, "silverman", factor)


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


def spread_of(points: Array, weights: Array | None) -> tuple[Array, Array, float]:
    """Return weighted mean and standard deviation (ddof 0) per feature, and n = Σ weights."""
    data = np.asarray(points, dtype=np.float64)
    mean = np.average(data, axis=0, weights=weights)
    variance = np.average((data - mean) ** 2, axis=0, weights=weights)
    constant = (data == data[0]).all(axis=0)  # rounding must not turn a constant into a spread
    deviation = np.where(constant, 0.0, np.sqrt(variance))
    return mean, deviation, float(len(data) if weights is None else weights.sum())


def is_per_coordinate(leaf: ProfileKernel, metric: Metric | None) -> bool:
    """Tell whether the leaf works with a scale per feature, given the argument `metric`."""
    own = leaf.metric
    if own is None:
        own = metric if metric and leaf.accepts_metric(metric) else leaf.metrics[0]
    return metric_name(own) in PER_COORDINATE


def _rule(
    X: ArrayLike,
    kernel: str | Kernel,
    metric: Metric | None,
    sample_weight: ArrayLike | None,
    name: str,
    factor: Factor,
) -> Array:
    points, weights = as_sample(X, sample_weight)
    d = points.shape[1]
    leaves = _open_leaves(as_kernel(kernel), metric, name)
    _, sigma, n = spread_of(points, weights)
    owned = sorted({column for leaf in leaves for column in leaf.resolved_columns(d)})
    active = [column for column in owned if sigma[column] > 0]
    result = np.ones(d)
    if not active:
        return result
    result[owned] = math.inf
    share = factor(n, len(active))
    for leaf in leaves:
        columns = [column for column in leaf.resolved_columns(d) if column in active]
        if columns:
            own_metric = leaf.metric or metric or "euclidean"
            h = sigma[columns] * share * _scale(leaf, own_metric, len(columns))
            before = result[columns]
            if not np.all(np.isinf(before) | (before == h)):
                raise ValueError(
                    f"bandwidth {name!r} has one number per column, but kernels of different scale "
                    'share a column; give them bandwidths, or use "loo"'
                )
            result[columns] = h
    return result


def _open_leaves(kernel: Kernel, metric: Metric | None, name: str) -> list[ProfileKernel]:
    leaves = [leaf for leaf in kernel.leaves() if leaf.bandwidth is None]
    if not leaves:
        raise ValueError("the kernel has its bandwidth already; leave it None to estimate one")
    for leaf in leaves:
        if isinstance(leaf, CategoryKernel):
            raise ValueError(
                f"bandwidth {name!r} has no rule for the category kernel {leaf.profile}; give it a "
                'bandwidth, or use "loo"'
            )
        if not is_per_coordinate(leaf, metric):
            raise ValueError(
                f"bandwidth {name!r} needs a metric that is per coordinate "
                f"({', '.join(PER_COORDINATE)}), which the metric of the kernel {leaf.profile} is "
                'not; use "loo", as in vicinal.bandwidth.select(X, y, criterion="loo")'
            )
    return leaves


def _scale(leaf: ProfileKernel, metric: Metric, d: int) -> float:
    # Equal variance per coordinate with the Gaussian of bandwidth 1: E r² · E s₁² of x = r·s.
    mass, second = leaf.log_radial_integral(d), leaf.log_radial_integral(d + 2)
    if math.isfinite(mass) and math.isfinite(second):
        return 1 / math.sqrt(math.exp(second - mass) * mean_square_coordinate(metric, d))
    if math.isfinite(leaf.half_width):
        return math.sqrt(2 * math.log(2)) / leaf.half_width
    return 1.0  # constant and inverse distance have no scale
