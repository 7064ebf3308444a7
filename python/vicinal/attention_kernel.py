"""The kernel of an attention call: softmax or any other, at a scale."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import Any

from vicinal.kernels.base import Kernel, ProfileKernel, positive
from vicinal.kernels.dot import Softmax
from vicinal.kernels.metrics import Metric, metric_name
from vicinal.kernels.names import as_kernel

__all__ = ["attention_kernel"]

LENGTHS = ("euclidean", "manhattan", "chebyshev", "mahalanobis")  # in the units of the features


def attention_kernel(
    kernel: str | Kernel,
    *,
    scale: float | None,
    softcap: float | None,
    bandwidth: Any,
    metric: Metric | None,
    d: int,
) -> Kernel:
    """Return the kernel of heads with `d` features, its bandwidths filled in from `scale`.

    A scale s makes ``exp(s q·k)`` of the softmax: the bandwidth 1/s of products. Products have the
    units of squared distances, so the same s is the bandwidth 1/√s of distances, and a Gaussian
    ``exp(−s ‖q − k‖² / 2)`` differs from the softmax by priors of keys, ``exp(−s ‖k‖² / 2)``.
    """
    if scale is not None:
        _check_scale(scale)
        if bandwidth is not None:
            raise ValueError(
                "scale and bandwidth say the same (bandwidth = 1/scale of products, 1/√scale of "
                "distances); drop one of them"
            )
        scale = float(scale)
    if softcap is not None:
        softcap = positive(softcap, "softcap")
    if not isinstance(kernel, str):
        kernel = as_kernel(kernel)
    return _attention_kernel(kernel, scale, softcap, bandwidth is not None, metric, d)


@lru_cache(maxsize=256)
def _attention_kernel(
    kernel: str | Kernel,
    scale: float | None,
    softcap: float | None,
    is_open: bool,
    metric: Metric | None,
    d: int,
) -> Kernel:
    full = as_kernel(kernel)
    if softcap is not None:
        full = _capped(full, softcap)
    if scale is not None and not full.needs_bandwidth:
        raise ValueError("scale is given, but the kernel has its own bandwidth; drop one")
    if is_open:
        return full

    def with_bandwidth(leaf: ProfileKernel) -> ProfileKernel:
        h = None if leaf.bandwidth is not None else _bandwidth_of(leaf, scale, metric, d)
        return leaf if h is None else leaf.filled(bandwidth=h)

    return full.rebuilt(with_bandwidth)


def _bandwidth_of(
    leaf: ProfileKernel, scale: float | None, metric: Metric | None, d: int
) -> float | None:
    own = leaf.metric
    if own is None:
        own = metric if metric is not None and leaf.accepts_metric(metric) else leaf.metrics[0]
    name = metric_name(own)
    is_product = name in ("dot", "cosine")
    if scale is None:
        if name != "dot" and name not in LENGTHS:
            return None  # the kernel's own default: angles and categories do not grow with d
        scale = 1 / math.sqrt(len(leaf.resolved_columns(d)))
    h = 1 / scale if is_product else 1 / math.sqrt(scale)
    leaf.check_number(h)
    return h


def _capped(kernel: Kernel, softcap: float) -> Kernel:
    if not isinstance(kernel, Softmax):
        raise ValueError(
            f"softcap limits the logits of the softmax kernel, got kernel={kernel!r}; drop it, or "
            "write vicinal.kernels.Softmax(softcap=…) inside a product"
        )
    if kernel.softcap is not None:
        raise ValueError("softcap is given twice, in the kernel and as softcap=; drop one of them")
    return replace(kernel, softcap=softcap)


def _check_scale(scale: object) -> None:
    if getattr(scale, "requires_grad", False):
        raise TypeError(
            "scale has no gradient; pass bandwidth=1 / scale of products, which has one"
        )
    number = isinstance(scale, bool) or not hasattr(scale, "__float__")
    if number or getattr(scale, "shape", ()) != ():
        raise TypeError(
            f"scale must be one number, got {scale!r}; one per head is bandwidth="
            "vicinal.bandwidth.PerQuery(1 / scale[:, None])"
        )
    if not 0 < float(scale) < math.inf:  # type: ignore[arg-type]
        raise ValueError(f"scale must be positive and finite, got {scale}")
