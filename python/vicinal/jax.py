"""Local means of jax arrays, with gradients, inside `jax.jit`, `jax.grad` and `jax.vmap`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import numpy as np

import vicinal
from vicinal.arrays import Array
from vicinal.bias import PositionBias
from vicinal.evaluate import Request
from vicinal.problem import prepare
from vicinal.results import LocalStats

try:
    import jax
    import jax.numpy as jnp
except ImportError as error:
    raise ImportError("vicinal.jax needs jax: pip install jax") from error

if TYPE_CHECKING:
    from vicinal.bandwidth.given import AdaptiveBandwidth
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.problem import Bias, Neighborhood

__all__ = ["local_mean"]

# Arrays that have a gradient; those that have none are `weights` and `mask`.
DIFFERENTIABLE = ("queries", "keys", "values", "bandwidth", "log_weights", "bias")


def local_mean(
    queries: jax.Array,
    keys: jax.Array,
    values: jax.Array,
    *,
    kernel: str | Kernel = "gaussian",
    bandwidth: jax.Array | AdaptiveBandwidth | float | None = None,
    metric: Metric | None = None,
    neighbors: Neighborhood = None,
    weights: jax.Array | None = None,
    log_weights: jax.Array | None = None,
    bias: jax.Array | Bias | None = None,
    mask: jax.Array | None = None,
    exclude_self: bool = False,
    self_indices: Any = None,
    tol: float = 0.0,
    empty: str | float = "nan",
    nan_policy: str = "propagate",
    num_threads: int | None = None,
) -> jax.Array:
    """Average the values of the keys near each query; every floating array gets its gradient.

    As `vicinal.local_mean`, whose bits it has.

    Parameters
    ----------
    queries : jax.Array of shape (..., m, d)
        The points asked about.
    keys : jax.Array of shape (..., n, d)
        The neighbors' positions.
    values : jax.Array of shape (..., n, p) or (..., n)
        What is averaged.
    kernel : str or Kernel
        As in `vicinal.local_mean`.
    bandwidth : jax.Array, float or rule, optional
        An array of jax of no dimension or of shape (d,) has a gradient; numbers and rules of
        `vicinal.bandwidth` have none.
    metric, neighbors
        As in `vicinal.local_mean`.
    weights, log_weights : jax.Array of shape (..., n), optional
        As in `vicinal.local_mean`; `weights` has no gradient.
    bias : jax.Array broadcastable to (..., m, n), ALiBi, Relative or callable, optional
        As in `vicinal.local_mean`; an array has a gradient.
    mask : jax.Array of bool broadcastable to (..., m, n), optional
        True = the key is used.
    exclude_self, self_indices, tol, empty, nan_policy, num_threads
        As in `vicinal.local_mean`, and known when a function is traced.

    Returns
    -------
    jax.Array of shape (..., m, p) or (..., m)
        In the result type of the floating arrays among `queries`, `keys` and `values`; float16 and
        bfloat16 become float32.

    Raises
    ------
    ValueError, TypeError
        For shapes and types when a function is traced; for numbers in the arrays when it runs.
    ImportError
        On import of this module, if jax is not installed.

    Notes
    -----
    The work is done by the engine on the CPU, in a callback that keeps no state (`pure_callback`).
    Under `jax.vmap` a batch is one call, with one more leading dimension. The gradient is that of
    `vicinal.local_mean_vjp`; there is no second derivative.

    Examples
    --------
    >>> import jax, jax.numpy as jnp
    >>> from vicinal.jax import local_mean
    >>> keys = jnp.array([[0.0], [1.0], [3.0]])
    >>> def error(h):
    ...     return local_mean(keys, keys, keys[:, 0], bandwidth=h, exclude_self=True).sum()
    >>> jax.grad(error)(1.0).shape
    ()
    """
    arrays = {"queries": queries, "keys": keys, "values": values}
    dtype = _common_type(arrays)
    arrays |= {"log_weights": log_weights, "weights": weights, "mask": mask}
    constant: dict[str, Any] = {}
    known = isinstance(bias, PositionBias) or (callable(bias) and not hasattr(bias, "dtype"))
    (constant if known else arrays)["bias"] = bias
    (arrays if isinstance(bandwidth, jax.Array) else constant)["bandwidth"] = bandwidth
    given = {
        name: jnp.asarray(array, None if name == "mask" else dtype)
        for name, array in arrays.items()
        if array is not None
    }
    options: dict[str, Any] = {
        "kernel": kernel,
        "metric": metric,
        "neighbors": neighbors,
        "exclude_self": exclude_self,
        "self_indices": None if self_indices is None else np.asarray(self_indices),
        "tol": tol,
        "empty": empty,
        "nan_policy": nan_policy,
        "num_threads": num_threads,
    }
    call = _traced(given, options | constant)
    given = {name: call.ranked(name, array) for name, array in given.items()}
    moving = {name: given.pop(name) for name in DIFFERENTIABLE if name in given}
    return _mean(call, moving, given)


@dataclass(frozen=True, eq=False)
class _Call:
    """What is known of a call when it is traced; static for jax, compared by identity."""

    lead: tuple[int, ...]
    m: int
    p: int
    one_value: bool
    dtype: np.dtype[Any]
    options: dict[str, Any]

    @property
    def shapes(self) -> tuple[jax.ShapeDtypeStruct, jax.ShapeDtypeStruct]:
        """Shapes and types of mean and log mass."""
        rows = (*self.lead, self.m)
        mean = rows if self.one_value else (*rows, self.p)
        return jax.ShapeDtypeStruct(mean, self.dtype), jax.ShapeDtypeStruct(rows, self.dtype)

    def ranked(self, name: str, array: jax.Array) -> jax.Array:
        """Return an array with the leading dimensions of the call; those of `vmap` come before."""
        if name == "bandwidth":
            return array
        one = name in ("log_weights", "weights") or (name == "values" and self.one_value)
        missing = len(self.lead) + (1 if one else 2) - array.ndim
        return jnp.expand_dims(array, tuple(range(missing)))

    def each(
        self, arrays: dict[str, Array], apart: bool, function: Callable[..., tuple[Array, ...]]
    ) -> tuple[Array, ...]:
        """Return what `function` makes of a batch of `vmap`: at once, or of each item `apart`.

        Bandwidths have no leading dimensions: items of different ones go apart, and so do gradients
        of a bandwidth, which belong to one item each.
        """
        extra = arrays["queries"].ndim - len(self.lead) - 2
        batch = np.broadcast_shapes(*(array.shape[:extra] for array in arrays.values()))
        full = {
            name: np.broadcast_to(array, batch + array.shape[extra:])
            for name, array in arrays.items()
        }
        h = arrays.get("bandwidth")
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
def _mean(call: _Call, moving: dict[str, jax.Array], fixed: dict[str, jax.Array]) -> jax.Array:
    return _forward(call, moving, fixed)[0]


def _forward(call: _Call, moving: Any, fixed: Any) -> tuple[jax.Array, Any]:
    def stats(arrays: dict[str, Any]) -> tuple[Array, ...]:
        found = vicinal.local_stats(statistics=("mean", "log_mass"), **arrays, **call.options)
        return cast("Array", found.mean), cast("Array", found.log_mass)

    def compute(arrays: dict[str, Any]) -> Any:
        return call.each(_numpy(arrays), False, stats)

    answer = jax.pure_callback(compute, call.shapes, moving | fixed, vmap_method="expand_dims")
    return answer[0], (moving, fixed, *answer)


def _backward(call: _Call, kept: Any, grad: jax.Array) -> tuple[Any, None]:
    moving, fixed, mean, log_mass = kept
    names = tuple(moving)

    def vjp(arrays: dict[str, Any]) -> tuple[Array, ...]:
        forward = LocalStats(mean=arrays.pop("mean"), log_mass=arrays.pop("log_mass"))
        found = vicinal.local_mean_vjp(forward=forward, wrt=names, **arrays, **call.options)
        pairs = ((np.asarray(getattr(found, name)), arrays[name]) for name in names)
        return tuple(one.astype(array.dtype).reshape(array.shape) for one, array in pairs)

    def compute(arrays: dict[str, Any]) -> Any:
        return call.each(_numpy(arrays), True, vjp)

    shapes = tuple(jax.ShapeDtypeStruct(array.shape, array.dtype) for array in moving.values())
    arrays = {"grad": grad, "mean": mean, "log_mass": log_mass, **moving, **fixed}
    found = jax.pure_callback(compute, shapes, arrays, vmap_method="expand_dims")
    return dict(zip(names, found, strict=True)), None


_mean.defvjp(_forward, _backward)


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


def _traced(given: dict[str, jax.Array], options: dict[str, Any]) -> _Call:
    """Check all that shapes and types can tell, in the words of `vicinal.local_mean`."""
    policies = {name: options[name] for name in ("tol", "empty", "nan_policy", "num_threads")}
    Request(**policies)
    blank = {name: _blank(name, array) for name, array in given.items()}
    if "bandwidth" in given and not isinstance(given["bandwidth"], jax.core.Tracer):
        blank["bandwidth"] = np.asarray(given["bandwidth"])  # whose numbers are known
    rest = {name: option for name, option in options.items() if name not in policies}
    problem = prepare(**{"bandwidth": None} | rest | blank)
    sizes = problem.m, problem.p
    return _Call(problem.lead, *sizes, problem.one_value, problem.dtype, options)


def _blank(name: str, array: jax.Array) -> Array:
    # An array of this shape in the memory of one row, which `prepare` does not copy.
    row = np.full(array.shape[-1:], name in ("bandwidth", "mask"), np.dtype(array.dtype))
    return np.broadcast_to(row, array.shape)
