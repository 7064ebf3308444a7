"""Columns by name, of data frames."""

from __future__ import annotations

from typing import Any

__all__ = ["column_called", "column_names"]


def column_names(table: Any) -> list[Any] | None:
    """Return the names of the columns of a data frame; None for what has none."""
    names = getattr(table, "column_names", getattr(table, "columns", None))
    return None if names is None or callable(names) else list(names)


def column_called(name: str, names: dict[str, list[Any] | None]) -> int:
    """Return the number of the column `name`, the same in each of several tables.

    `names` are the names of the columns of each, by the name of the argument.
    """
    found: dict[str, int] = {}
    for argument, columns in names.items():
        if columns is None:
            raise ValueError(
                f"on={name!r} names a column, but {argument} came without names of columns; "
                "give a data frame, or the number of the column"
            )
        if columns.count(name) != 1:
            times = f"{columns.count(name)} times" if name in columns else "not"
            raise ValueError(
                f"on={name!r} must be among the columns of {argument} once, but is {times}; they "
                f"are {', '.join(map(repr, columns))}"
            )
        found[argument] = columns.index(name)
    if len(set(found.values())) > 1:
        places = " and ".join(f"column {at} of {argument}" for argument, at in found.items())
        raise ValueError(f"on={name!r} is {places}; give both their columns in one order")
    return next(iter(found.values()))
