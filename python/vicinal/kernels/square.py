"""Squares of kernels, which weigh the variance of a weighted sum."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from vicinal.kernels.base import Kernel, ProfileKernel
from vicinal.kernels.compact import Biweight
from vicinal.kernels.composite import Product
from vicinal.kernels.custom import Custom

__all__ = ["squared", "squared_profile"]

# exp(−u²/2)² = exp(−(√2 u)²/2), exp(−u)² = exp(−2u)
SHRINKS = {"gaussian": 1 / math.sqrt(2), "laplace": 0.5}
# Squares that are no kernel of the list: by a table of the profile. Others underflow in it.
TABULATED = (
    *("biweight", "triweight", "tricube", "triangular", "cosine", "wendland_c2"),
    *("cauchy", "student_t", "rational_quadratic"),
)


def squared(kernel: Kernel, *, rescale: bool = True) -> Kernel:
    """Return the kernel whose weights are the squares of this one's, whose bandwidths are given.

    One kernel where it is a kernel of the list too, else a product; with ``rescale=False`` only
    where its bandwidth stays (sets of neighbors may count in bandwidths).
    """
    if isinstance(kernel, ProfileKernel):
        if kernel.profile in ("uniform", "constant"):
            return kernel
        if kernel.profile == "epanechnikov":
            return Biweight(
                bandwidth=kernel.bandwidth, metric=kernel.metric, columns=kernel.columns
            )
        if kernel.profile in SHRINKS and rescale and kernel.bandwidth is not None:
            h = np.asarray(kernel.bandwidth) * SHRINKS[kernel.profile]
            return replace(kernel, bandwidth=tuple(h.tolist()) if h.ndim else float(h))
    return Product(kernel, kernel)


def squared_profile(leaf: ProfileKernel) -> tuple[ProfileKernel, float]:
    """Return one kernel of a distance whose weights are the squares, and what its u counts in.

    ``k(u)² = result(u / factor)``. A bandwidth per query, which no product takes, is multiplied by
    the factor.
    """
    if leaf.profile in SHRINKS:
        return leaf, SHRINKS[leaf.profile]
    if leaf.profile in ("uniform", "constant", "epanechnikov"):
        kernel = squared(leaf)
        assert isinstance(kernel, ProfileKernel)
        return kernel, 1.0
    if leaf.profile in TABULATED:
        return _tabulated(leaf.filled(bandwidth=None, metric=None, columns=None)).filled(
            bandwidth=leaf.bandwidth, metric=leaf.metric, columns=leaf.columns
        ), 1.0
    raise ValueError(
        f"standard errors of {leaf!r} need one bandwidth for all queries; take a number, or "
        "another kernel"
    )


@lru_cache(maxsize=32)
def _tabulated(leaf: ProfileKernel) -> Custom:
    from vicinal.engine import local_weights

    def weights(u: Any) -> Any:
        points = np.asarray(u, dtype=np.float64).reshape(-1, 1)
        one = local_weights([[0.0]], points, kernel=leaf, bandwidth=1.0, normalize=False)
        return one[0].reshape(np.shape(u)) ** 2

    if leaf.compact:
        return Custom(weights, support=1.0)

    def log_weights(u: Any) -> Any:
        return np.log(weights(u))

    return Custom(log_weights, log=True)
