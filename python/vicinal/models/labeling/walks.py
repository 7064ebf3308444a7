"""Local means over the rows of a training set itself, again and again: one step of a walk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import connected_components, reverse_cuthill_mckee

import vicinal
from vicinal.arrays import Array

__all__ = ["GraphWalk", "KernelWalk", "Walk"]

MANY = 1 << 16  # rows from which on neighbors are brought together in memory
ALIKE = 1e-6  # share of a row by which it may differ from its column


class Walk(Protocol):
    """Who passes labels to whom, with which weights W ≥ 0 or of rows that sum to 1."""

    symmetric: bool
    order: Array | None  # row i of the walk is training row order[i]; None: they are the same

    def passing(self) -> dict[str, Any]:
        """Return what `_core.label_propagation` is told of the weights."""
        ...

    def parts(self, rows: Array) -> int:
        """Return into how many parts that share no edge the given rows fall."""
        ...


class GraphWalk:
    """Weights that are kept: (n, n), sparse, in double: far from labels shares are tiny."""

    def __init__(self, weights: csr_array, *, hollow: bool = False) -> None:
        weights = csr_array(weights, dtype=np.float64)
        if hollow:
            weights = csr_array(weights - diags_array(weights.diagonal()))
            weights.eliminate_zeros()
        self.order: Array | None = None
        if weights.shape[0] >= MANY:
            self.order = np.asarray(reverse_cuthill_mckee(weights))
            weights = weights[self.order][:, self.order]
        self.weights = weights
        self.symmetric = _is_symmetric(weights)

    def passing(self) -> dict[str, Any]:
        """See `Walk`."""
        graph = vicinal.Graph(self.weights, data="weight")
        return {"graph": graph.lower(*graph.shape, np.dtype(np.float64))}

    def parts(self, rows: Array) -> int:
        """See `Walk`."""
        between = self.weights[rows][:, rows]
        return int(connected_components(between, directed=False, return_labels=False))


class KernelWalk:
    """Weights of all pairs of keys, computed anew for every step: no memory of size n × n."""

    symmetric = True
    order: Array | None = None

    def __init__(self, keys: Array, options: Mapping[str, Any], *, hollow: bool = False) -> None:
        self._keys = keys
        self._options = {**options, "exclude_self": hollow}

    def passing(self) -> dict[str, Any]:
        """See `Walk`: the steps are the engine's, the local mean of a step is asked for here.

        A bandwidth rule, a kernel of the caller and an index are resolved in Python.
        """
        return {"means": self._means, "masses": self._masses()}

    def _means(self, values: Array, means: Array) -> None:
        means[...] = vicinal.local_mean(
            self._keys,
            self._keys,
            values.astype(self._keys.dtype, copy=False),
            empty="zero",
            **self._options,
        )

    def _masses(self) -> Array:
        """Return the sums of the rows up to one common factor, (n,)."""
        stats = vicinal.local_stats(
            self._keys, self._keys, statistics=("log_mass",), **self._options
        )
        logs = np.asarray(stats.log_mass, dtype=np.float64)
        peak = logs.max()
        return np.asarray(np.exp(logs - (peak if np.isfinite(peak) else 0.0)))

    def parts(self, rows: Array) -> int:
        """See `Walk`: a row that all others weigh nothing in is a part of its own."""
        return len(rows)


def _is_symmetric(weights: csr_array) -> bool:
    """Compare Wx to Wᵀx at random x > 0, where matrices that differ agree with probability 0."""
    x = np.random.default_rng(0).uniform(0.5, 1.5, weights.shape[0])
    size = rows = weights.dot(x)
    if weights.data.size and weights.data.min() < 0:
        size = abs(weights).dot(x)
    return bool((np.abs(rows - weights.T.dot(x)) <= ALIKE * size).all())
