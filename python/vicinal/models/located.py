"""Which columns of a table say where its rows are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vicinal.arrays import Array
from vicinal.errors import did_you_mean

__all__ = ["locating_columns"]


def locating_columns(given: Any, model: Any, argument: str) -> Array:
    """Return the columns that locate, by number, in the order given; None is all.

    Raises
    ------
    ValueError
        If `given` is no sequence of different columns that the fitted `model` knows.
    """
    count: int = model.n_features_in_
    if given is None:
        return np.arange(count)
    if isinstance(given, str) or not isinstance(given, Sequence | np.ndarray) or len(given) == 0:
        raise ValueError(
            f"{argument} must be None or a sequence of columns, by number or name, got {given!r}"
        )
    names = getattr(model, "feature_names_in_", None)
    columns = [_number(column, count, names, argument) for column in given]
    if len(set(columns)) < len(columns):
        raise ValueError(f"{argument} must name each column once, got {given!r}")
    return np.array(columns, dtype=np.int64)


def _number(column: Any, count: int, names: Array | None, argument: str) -> int:
    if isinstance(column, str):
        known = [] if names is None else list(names)
        if column not in known:
            hint = did_you_mean(column, known) or (
                "; give a data frame, or numbers" if names is None else ""
            )
            raise ValueError(f"{argument} must be columns of X, got {column!r}{hint}")
        return known.index(column)
    whole = isinstance(column, int | np.integer) and not isinstance(column, bool)
    if not whole or not -count <= column < count:
        raise ValueError(
            f"{argument} must be columns of X, numbers in {-count} … {count - 1}, got {column!r}"
        )
    return int(column) % count
