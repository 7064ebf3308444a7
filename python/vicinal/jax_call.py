"""Calls of the primitives from jax: checked when traced, computed in a callback."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

import vicinal
from vicinal import bandwidth as rules
from vicinal.arrays import Array
from vicinal.bias import PositionBias
from vicinal.evaluate import Request
from vicinal.problem import prepare
from vicinal.results import LocalStats

__all__ = ["PerKey", "PerQuery", "mean_and_log_mass"]

# Arrays that have a gradient; those that have none are `weights` and `mask`.
DIFFERENTIABLE = ("queries", "keys", "values", "bandwidth", "log_weights", "bias")


@partial(jax.tree_util.register_dataclass, data_fields=["h"], meta_fields=["per_feature"])
@dataclass(frozen=True, eq=False)
class PerKey:
    """A bandwidth for every key, as `vicinal.bandwidth.PerKey`, with a gradient; a pytree.

    Parameters
    ----------
    h : jax.Array, broadcast to (..., n)
        Positive. With `per_feature` it is broadcast to (..., n, d).
    per_feature : bool
        Every key has a bandwidth for each feature.
    """

    h: jax.Array
    per_feature: bool = False


@partial(jax.tree_util.register_dataclass, data_fields=["h"], meta_fields=[])
@dataclass(frozen=True, eq=False)
class PerQuery:
    """A bandwidth for every query, as `vicinal.bandwidth.PerQuery`, with a gradient; a pytree.

    Parameters
    ----------
    h : jax.Array, broadcast to (..., m)
        Positive: a temperature for each head is one of shape (heads, 1).
    """

    h: jax.Array


def mean_and_log_mass(
    queries: Any,
    keys: Any,
    values: Any,
    *,
    bandwidth: Any = None,
    weights: Any = None,
    log_weights: Any = None,
    bias: Any = None,
    mask: Any = None,
    self_indices: Any = None,
    with_log_mass: bool = False,
    **options: Any,
) -> tuple[jax.Array, ...]:
    """Return the local mean and, asked for it, the log mass; see `vicinal.jax.local_mean`."""
    arrays = {"queries": queries, "keys": keys, "values": values}
    dtype = _common_type(arrays)
    arrays |= {"log_weights": log_weights, "weights": weights, "mask": mask}
    known = isinstance(bias, PositionBias) or (callable(bias) and not hasattr(bias, "dtype"))
    (options if known else arrays)["bias"] = bias
    of = _Bandwidths("all")
    if isinstance(bandwidth, PerKey | PerQuery):
        is_of_keys = isinstance(bandwidth, PerKey)
        of = _Bandwidths(
            "keys" if is_of_keys else "queries", getattr(bandwidth, "per_feature", False)
        )
        bandwidth = jnp.asarray(bandwidth.h)
    (arrays if isinstance(bandwidth, jax.Array) else options)["bandwidth"] = bandwidth
    given = {
        name: jnp.asarray(array, None if name == "mask" else dtype)
        for name, array in arrays.items()
        if array is not None
    }
    options["self_indices"] = None if self_indices is None else np.asarray(self_indices)
    call = _traced(given, of, with_log_mass, options)
    given = {name: call.ranked(name, array) for name, array in given.items()}
    moving = {name: given.pop(name) for name in DIFFERENTIABLE if name in given}
    found: tuple[jax.Array, ...] = _means(call, moving, given)
    return found


@dataclass(frozen=True)
class _Bandwidths:
    """What an array of bandwidths is of: all pairs, keys or queries."""

    of: str
    per_feature: bool = False

    def wrapped(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """Return arrays with the bandwidth as the primitives take it."""
        if self.of == "all" or "bandwidth" not in arrays:
            return arrays
        h = arrays["bandwidth"]
        keys = self.of == "keys"
        own = rules.PerKey(h, per_feature=self.per_feature) if keys else rules.PerQuery(h)
        return arrays | {"bandwidth": own}


@dataclass(frozen=True, eq=False)
class _Call:
    """What is known of a call when it is traced; static for jax, compared by identity."""

    lead: tuple[int, ...]
    m: int
    p: int
    one_value: bool
    dtype: np.dtype[Any]
    bandwidths: _Bandwidths
    with_log_mass: bool
    options: dict[str, Any]

    def arguments(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """Return the keyword arguments of the primitives."""
        return self.options | self.bandwidths.wrapped(arrays)

    @property
    def shapes(self) -> tuple[jax.ShapeDtypeStruct, jax.ShapeDtypeStruct]:
        """Shapes and types of mean and log mass."""
        rows = (*self.lead, self.m)
        mean = rows if self.one_value else (*rows, self.p)
        return jax.ShapeDtypeStruct(mean, self.dtype), jax.ShapeDtypeStruct(rows, self.dtype)

    def ranked(self, name: str, array: jax.Array) -> jax.Array:
        """Return an array with the leading dimensions of the call; those of `vmap` come before."""
        one = name in ("log_weights", "weights") or (name == "values" and self.one_value)
        if name == "bandwidth":
            if self.bandwidths.of == "all":
                return array
            one = not self.bandwidths.per_feature
        missing = len(self.lead) + (1 if one else 2) - array.ndim
        return jnp.expand_dims(array, tuple(range(missing)))

    def each(
        self, arrays: dict[str, Array], apart: bool, function: Callable[..., tuple[Array, ...]]
    ) -> tuple[Array, ...]:
        """Return what `function` makes of a batch of `vmap`: at once, or of each item `apart`.

        Bandwidths of all pairs have no leading dimensions: items of different ones go apart, and so
        do their gradients, which belong to one item each.
        """
        extra = arrays["queries"].ndim - len(self.lead) - 2
        batch = np.broadcast_shapes(*(array.shape[:extra] for array in arrays.values()))
        full = {
            name: np.broadcast_to(array, batch + array.shape[extra:])
            for name, array in arrays.items()
        }
        h = arrays.get("bandwidth") if self.bandwidths.of == "all" else None
        if h is not None and (apart or math.prod(h.shape[:extra]) > 1):
            items = [
                function({name: array[item] for name, array in full.items()})
                for item in np.ndindex(batch)
            ]
            together = map(np.stack, zip(*items, strict=True))
            return tuple(array.reshape(batch + array.shape[1:]) for array in together)
        if h is not None:
            full["bandwidth"] = h.reshape(h.shape[extra:])
        return function(full)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _means(call: _Call, moving: dict[str, Any], fixed: dict[str, Any]) -> tuple[jax.Array, ...]:
    return _forward(call, moving, fixed)[0]


def _forward(call: _Call, moving: Any, fixed: Any) -> tuple[tuple[jax.Array, ...], Any]:
    def stats(arrays: dict[str, Any]) -> tuple[Array, ...]:
        found = vicinal.local_stats(statistics=("mean", "log_mass"), **call.arguments(arrays))
        return cast("Array", found.mean), cast("Array", found.log_mass)

    def compute(arrays: dict[str, Any]) -> Any:
        return call.each(_numpy(arrays), False, stats)

    answer = jax.pure_callback(compute, call.shapes, moving | fixed, vmap_method="expand_dims")
    return answer if call.with_log_mass else answer[:1], (moving, fixed, *answer)


def _backward(call: _Call, kept: Any, upstream: tuple[jax.Array, ...]) -> tuple[Any, None]:
    moving, fixed, mean, log_mass = kept
    names = tuple(moving)

    def vjp(arrays: dict[str, Any]) -> tuple[Array, ...]:
        forward = LocalStats(mean=arrays.pop("mean"), log_mass=arrays.pop("log_mass"))
        found = vicinal.local_mean_vjp(forward=forward, wrt=names, **call.arguments(arrays))
        pairs = ((np.asarray(getattr(found, name)), arrays[name]) for name in names)
        return tuple(one.astype(array.dtype).reshape(array.shape) for one, array in pairs)

    def compute(arrays: dict[str, Any]) -> Any:
        return call.each(_numpy(arrays), True, vjp)

    shapes = tuple(jax.ShapeDtypeStruct(array.shape, array.dtype) for array in moving.values())
    arrays = dict(zip(("grad", "log_mass_grad"), upstream, strict=False))
    arrays |= {"mean": mean, "log_mass": log_mass, **moving, **fixed}
    found = jax.pure_callback(compute, shapes, arrays, vmap_method="expand_dims")
    return dict(zip(names, found, strict=True)), None


_means.defvjp(_forward, _backward)


def _numpy(arrays: dict[str, Any]) -> dict[str, Array]:
    return {name: np.asarray(array) for name, array in arrays.items()}


def _common_type(arrays: dict[str, Any]) -> Any:
    for name, array in arrays.items():
        if array is None:
            raise TypeError(f"{name} must be an array of numbers, got None")
    kinds = {name: jnp.asarray(array).dtype for name, array in arrays.items()}
    for name, kind in kinds.items():
        if jnp.issubdtype(kind, jnp.complexfloating):
            raise TypeError(f"{name} is {kind}; put real and imaginary parts side by side")
    floating = [kind for kind in kinds.values() if jnp.issubdtype(kind, jnp.floating)]
    wide = not floating or jnp.float64 in floating
    return jnp.float64 if wide and jax.config.jax_enable_x64 else jnp.float32


def _traced(
    given: dict[str, jax.Array], of: _Bandwidths, with_log_mass: bool, options: dict[str, Any]
) -> _Call:
    """Check all that shapes and types can tell, in the words of `vicinal.local_mean`."""
    names = ("tol", "empty", "nan_policy", "num_threads")
    policies = {name: options[name] for name in names if name in options}
    Request(**policies)
    blank = {name: _blank(name, array) for name, array in given.items()}
    if "bandwidth" in given and not isinstance(given["bandwidth"], jax.core.Tracer):
        blank["bandwidth"] = np.asarray(given["bandwidth"])  # whose numbers are known
    rest = {name: option for name, option in options.items() if name not in policies}
    problem = prepare(**{"bandwidth": None} | rest | of.wrapped(blank))
    sizes = problem.m, problem.p
    return _Call(problem.lead, *sizes, problem.one_value, problem.dtype, of, with_log_mass, options)


def _blank(name: str, array: jax.Array) -> Array:
    # An array of this shape in the memory of one row, which `prepare` does not copy.
    row = np.full(array.shape[-1:], name in ("bandwidth", "mask"), np.dtype(array.dtype))
    return np.broadcast_to(row, array.shape)
