"""Gradients by the bandwidths of kernels of several factors, and of categories.

A factor of a distance sees (q − x) / h alone, one of products q·x / h: by Euler's theorem its
bandwidth has the sum of coordinates times gradients through this factor. So every factor gets
features of its own: those that another one reads already are copied beside the points. The weight
of unordered categories is affine in h: its slope is a difference of two kernels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array
from vicinal.evaluate import Request, allocate, evaluate
from vicinal.kernels.base import Kernel, ProfileKernel
from vicinal.kernels.category import AitchisonAitken
from vicinal.kernels.lowering import lower
from vicinal.kernels.metrics import metric_name
from vicinal.problem import Problem

if TYPE_CHECKING:
    from vicinal.gradient_calls import GradientCall

__all__ = ["ComposedGradient", "composed_gradient", "without_gradient"]

LENGTHS = ("euclidean", "manhattan", "chebyshev", "mahalanobis")


@dataclass
class ComposedGradient:
    """The gradient of the bandwidths of a kernel, one for each of its factors or of one number."""

    problem: Problem  # every factor has features of its own
    kernel: Kernel
    sources: list[int]  # of the copied features, which stand last
    own: list[tuple[int, ...] | None]  # per factor: its features among those given, if it counts
    shape: tuple[int, ...] | None  # of the bandwidth of all factors that have none of their own

    def outputs(self, others: dict[str, Array]) -> dict[str, Array]:
        """Return what the engine has to fill, besides the other outputs."""
        p = self.problem
        return {
            name: np.zeros(like.shape, p.dtype) if (have := others.get(name)) is None else have
            for name, like in (("queries", p.queries), ("keys", p.keys))
        }

    def finish(self, outputs: dict[str, Array], call: GradientCall) -> Any:
        """Return the gradient, and leave that of the points in their own features."""
        along = self._along(outputs)
        for name in ("queries", "keys"):
            d = outputs[name].shape[-1] - len(self.sources)
            for copy, source in enumerate(self.sources):
                outputs[name][..., source] += outputs[name][..., d + copy]
        found: list[Any] = []
        for leaf, own in zip(self.kernel.leaves(), self.own, strict=True):
            if own is None:
                found.append(None)
            elif isinstance(leaf, AitchisonAitken):
                found.append(_of_categories(self, leaf, call))
            else:
                found.append(_of_lengths(leaf, along))
        if self.shape is not None:
            return self._total(found)
        return found[0] if isinstance(self.kernel, ProfileKernel) else tuple(found)

    def _along(self, outputs: dict[str, Array]) -> tuple[Array, Array]:
        """Return Σ coordinate · gradient of every feature, about a key and of the queries alone."""
        p, d = self.problem, outputs["keys"].shape[-1]
        first = p.keys[..., :1, :].astype(np.float64)
        origin = np.where(np.isfinite(first), first, 0)
        of_queries = _products(p.queries, 0.0, outputs["queries"]).reshape(-1, d).sum(axis=0)
        about = [
            _products(points, origin, outputs[name]).reshape(-1, d).sum(axis=0)
            for name, points in (("queries", p.queries), ("keys", p.keys))
        ]
        return about[0] + about[1], of_queries

    def _total(self, found: list[Any]) -> Any:
        assert self.shape is not None
        if self.shape == ():
            return float(sum(np.sum(part) for part in found if part is not None))
        total = np.zeros(self.shape)
        for part, own in zip(found, self.own, strict=True):
            if own is not None:
                total[list(own)] += part
        return total.astype(self.problem.dtype)


def composed_gradient(
    problem: Problem, given: Kernel, filled: Kernel, shape: tuple[int, ...] | None
) -> ComposedGradient | None:
    """Return the gradient of bandwidths of a `given` kernel that is `filled` in.

    `shape` is that of the bandwidth given beside the kernel, None for the kernel's own ones. None
    if a factor that this bandwidth is for has no gradient.
    """
    d = problem.queries.shape[-1]
    counts = [shape is None or leaf.bandwidth is None for leaf in given.leaves()]
    has = [without_gradient(leaf, filled) is None for leaf in filled.leaves()]
    if shape is not None and not all(
        able for able, count in zip(has, counts, strict=True) if count
    ):
        return None
    features = [leaf.resolved_columns(d) for leaf in filled.leaves()]
    own = [
        columns if able and count else None
        for columns, able, count in zip(features, has, counts, strict=True)
    ]
    sources: list[int] = []
    read: set[int] = set()
    apart = []
    for columns in features:
        numbers = []
        for column in columns:
            numbers.append(d + len(sources) if column in read else column)
            if column in read:
                sources.append(column)
        read.update(columns)
        apart.append(tuple(numbers))
    parts = iter(apart)
    kernel = filled.rebuilt(lambda leaf: leaf.filled(columns=next(parts)))
    wide = problem._replace(
        kernel=lower(kernel, None, None, d + len(sources)),
        queries=_with_copies(problem.queries, sources),
        keys=_with_copies(problem.keys, sources),
        key_index=None,
    )
    return ComposedGradient(wide, kernel, sources, own, shape)


def without_gradient(leaf: ProfileKernel, kernel: Kernel) -> str | None:
    """Return why a filled factor has no gradient by its bandwidth; None if it has one."""
    if isinstance(leaf, AitchisonAitken):
        return "categories in a signed kernel" if kernel.signed else None
    if leaf.profile == "wang_van_ryzin":
        return "ordered categories"
    assert leaf.metric is not None  # filled
    name = metric_name(leaf.metric)
    return None if name in (*LENGTHS, "dot") else f"{name} angles beside other factors"


def _with_copies(points: Array, sources: list[int]) -> Array:
    if not sources:
        return points
    return np.ascontiguousarray(np.concatenate([points, points[..., sources]], axis=-1))


def _products(points: Array, origin: Any, gradients: Array) -> Array:
    # What does not pull need not be finite; a query that holds NaN has NaN and does not count.
    pulls = (gradients != 0) & ~np.isnan(gradients)
    with np.errstate(invalid="ignore"):
        products: Array = (points - origin) * gradients.astype(np.float64)
    return np.where(pulls, products, 0)


def _of_lengths(leaf: ProfileKernel, along: tuple[Array, Array]) -> Any:
    assert leaf.metric is not None
    columns = list(leaf.columns or ())
    if metric_name(leaf.metric) == "dot":
        return float(-along[1][columns].sum() / leaf.bandwidth)
    if isinstance(leaf.bandwidth, tuple):
        return -along[0][columns] / np.array(leaf.bandwidth)
    return float(-along[0][columns].sum() / leaf.bandwidth)


def _of_categories(gradient: ComposedGradient, leaf: AitchisonAitken, call: GradientCall) -> Any:
    """Σ_i (G_i · (N'_i − m_i W'_i) + g_i W'_i) / W_i with W', N' the slopes of Σ w and Σ w y in h.

    Of h = 0 and the largest h, and of every feature by itself.
    """
    columns, top = leaf.columns or (), (leaf.levels - 1) / leaf.levels
    h = leaf.bandwidth if isinstance(leaf.bandwidth, tuple) else (leaf.bandwidth,) * len(columns)
    here = _forward(gradient, gradient.kernel, call)
    slopes = []
    for at in range(len(columns)):
        ends = []
        for end in (0.0, top):
            moved = leaf.filled(bandwidth=(*h[:at], end, *h[at + 1 :]))
            kernel = _with(gradient.kernel, leaf, moved)
            ends.append(_pull(call, here, _forward(gradient, kernel, call)))
        slopes.append((ends[1] - ends[0]) / top)
    return np.array(slopes) if isinstance(leaf.bandwidth, tuple) else float(sum(slopes))


def _with(kernel: Kernel, leaf: ProfileKernel, new: ProfileKernel) -> Kernel:
    return kernel.rebuilt(lambda one: new if one is leaf else one)


def _forward(gradient: ComposedGradient, kernel: Kernel, call: GradientCall) -> dict[str, Array]:
    p = gradient.problem
    one = p._replace(kernel=lower(kernel, None, None, p.queries.shape[-1]))
    outputs = allocate(p.lead, p.sizes, p.dtype, ("mean", "log_mass"))
    evaluate(one, Request(empty="zero", **call.options), outputs)
    return {name: output.astype(np.float64) for name, output in outputs.items()}


def _pull(call: GradientCall, here: dict[str, Array], end: dict[str, Array]) -> float:
    """Return Σ_i (G_i · (m¹_i − m_i) + g_i) W¹_i / W_i of rows that have a weight."""
    seen = np.isfinite(here["log_mass"]) & np.isfinite(end["log_mass"])
    with np.errstate(invalid="ignore"):
        ratio = np.exp(np.where(seen, end["log_mass"] - here["log_mass"], -np.inf))
        pulls = (call.grad * (end["mean"] - here["mean"])).sum(axis=-1)
    if call.log_mass_grad is not None:
        pulls = pulls + call.log_mass_grad
    return float(np.where(seen, pulls * ratio, 0).sum())
