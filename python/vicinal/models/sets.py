"""Which sets of neighbors a model may hold for queries to come."""

from __future__ import annotations

from typing import Any

from vicinal.neighbor_sets import Both, Either, KNearest, NeighborSet, Radius
from vicinal.row_sets import Window

# What a model may hold: sets that know neither row numbers nor the number of rows.
SETS_BY_NAME: dict[Any, type[NeighborSet]] = {
    "Both": Both,
    "Either": Either,
    "KNearest": KNearest,
    "Radius": Radius,
    "Window": Window,
}


def check_neighbors(neighbors: object, rows: int) -> None:
    """Refuse a set that a model cannot hold for queries to come."""
    if neighbors is None:
        return
    if isinstance(neighbors, Both | Either):
        check_neighbors(neighbors.a, rows)
        check_neighbors(neighbors.b, rows)
    elif isinstance(neighbors, KNearest) and neighbors.k > rows:
        raise ValueError(
            f"neighbors={neighbors} needs at least {neighbors.k} training rows, got "
            f"n_samples={rows}"
        )
    elif isinstance(neighbors, Window) and neighbors.on is None:
        raise ValueError(
            f"neighbors={neighbors} counts row numbers, which queries to come do not have; give a "
            "window on a column"
        )
    elif not isinstance(neighbors, KNearest | Radius | Window):
        raise ValueError(
            "neighbors must be None, KNearest, Radius, Window(on=column) or what & and | make of "
            f"them, got {neighbors!r}; graphs and grids are of local_mean"
        )
