"""Labels with gaps: −1 is no label."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from vicinal.arrays import Array

__all__ = ["encoded", "one_hot"]


def encoded(y: Array) -> tuple[Array, Array]:
    """Return the classes and which of them each row has, (n,), −1 where it has none.

    Raises
    ------
    ValueError
        If no row has a label.
    """
    held = np.array([not _is_gap(label) for label in y.tolist()], dtype=bool)
    if not held.any():
        raise ValueError(
            f"y holds no label: all {len(y)} entries are -1 (unlabelled); label at least one row"
        )
    check_classification_targets(y[held])
    classes, found = np.unique(y[held], return_inverse=True)
    codes = np.full(len(y), -1, dtype=np.int64)
    codes[held] = found
    return classes, codes


def one_hot(codes: Array, count: int, dtype: Any) -> Array:
    """Return rows (n, count) of `dtype` with a 1 in the column of their class, 0 without one."""
    return np.asarray(codes[:, None] == np.arange(count), dtype=dtype)


def _is_gap(label: Any) -> bool:
    # Beside strings numpy makes '-1' of −1.
    return label == "-1" if isinstance(label, str) else not isinstance(label, bool) and label == -1
