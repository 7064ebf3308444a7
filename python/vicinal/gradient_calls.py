"""Calls of the engine for gradients, and sums over what was broadcast."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from vicinal import _core
from vicinal.arrays import Array, as_array, as_rows, converted
from vicinal.problem import Problem
from vicinal.progress import Report, share
from vicinal.results import LocalStats
from vicinal.strips import bias_strip, needs_strips, row_strips
from vicinal.threads import resolve_num_threads

__all__ = ["GradientCall", "summed"]

BY_ROW = {"queries": -2, "query_bandwidths": -1}  # and the axis of the rows


class GradientCall:
    """One problem, its upstream gradient and what the forward pass has left."""

    def __init__(
        self,
        problem: Problem,
        upstream: tuple[Array, Array | None],  # by the means and the log-masses
        forward: LocalStats | None,
        tol: float,
        num_threads: int | None,
    ) -> None:
        if isinstance(problem.bias, np.ndarray) and needs_strips(problem):
            problem = problem._replace(bias=_in_type(problem.bias, problem.dtype))
        self.problem = problem
        self.grad, self.log_mass_grad = upstream
        self.options: dict[str, Any] = {"tol": tol, "num_threads": resolve_num_threads(num_threads)}
        self.mean: Array | None = None
        self.log_mass: Array | None = None
        if forward is not None:
            self._take(forward)

    def _take(self, forward: LocalStats) -> None:
        if not isinstance(forward, LocalStats):
            raise TypeError(f"forward must be a LocalStats, got {type(forward).__name__}")
        if forward.mean is None or forward.log_mass is None:
            raise ValueError(
                "forward must hold mean and log_mass; call local_stats with "
                'statistics=("mean", "log_mass")'
            )
        p = self.problem
        mean = forward.mean[..., None] if p.one_value else forward.mean
        shape = (*p.lead, p.m, p.p)
        if mean.shape != shape or forward.log_mass.shape != shape[:-1]:
            raise ValueError(
                f"forward must be of the same call: its mean has shape {forward.mean.shape} and "
                f"its log_mass {forward.log_mass.shape}, the means have {shape}"
            )
        self.mean, self.log_mass = (as_rows(a, p.dtype) for a in (mean, forward.log_mass))

    def run(self, outputs: dict[str, Array], report: Report | None) -> None:
        """Fill `outputs`, by strips of rows where the bias is a function."""
        p = self.problem
        if not outputs or p.m == 0 or p.n == 0 or 0 in p.lead:
            return
        if not callable(p.bias):
            self._run(outputs, report)
            return
        totals = {
            name: np.zeros(array.shape) for name, array in outputs.items() if name not in BY_ROW
        }
        for rows in row_strips(p):
            parts = {
                name: _rows(array, rows, BY_ROW[name]) if name in BY_ROW else np.zeros_like(array)
                for name, array in outputs.items()
            }
            self._run(parts, share(report, rows.start / p.m, rows.stop / p.m), rows)
            for name, total in totals.items():
                total += parts[name]
        for name, total in totals.items():
            outputs[name][...] = total

    def add_shared_bias(self, pairs: Array) -> None:
        """Add up the gradients of a bias that items share, one item after the other."""
        lead = self.problem.lead
        strides = np.broadcast_to(pairs, (*lead, *pairs.shape[-2:])).strides
        full = np.lib.stride_tricks.as_strided(pairs, (*lead, *pairs.shape[-2:]), strides)
        if math.prod(lead) and pairs.size:
            for at in np.ndindex(*lead):
                self._run({"bias": full[at]}, None, at=at)

    def _run(
        self,
        outputs: dict[str, Array],
        report: Report | None,
        rows: slice | None = None,
        at: Any = (),
    ) -> None:
        p = self.problem

        def own(array: Any, axis: int | None = None) -> Any:
            # the item at an index of the leading dimensions, the rows of a strip
            if array is None or callable(array):
                return None
            return array[at] if rows is None or axis is None else _rows(array, rows, axis)

        bias = p.bias
        if rows is not None:
            bias = bias_strip(p, rows, slice(0, p.n))
        _core.gradient(
            p.kernel,
            own(p.queries, -2),
            own(p.keys),
            own(p.values),
            own(self.grad, -2),
            outputs=outputs,
            mean=own(self.mean, -2),
            log_mass=own(self.log_mass, -1),
            log_mass_gradient=own(self.log_mass_grad, -1),
            weights=own(p.weights),
            log_weights=own(p.log_weights),
            bias=own(bias),
            mask=own(p.mask, -2),
            self_indices=own(p.self_indices, -1),
            exclude_self=p.exclude_self,
            key_bandwidths=own(p.key_bandwidths),
            query_bandwidths=own(p.query_bandwidths, -1),
            neighbors=p.neighbors,
            query_offset=0 if rows is None else rows.start,
            progress=report,
            **self.options,
        )


def _rows(array: Array, rows: slice, axis: int) -> Array:
    part: Array = array[..., rows, :] if axis == -2 else array[..., rows]
    return part


def _in_type(bias: Array, dtype: np.dtype[Any]) -> Array:
    """Return a bias in another dtype, broadcast as it was."""
    once = bias[tuple(slice(0, 1) if stride == 0 else slice(None) for stride in bias.strides)]
    return np.broadcast_to(converted(once, dtype), bias.shape)


def summed(array: Array, shape: tuple[int, ...]) -> Array:
    """Sum over the copies that broadcasting made of an input of this shape."""
    if array.shape == shape:
        return np.ascontiguousarray(array)
    extra = array.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        axis + extra for axis, size in enumerate(shape) if size == 1 != array.shape[axis + extra]
    )
    if not axes:
        return np.ascontiguousarray(array)
    total: Array = array.sum(axes, dtype=np.float64).astype(array.dtype)
    return total.reshape(shape)


def bias_shape(bias: Any, problem: Problem) -> tuple[int, ...]:
    """Return the shape of a bias with both of its last axes; of all pairs where there is none."""
    if bias is None:
        return (*problem.lead, problem.m, problem.n)
    shape: tuple[int, ...] = as_array(bias, "bias").shape
    return (1,) * (2 - len(shape)) + shape
