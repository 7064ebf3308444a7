"""Labels with gaps: −1 is no label."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from vicinal.arrays import Array

__all__ = ["encoded"]


def encoded(y: Array) -> tuple[Array, Array, Array]:
    """Return classes, which rows have a label, and one-hot labels (n, classes) in double.

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
    classes, codes = np.unique(y[held], return_inverse=True)
    targets = np.zeros((len(y), len(classes)))
    targets[np.flatnonzero(held), codes] = 1.0
    return classes, held, targets


def _is_gap(label: Any) -> bool:
    # Beside strings numpy makes '-1' of −1.
    return label == "-1" if isinstance(label, str) else not isinstance(label, bool) and label == -1
