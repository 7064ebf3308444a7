"""Gradients by bandwidths: a number, one per feature, per key or per query."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array, as_array
from vicinal.composed_bandwidths import ComposedGradient, composed_gradient, without_gradient
from vicinal.gradient_calls import summed
from vicinal.problem import Problem

if TYPE_CHECKING:
    from vicinal.gradient_calls import GradientCall
    from vicinal.kernels import Kernel

__all__ = ["BandwidthGradient", "bandwidth_gradient"]


@dataclass
class BandwidthGradient:
    """Which outputs of the engine make up the gradient of a bandwidth, and how."""

    problem: Problem
    kind: str  # "kernel", "keys", "queries" or "scales": per key and feature
    shape: tuple[int, ...]  # of the result
    size: int = 1  # numbers of the kernel
    columns: Array | None = None  # features that they stand for, where it is not all
    rule: Any = field(default=None)

    def outputs(self, others: dict[str, Array]) -> dict[str, Array]:
        """Return what the engine has to fill, besides the other outputs."""
        p = self.problem
        if self.kind == "scales":
            keys = others.get("keys")
            return {"keys": np.zeros(p.keys.shape, p.dtype) if keys is None else keys}
        name = {"kernel": "bandwidth", "keys": "key_bandwidths", "queries": "query_bandwidths"}
        tail = {"kernel": self.size, "keys": p.n, "queries": p.m}[self.kind]
        dtype = np.dtype(np.float64) if self.kind == "kernel" else p.dtype
        return {name[self.kind]: np.zeros((*p.lead, tail), dtype)}

    def finish(self, outputs: dict[str, Array], call: GradientCall) -> Any:
        """Return the gradient in the shape of the bandwidth."""
        p = self.problem
        if self.kind == "scales":
            d = p.keys.shape[-1] // 2
            h = as_array(self.rule.h, "bandwidth").astype(np.float64)
            inverse_square = 1 / (h * h * np.asarray(self.rule.unit, dtype=np.float64))
            gradient = (-outputs["keys"][..., d:] * inverse_square).astype(p.dtype)
            return summed(gradient, self.shape)
        if self.kind != "kernel":
            of = "key_bandwidths" if self.kind == "keys" else "query_bandwidths"
            return summed(outputs[of], self.shape)
        total = outputs["bandwidth"].reshape(-1, self.size).sum(axis=0)
        if self.shape == ():
            return float(total.sum())
        gradient = np.zeros(self.shape)
        gradient[slice(None) if self.columns is None else self.columns] = total
        return gradient.astype(p.dtype)


def bandwidth_gradient(
    problem: Problem,
    kernel: str | Kernel,
    bandwidth: Any,
    metric: Any,
    *,
    of_graph: bool,
    required: bool,
) -> BandwidthGradient | ComposedGradient | None:
    """Return how the gradient of a bandwidth is found; None if it has none.

    Raises ValueError if it is `required`.
    """
    from vicinal.bandwidth.given import PerKey, PerQuery
    from vicinal.kernels.lowering import fill
    from vicinal.kernels.names import as_kernel

    if of_graph:
        if required:
            raise ValueError(
                "bandwidth has no gradient: the pairs have distances or weights of a graph; leave "
                "it out of wrt"
            )
        return None
    if isinstance(bandwidth, (PerKey, PerQuery)):
        shape = as_array(bandwidth.h, "bandwidth").shape
        if isinstance(bandwidth, PerQuery):
            return BandwidthGradient(problem, "queries", shape)
        kind = "scales" if bandwidth.per_feature else "keys"
        return BandwidthGradient(problem, kind, shape, rule=bandwidth)
    if hasattr(bandwidth, "resolve"):
        if required:
            raise ValueError(
                f"bandwidth has no gradient: {type(bandwidth).__name__} finds it by a rule; pass "
                "its numbers as PerKey or PerQuery"
            )
        return None
    if bandwidth is None and not required:
        return None
    d = problem.queries.shape[-1]
    filled = fill(kernel, bandwidth, metric, d)
    leaves = filled.leaves()
    leaf = leaves[0]
    if len(leaves) > 1 or leaf.profile in ("aitchison_aitken", "wang_van_ryzin"):
        form = None if bandwidth is None else np.shape(as_array(bandwidth, "bandwidth"))
        composed = composed_gradient(problem, as_kernel(kernel), filled, form)
        if composed is None or all(part is None for part in composed.own):
            if required:
                raise ValueError(f"bandwidth has no gradient: {_reason(filled)}; leave it out")
            return None
        return composed
    own = np.asarray(leaf.bandwidth).shape
    size = own[0] if own else 1
    shape = own if bandwidth is None else np.asarray(bandwidth).shape
    partial = shape != own and own != ()
    return BandwidthGradient(
        problem, "kernel", shape, size, np.array(leaf.resolved_columns(d)) if partial else None
    )


def _reason(filled: Kernel) -> str:
    reasons = {leaf.profile: without_gradient(leaf, filled) for leaf in filled.leaves()}
    return ", ".join(f"{profile} is of {why}" for profile, why in reasons.items() if why)
