"""Local means of dask arrays: an accumulator per pair of chunks, merged over the keys."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array
from vicinal.graph import as_neighbor_set
from vicinal.kernels.lowering import fill
from vicinal.merging import merge_all
from vicinal.partial import LocalMeanAccumulator
from vicinal.partial_state import Layout
from vicinal.per_row import as_self_indices

try:
    import dask
    import dask.array as da
except ImportError as error:
    raise ImportError("vicinal.dask needs dask: pip install 'vicinal[dask]'") from error

from vicinal.dask_arrays import as_dask, as_function, check_options, given_points, layout_of

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.neighbor_sets import NeighborSet
    from vicinal.problem import Bias, Neighborhood

__all__ = ["local_mean"]

# Accumulators that one task merges. A power of two: aligned groups of it are subtrees of the tree
# of `merge_all`, so that grouping does not change the bits.
GROUP = 8

# The last axes of each array: queries i, keys j, features f, value columns p. Leading axes are
# numbered. In the order of `_accumulate`.
AXES = {
    "queries": "if",
    "keys": "jf",
    "values": "jp",
    "weights": "j",
    "log_weights": "j",
    "bias": "ij",
    "mask": "ij",
    "self_indices": "i",
}


def local_mean(
    queries: ArrayLike | da.Array | None,
    keys: ArrayLike | da.Array | None,
    values: ArrayLike | da.Array,
    *,
    kernel: str | Kernel = "gaussian",
    bandwidth: ArrayLike | None = None,
    metric: Metric | None = None,
    neighbors: Neighborhood = None,
    weights: ArrayLike | da.Array | None = None,
    log_weights: ArrayLike | da.Array | None = None,
    bias: ArrayLike | da.Array | Bias | None = None,
    mask: ArrayLike | da.Array | None = None,
    exclude_self: bool = False,
    self_indices: ArrayLike | da.Array | None = None,
    tol: float = 0.0,
    empty: str | float = "nan",
    nan_policy: str = "propagate",
    num_threads: int | None = None,
) -> da.Array:
    """Average the values of the keys near each query, chunk by chunk.

    As `vicinal.local_mean`; nothing is computed before the result is. Row numbers are those of the
    whole arrays.

    Parameters
    ----------
    queries : dask or numpy array of shape (..., m, d)
        The points asked about; their features in one chunk.
    keys : dask or numpy array of shape (..., n, d)
        The neighbors' positions; their features in one chunk.
    values : dask or numpy array of shape (..., n, p) or (..., n)
        What is averaged; its columns in one chunk.
    kernel, bandwidth, metric
        As in `vicinal.local_mean`.
    neighbors : set of neighbors, optional
        Which keys each query sees, by the rows of the whole arrays, as in `vicinal.local_mean`.
        Every set but `KNearest`, which needs all keys at once. With a `Graph` of distances or
        weights queries and keys may be None: they then come in the chunks of `values`.
    weights, log_weights : dask or numpy array of shape (..., n), optional
        As in `vicinal.local_mean`.
    bias : dask or numpy array broadcastable to (..., m, n), or callable, optional
        As in `vicinal.local_mean`; a callable gets row numbers of the whole arrays, and several
        tasks may call it at once.
    mask : dask or numpy array of bool broadcastable to (..., m, n), optional
        True = the key is used.
    exclude_self : bool
        Leave out each query's own key.
    self_indices : dask or numpy array of int, shape (..., m), optional
        Each query's own key in the whole of `keys`, −1 = none; the row numbers if m = n, else
        required where it matters.
    tol : float
        Must be 0: what may be left out depends on all keys at once.
    empty : {"nan", "zero", "raise"} or float
        What a query without any weight gets; "raise" raises when its chunk is computed.
    nan_policy : {"propagate"}
        As in `vicinal.local_mean`; the other policies are for arrays in memory.
    num_threads : int, optional
        Threads of one task, −1 = all; None is one, because dask runs a task per core. The result
        does not depend on it.

    Returns
    -------
    dask array of shape (..., m, p) or (..., m)
        In the chunks of `queries`, and in the result type of the floating arrays among `queries`,
        `keys` and `values`.

    Raises
    ------
    ValueError, TypeError
        As `vicinal.local_mean`, at once for shapes and types, for numbers in the arrays when they
        are computed; and for chunks of unknown size or that cut features or columns.
    ImportError
        On import of this module, if dask is not installed.

    Notes
    -----
    Each chunk of queries meets each chunk of keys in a `vicinal.LocalMeanAccumulator`, and
    `vicinal.partial.merge_all` merges those of one chunk of queries in the order of the keys. So
    the bits depend on the chunks of `keys` alone, and equal those of one process that does the
    same. The other arrays are cut to the chunks of `queries` and `keys`; a numpy array is one
    chunk. A set of neighbors travels whole, once to each worker. `out` and `progress` have no place
    here, because nothing is computed yet.

    Examples
    --------
    >>> import dask.array as da, vicinal as vc
    >>> keys = da.arange(6.0, chunks=2)
    >>> vc.dask.local_mean([[2.0]], keys[:, None], keys, kernel="uniform", bandwidth=1.5).compute()
    array([2.])
    """
    check_options(tol, empty, nan_policy, num_threads, bandwidth)
    bias_of = as_function(bias)
    near = None if neighbors is None else as_neighbor_set(neighbors)
    queries, keys = given_points(near, queries, keys, values)
    required = {"queries": queries, "keys": keys, "values": values}
    optional = {
        "weights": weights,
        "log_weights": log_weights,
        "bias": None if bias_of else bias,
        "mask": mask,
        "self_indices": self_indices,
    }
    given = required | {name: array for name, array in optional.items() if array is not None}
    arrays = {name: as_dask(array, name) for name, array in given.items()}
    layout = layout_of(arrays, kernel, bandwidth, metric, near, exclude_self)
    if near is not None:
        near = near.anchored(arrays["queries"].shape[-2], arrays["keys"].shape[-2])
    weighs = near is None or near.edge_data != "weight"  # else the graph's numbers are the weights
    accumulate = partial(
        _accumulate,
        bias_of=bias_of,
        n_keys=arrays["keys"].shape[-2],
        kernel=fill(kernel, bandwidth, metric, arrays["keys"].shape[-1]) if weighs else "constant",
        exclude_self=bool(exclude_self),
        empty=empty,
        num_threads=1 if num_threads is None else num_threads,
    )
    return _means(_accumulators(arrays, layout, accumulate, near), layout)


def _accumulators(
    arrays: dict[str, da.Array],
    layout: Layout,
    accumulate: partial[Any],
    near: NeighborSet | None,
) -> da.Array:
    # One accumulator per block of (leading axes, queries, keys), as an array of objects.
    labels = {name: _labels(name, array.ndim, layout) for name, array in arrays.items()}
    chunks = {"i": arrays["queries"].chunks[-2], "j": arrays["keys"].chunks[-2]}
    sizes = dict(zip(_lead(layout), layout.lead, strict=True))
    for name, array in arrays.items():
        for label, size, cut in zip(labels[name], array.shape, array.chunks, strict=True):
            if size == sizes.get(label):
                chunks.setdefault(label, cut)
    operands: list[Any] = []
    for name in AXES:
        if name in arrays:
            operands += [_cut(arrays[name], labels[name], chunks), labels[name]]
        else:
            operands += [None, None]
    for label in "ij":  # where each chunk starts, one number per chunk
        starts = np.cumsum((0, *chunks[label][:-1]))
        operands += [da.from_array(starts, 1), label]
    return da.blockwise(
        accumulate,
        (*sizes, "i", "j"),
        *operands,
        token="local-mean-accumulate",
        align_arrays=False,
        adjust_chunks=chunks,
        dtype=object,
        meta=np.empty((0,) * (len(sizes) + 2), object),
        # One object that all tasks share.
        near=None if near is None else dask.delayed(near, pure=True, traverse=False),
    )


def _means(accumulators: da.Array, layout: Layout) -> da.Array:
    rows = (*_lead(layout), "i")
    merged = da.reduction(
        accumulators,
        _merge,
        _merge,
        axis=-1,
        dtype=object,
        split_every=GROUP,
        concatenate=False,
        name="local-mean-merge",
        meta=np.empty((0,) * len(rows), object),
    )
    columns = {} if layout.one_value else {"p": layout.p}
    return da.blockwise(
        _mean,
        (*rows, *columns),
        merged,
        rows,
        new_axes=columns,
        token="local-mean",
        dtype=layout.dtype,
        meta=np.empty((0,) * (len(rows) + len(columns)), layout.dtype),
    )


def _lead(layout: Layout) -> tuple[str, ...]:
    return tuple(str(axis) for axis in range(len(layout.lead)))


def _labels(name: str, ndim: int, layout: Layout) -> tuple[str, ...]:
    own = "j" if name == "values" and layout.one_value else AXES[name]
    labels = (*_lead(layout), *own)
    return labels[len(labels) - ndim :]


def _cut(array: da.Array, labels: tuple[str, ...], chunks: dict[str, tuple[int, ...]]) -> da.Array:
    # An axis of size 1 is broadcast and stays one block.
    wanted = {
        axis: chunks[label]
        for axis, label in enumerate(labels)
        if label in chunks and array.shape[axis] != 1
    }
    return array.rechunk(wanted)


def _accumulate(
    queries: list[Array],
    keys: list[Array],
    values: Array | list[Array],
    weights: Array | None,
    log_weights: Array | None,
    bias: Array | None,
    mask: Array | None,
    self_indices: Array | None,
    first_row: Array,
    first_key: Array,
    *,
    bias_of: Bias | None,
    n_keys: int,
    exclude_self: bool,
    near: NeighborSet | None,
    **settings: Any,
) -> LocalMeanAccumulator:
    # blockwise gives lists where an axis (features, value columns) ends here: of one chunk each.
    (q,), (x,), y = queries, keys, values[0] if isinstance(values, list) else values
    m, row = q.shape[-2], int(first_row[0])
    own = None
    if self_indices is not None:
        own = as_self_indices(self_indices, m, n_keys, required=False)
    elif exclude_self:
        own = np.arange(row, row + m)
    accumulator = LocalMeanAccumulator(
        q,
        neighbors=near,
        query_offset=row,
        exclude_self=exclude_self,
        self_indices=own,
        **settings,
    )
    accumulator.update(
        x,
        y,
        key_offset=int(first_key[0]),
        weights=weights,
        log_weights=log_weights,
        bias=bias if bias_of is None else bias_of,
        mask=mask,
    )
    return accumulator._without_neighbors()


def _merge(accumulators: Any, **_: Any) -> LocalMeanAccumulator:
    # `reduction` hands over single ones first, then lists.
    return merge_all(accumulators) if isinstance(accumulators, list) else accumulators


def _mean(accumulator: LocalMeanAccumulator) -> Array | None:
    return accumulator.result().mean
