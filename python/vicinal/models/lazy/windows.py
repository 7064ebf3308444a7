"""Windows of a series, and what comes after them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_array

from vicinal.arrays import Array

__all__ = ["as_series", "windows_of"]


def as_series(series: Any) -> Array:
    """Return a series as (n, channels), float32 or float64."""
    floats = [np.float64, np.float32]
    numbers = check_array(series, dtype=floats, ensure_2d=False, input_name="series")
    return np.asarray(numbers[:, None] if numbers.ndim == 1 else numbers)


def windows_of(numbers: Array, lags: int, spacing: int, horizon: int) -> tuple[Array, Array]:
    """Return all windows (m, lags · channels), newest first, and (m, horizon · channels) after."""
    span, n = (lags - 1) * spacing + 1, len(numbers)
    if n < span + horizon + 1:
        raise ValueError(
            f"series has {n} numbers; windows of {span} and {horizon} after them need "
            f"{span + horizon + 1} at least"
        )
    times = np.arange(span - 1, n - horizon)[:, None]
    windows = numbers[times - spacing * np.arange(lags)]
    after = numbers[times + 1 + np.arange(horizon)]
    return windows.reshape(len(times), -1), after.reshape(len(times), -1)
