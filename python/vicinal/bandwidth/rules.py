"""Bandwidths without a comparison: rules of thumb and plug-in rules, scaled to the kernel."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from vicinal.arrays import Array
from vicinal.bandwidth.iterated import iterated_share
from vicinal.bandwidth.sample import as_sample, as_values, spread_of
from vicinal.bandwidth.sheather_jones import equivalent_deviation
from vicinal.kernels import Kernel, as_kernel
from vicinal.kernels.category import CategoryKernel
from vicinal.kernels.metrics import PER_COORDINATE, Metric, mean_square_coordinate, metric_name

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.kernels import ProfileKernel

__all__ = ["is_per_coordinate", "plugin", "scott", "silverman"]

# (points, weights, deviations, n) of the d features that vary -> Gaussian bandwidths, (d,)
Widths = Callable[[Array, Array | None, Array, float], Array]


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
    return _rule(X, kernel, metric, sample_weight, "scott", _scott)


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
    return _rule(
        X, kernel, metric, sample_weight, "silverman", lambda _, __, sigma, n: _silverman(sigma, n)
    )


def plugin(
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    kernel: str | Kernel = "gaussian",
    metric: Metric | None = None,
    sample_weight: ArrayLike | None = None,
    num_threads: int | None = None,
) -> Array:
    """Return a plug-in bandwidth per feature: for a density, or for a local mean of `y`.

    Parameters
    ----------
    X : array_like of shape (n, d)
        The keys.
    y : array_like of shape (n,) or (n, p), optional
        The values; None is the rule for the density of `X`.
    kernel, metric, sample_weight
        As in `scott`.
    num_threads : int, optional
        As in `vicinal.local_mean`.

    Returns
    -------
    ndarray of float64, shape (d,)
        As in `scott`.

    Raises
    ------
    ValueError
        As in `scott`, and for values that do not fit `X` or hold NaN.

    Notes
    -----
    For a density of one feature this is the bandwidth that solves the equation of Sheather and
    Jones, 1991, computed from binned points. With d features each gets the deviation σ_j of the
    normal distribution that has its roughness, by their rule, and then Silverman's bandwidth
    ``σ_j (n (d+2)/4)^(−1/(d+4))``: exact for independent normal features and for d = 1.

    For a local mean the bandwidth is ``h σ_j``, σ_j the standard deviation and h the minimum of the
    asymptotic mean squared error weighted by the density, whose bias is estimated with a bandwidth
    proportional to h (iterated as by Gasser, Kneip and Köhler, 1991). Errors of several value
    columns are averaged. At most 16 σ_j: where no structure stands out of the noise. Integrals are
    averaged over at most 2,048 rows, spread evenly over the order of `X`.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> x = np.concatenate([np.linspace(0, 1, 50), np.linspace(9, 10, 50)])[:, None]
    >>> vc.bandwidth.plugin(x).round(2), vc.bandwidth.scott(x).round(2)
    (array([0.27]), array([1.8]))
    """
    points, weights = as_sample(X, sample_weight)
    values = as_values(y, len(points))

    def widths(data: Array, weights: Array | None, sigma: Array, n: float) -> Array:
        if values is None:
            return _silverman(np.array([equivalent_deviation(x, weights) for x in data.T]), n)
        share = iterated_share(data, values, weights, num_threads)
        return _scott(data, weights, sigma, n) if math.isnan(share) else share * sigma

    return _rule(points, kernel, metric, weights, "plugin", widths)


def is_per_coordinate(leaf: ProfileKernel, metric: Metric | None) -> bool:
    """Tell whether the leaf works with a scale per feature, given the argument `metric`."""
    own = leaf.metric
    if own is None:
        own = metric if metric and leaf.accepts_metric(metric) else leaf.metrics[0]
    return metric_name(own) in PER_COORDINATE


def _scott(_: Array, __: Array | None, sigma: Array, n: float) -> Array:
    return sigma * math.pow(n, -1 / (len(sigma) + 4))


def _silverman(sigma: Array, n: float) -> Array:
    return sigma * math.pow(n * (len(sigma) + 2) / 4, -1 / (len(sigma) + 4))


def _rule(
    X: ArrayLike,
    kernel: str | Kernel,
    metric: Metric | None,
    sample_weight: ArrayLike | None,
    name: str,
    widths: Widths,
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
    data = np.asarray(points[:, active], dtype=np.float64)
    gaussian = dict(zip(active, widths(data, weights, sigma[active], n), strict=True))
    for leaf in leaves:
        columns = [column for column in leaf.resolved_columns(d) if column in active]
        if columns:
            own_metric = leaf.metric or metric or "euclidean"
            shared = np.array([gaussian[column] for column in columns])
            h = shared * gaussian_equivalent(leaf, own_metric, len(columns))
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


def gaussian_equivalent(leaf: ProfileKernel, metric: Metric, d: int) -> float:
    """Return the bandwidth at which a kernel has the variance of the Gaussian of bandwidth 1."""
    # The variance of a coordinate is E r² · E s₁² of x = r·s.
    mass, second = leaf.log_radial_integral(d), leaf.log_radial_integral(d + 2)
    if math.isfinite(mass) and math.isfinite(second):
        return 1 / math.sqrt(math.exp(second - mass) * mean_square_coordinate(metric, d))
    if math.isfinite(leaf.half_width):
        return math.sqrt(2 * math.log(2)) / leaf.half_width
    return 1.0  # constant and inverse distance have no scale
