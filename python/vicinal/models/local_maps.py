"""Maps known at some points, and what lies between: an affine combination or a local mean."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

import vicinal
from vicinal.arrays import Array
from vicinal.kernels.metrics import Metric
from vicinal.models.neighborhoods import Points, interpolate

__all__ = ["AffineMap", "LocalMap", "MeanMap", "SearchedMap", "count_ambiguous"]


class LocalMap(Protocol):
    """A map from points to points that is given at keys."""

    def __call__(
        self, queries: Array, num_threads: int | None, *, leave_out: bool = False
    ) -> Array:
        """Return the values at queries (m, d); with `leave_out` query i does not see key i."""


class SearchedMap(LocalMap, Protocol):
    """A map whose keys are searched."""

    index: vicinal.KeyIndex


class AffineMap:
    """The affine weights that reproduce a query from its k nearest keys, applied to their values.

    Keys keep their values; see `interpolate`.
    """

    def __init__(
        self,
        keys: Array,
        values: Array,
        metric: Metric,
        num_threads: int | None,
        *,
        k: int,
        reg: float,
    ) -> None:
        self._space = Points(keys, metric, num_threads)
        self.index = self._space.index
        self._values, self._k, self._reg = values, k, reg

    def __call__(
        self, queries: Array, num_threads: int | None, *, leave_out: bool = False
    ) -> Array:
        """See `LocalMap`."""
        near = self._k, self._reg, num_threads
        return interpolate(self._space, queries, self._values, *near, leave_out=leave_out)


class MeanMap:
    """The kernel-weighted mean of the values near a query, of the nearest where none is in reach.

    Without a bandwidth the kernel reaches to the k-th nearest key and no farther.
    """

    def __init__(
        self,
        keys: Array,
        values: Array,
        metric: Metric,
        num_threads: int | None,
        *,
        k: int,
        kernel: Any,
        bandwidth: Any,
    ) -> None:
        self.index = vicinal.KeyIndex(keys, metric=metric, num_threads=num_threads)
        self._values = values
        rule = vicinal.bandwidth.KthNeighbor(k) if bandwidth is None else bandwidth
        self._options = {"kernel": kernel, "bandwidth": rule, "metric": metric}
        if bandwidth is None:
            # Keys in one place with the query answer together, were they more than k.
            self._options["neighbors"] = vicinal.KNearest(k) | vicinal.Radius(0.0)

    def __call__(
        self, queries: Array, num_threads: int | None, *, leave_out: bool = False
    ) -> Array:
        """See `LocalMap`."""
        return vicinal.local_mean(
            queries,
            self.index,
            self._values,
            exclude_self=leave_out,
            empty="nearest",
            num_threads=num_threads,
            **self._options,
        )


def count_ambiguous(keys: Array, values: Array) -> int:
    """Return how many rows of keys coincide with a row that has another value."""
    groups = _groups(keys)
    order = np.argsort(groups, kind="stable")
    same = np.diff(groups[order]) == 0
    differs = same & (np.diff(_groups(values)[order]) != 0)
    return int(np.isin(groups, groups[order][1:][differs]).sum())


def _groups(points: Array) -> Array:
    """Return numbers that are equal for rows that are equal, int64 of shape (n,)."""
    rows = np.ascontiguousarray(points, dtype=np.float64) + 0.0  # −0 is 0
    whole = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    order = np.argsort(whole, kind="stable")
    rows = rows[order]
    groups = np.empty(len(rows), dtype=np.int64)
    groups[order] = np.cumsum(np.r_[False, (rows[1:] != rows[:-1]).any(axis=1)])
    return groups
