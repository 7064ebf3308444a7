"""Squares of kernels, which weigh the variance of a weighted sum."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from vicinal.kernels.base import Kernel, ProfileKernel
from vicinal.kernels.compact import Biweight
from vicinal.kernels.composite import Product

__all__ = ["squared"]

# exp(−u²/2)² = exp(−(√2 u)²/2), exp(−u)² = exp(−2u)
SHRINKS = {"gaussian": 1 / math.sqrt(2), "laplace": 0.5}


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
