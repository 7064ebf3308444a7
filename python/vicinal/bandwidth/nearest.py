"""Bandwidths of queries from their nearest keys, a weight of a key counting equal ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array
from vicinal.threads import resolve_num_threads

if TYPE_CHECKING:
    from vicinal.key_index import KeyIndex

__all__ = ["Surroundings", "bandwidths_of_entropy", "distances_of_mass", "kth_distances"]

PAIRS = 1 << 20  # of a search at a time
LEAST_LOG = -350.0  # of a bandwidth, whose square is no subnormal number
MANY = 32  # neighbors that are counted in less time than listed
SHORT = 1e-12  # of a sum of weights that is as good as reached


class Surroundings:
    """The nearest keys of every query until their weights reach a sum.

    Parameters
    ----------
    queries : ndarray of shape (m, d)
        The points asked about.
    keys : ndarray of shape (n, d) or KeyIndex
        What is near.
    metric : str, GreatCircle or Mahalanobis
        The metric.
    weights : ndarray of shape (n,) or None
        How many equal keys each stands for; None is one.
    own : ndarray of int64, shape (m,), or None
        Each query's own key, −1 = none: one unit of it is left out, or all of a smaller weight.
    num_threads : int or None
        Threads of the search.
    """

    def __init__(
        self,
        queries: Array,
        keys: Array | KeyIndex,
        metric: Any,
        *,
        weights: Array | None = None,
        own: Array | None = None,
        num_threads: int | None = None,
    ) -> None:
        self.queries, self.weights, self.own = queries, weights, own
        self.keys, self._metric, self.num_threads = keys, metric, num_threads
        self._built: KeyIndex | None = None

    @property
    def counted_in(self) -> KeyIndex | None:
        """The index for which `distances_of_mass` answers, if it does for these keys."""
        return self._index() if self._metric == "euclidean" and self.own is None else None

    def _index(self) -> KeyIndex:
        from vicinal.key_index import as_index_of

        if self._built is None:
            given = self.keys, self._metric, self.queries.dtype, self.num_threads
            self._built = as_index_of(*given)
        return self._built

    def until(self, wanted: float) -> Iterator[tuple[Array, Array, Array]]:
        """Yield rows, their distances to the nearest keys and how often each of these counts.

        What a row gets does not depend on the other rows. The counts of a row fall short of
        `wanted` only where there is no further key.
        """
        n = len(self.keys)
        found = min(n, math.ceil(wanted) + (self.own is not None))
        todo = np.arange(len(self.queries))
        while todo.size:
            short = []
            step = max(1, PAIRS // found)
            for rows in np.split(todo, range(step, todo.size, step)):
                distances, counts = self._nearest(rows, found)
                reached = counts.sum(axis=1) >= wanted * (1 - SHORT)
                done = reached | np.isnan(distances[:, 0]) | (found == n)
                yield rows[done], distances[done], counts[done]
                short.append(rows[~done])
            todo, found = np.concatenate(short), min(n, 4 * found)

    def _nearest(self, rows: Array, found: int) -> tuple[Array, Array]:
        from vicinal.neighbors import knn

        near = knn(
            self.queries[rows],
            self._index(),
            found,
            metric=self._metric,
            num_threads=self.num_threads,
        )
        at = near.indices
        counts = np.ones(at.shape) if self.weights is None else self.weights[at].astype(np.float64)
        if self.own is not None:
            counts = np.where(at == self.own[rows, None], np.maximum(counts - 1, 0), counts)
        return near.distances, np.where(at < 0, 0.0, counts)


def kth_distances(near: Surroundings, k: int) -> Array:
    """Return the distance within which k keys lie, (m,); inf where fewer are left, NaN of NaN."""
    index = near.counted_in
    if index is not None and k >= MANY:
        return distances_of_mass(
            near.queries, index, k, weights=near.weights, num_threads=near.num_threads
        )
    result = np.full(len(near.queries), np.inf, near.queries.dtype)
    for rows, distances, counts in near.until(k):
        reached = np.cumsum(counts, axis=1) >= k * (1 - SHORT)
        at = np.argmax(reached, axis=1)
        kth = np.take_along_axis(distances, at[:, None], axis=1)[:, 0]
        lost = np.isnan(distances[:, 0])
        result[rows] = np.where(reached.any(axis=1) | lost, kth, np.inf)
    return result


def distances_of_mass(
    queries: Array,
    index: KeyIndex,
    mass: float,
    *,
    weights: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Return the Euclidean distance within which keys of this mass lie, (m,).

    The numbers of `kth_distances`, found by counts: fit for masses of many keys.

    Parameters
    ----------
    queries : ndarray of shape (m, d)
        In the type of the keys.
    index : KeyIndex
        The keys, of the metric "euclidean".
    mass : float
        Above 0.
    weights : ndarray of shape (n,) or None
        The mass of each key; None is one.
    num_threads : int or None
        Threads of the search.
    """
    distances = np.empty(len(queries), queries.dtype)
    index._core.kth_distances(
        queries,
        float(mass),
        weights=None if weights is None else np.ascontiguousarray(weights, np.float64),
        distances=distances,
        num_threads=resolve_num_threads(num_threads),
    )
    return distances


def bandwidths_of_entropy(near: Surroundings, perplexity: float) -> Array:
    """Return the h at which the Gaussian weights of the 3p nearest have entropy log p, (m,)."""
    result = np.empty(len(near.queries), near.queries.dtype)
    wanted = math.ceil(3 * perplexity) + 1
    for rows, distances, counts in near.until(wanted):
        beyond = np.cumsum(counts, axis=1) - counts
        kept = np.clip(wanted - beyond, 0, counts)
        result[rows] = _bisected(distances, kept, math.log(perplexity))
    return result


def _bisected(distances: Array, counts: Array, wanted: float) -> Array:
    """Bisect log h, row by row, until the weights have the wanted entropy."""
    far = np.where(counts > 0, distances.astype(np.float64), np.inf)
    nearest = far.min(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        squares = (far - nearest) * (far + nearest)  # d² − d₀²
    squares = np.where(np.isfinite(squares), squares, np.inf)
    finite = np.where(np.isfinite(squares), squares, 0)
    scale = np.sqrt(np.maximum(finite.max(axis=1), np.finfo(np.float64).tiny))
    low, high = np.maximum(np.log(scale) - 40, LEAST_LOG), np.log(scale) + 20
    for _ in range(60):
        middle = (low + high) / 2
        u = squares / (2 * np.exp(2 * middle)[:, None])
        w = counts * np.exp(-u)
        mass = w.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):  # of rows without a key
            entropy = np.log(mass) + (w * np.where(np.isfinite(u), u, 0)).sum(axis=1) / mass
        low = np.where(entropy < wanted, middle, low)
        high = np.where(entropy < wanted, high, middle)
    return np.asarray(np.exp((low + high) / 2))
