"""Where to look for a bandwidth: a scale of the data for every kind of metric."""

from __future__ import annotations

import math

import numpy as np

from vicinal.arrays import Array
from vicinal.bandwidth.rules import is_per_coordinate, scott
from vicinal.bandwidth.sample import spread_of
from vicinal.kernels import AitchisonAitken, GreatCircle, Kernel, Mahalanobis, ProfileKernel
from vicinal.kernels.category import CategoryKernel
from vicinal.kernels.dot import Polynomial, Sigmoid
from vicinal.kernels.metrics import Metric, metric_name

__all__ = ["category_grid", "natural_scale"]


def natural_scale(
    points: Array, weights: Array | None, kernel: Kernel, metric: Metric | None
) -> float | Array:
    """Return Scott's rule, or for other metrics a number of the same meaning.

    One number, or one per feature.
    """
    leaves = [leaf for leaf in kernel.leaves() if leaf.bandwidth is None]
    if all(
        is_per_coordinate(leaf, metric) and not isinstance(leaf, CategoryKernel) for leaf in leaves
    ):
        h = scott(points, kernel=kernel, metric=metric, sample_weight=weights)
        return float(h[0]) if h.size == 1 else h
    if len(leaves) > 1:
        raise ValueError(
            "grid must be given: the kernel's open bandwidths have no common scale; or give the "
            "factors their bandwidths"
        )
    leaf = leaves[0]
    columns = list(leaf.resolved_columns(points.shape[1]))
    data = np.asarray(points[:, columns], dtype=np.float64)
    scale = _scale(data, weights, leaf, leaf.metric or metric or leaf.metrics[0])
    return scale if scale > 0 else 1.0


def category_grid(kernel: Kernel) -> Array | None:
    """Return the candidates of a category kernel, whose bandwidth lies in a fixed range."""
    if not isinstance(kernel, CategoryKernel):
        return None
    top = (kernel.levels - 1) / kernel.levels if isinstance(kernel, AitchisonAitken) else 0.96
    return np.linspace(0, top, 25)


def _scale(data: Array, weights: Array | None, leaf: ProfileKernel, metric: Metric) -> float:
    name = metric_name(metric)
    if isinstance(metric, Mahalanobis):
        return _typical(data @ metric.components.T, weights, len(metric.components))
    if name in ("haversine", "great_circle"):
        radians = data if name == "haversine" else np.radians(data)
        radius = metric.radius if isinstance(metric, GreatCircle) else 1.0
        return radius * _typical(_on_sphere(radians), weights, 2)
    if isinstance(leaf, Polynomial | Sigmoid):
        return 1.0 if name == "cosine" else float((data**2).sum(axis=1).mean())
    if name == "cosine":
        norms = np.sqrt((data**2).sum(axis=1, keepdims=True))
        data = data / np.where(norms > 0, norms, 1)
    return _typical(data, weights, data.shape[1]) ** 2  # exp(q·x/h) is a Gaussian of width √h


def _typical(data: Array, weights: Array | None, d: int) -> float:
    # Scott's rule for the mean variance over d dimensions.
    _, sigma, n = spread_of(data, weights)
    return math.sqrt(float((sigma**2).sum()) / d) * math.pow(n, -1 / (d + 4))


def _on_sphere(radians: Array) -> Array:
    latitude, longitude = radians.T
    return np.stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ],
        axis=1,
    )
