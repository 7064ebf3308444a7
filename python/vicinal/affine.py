"""Weights of neighbors that sum to 1 and reproduce a point: those of locally linear embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal import _core
from vicinal.arrays import Array, as_array, as_points, as_rows, working_dtype
from vicinal.graph import Graph
from vicinal.neighbors import Neighbors
from vicinal.threads import resolve_num_threads

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from vicinal.arrays import ArrayLike

__all__ = ["affine_weights", "lle_weights"]

RIDGES = ("trace", "distance")


def lle_weights(
    keys: ArrayLike,
    neighbors: Neighbors | Graph | ArrayLike | Any,
    *,
    reg: float = 1e-3,
    num_threads: int | None = None,
) -> csr_array:
    r"""Weigh the neighbors of every key so that their mean with these weights is the key.

    Row i minimises ``‖xᵢ − Σⱼ wᵢⱼ xⱼ‖² + reg · tr(G) · Σⱼ wᵢⱼ²`` with ``Σⱼ wᵢⱼ = 1``, where
    ``G = (xⱼ − xᵢ)·(xₗ − xᵢ)`` is the Gram matrix of its neighbors j, l (Roweis & Saul, 2000).

    Parameters
    ----------
    keys : array_like of shape (n, d)
        The points.
    neighbors : Neighbors, array_like of int of shape (n, k), Graph or sparse matrix of shape (n, n)
        The neighbors of every key: what `knn` or `radius_neighbors` returned, rows of keys (−1 is
        skipped), or a graph, of which only the pattern is read. A key is no neighbor of its own:
        it is skipped too.
    reg : float
        Regularisation as a share of the trace of G, at least 0. With 0 a singular G (more neighbors
        than features, duplicates) gets 1e-10 of its trace.
    num_threads : int, optional
        Threads of this call, −1 = all; None is `get_num_threads`. The result does not depend on it.

    Returns
    -------
    csr_array of shape (n, n)
        The weights, of either sign, in the order of the neighbors, in the dtype of `keys`. Every
        row with a neighbor sums to 1.

    Raises
    ------
    ValueError
        For neighbors that do not fit the keys, and a `reg` that is negative or not finite.
    TypeError
        For arrays that are not real numbers on the CPU.

    Notes
    -----
    Everything is computed in double. The regularisation is scikit-learn's; where all neighbors
    coincide with the key (a trace of 0) their weights are equal. A row that meets NaN or an
    infinite coordinate is NaN. Memory beyond the result is k² numbers per thread.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> keys = np.array([[0.0], [1.0], [4.0]])
    >>> weights = vc.lle_weights(keys, vc.knn(keys, keys, 2, exclude_self=True), reg=1e-9)
    >>> weights.toarray().round(6)[1]
    array([0.75, 0.  , 0.25])
    >>> (weights @ keys[:, 0]).round(6)
    array([0., 1., 4.])
    """
    from scipy.sparse import csr_array

    x = as_points(keys, "keys")
    if x.ndim != 2:
        raise ValueError(f"keys must be (n, d), got shape {x.shape}")
    n = len(x)
    points = as_rows(x, working_dtype(x))
    indptr, indices = _without_own(*_lists_of(neighbors, n))
    weights = np.empty(len(indices), points.dtype)
    _core.affine_lists(
        points,
        points,
        indptr,
        indices,
        weights,
        reg=as_reg(reg),
        num_threads=resolve_num_threads(num_threads),
    )
    return csr_array((weights, indices, indptr), shape=(n, n))


def affine_weights(
    queries: Array,
    keys: Array,
    indices: Array,
    *,
    reg: float = 1e-3,
    ridge: str = "trace",
    num_threads: int | None = None,
) -> Array:
    """Weigh given keys so that their mean with these weights is the query.

    Parameters
    ----------
    queries : ndarray of shape (m, d)
        The points to reproduce.
    keys : ndarray of shape (n, d)
        The points that reproduce them.
    indices : ndarray of int of shape (m, k)
        Rows of keys, −1 is skipped.
    reg : float
        Regularisation, at least 0.
    ridge : {"trace", "distance"}
        The penalty of ``w²`` for a key at distance dⱼ: ``reg · Σ d²``, or ``reg · k · d²ⱼ``, in
        total as much. With "distance" the weight of a key tends to 1 as the query comes close
        to it, and keys that coincide with the query share all weight.
    num_threads : int, optional
        As in `lle_weights`.

    Returns
    -------
    ndarray of shape (m, k)
        Rows that sum to 1 (0 at −1); NaN where a row meets NaN or an infinite coordinate.

    Notes
    -----
    A ridge that vanishes at a key but is the same for all (``reg · k · least d²``) would not make
    the weights continuous there: where other keys, on both sides of the query, have it for their
    mean, weight on them costs as little as weight on the near key.
    """
    if ridge not in RIDGES:
        raise ValueError(f"ridge must be one of {', '.join(RIDGES)}, got {ridge!r}")
    dtype = working_dtype(queries, keys)
    q, x = as_rows(queries, dtype), as_rows(keys, dtype)
    rows = as_rows(indices, np.dtype(np.int64))
    weights = np.empty(rows.shape, dtype)
    if rows.size:
        _core.affine_weights(
            q,
            x,
            rows,
            weights,
            reg=as_reg(reg),
            ridge=ridge,
            num_threads=resolve_num_threads(num_threads),
        )
    return weights


def as_reg(reg: float) -> float:
    """Return a checked regularisation."""
    value = float(as_array(reg, "reg"))
    if not 0 <= value < np.inf:
        raise ValueError(f"reg must be finite and at least 0, got {value}; 1e-3 is usual")
    return value


def _lists_of(neighbors: Any, n: int) -> tuple[Array, Array]:
    """Return (indptr, indices) of what `neighbors` means for n keys; −1 may stand in it."""
    if isinstance(neighbors, Neighbors) and neighbors.indptr is not None:
        shape, lists = (len(neighbors), neighbors.n_keys), (neighbors.indptr, neighbors.indices)
    elif isinstance(neighbors, Graph):
        shape, lists = neighbors.shape, (neighbors.indptr, neighbors.indices)
    elif hasattr(neighbors, "tocsr"):
        graph = Graph(neighbors, data="pattern")
        shape, lists = graph.shape, (graph.indptr, graph.indices)
    else:
        return _lists_of_indices(neighbors, n)
    if shape != (n, n):
        raise ValueError(f"neighbors must be those of {n} keys among themselves, got {shape}")
    return as_rows(lists[0], np.dtype(np.int64)), as_rows(lists[1], np.dtype(np.int64))


def _lists_of_indices(neighbors: Any, n: int) -> tuple[Array, Array]:
    found = neighbors.indices if isinstance(neighbors, Neighbors) else neighbors
    rows = as_array(found, "neighbors")
    if rows.ndim != 2 or rows.dtype.kind not in "iu" or len(rows) != n:
        raise ValueError(
            f"neighbors must be whole numbers of shape ({n}, k), a row per key, got {rows.dtype} "
            f"of shape {rows.shape}"
        )
    if rows.size and (rows.min() < -1 or rows.max() >= n):
        raise ValueError(
            f"neighbors must be -1 (skipped) or below the number of keys ({n}), got {rows.min()} "
            f"... {rows.max()}"
        )
    k = rows.shape[1]
    indices = as_rows(rows, np.dtype(np.int64)).reshape(-1)
    return np.arange(n + 1, dtype=np.int64) * k, indices


def _without_own(indptr: Array, indices: Array) -> tuple[Array, Array]:
    """Leave out −1 and each row's own key."""
    owner = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    kept = (indices >= 0) & (indices != owner)
    if kept.all():
        return indptr, indices
    before = np.concatenate([[0], np.cumsum(kept)])
    return before[indptr], indices[kept]
