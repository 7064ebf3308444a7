"""From a kernel object to the engine's kernel: filled in, checked, a sum of products."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal import _core
from vicinal.arrays import as_array
from vicinal.kernels.base import Bandwidth, Kernel, ProfileKernel
from vicinal.kernels.metrics import (
    PER_COORDINATE,
    GreatCircle,
    Mahalanobis,
    Metric,
    as_metric,
    metric_name,
)
from vicinal.kernels.names import as_kernel

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike

__all__ = ["fill", "lower"]


def lower(
    kernel: str | Kernel,
    bandwidth: ArrayLike | None,
    metric: Metric | None,
    d: int,
    *,
    scaled_keys: bool = False,
) -> _core.Kernel:
    """Return the engine's kernel for points with `d` features; checks everything.

    With `scaled_keys` inverse bandwidths stand beside the features of a key.
    """
    if not isinstance(kernel, str):
        kernel = as_kernel(kernel)
    return _lowered(kernel, _as_bandwidth(bandwidth), metric, d, scaled_keys)


def fill(
    kernel: str | Kernel, bandwidth: ArrayLike | None, metric: Metric | None, d: int
) -> Kernel:
    """Return the kernel with bandwidth and metric filled in, for points with `d` features."""
    return _filled(as_kernel(kernel), _as_bandwidth(bandwidth), metric, d)


@lru_cache(maxsize=256)
def _lowered(
    kernel: str | Kernel,
    bandwidth: Bandwidth | None,
    metric: Metric | None,
    d: int,
    scaled_keys: bool,
) -> _core.Kernel:
    filled = _filled(as_kernel(kernel), bandwidth, metric, d)
    if scaled_keys:
        _check_scaled(as_kernel(kernel), filled)
    extra = {"scaled_keys": True} if scaled_keys else {}
    return _core.Kernel(
        [
            (coefficient, [_factor(leaf, d) | extra for leaf in leaves])
            for coefficient, leaves in filled.terms()
        ]
    )


def _check_scaled(given: Kernel, filled: Kernel) -> None:
    """Refuse bandwidths per key and feature for factors that have their own, or no features."""
    if any(leaf.bandwidth is not None for leaf in given.leaves()):
        raise ValueError("bandwidth is given twice, in the kernel and as PerKey; drop one of them")
    for leaf in filled.leaves():
        name = metric_name(leaf.metric or leaf.metrics[0])
        if name not in PER_COORDINATE or leaf.profile in ("aitchison_aitken", "wang_van_ryzin"):
            raise ValueError(
                "PerKey(h, per_feature=True) needs kernels with a metric among "
                f"{', '.join(PER_COORDINATE)}, got {leaf.profile} with metric {name!r}"
            )


def _as_bandwidth(bandwidth: ArrayLike | None) -> Bandwidth | None:
    if bandwidth is None or type(bandwidth) is float:
        return bandwidth
    if isinstance(bandwidth, str):
        raise TypeError(
            f"bandwidth must be a number or one per feature, got {bandwidth!r}; estimate it with "
            "vicinal.bandwidth.scott(X) or vicinal.bandwidth.select(X, y)"
        )
    if hasattr(bandwidth, "resolve"):
        raise TypeError(
            f"{type(bandwidth).__name__} is a bandwidth of local_mean, local_stats and "
            "local_weights, as the argument bandwidth= and not in a kernel"
        )
    if hasattr(bandwidth, "scores"):
        raise TypeError("bandwidth must be numbers, got a BandwidthSelection; pass its .bandwidth")
    numbers = np.asarray(as_array(bandwidth, "bandwidth"), dtype=np.float64)
    if numbers.ndim > 1 or numbers.size == 0:
        raise ValueError(
            f"bandwidth must be a number or one number per feature, got shape {numbers.shape}"
        )
    return tuple(numbers.tolist()) if numbers.ndim else float(numbers)


def _filled(kernel: Kernel, bandwidth: Bandwidth | None, metric: Metric | None, d: int) -> Kernel:
    leaves = kernel.leaves()
    if bandwidth is not None and all(leaf.bandwidth is not None for leaf in leaves):
        raise ValueError(
            "bandwidth is given twice, in the kernel and as bandwidth=; drop one of them"
        )
    if metric is not None:
        metric = as_metric(metric)
        if all(leaf.metric is not None for leaf in leaves):
            raise ValueError("metric is given twice, in the kernel and as metric=; drop one")
        if not any(leaf.metric is None and leaf.accepts_metric(metric) for leaf in leaves):
            raise ValueError(
                f"the kernel {leaves[0].profile} works with metric "
                f"{' or '.join(leaves[0].metrics)}, got {metric_name(metric)!r}"
            )
    return kernel.rebuilt(lambda leaf: _filled_leaf(leaf, bandwidth, metric, d))


def _filled_leaf(
    leaf: ProfileKernel, bandwidth: Bandwidth | None, metric: Metric | None, d: int
) -> ProfileKernel:
    columns = leaf.resolved_columns(d)
    own_metric = leaf.metric
    if own_metric is None:
        own_metric = metric if metric and leaf.accepts_metric(metric) else leaf.metrics[0]
    own_bandwidth = leaf.bandwidth
    if own_bandwidth is None:
        own_bandwidth = _bandwidth_of(leaf, bandwidth, columns, d)
    leaf.check_scale(own_bandwidth, own_metric)
    result = leaf.filled(
        bandwidth=own_bandwidth,
        metric=own_metric,
        columns=None if leaf.columns is None else columns,
    )
    result.check_count(len(columns))
    return result


def _bandwidth_of(
    leaf: ProfileKernel, bandwidth: Bandwidth | None, columns: tuple[int, ...], d: int
) -> Bandwidth:
    if bandwidth is None:
        return leaf.default_bandwidth
    if not isinstance(bandwidth, tuple):
        leaf.check_number(bandwidth)
        return bandwidth
    if len(bandwidth) != d:
        raise ValueError(
            f"bandwidth has {len(bandwidth)} numbers for {d} features; give one number, or one "
            "per feature"
        )
    chosen = tuple(bandwidth[column] for column in columns)
    for h in chosen:
        leaf.check_number(h)
    return chosen


def _factor(leaf: ProfileKernel, d: int) -> dict[str, Any]:
    metric, columns = leaf.metric, leaf.columns
    assert metric is not None  # `_filled` has run
    factor: dict[str, Any] = {
        "profile": leaf.profile,
        "metric": metric_name(metric),
        "bandwidth": np.atleast_1d(np.asarray(leaf.bandwidth, dtype=np.float64)),
        "columns": None if columns is None else np.array(columns, dtype=np.int64),
        "components": metric.components if isinstance(metric, Mahalanobis) else None,
        "shape": 0.0,
        "offset": 0.0,
        "rectified": False,
        "scale": metric.radius if isinstance(metric, GreatCircle) else 1.0,
        "table": None,
        "function": None,
    }
    return factor | leaf.engine_parameters()
