"""From what the engine fills to the gradients of the inputs of a local mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from vicinal.arrays import Array, as_array, as_points
from vicinal.bandwidth_gradients import BandwidthGradient
from vicinal.composed_bandwidths import ComposedGradient
from vicinal.evaluate import columns_without
from vicinal.gradient_calls import GradientCall, bias_shape, summed
from vicinal.problem import Problem
from vicinal.progress import Report, share

__all__ = ["Wanted", "gradients_of", "gradients_omitting"]


class Wanted(NamedTuple):
    """Which gradients a call asks for, and of what."""

    names: list[str]
    given: dict[str, Any]  # inputs as they came
    scale: BandwidthGradient | ComposedGradient | None


def gradients_of(call: GradientCall, wanted: Wanted, report: Report | None) -> dict[str, Any]:
    """Return the gradients by name, each in the shape of its input."""
    names, given, scale = wanted
    p = call.problem
    shapes = {
        "queries": p.queries.shape,
        "keys": p.keys.shape,
        "values": (*p.lead, p.n, p.p),
        "log_weights": (*p.lead, p.n),
    }
    fresh = np.empty if p.m and p.n and 0 not in p.lead else np.zeros  # a call writes all of them
    outputs = {name: fresh(shapes[name], p.dtype) for name in shapes if name in names}
    direct = sorted(outputs)
    if scale is not None:
        outputs |= scale.outputs(outputs)
    bias = _BiasGradient(call, given["bias"], outputs) if "bias" in names else None
    call.run(outputs, report)
    result: dict[str, Any] = {}
    if scale is not None:  # which brings copied features home
        result["bandwidth"] = scale.finish(outputs, call)
    result |= {name: _as_given(outputs[name], given[name], name, p) for name in direct}
    if bias is not None:
        result["bias"] = bias.finish(outputs)
    return result


def gradients_omitting(
    call: GradientCall,
    missing: list[tuple[Array, list[int]]],
    wanted: Wanted,
    report: Report | None,
) -> dict[str, Any]:
    """Return the sums over columns of values, each without the keys that `missing` says.

    The log-mass is that of all keys: what depends on it comes by itself, without a column.
    """
    whole, y = call.problem._replace(one_value=False), as_array(wanted.given["values"], "values")
    rows = y[..., None] if call.problem.one_value else y
    total: dict[str, Any] = {"values": np.zeros(rows.shape, whole.dtype)}
    jobs = _jobs(whole, missing, call.log_mass_grad)
    for i, (problem, columns, log_mass_grad) in enumerate(jobs):
        upstream = np.ascontiguousarray(call.grad[..., columns]), log_mass_grad
        scale = None if wanted.scale is None else replace(wanted.scale, problem=problem)
        job = GradientCall(problem, upstream, None, **call.options)
        own = Wanted(wanted.names, wanted.given | {"values": rows[..., columns]}, scale)
        found = gradients_of(job, own, share(report, i / len(jobs), (i + 1) / len(jobs)))
        total["values"][..., columns] = found.pop("values", 0)
        for name, gradient in found.items():
            total[name] = _plus(total[name], gradient) if name in total else gradient
    if "values" not in wanted.names:
        del total["values"]
    elif call.problem.one_value:
        total["values"] = total["values"][..., 0]
    return total


def _plus(a: Any, b: Any) -> Any:
    """Add gradients; those of several factors one by one, where they have one."""
    if not isinstance(a, tuple):
        return a + b
    return tuple(None if x is None else x + y for x, y in zip(a, b, strict=True))


def _jobs(
    problem: Problem, missing: list[tuple[Array, list[int]]], log_mass_grad: Array | None
) -> list[tuple[Problem, list[int], Array | None]]:
    assert problem.values is not None
    jobs: list[tuple[Problem, list[int], Array | None]] = []
    for keys, columns in missing:
        values = np.ascontiguousarray(problem.values[..., columns])
        jobs.append((columns_without(problem, keys, values), columns, None))
    if log_mass_grad is not None:
        jobs.append((problem._replace(values=problem.values[..., :0]), [], log_mass_grad))
    return jobs


def _as_given(output: Array, given: Any, name: str, problem: Problem) -> Array:
    """Return the gradient of an input in its own shape."""
    if name == "values":
        array = output[..., 0] if problem.one_value else output
        return summed(array, as_array(given, "values").shape)
    if given is None:  # log-weights that are 0, points of a graph that stores its distances
        return output
    if name == "log_weights":
        return summed(output, as_array(given, "log_weights").shape)
    shape = as_points(given, name).shape  # scales may stand beside the features of keys
    return summed(output[..., : shape[-1]], shape)


class _BiasGradient:
    """The gradient of a bias, found by pairs only where it differs from pair to pair."""

    def __init__(self, call: GradientCall, bias: Any, outputs: dict[str, Array]) -> None:
        p = call.problem
        self.call = call
        self.shape = bias_shape(bias, p)
        self.own_shape = self.shape if bias is None else as_array(bias, "bias").shape
        self.by_key = p.m > 1 and self.shape[-2] == 1 and self.shape[-1] == p.n
        self.shared = False
        if self.by_key:  # the sums of log-weights
            outputs.setdefault("log_weights", np.zeros((*p.lead, p.n), p.dtype))
            return
        self.pairs = np.zeros(self.shape, p.dtype)  # a number per query changes no mean
        if self.shape[-2:] == (p.m, p.n):
            self.shared = self.shape != (*p.lead, p.m, p.n)
            if not self.shared:
                outputs["bias"] = self.pairs

    def finish(self, outputs: dict[str, Array]) -> Array:
        if self.by_key:
            return summed(outputs["log_weights"][..., None, :], self.shape).reshape(self.own_shape)
        if self.shared:
            self.call.add_shared_bias(self.pairs)
        return self.pairs.reshape(self.own_shape)
