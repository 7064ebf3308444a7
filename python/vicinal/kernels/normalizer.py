"""Normalizers of densities, ``-log ∫ K`` in closed form, and the conditions of their existence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from vicinal.arrays import as_index
from vicinal.kernels.base import Kernel, ProfileKernel
from vicinal.kernels.category import CategoryKernel
from vicinal.kernels.dot import VonMisesFisher
from vicinal.kernels.lowering import fill
from vicinal.kernels.metrics import GreatCircle, Mahalanobis, log_ball_volume
from vicinal.kernels.quadrature import sphere_integral

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike


def log_normalizer(kernel: Kernel, bandwidth: ArrayLike | None, d: int) -> float:
    """Return ``-log ∫ K`` of a kernel over d features; see `Kernel.log_normalizer`."""
    d = as_index(d, "d")
    if d < 1:
        raise ValueError(f"d must be at least 1, got {d}")
    terms = [
        (coefficient, log_integral(leaves, d))
        for coefficient, leaves in fill(kernel, bandwidth, None, d).terms()
    ]
    peak = max((log for _, log in terms), default=0.0)
    total = math.fsum(coefficient * math.exp(log - peak) for coefficient, log in terms)
    if not total > 0:
        raise ValueError("the sum of kernels has no density: its integral is not positive")
    return -(peak + math.log(total))


def log_integral(leaves: tuple[ProfileKernel, ...], d: int) -> float:
    """Return ``log ∫`` of a product of leaves that are filled in."""
    columns = [column for leaf in leaves for column in leaf.resolved_columns(d)]
    if len(set(columns)) < len(columns):
        raise ValueError("no density: several factors of a product share a column")
    if len(columns) < d:
        missing = sorted(set(range(d)) - set(columns))
        raise ValueError(
            f"no density in {d} features: the kernel does not look at columns {missing}, so its "
            "integral is infinite"
        )
    return math.fsum(_leaf_log_integral(leaf, len(leaf.resolved_columns(d))) for leaf in leaves)


def _leaf_log_integral(leaf: ProfileKernel, count: int) -> float:
    if isinstance(leaf, CategoryKernel):
        return 0.0  # both category kernels sum to 1 over the categories
    if leaf.density_condition == "never" or leaf.signed:
        raise ValueError(_no_density(leaf))
    bandwidth, metric = leaf.bandwidth, leaf.metric
    scales = bandwidth if isinstance(bandwidth, tuple) else (bandwidth,) * count
    finite = [h for h in scales if h is not None and math.isfinite(h)]
    if not finite:
        raise ValueError(
            "no density: bandwidth is infinite in every feature, so the kernel's integral is too"
        )
    if isinstance(leaf, VonMisesFisher):
        return _von_mises_fisher(1 / finite[0], count)
    if metric == "cosine":
        raise ValueError(f"no density is known for the kernel {leaf.profile} of the cosine metric")
    if metric == "haversine" or isinstance(metric, GreatCircle):
        radius = metric.radius if isinstance(metric, GreatCircle) else 1.0
        kinks = getattr(leaf, "breakpoints", ()) + ((leaf_support(leaf),) if leaf.compact else ())
        return sphere_integral(leaf, finite[0] / radius, kinks) + 2 * math.log(radius)
    return _flat(leaf, finite)


def refuse_without_density(kernel: Kernel) -> None:
    """Raise the ValueError of a kernel that has no density whatever its bandwidth."""
    for leaf in kernel.leaves():
        if leaf.density_condition == "never":
            raise ValueError(_no_density(leaf))


def _no_density(leaf: ProfileKernel) -> str:
    return f"the kernel {leaf.profile} has no density: no finite positive integral"


def leaf_support(leaf: ProfileKernel) -> float:
    """Return the u beyond which a compact profile is zero."""
    return float(getattr(leaf, "support", 1.0))


def _flat(leaf: ProfileKernel, scales: list[float]) -> float:
    # ∫ k(‖x/h‖) dx = d · V_d · ∫ k(u) u^(d−1) du · Π h, V_d the volume of the metric's unit ball.
    d, metric = len(scales), leaf.metric or "euclidean"
    radial = leaf.log_radial_integral(d)
    if radial == math.inf:
        raise ValueError(
            f"the kernel {leaf.profile} has no density in {d} dimensions: its integral is finite "
            f"for {leaf.density_condition} only"
        )
    log_volume = math.log(d) + log_ball_volume(metric, d) + math.fsum(map(math.log, scales))
    if isinstance(metric, Mahalanobis):
        sign, log_det = np.linalg.slogdet(metric.components.T @ metric.components)
        if sign <= 0:
            raise ValueError("no density: the Mahalanobis components map some direction to zero")
        log_volume -= 0.5 * float(log_det)
    return radial + log_volume


def _von_mises_fisher(kappa: float, d: int) -> float:
    # ∫ exp(κ cos) over the unit sphere of R^d = (2π)^(d/2) κ^(1−d/2) I_{d/2−1}(κ); the power series
    # of I has positive terms only, summed around the largest one.
    order = 0.5 * d - 1
    peak = max(0.0, 0.5 * (math.hypot(order, kappa) - order))
    spread = 12 * math.sqrt(peak + 1) + 40
    m = np.arange(max(0, int(peak - spread)), int(peak + spread))
    logs = [
        (2 * k + order) * math.log(0.5 * kappa) - math.lgamma(k + 1) - math.lgamma(k + order + 1)
        for k in m.tolist()
    ]
    top = max(logs)
    log_bessel = top + math.log(math.fsum(math.exp(log - top) for log in logs))
    return 0.5 * d * math.log(2 * math.pi) - order * math.log(kappa) + log_bessel
