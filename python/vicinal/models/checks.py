"""Parameters and stored arrays of one kind: what does not fit is named."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np

from vicinal.errors import did_you_mean

__all__ = ["check_choice", "check_number", "check_rows", "check_whole"]


def check_rows(rows: Any, name: str, count: int, low: int, high: int) -> None:
    """Raise unless `rows` are `count` whole numbers from `low` on and below `high`."""
    fits = isinstance(rows, np.ndarray) and rows.dtype == np.int64 and rows.shape == (count,)
    if not fits or (count and (rows.min() < low or rows.max() >= high)):
        raise ValueError(f"{name} are not {count} rows from {low} to below {high}")


def check_whole(value: Any, name: str, low: int) -> None:
    """Raise unless a parameter is a whole number, at least `low`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < low:
        raise ValueError(f"{name} must be a whole number from {low}, got {value!r}")


def check_number(value: Any, name: str, fits: Callable[[float], bool], rule: str) -> None:
    """Raise unless a parameter is a number that fits its rule."""
    if isinstance(value, bool) or not isinstance(value, Real) or not fits(float(value)):
        raise ValueError(f"{name} must be {rule}, got {value!r}")


def check_choice(value: Any, name: str, choices: tuple[Any, ...]) -> None:
    """Raise unless a parameter is one of some words."""
    if not isinstance(value, str) or value not in choices:
        hint = did_you_mean(value, choices)
        known = ", ".join(map(repr, choices))
        raise ValueError(f"{name} must be one of {known}, got {value!r}{hint}")
