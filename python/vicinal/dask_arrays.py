"""What comes to `vicinal.dask`, checked by shape and type alone: nothing is computed here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import dask
import dask.array as da
import numpy as np

from vicinal.arrays import Array, as_array, working_dtype
from vicinal.bias import PositionBias
from vicinal.evaluate import Request
from vicinal.partial_state import Layout
from vicinal.per_row import one_key_per_query, one_per_key, refuse_other_keys, refuse_two_priors
from vicinal.problem import leading_shape, prepare

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.neighbor_sets import NeighborSet
    from vicinal.problem import Bias

__all__ = ["as_dask", "as_function", "check_options", "given_points", "layout_of"]


def check_options(
    tol: float, empty: str | float, nan_policy: str, num_threads: int | None, bandwidth: Any
) -> None:
    """Raise for options that are wrong, or that sums over pieces of the keys cannot serve."""
    Request(tol=tol, empty=empty, nan_policy=nan_policy, num_threads=num_threads)
    needs_all_keys = "which needs all keys at once; vicinal.local_mean takes it, for keys in memory"
    if tol > 0:
        raise ValueError(f"tol must be 0 for dask arrays, got {tol}, {needs_all_keys}")
    if empty == "nearest":
        raise ValueError(
            "empty must be 'nan', 'zero', 'raise' or a number for dask arrays, got 'nearest', "
            f"{needs_all_keys}"
        )
    if nan_policy != "propagate":
        raise ValueError(
            f"nan_policy must be 'propagate' for dask arrays, got {nan_policy!r}; "
            "weights=~dask.array.isnan(values) leaves the NaN of one value column out"
        )
    if dask.is_dask_collection(bandwidth):
        raise TypeError("bandwidth must be numbers, got a dask collection; call its .compute()")


def as_function(bias: Any) -> Bias | None:
    """Return a bias by rows and columns, callable or by positions; None for any other."""
    if isinstance(bias, PositionBias):
        return bias
    # A Delayed is callable, but no function of rows and columns.
    return bias if callable(bias) and not dask.is_dask_collection(bias) else None


def as_dask(value: Any, name: str) -> da.Array:
    """Return `value` as a dask array of known chunks; what is no dask array becomes one chunk."""
    if dask.is_dask_collection(value) and not isinstance(value, da.Array):
        raise TypeError(
            f"{name} must be a dask or numpy array, got a {type(value).__name__}; dataframes have "
            ".to_dask_array(lengths=True), xarray's objects .data"
        )
    array = value if isinstance(value, da.Array) else da.from_array(as_array(value, name), -1)
    if any(math.isnan(size) for size in array.shape):
        raise ValueError(
            f"{name} has chunks of unknown size, got shape {array.shape}; call "
            f"{name}.compute_chunk_sizes() first"
        )
    return array


def given_points(near: NeighborSet | None, queries: Any, keys: Any, values: Any) -> tuple[Any, Any]:
    """Return queries and keys; those that a graph of numbers makes needless, in chunks of `values`.

    Nothing is looked at: `layout_of` refuses a set that needs them.
    """
    if near is None or near.edge_data == "pattern" or (queries is not None and keys is not None):
        return queries, keys
    if near.needs_points or near.sizes is None:
        raise ValueError("queries and keys must be given: a set of neighbors reads coordinates")
    features = next((a.shape[-1] for a in (queries, keys) if hasattr(a, "shape")), 1)
    y = as_dask(values, "values")
    axis = 0 if y.ndim == 1 else -2

    def points(rows: int) -> da.Array:
        chunks = y.chunks[axis] if y.shape[axis] == rows else -1
        return da.zeros((rows, features), dtype=np.int8, chunks=(chunks, -1))

    m, n = near.sizes
    return points(m) if queries is None else queries, points(n) if keys is None else keys


def layout_of(
    arrays: dict[str, da.Array],
    kernel: str | Kernel,
    bandwidth: ArrayLike | None,
    metric: Metric | None,
    near: NeighborSet | None,
    exclude_self: bool,
) -> Layout:
    """Check all that shapes and types can tell, in the words of `vicinal.local_mean`."""
    dtypes = {name: _dtype(array, name) for name, array in arrays.items()}
    points = [np.zeros((), dtypes[name]) for name in ("queries", "keys", "values")]
    dtype = working_dtype(*points)
    one_value = arrays["values"].ndim < arrays["keys"].ndim
    zeros = {
        name: _zeros(array, dtypes[name])
        for name, array in arrays.items()
        if name not in ("queries", "keys", "values")
    }
    problem = prepare(
        _zeros(arrays["queries"], dtype, row=True),
        _zeros(arrays["keys"], dtype, row=True),
        _zeros(arrays["values"], dtype, row=not one_value),
        kernel=kernel,
        bandwidth=bandwidth,
        metric=metric,
        neighbors=near,
        bias=zeros.pop("bias", None),
        mask=zeros.pop("mask", None),
    )
    if near is not None:
        m, n = problem.m, problem.n
        near.anchored(m, n).lower(m, n, dtype, piece=True)
    _check_vectors(zeros, problem.m, problem.n, exclude_self)
    for name in ("queries", "keys") if one_value else ("queries", "keys", "values"):
        if (count := arrays[name].numblocks[-1]) > 1:
            raise ValueError(
                f"{name} must have its last axis in one chunk, got {count}; write "
                f"{name}.rechunk({{-1: -1}})"
            )
    lead = leading_shape({"queries": problem.queries}, dict(zeros))
    return Layout(lead, dtype, problem.p, problem.one_value)


def _check_vectors(zeros: dict[str, Array], m: int, n: int, exclude_self: bool) -> None:
    refuse_two_priors(zeros.get("weights"), zeros.get("log_weights"))
    for name in zeros.keys() - {"self_indices"}:
        one_per_key(zeros[name], name, n)
    if "self_indices" in zeros:
        one_key_per_query(zeros["self_indices"], m)
    elif exclude_self:
        refuse_other_keys(m, n)


def _dtype(array: da.Array, name: str) -> np.dtype[Any]:
    # What the numbers of a chunk will be; a TypeError for what are no real numbers.
    return as_array(np.zeros((), array.dtype), name).dtype


def _zeros(array: da.Array, dtype: np.dtype[Any], row: bool = False) -> Array:
    # An array of this shape in the memory of one number, or of one contiguous row: `prepare` copies
    # neither.
    return np.broadcast_to(np.zeros(array.shape[-1:] if row else (), dtype), array.shape)
