"""The bandwidth of a clustering by modes, and the kernels that can seek them."""

from __future__ import annotations

from typing import Any

import numpy as np

from vicinal.arrays import Array
from vicinal.bandwidth.adaptive import Abramson
from vicinal.bandwidth.given import AdaptiveBandwidth
from vicinal.bandwidth.rules import gaussian_equivalent
from vicinal.bandwidth.selection import NAMES, select
from vicinal.errors import did_you_mean
from vicinal.kernels import Kernel, ProfileKernel, Uniform, as_kernel
from vicinal.kernels.category import CategoryKernel
from vicinal.models.adaptive import settled
from vicinal.models.estimated_bandwidth import estimate_bandwidth

__all__ = ["check_leaf", "settled_bandwidth"]

TAKEN = "None, a positive number, one per feature, vicinal.bandwidth.Abramson(pilot)"


def settled_bandwidth(
    kernel: Any, rule: Any, keys: Array, weights: Array | None, mass_tol: float, n_jobs: Any
) -> Any:
    """Return the bandwidth that a fit keeps: a number, one per feature, or one per key.

    None is estimated for the flat kernel and scaled to the variance of another; it may be 0.
    """
    shape = as_kernel(kernel)
    if not shape.needs_bandwidth:
        if rule is not None:
            raise ValueError(
                f"bandwidth is given twice: bandwidth={rule!r} and kernel={kernel!r}; leave "
                "`bandwidth` None or take it out of the kernel"
            )
        own = [leaf.bandwidth for leaf in shape.leaves()]
        return own[0] if len(own) == 1 else tuple(own)
    if rule is None:
        return _estimated(shape, keys, weights, n_jobs)
    if isinstance(rule, Abramson):
        return settled(rule, keys, kernel, None, weights, mass_tol, n_jobs)
    if isinstance(rule, str):
        if rule not in NAMES:
            raise ValueError(
                f"bandwidth must be {TAKEN} or one of {', '.join(map(repr, NAMES))}, got {rule!r}"
                f"{did_you_mean(rule, NAMES)}"
            )
        options = {"sample_weight": weights, "tol": mass_tol, "num_threads": n_jobs}
        return select(keys, kernel=kernel, criterion=rule, **options).bandwidth
    if isinstance(rule, AdaptiveBandwidth):
        raise ValueError(
            f"bandwidth={rule!r} is not one that modes can be sought with: it takes a number, one "
            "per feature, or vicinal.bandwidth.Abramson(pilot) for one of each training row"
        )
    given = np.array(rule, dtype=np.float64)
    if given.ndim > 1 or not given.size or not (given > 0).all():
        raise ValueError(
            f"bandwidth must be {TAKEN}, got {rule!r}; vicinal.models.estimate_bandwidth finds one"
        )
    return given if given.ndim else float(given)


def _estimated(kernel: Kernel, keys: Array, weights: Array | None, n_jobs: Any) -> float:
    if not isinstance(kernel, ProfileKernel):
        raise ValueError(
            "bandwidth must be given for a product or sum of kernels: none is estimated for "
            f"kernel={kernel!r}"
        )
    check_leaf(kernel)
    d = len(kernel.resolved_columns(keys.shape[1]))
    flat = estimate_bandwidth(keys, n_jobs=n_jobs, sample_weight=weights)
    scales = [gaussian_equivalent(leaf, "euclidean", d) for leaf in (kernel, Uniform())]
    return float(flat * scales[0] / scales[1]) if kernel != Uniform() else float(flat)


def check_leaf(leaf: ProfileKernel) -> None:
    """Raise unless a kernel weighs Euclidean distances."""
    if isinstance(leaf, CategoryKernel) or leaf.metrics[0] != "euclidean":
        raise ValueError(
            f"kernel must weigh distances, which the kernel {leaf.profile} does not; take a kernel "
            "such as 'flat', 'gaussian' or 'epanechnikov'"
        )
    if leaf.metric not in (None, "euclidean"):
        raise ValueError(
            f"kernel must have the metric euclidean, got {leaf.metric!r}: means are those of "
            "Euclidean space; for a Mahalanobis metric fit X @ components.T"
        )
