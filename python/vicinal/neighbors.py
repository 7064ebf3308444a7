"""Exact search: the k nearest keys of every query, or all keys within a radius."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vicinal.arrays import Array, as_array, as_index, as_points, as_rows, working_dtype
from vicinal.key_index import KeyIndex, as_index_of
from vicinal.per_row import as_self_indices
from vicinal.progress import reporter
from vicinal.threads import resolve_num_threads

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from vicinal.arrays import ArrayLike
    from vicinal.kernels.metrics import Metric
    from vicinal.progress import Report

__all__ = ["Neighbors", "knn", "radius_neighbors"]


@dataclass(frozen=True, eq=False, repr=False)
class Neighbors:
    """Keys near every query, nearest first, ties by row; unpacks as ``distances, indices``.

    Parameters
    ----------
    distances : ndarray of shape (m, k), or flat
        Distances in the metric, not squared.
    indices : ndarray of int64 of the same shape
        Rows of the keys; −1 (at distance +inf, or NaN for a query that holds NaN) where there are
        fewer than k.
    indptr : ndarray of int64 of shape (m + 1,), or None
        Of a search by radius, whose lists stand one after the other: the neighbors of query i are
        those from ``indptr[i]`` to ``indptr[i + 1]``.
    n_keys : int
        How many keys there were to find.

    Examples
    --------
    >>> import vicinal as vc
    >>> distances, indices = vc.knn([[0.4]], [[0.0], [1.0]], 1)
    >>> distances, indices
    (array([[0.4]]), array([[0]]))
    """

    distances: Array
    indices: Array
    indptr: Array | None = None
    n_keys: int = 0

    def __iter__(self) -> Iterator[Array]:
        yield self.distances
        yield self.indices

    def __len__(self) -> int:
        return len(self.indices) if self.indptr is None else len(self.indptr) - 1

    def __repr__(self) -> str:
        flat = self.indptr is not None
        found = f"{len(self.indices)} in all" if flat else f"k={self.indices.shape[-1]}"
        return f"Neighbors({len(self)} queries, {found}, n_keys={self.n_keys})"

    def to_csr(self) -> csr_array:
        """Return the distances as a sparse matrix of shape (m, n_keys), entries nearest first.

        Returns
        -------
        scipy.sparse.csr_array
            A neighbor at distance 0 is a stored zero.

        Examples
        --------
        >>> import vicinal as vc
        >>> vc.knn([[0.4]], [[0.0], [1.0]], 1).to_csr().toarray()
        array([[0.4, 0. ]])
        """
        from scipy.sparse import csr_array

        if self.indptr is not None:
            data, indices, indptr = self.distances, self.indices, self.indptr
        else:
            found = self.indices >= 0
            data, indices = self.distances[found], self.indices[found]
            indptr = np.concatenate([[0], np.cumsum(found.sum(axis=1))])
        return csr_array((data, indices, indptr), shape=(len(self), self.n_keys))


def knn(
    queries: ArrayLike,
    keys: ArrayLike | KeyIndex,
    k: int,
    *,
    metric: Metric | None = None,
    exclude_self: bool = False,
    self_indices: ArrayLike | None = None,
    num_threads: int | None = None,
    progress: bool | Report = False,
) -> Neighbors:
    """Find the k nearest keys of every query, exactly.

    Parameters
    ----------
    queries : array_like of shape (m, d)
        The points asked about.
    keys : array_like of shape (n, d), or KeyIndex
        The points to be found; an index where there will be more than one call.
    k : int
        How many, 1 to n.
    metric : str, GreatCircle or Mahalanobis, optional
        "euclidean" (default; an index has its own), "manhattan", "chebyshev", "haversine"
        (latitude and longitude in radians), "cosine" (1 − cos), "dot" (−q·x).
    exclude_self : bool
        Leave out each query's own key.
    self_indices : array_like of int of shape (m,), optional
        Each query's own key, −1 = none; the row numbers if m = n.
    num_threads : int, optional
        Threads of this call, −1 = all; None is `get_num_threads`. The result does not depend on it.
    progress : bool or callable
        True shows a bar; or a function of the finished fraction.

    Returns
    -------
    Neighbors
        `distances` and `indices` of shape (m, k), in the result type of `queries` and `keys`.

    Raises
    ------
    ValueError
        For k > n, keys that hold NaN, shapes that do not fit.
    TypeError
        For arrays that are not real numbers on the CPU.

    Notes
    -----
    Exact whatever the type: keys are ordered by their distance from differences in double, then
    by row, so every method gives this one answer. A query that holds NaN finds nothing, a key with
    an infinite coordinate is not found.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> distances, indices = vc.knn([[0.9]], np.array([[0.0], [1.0], [5.0]]), 2)
    >>> indices
    array([[1, 0]])
    """
    search = _Search(queries, keys, metric, exclude_self, self_indices, num_threads)
    count = as_index(k, "k")
    if not 1 <= count <= len(search.index):
        raise ValueError(
            f"k must be 1 to the number of keys ({len(search.index)}), got {count}; ask for fewer"
        )
    shape = (len(search.queries), count)
    distances = np.empty(shape, search.queries.dtype)
    indices = np.empty(shape, np.int64)
    if len(search.queries) == 0:
        return Neighbors(distances, indices, None, len(search.index))
    with reporter(progress) as report:
        search.index._core.knn(
            search.queries,
            distances,
            indices,
            self_indices=search.own,
            exclude_self=search.exclude_self,
            num_threads=search.num_threads,
            progress=report,
        )
    return Neighbors(distances, indices, None, len(search.index))


def radius_neighbors(
    queries: ArrayLike,
    keys: ArrayLike | KeyIndex,
    radius: float,
    *,
    metric: Metric | None = None,
    exclude_self: bool = False,
    self_indices: ArrayLike | None = None,
    num_threads: int | None = None,
    progress: bool | Report = False,
) -> Neighbors:
    """Find all keys at most `radius` away from every query, exactly.

    Parameters
    ----------
    queries : array_like of shape (m, d)
        The points asked about.
    keys : array_like of shape (n, d), or KeyIndex
        The points to be found; an index where there will be more than one call.
    radius : float
        At least 0, the ball is closed; for "dot" any number.
    metric, exclude_self, self_indices, num_threads, progress
        As in `knn`.

    Returns
    -------
    Neighbors
        Flat `distances` and `indices` with `indptr`: memory grows with the neighbors found.

    Raises
    ------
    ValueError
        For a negative radius or NaN, keys that hold NaN, shapes that do not fit.
    TypeError
        For arrays that are not real numbers on the CPU.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> found = vc.radius_neighbors([[0.9], [7.0]], np.array([[0.0], [1.0], [5.0]]), 1.0)
    >>> found.indices, found.indptr
    (array([1, 0]), array([0, 2, 2]))
    """
    search = _Search(queries, keys, metric, exclude_self, self_indices, num_threads)
    size = float(as_array(radius, "radius"))
    if np.isnan(size) or (size < 0 and search.index.metric != "dot"):
        raise ValueError(f"radius must be at least 0, got {size}")
    with reporter(progress) as report:
        distances, indices, indptr = search.index._core.radius_neighbors(
            search.queries,
            size,
            self_indices=search.own,
            exclude_self=search.exclude_self,
            num_threads=search.num_threads,
            progress=report,
        )
    return Neighbors(distances, indices, indptr, len(search.index))


class _Search:
    """The arguments that both searches share, checked."""

    def __init__(
        self,
        queries: ArrayLike,
        keys: ArrayLike | KeyIndex,
        metric: Metric | None,
        exclude_self: bool,
        self_indices: ArrayLike | None,
        num_threads: int | None,
    ) -> None:
        points = as_points(queries, "queries")
        known = keys.keys if isinstance(keys, KeyIndex) else as_points(keys, "keys")
        if points.ndim != 2 or known.ndim != 2 or points.shape[1] != known.shape[1]:
            raise ValueError(
                f"queries must be (m, d) and keys (n, d), got shapes {points.shape} and "
                f"{known.shape}"
            )
        if metric is None:
            metric = keys.metric if isinstance(keys, KeyIndex) else "euclidean"
        dtype = working_dtype(points, known)
        self.exclude_self = bool(exclude_self)
        self.own = as_self_indices(self_indices, len(points), len(known), required=exclude_self)
        self.num_threads = resolve_num_threads(num_threads)
        self.queries = as_rows(points, dtype)
        self.index = as_index_of(keys, metric, dtype, num_threads)
