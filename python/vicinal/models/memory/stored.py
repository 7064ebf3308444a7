"""What a stored memory must look like, whatever file it came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vicinal.models.state import check_names

__all__ = ["check_memory"]


def check_memory(state: Mapping[str, Any], expected: tuple[str, ...], signs: bool) -> None:
    """Raise unless patterns, values and numbers agree."""
    check_names(state, expected, ("feature_names_in_",))
    keys, values, weights = state["keys_"], state["values_"], state["sample_weight_"]
    _need_rows(keys, "keys_", keys)
    if keys.ndim != 2 or keys.shape[1] != state["n_features_in_"]:
        raise ValueError(f"keys_ has shape {keys.shape}, not one column per feature")
    if signs and not (np.abs(keys) == 1).all():
        raise ValueError("keys_ holds numbers other than -1 and 1")
    if values is not None:
        _need_rows(values, "values_", keys)
    if weights is not None:
        _need_rows(weights, "sample_weight_", keys)
        if weights.ndim != 1 or weights.min() < 0 or weights.max() == 0:
            raise ValueError("sample_weight_ holds no valid weights")
    for name in ("beta_", "scale_"):
        if not isinstance(state[name], float) or not 0 < state[name] < np.inf:
            raise ValueError(f"{name} is not positive and finite")
    names = state.get("feature_names_in_")
    if names is not None and (np.ndim(names) != 1 or len(names) != keys.shape[1]):
        raise ValueError("feature_names_in_ is not one per feature")


def _need_rows(array: Any, name: str, keys: Any) -> None:
    fits = isinstance(array, np.ndarray) and array.dtype.kind == "f" and array.ndim in (1, 2)
    if not fits or not array.size or len(array) != len(keys) or not np.isfinite(array).all():
        raise ValueError(f"{name} is no array of finite numbers, one row per pattern")
