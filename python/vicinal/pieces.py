"""Sets of neighbors where keys come in pieces, and graphs that need no points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array, as_array, as_index
from vicinal.bias import PositionBias
from vicinal.graph import take_graph

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.neighbor_sets import NeighborSet

__all__ = ["as_offset", "in_piece", "keys_of_piece", "queries_and_kernel", "stand_ins"]


def as_offset(value: object, name: str) -> int:
    """Return a row number."""
    offset = as_index(value, name)
    if offset < 0:
        raise ValueError(f"{name} must not be negative, got {value}")
    return offset


def in_piece(bias: Any, rows: int) -> Any:
    """Return a bias by positions for queries that stand `rows` behind the keys of this piece."""
    return bias.shifted(rows) if isinstance(bias, PositionBias) else bias


def stand_ins(rows: int, features: int = 1) -> Array:
    """Return points that nothing looks at, of the type that changes no other."""
    return np.broadcast_to(np.int8(0), (rows, features))


def queries_and_kernel(
    near: NeighborSet,
    first_row: int,
    queries: ArrayLike | None,
    kernel: str | Kernel,
    bandwidth: object,
    metric: Metric | None,
) -> tuple[ArrayLike | None, str | Kernel]:
    """Return queries, from row `first_row` of the set on, and kernel of an accumulator."""
    if near.edge_data == "pattern":
        return queries, kernel
    _, _, kernel = take_graph(near, queries, queries, None, kernel, bandwidth, metric)
    if queries is None and near.sizes is not None:
        queries = stand_ins(max(near.sizes[0] - first_row, 0))
    return queries, kernel


def keys_of_piece(near: NeighborSet, values: ArrayLike | None, features: int) -> Array:
    """Return the keys of a piece of which only values were given."""
    if near.edge_data == "pattern" or near.needs_points or values is None:
        raise ValueError("keys must be given; a graph of distances or weights alone needs none")
    y = as_array(values, "values")
    return stand_ins(y.shape[-2] if y.ndim > 1 else y.size, features)
