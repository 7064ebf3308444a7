"""Which two columns a display draws."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["two_columns"]


def two_columns(given: Sequence[int], count: int, name: str) -> list[int]:
    """Return two columns out of `count`, counted from the end where negative."""
    columns = [column + count if column < 0 else column for column in map(int, given)]
    if len(columns) != 2 or not all(0 <= column < count for column in columns):
        raise ValueError(f"{name} must be two columns out of {count}, got {tuple(given)}")
    return columns
