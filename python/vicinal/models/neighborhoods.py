"""Who the neighbors of a row are, where they lie around it, and what they say at a new point."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

import vicinal
from vicinal.affine import affine_weights
from vicinal.arrays import Array
from vicinal.kernels.metrics import Metric

__all__ = [
    "Neighborhoods",
    "PointNeighborhoods",
    "Points",
    "Space",
    "covering_indices",
    "interpolate",
]


class Neighborhoods(Protocol):
    """Neighbors of m rows, k of each."""

    @property
    def indices(self) -> Array:
        """Return rows of the keys, int64 of shape (m, k)."""

    def offsets(self, rows: slice) -> Array:
        """Return the neighbors of c rows minus the row itself, float64 of shape (c, k, d)."""

    def weights(self, reg: float, ridge: str = "trace") -> Array:
        """Return affine weights of all rows, float64 of shape (m, k); see `affine_weights`."""

    def covering(self) -> Neighborhoods:
        """Return neighborhoods of keys that between them hold every key; see `covering_indices`."""


class Space(Protocol):
    """Keys among which neighbors are found."""

    def __len__(self) -> int: ...

    def among(self, k: int, num_threads: int | None) -> Neighborhoods:
        """Return the k nearest others of every key."""

    def around(
        self, queries: Any, k: int, num_threads: int | None, leave_out: bool = False
    ) -> Neighborhoods:
        """Return the k nearest keys of every query; with `leave_out` not key i of query i."""

    def crowded(self, queries: Any, near: Neighborhoods) -> Array:
        """Tell which queries coincide with all of their neighbors: others may be there too."""

    def coincident(self, queries: Any) -> tuple[Array, Array, Array]:
        """Return lists of coincident keys, flat, where each starts, and the list of every query."""


@dataclass(frozen=True)
class PointNeighborhoods:
    """Neighborhoods of points with coordinates, float64 of shape (m, d) and (n, d)."""

    queries: Array
    keys: Array
    indices: Array
    num_threads: int | None = None

    def offsets(self, rows: slice) -> Array:
        """See `Neighborhoods`."""
        found = self.keys[self.indices[rows]]
        found -= self.queries[rows, None]
        return np.asarray(found)

    def weights(self, reg: float, ridge: str = "trace") -> Array:
        """See `Neighborhoods`."""
        return affine_weights(
            *(self.queries, self.keys, self.indices),
            reg=reg,
            ridge=ridge,
            num_threads=self.num_threads,
        )

    def covering(self) -> PointNeighborhoods:
        """See `Neighborhoods`."""
        return replace(self, indices=covering_indices(self.indices))


def covering_indices(indices: Array) -> Array:
    """Return neighbors in which a row that is nobody's neighbor is its own, in the last place.

    Without this no neighborhood would say anything about such a row.
    """
    n = len(indices)
    found = np.zeros(n, dtype=bool)
    while True:
        found[:] = False
        found[indices] = True
        strangers = np.flatnonzero(~found)
        if not len(strangers):
            return indices
        indices = indices.copy()
        indices[strangers, -1] = strangers


class Points:
    """Keys with coordinates, float64 of shape (n, d), and a metric that says who is near."""

    def __init__(self, keys: Array, metric: Metric, num_threads: int | None) -> None:
        self.keys = keys
        self.index = vicinal.KeyIndex(keys, metric=metric, num_threads=num_threads)

    def __len__(self) -> int:
        return len(self.keys)

    def among(self, k: int, num_threads: int | None) -> PointNeighborhoods:
        """See `Space`."""
        return self._near(self.keys, k, True, num_threads)

    def around(
        self, queries: Array, k: int, num_threads: int | None, leave_out: bool = False
    ) -> PointNeighborhoods:
        """See `Space`."""
        return self._near(queries, k, leave_out, num_threads)

    def crowded(self, queries: Array, near: Neighborhoods) -> Array:
        """See `Space`."""
        return np.asarray((self.keys[near.indices[:, -1]] == queries).all(axis=1))

    def coincident(self, queries: Array) -> tuple[Array, Array, Array]:
        """See `Space`."""
        distinct, group = np.unique(queries, axis=0, return_inverse=True)
        found = vicinal.radius_neighbors(distinct, self.keys, 0.0)
        assert found.indptr is not None
        return found.indices, found.indptr[:-1], group.ravel()

    def _near(
        self, queries: Array, k: int, exclude_self: bool, num_threads: int | None
    ) -> PointNeighborhoods:
        found = vicinal.knn(
            queries, self.index, k, exclude_self=exclude_self, num_threads=num_threads
        )
        return PointNeighborhoods(queries, self.keys, found.indices, num_threads)


def interpolate(
    space: Space,
    queries: Any,
    values: Array,
    k: int,
    reg: float,
    num_threads: int | None,
    *,
    leave_out: bool = False,
) -> Array:
    """Combine the values of the k nearest keys with the affine weights of every query.

    A query that coincides with keys takes the mean of their values, however many they are, and the
    result is continuous towards it. With `leave_out` query i does not see key i.
    """
    m = queries.shape[0]
    near = space.around(queries, k, num_threads, leave_out)
    weights = near.weights(reg, ridge="distance")
    result = np.zeros((m, values.shape[1]))
    for place in range(k):
        result += weights[:, place, None] * values[near.indices[:, place]]
    crowded = np.flatnonzero(space.crowded(queries, near))
    if k < len(space) - leave_out and len(crowded):
        left_out = crowded if leave_out else None
        result[crowded] = _means_of_coincident(space, queries[crowded], values, left_out)
    return result


def _means_of_coincident(
    space: Space, queries: Any, values: Array, left_out: Array | None
) -> Array:
    """Return the mean value of the keys that coincide with each query, without a key of each."""
    indices, starts, group = space.coincident(queries)
    lengths = np.diff(starts, append=len(indices))
    sums, counts = np.add.reduceat(values[indices], starts)[group], lengths[group]
    if left_out is not None:
        n = len(space)
        members = np.repeat(np.arange(len(starts)), lengths) * n + indices
        present = np.isin(group * n + left_out, members)
        sums -= np.where(present[:, None], values[left_out], 0.0)
        counts = counts - present
    return np.asarray(sums / counts[:, None])
