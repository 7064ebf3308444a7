"""Neighborhoods known by stored distances alone: classical scaling gives each its coordinates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from vicinal.affine import affine_weights
from vicinal.arrays import Array
from vicinal.models.neighborhoods import Neighborhoods, covering_indices

__all__ = ["Distances", "as_distances", "from_parts", "parts_of"]

_IN_WORK = 1 << 19  # numbers of coordinates held at once


def as_distances(X: Any, whom: str) -> csr_array:
    """Return distances as a sparse matrix with sorted rows; all entries of a dense one are kept.

    Raises
    ------
    ValueError
        For a distance that is negative or not finite.
    """
    if issparse(X):
        graph = csr_array(X, dtype=np.float64, copy=True)
        graph.sum_duplicates()
    else:
        m, n = X.shape
        dense = np.ascontiguousarray(X, dtype=np.float64)
        columns = np.tile(np.arange(n), m)
        graph = csr_array((dense.ravel(), columns, np.arange(m + 1) * n), shape=(m, n))
    if not np.isfinite(graph.data).all():
        raise ValueError("X must hold finite distances with metric='precomputed'")
    if graph.data.min(initial=0) < 0:
        raise ValueError(
            f"Negative values in data passed to {whom}: with metric='precomputed', X must hold "
            f"distances of at least 0, got {graph.data.min()}"
        )
    return graph


def parts_of(graph: csr_array) -> dict[str, Array]:
    """Return the arrays that a file holds."""
    indptr, indices = graph.indptr.astype(np.int64), graph.indices.astype(np.int64)
    return {"indptr": indptr, "indices": indices, "distances": graph.data}


def from_parts(parts: Mapping[str, Array]) -> csr_array:
    """Undo `parts_of`, for parts that may not fit together."""
    indptr, indices = parts["indptr"], parts["indices"]
    n = len(indptr) - 1
    graph = csr_array((parts["distances"], indices, indptr), shape=(n, n))
    graph.check_format(full_check=True)
    return as_distances(graph, "a model file")


@dataclass(frozen=True)
class DistanceNeighborhoods:
    """Neighborhoods of rows with given distances (m, k) to keys with stored distances."""

    distances: Array
    indices: Array
    stored: csr_array
    places: Array  # of what is stored, in the flat matrix; ascending
    num_threads: int | None = None

    def offsets(self, rows: slice) -> Array:
        """See `Neighborhoods`: coordinates from the Gram matrix ½(dᵢₐ² + dᵢᵦ² − dₐᵦ²).

        Its negative eigenvalues, of distances that are not Euclidean, are taken as 0 (Torgerson,
        1952).
        """
        squares = self.distances[rows] ** 2
        between = self._between(self.indices[rows]) ** 2
        gram = (squares[:, :, None] + squares[:, None, :] - between) / 2
        values, vectors = np.linalg.eigh(gram)
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0))[:, None, :])

    def weights(self, reg: float, ridge: str = "trace") -> Array:
        """See `Neighborhoods`."""
        m, k = self.indices.shape
        weights = np.empty((m, k))
        step = max(1, _IN_WORK // k**2)
        for start in range(0, m, step):
            rows = slice(start, min(m, start + step))
            around = self.offsets(rows)
            c = len(around)
            own = np.arange(c * k).reshape(c, k)
            around = np.where(self.distances[rows][..., None] > 0, around, 0.0).reshape(c * k, -1)
            origin = np.zeros((c, around.shape[1]))
            weights[rows] = affine_weights(
                origin, around, own, reg=reg, ridge=ridge, num_threads=self.num_threads
            )
        return weights

    def covering(self) -> DistanceNeighborhoods:
        """See `Neighborhoods`."""
        indices = covering_indices(self.indices)
        distances = np.where(indices == self.indices, self.distances, 0.0)
        return replace(self, distances=distances, indices=indices)

    def _between(self, nodes: Array) -> Array:
        """Return the distances between all pairs of nodes (c, k), stored in either order."""
        n, known = self.stored.shape[0], self.places
        first, second = nodes[:, :, None], nodes[:, None, :]
        found = np.where(first == second, 0.0, np.nan)
        for wanted in (first * n + second, second * n + first):
            place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
            stored = np.where(known[place] == wanted, self.stored.data[place], np.nan)
            found = np.where(np.isnan(found), stored, found)
        if np.isnan(found).any():
            i, a, b = np.argwhere(np.isnan(found))[0]
            raise ValueError(
                f"X must store the distances between neighbors of a row, got none of rows "
                f"{nodes[i, a]} and {nodes[i, b]}; store the distances of more neighbors than "
                "n_neighbors (all of a radius, or a dense matrix), or lower n_neighbors"
            )
        return found


class Distances:
    """Keys that are known by the distances between them, (n, n)."""

    def __init__(self, stored: csr_array) -> None:
        self.stored = stored
        n = stored.shape[0]
        self._places = np.repeat(np.arange(n), np.diff(stored.indptr)) * n + stored.indices

    def __len__(self) -> int:
        return int(self.stored.shape[0])

    def among(self, k: int, num_threads: int | None) -> DistanceNeighborhoods:
        """See `Space`."""
        return self._near(self.stored, k, True, num_threads)

    def around(
        self, queries: csr_array, k: int, num_threads: int | None, leave_out: bool = False
    ) -> DistanceNeighborhoods:
        """See `Space`."""
        return self._near(queries, k, leave_out, num_threads)

    def crowded(self, queries: csr_array, near: Neighborhoods) -> Array:
        """See `Space`."""
        assert isinstance(near, DistanceNeighborhoods)
        return np.asarray(near.distances[:, -1] == 0)

    def coincident(self, queries: csr_array) -> tuple[Array, Array, Array]:
        """See `Space`."""
        m = queries.shape[0]
        rows = np.repeat(np.arange(m), np.diff(queries.indptr))[queries.data == 0]
        starts = np.searchsorted(rows, np.arange(m))
        return queries.indices[queries.data == 0], starts, np.arange(m)

    def _near(
        self, graph: csr_array, k: int, exclude_self: bool, num_threads: int | None
    ) -> DistanceNeighborhoods:
        m = graph.shape[0]
        rows = np.repeat(np.arange(m), np.diff(graph.indptr))
        kept = (rows != graph.indices) | (not exclude_self)
        rows, columns, distances = rows[kept], graph.indices[kept], graph.data[kept]
        counts = np.bincount(rows, minlength=m)
        if counts.min(initial=k) < k:
            raise ValueError(
                f"X must store at least n_neighbors={k} distances to other rows in every row, got "
                f"{counts.min()} in row {counts.argmin()}; lower n_neighbors or store more"
            )
        order = np.lexsort((columns, distances, rows))
        first = np.cumsum(counts) - counts
        nearest = order[first[:, None] + np.arange(k)]
        indices = columns[nearest].astype(np.int64)
        return DistanceNeighborhoods(
            distances[nearest], indices, self.stored, self._places, num_threads
        )
