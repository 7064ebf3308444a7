"""Bandwidths of a model that differ from row to row: settled by `fit`, or found at each query."""

from __future__ import annotations

from typing import Any

import numpy as np

from vicinal.arrays import Array
from vicinal.bandwidth.adaptive import Abramson, RuleOfQueries
from vicinal.bandwidth.given import AdaptiveBandwidth, PerKey, PerQuery
from vicinal.kernels import Kernel
from vicinal.kernels.category import CategoryKernel
from vicinal.kernels.lowering import fill
from vicinal.kernels.metrics import PER_COORDINATE, metric_name

__all__ = ["base_of", "check_count", "log_bandwidths", "scaled_features", "settled"]


def settled(
    rule: AdaptiveBandwidth,
    keys: Array,
    kernel: Any,
    metric: Any,
    weights: Array | None,
    tol: float,
    num_threads: int | None,
) -> RuleOfQueries | PerKey:
    """Return what a fitted model keeps of a rule: bandwidths of its keys, or the rule itself."""
    if isinstance(rule, PerKey | PerQuery):
        raise ValueError(
            f"bandwidth={type(rule).__name__}(...) holds a number for each row of one data set; a "
            "model takes numbers, names, KthNeighbor, Abramson or Perplexity; give arrays to "
            "vicinal.local_mean"
        )
    leaves = fill(kernel, base_of(rule), metric, keys.shape[1]).leaves()
    if len(leaves) != 1 or isinstance(leaves[0], CategoryKernel):
        raise ValueError(
            f"bandwidth={rule!r} needs a kernel of one distance or score, not a product, sum or "
            f"category kernel, got kernel={kernel!r}"
        )
    if isinstance(rule, Abramson):
        return rule.of(keys, kernel, metric, weights=weights, tol=tol, num_threads=num_threads)
    assert isinstance(rule, RuleOfQueries)
    check_count(rule, kernel, keys, weights)
    return rule


def check_count(
    rule: RuleOfQueries, kernel: Any, keys: Array, weights: Array | None, own: bool = False
) -> None:
    """Refuse a rule that needs more rows than were fitted, or are left of them without one."""
    counts = np.ones(len(keys)) if weights is None else weights
    left_out = float(np.minimum(counts, 1).max()) if own else 0.0
    try:
        rule.check(kernel, float(counts.sum()) - left_out)
    except ValueError as error:
        place = "leave-one-out of " if own else ""
        raise ValueError(f"{error}; {place}a fit of n_samples={len(keys)}") from None


def base_of(bandwidth: Any) -> Any:
    """Return the bandwidth of the kernel that those of rows are multiples of."""
    return bandwidth.base if isinstance(bandwidth, AdaptiveBandwidth) else bandwidth


def log_bandwidths(bandwidth: PerKey | PerQuery) -> Array:
    """Return log h of keys or queries, in units of the kernel's bandwidth, in float64."""
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(bandwidth.h, dtype=np.float64))


def scaled_features(kernel: Kernel, d: int) -> int:
    """Return the power of h in the integral of a kernel of one metric that is filled in.

    Raises
    ------
    ValueError
        For a metric whose volumes are not powers of the distance.
    """
    (leaf,) = kernel.leaves()
    metric = metric_name(leaf.metric or leaf.metrics[0])
    if metric not in (*PER_COORDINATE, "mahalanobis"):
        raise ValueError(
            "a density with a bandwidth of each row needs a metric among "
            f"{', '.join(PER_COORDINATE)} and Mahalanobis, got {metric!r}"
        )
    count = len(leaf.resolved_columns(d))
    return int(np.isfinite(np.broadcast_to(np.asarray(leaf.bandwidth, float), count)).sum())
