"""What neighbors say of the labels of a point: s_i = Σ_j K̃_ij R p_j."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

import vicinal
from vicinal.arrays import Array
from vicinal.linear import Linear

__all__ = ["Support"]


class Support:
    """Local means of label vectors, then the compatibilities.

    ``K̃_ij = K_ij / Σ_l |K_il|``; signed weights are the difference of two local means.
    """

    def __init__(
        self,
        compatibility: Array,
        neighbors: Any,
        points: Array | None,
        options: dict[str, Any],
        num_threads: int | None,
    ) -> None:
        self._map = Linear(compatibility)
        self._points = points
        self._options = {**options, "empty": "zero", "num_threads": num_threads}
        self._parts: list[tuple[Any, Array | float]] = [(neighbors, 1.0)]
        if isinstance(neighbors, vicinal.Graph) and neighbors.edge_data == "weight":
            self._parts = _by_sign(neighbors)

    def __call__(self, p: Array) -> Array:
        """Return the supports (n, labels) of label vectors p (n, labels)."""
        total = np.zeros_like(p)
        for neighbors, share in self._parts:
            means = vicinal.local_mean(
                self._points, self._points, p, neighbors=neighbors, **self._options
            )
            total += share * means
        return self._map(total)


def _by_sign(graph: vicinal.Graph) -> list[tuple[Any, Array | float]]:
    """Return the graphs of positive and of negative weights, with signed shares of the rows."""
    edges = np.asarray(graph.edges, dtype=np.float64)
    if not (edges < 0).any():
        return [(graph, 1.0)]
    matrix = csr_array((edges, graph.indices, graph.indptr), shape=graph.shape)
    whole = np.asarray(abs(matrix).sum(axis=1))
    whole = np.where(whole > 0, whole, 1.0)
    parts: list[tuple[Any, Array | float]] = []
    for sign in (1.0, -1.0):
        part = csr_array((np.maximum(sign * edges, 0), graph.indices, graph.indptr), graph.shape)
        share = sign * np.asarray(part.sum(axis=1)) / whole
        parts.append((vicinal.Graph(part, data="weight"), share[:, None]))
    return parts
