"""Given lists of neighbors, as a sparse matrix or as the indices that a search returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal import _core
from vicinal.arrays import Array, as_array, as_index, converted, working_dtype
from vicinal.neighbor_sets import NeighborSet, frozen
from vicinal.neighbors import Neighbors

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric

__all__ = ["Graph", "as_neighbor_set", "edges_of", "take_graph"]

DATA = ("pattern", "distance", "weight")


class Graph(NeighborSet):
    """Query i sees the keys that row i of a sparse matrix stores. Stored zeros are edges.

    Parameters
    ----------
    csr : sparse matrix or array of shape (m, n)
        One row per query, one column per key. It is copied: what becomes of it later is no matter.
    data : {"pattern", "distance", "weight"}
        What the stored numbers are: nothing that counts, the kernel weighs the pairs; distances,
        u = distance / bandwidth; or the weights themselves, of either sign, without any kernel.
        With "distance" and "weight" queries and keys may be None.
    check_graph : bool
        Whether to look through the matrix (column numbers in range, rows in order, distances ≥ 0)
        when it is copied. One that is broken and not checked reads memory that is not its own.

    Raises
    ------
    ValueError
        For an unknown `data`, a matrix whose rows are not in order or whose columns are out of
        range, and for distances that are negative or NaN.

    Examples
    --------
    >>> import numpy as np, scipy.sparse, vicinal as vc
    >>> edges = scipy.sparse.csr_array([[0.5, 0.5, 0.0], [0.0, -1.0, 3.0]])
    >>> given = vc.Graph(edges, data="weight")
    >>> vc.local_mean(None, None, np.array([0.0, 2.0, 4.0]), neighbors=given)
    array([1., 5.])
    """

    def __init__(self, csr: Any, *, data: str, check_graph: bool = True) -> None:
        if data not in DATA:
            raise ValueError(f"data must be one of {', '.join(DATA)}, got {data!r}")
        if not hasattr(csr, "tocsr"):
            raise TypeError(
                f"csr must be a sparse matrix, got {type(csr).__name__}; indices of neighbors are "
                "Graph.from_indices(indices, n_keys)"
            )
        matrix = csr.tocsr()
        if check_graph:
            _check(matrix)
        if data == "pattern" and not matrix.has_canonical_format:  # an edge counts once
            matrix = matrix.copy()
            matrix.sum_duplicates()
        self._shape = (int(matrix.shape[0]), int(matrix.shape[1]))
        self._data = data
        self.indptr = frozen(matrix.indptr, np.dtype(np.int64))
        short = self._shape[1] <= np.iinfo(np.int32).max  # half the memory to read
        self.indices = frozen(matrix.indices, np.dtype(np.int32 if short else np.int64))
        self.edges, self._negative = None, False
        if data != "pattern":
            numbers = as_array(matrix.data, "the graph's data")
            self.edges = frozen(numbers, numbers.dtype)
            self._negative = data == "weight" and bool((numbers < 0).any())
        if check_graph and data == "distance" and not (numbers >= 0).all():
            wrong = numbers[~(numbers >= 0)]
            raise ValueError(f"distances of the graph must be at least 0, got {wrong[0]}")

    @classmethod
    def from_indices(
        cls, indices: ArrayLike, n_keys: int, distances: ArrayLike | None = None
    ) -> Graph:
        """Make a graph of the result of a nearest-neighbor search.

        Parameters
        ----------
        indices : array_like of int of shape (m, k)
            Rows of the keys near each query, as faiss, pynndescent, usearch, hnswlib and
            scikit-learn return them; −1 is skipped.
        n_keys : int
            How many keys there are.
        distances : array_like of shape (m, k), optional
            Their distances, which the kernel then takes; faiss returns squared ones: pass their
            root. None: the kernel weighs the pairs by their coordinates.

        Returns
        -------
        Graph

        Examples
        --------
        >>> import vicinal as vc
        >>> vc.Graph.from_indices([[0, 2], [1, -1]], n_keys=3)
        Graph(2 queries, 3 keys, 3 edges, data='pattern')
        """
        from scipy.sparse import csr_array

        rows = as_array(indices, "indices")
        if rows.ndim != 2 or rows.dtype.kind not in "iu":
            raise ValueError(
                f"indices must be whole numbers of shape (m, k), got {rows.dtype} of shape "
                f"{rows.shape}"
            )
        n = as_index(n_keys, "n_keys")
        if rows.size and (rows.min() < -1 or rows.max() >= n):
            raise ValueError(
                f"indices must be -1 (skipped) or below n_keys = {n}, got {rows.min()} ... "
                f"{rows.max()}"
            )
        found = rows >= 0
        data = np.ones(1)
        if distances is not None:
            data = as_array(distances, "distances")
            if data.shape != rows.shape:
                raise ValueError(
                    f"distances must have the shape of indices, {rows.shape}, got {data.shape}"
                )
            data = data[found]
        indptr = np.concatenate([[0], np.cumsum(found.sum(axis=1))])
        columns = rows[found].astype(np.int64)
        numbers = np.broadcast_to(data, columns.shape)
        matrix = csr_array((numbers, columns, indptr), shape=(len(rows), n))
        return cls(matrix, data="pattern" if distances is None else "distance")

    @property
    def shape(self) -> tuple[int, int]:
        """(queries, keys)."""
        return self._shape

    @property
    def sizes(self) -> tuple[int, int]:
        return self._shape

    @property
    def edge_data(self) -> str:
        return self._data

    def lower(
        self, m: int, n: int, dtype: np.dtype[Any], *, piece: bool = False
    ) -> _core.NeighborSet:
        if (m > self._shape[0] or n > self._shape[1]) if piece else self._shape != (m, n):
            raise ValueError(
                f"the graph is {self._shape[0]} queries × {self._shape[1]} keys, but there are {m} "
                f"queries and {n} keys"
            )
        edges = self.edges
        if edges is not None and not (edges.dtype == dtype and edges.flags.c_contiguous):
            given, edges = edges, converted(edges, dtype)
            if not np.array_equal(np.isfinite(edges), np.isfinite(given)):
                raise ValueError(
                    f"the graph's numbers do not fit {dtype}, in which this call computes; pass "
                    "float64 values or points"
                )
        return _core.NeighborSet.graph(self.indptr, self.indices, edges, self._data, self._negative)

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Graph)
            and (self._shape, self._data) == (other._shape, other._data)
            and np.array_equal(self.indptr, other.indptr)
            and np.array_equal(self.indices, other.indices)
            and (self.edges is None or np.array_equal(self.edges, edges_of(other)))
        )

    def __hash__(self) -> int:
        return hash((self._shape, self._data, len(self.indices)))

    def __repr__(self) -> str:
        m, n = self._shape
        return f"Graph({m} queries, {n} keys, {len(self.indices)} edges, data={self._data!r})"


def _check(matrix: Any) -> None:
    """Refuse a matrix whose arrays do not fit together, before anything reads it by them."""
    indptr, indices, (m, n) = matrix.indptr, matrix.indices, matrix.shape
    ordered = len(indptr) == m + 1 and indptr[0] == 0 and (np.diff(indptr) >= 0).all()
    if not (ordered and indptr[-1] == len(indices) == len(matrix.data)):
        raise ValueError(
            f"indptr of the graph must begin with 0, never fall and end with {len(indices)}, the "
            "number of its entries"
        )
    if len(indices) and not (indices.min() >= 0 and indices.max() < n):
        raise ValueError(
            f"indices of the graph must lie in [0, {n}), got {indices.min()} ... {indices.max()}"
        )


def as_neighbor_set(neighbors: Any) -> NeighborSet:
    """Return the set that an argument `neighbors` means."""
    if isinstance(neighbors, NeighborSet):
        return neighbors
    if isinstance(neighbors, Neighbors):
        return Graph(neighbors.to_csr(), data="pattern")
    if hasattr(neighbors, "tocsr"):
        raise ValueError(
            "neighbors is a bare sparse matrix; say what its numbers are: "
            'vc.Graph(csr, data="pattern"), "distance" or "weight"'
        )
    raise TypeError(
        "neighbors must be None, a set such as vc.KNearest(16), or what vc.knn returned; got "
        f"{type(neighbors).__name__}"
    )


def edges_of(neighbors: NeighborSet) -> Array:
    """Return the numbers of the graph in a set that has one."""
    if isinstance(neighbors, Graph) and neighbors.edges is not None:
        return neighbors.edges
    for part in (getattr(neighbors, "a", None), getattr(neighbors, "b", None)):
        if part is not None and part.edge_data != "pattern":
            return edges_of(part)
    raise ValueError("the set has no numbers")


def take_graph(
    near: NeighborSet,
    queries: ArrayLike | None,
    keys: ArrayLike | None,
    values: ArrayLike | None,
    kernel: str | Kernel,
    bandwidth: object,
    metric: Metric | None,
) -> tuple[ArrayLike, ArrayLike, str | Kernel]:
    """Return queries, keys and kernel of a problem whose pairs have numbers of their own."""
    if near.edge_data == "weight":
        plain = isinstance(kernel, str) and kernel in ("gaussian", "constant")
        if not plain or bandwidth is not None or metric is not None:
            raise ValueError(
                'the graph\'s numbers are the weights (data="weight"), so there is no kernel; drop '
                'kernel, bandwidth and metric, or give data="distance"'
            )
        kernel = "constant"
    if queries is not None and keys is not None:
        return queries, keys, kernel
    if near.needs_points:
        raise ValueError("queries and keys must be given: a set of neighbors reads coordinates")
    assert near.sizes is not None
    given = [as_array(a, "points") for a in (queries, keys) if a is not None]
    numbers = [*given, *([] if values is None else [as_array(values, "values")])]
    dtype = working_dtype(*(numbers or [edges_of(near)]))
    point = np.zeros((1, given[0].shape[-1] if given else 1), dtype)
    m, n = near.sizes
    return (
        np.broadcast_to(point, (m, point.shape[1])) if queries is None else queries,
        np.broadcast_to(point, (n, point.shape[1])) if keys is None else keys,
        kernel,
    )
