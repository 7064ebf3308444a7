"""What parameters and training sets locally linear embedding takes."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_array

from vicinal.arrays import Array
from vicinal.errors import LocalizationWarning, did_you_mean
from vicinal.models.base import levels_to_the_caller

__all__ = [
    "as_coordinates",
    "check_parameters",
    "check_range",
    "check_sizes",
    "warn_of_equal_rows",
]

LARGEST = 1e150

_CHOICES = {
    "method": ("standard", "modified", "hessian", "ltsa"),
    "eigen_solver": ("auto", "arpack", "dense"),
    "neighbors_algorithm": ("auto", "brute", "kd_tree", "ball_tree"),
}


def check_parameters(model: Any) -> None:
    """Raise unless every parameter is one that some training set could be fitted with."""
    for name in ("n_neighbors", "n_components", "max_iter"):
        _check_number(name, getattr(model, name), Integral, 1)
    for name in ("reg", "tol", "hessian_tol", "modified_tol"):
        _check_number(name, getattr(model, name), Real, 0)
    if model.landmarks is not None:
        _check_number("landmarks", model.landmarks, Integral, 2)
    for name, choices in _CHOICES.items():
        given = getattr(model, name)
        if given not in choices:
            hint = did_you_mean(given, choices)
            raise ValueError(f"{name} must be one of {choices}, got {given!r}{hint}")
    if isinstance(model.metric, str) and model.metric == "dot":
        raise ValueError(
            "metric must be a distance, got 'dot', for which a row need not be nearest to itself; "
            "take 'cosine'"
        )
    _check_counts(model.method, model.n_neighbors, model.n_components)


def check_sizes(model: Any, shape: tuple[int, int], precomputed: bool) -> None:
    """Raise unless there are rows and features enough."""
    n, d = shape
    if precomputed and n != d:
        raise ValueError(f"X must be square with metric='precomputed', got shape {shape}")
    if n == 1:
        raise ValueError("X has n_samples = 1, a single row without neighbors; give more rows")
    if not precomputed and model.n_components > d:
        raise ValueError(
            "output dimension must be less than or equal to input dimension, got "
            f"n_components={model.n_components} of n_features={d}"
        )
    used = n if model.landmarks is None else min(n, model.landmarks)
    what = "n_samples" if used == n else "landmarks"
    if model.n_neighbors >= used:
        raise ValueError(
            f"Expected n_neighbors < {what}, but {what} = {used}, n_neighbors = "
            f"{model.n_neighbors}; lower n_neighbors"
        )
    if model.n_components >= used:
        raise ValueError(
            f"n_components must be below {what} = {used}, got {model.n_components}; lower it"
        )


def check_range(X: Array, name: str = "X") -> Array:
    """Return X; raise if squares of its differences may overflow."""
    largest = np.abs(X).max()
    if largest > LARGEST:
        raise ValueError(
            f"{name} must be at most {LARGEST:g} in size, because distances are squared, got "
            f"{largest:g}; scale it down"
        )
    return X


def warn_of_equal_rows(keys: Any, precomputed: bool) -> None:
    """Warn if all rows are one point, of which any embedding is as good as another."""
    if (keys.max() if precomputed else np.ptp(keys, axis=0).max()) == 0:
        warnings.warn(
            f"all {keys.shape[0]} rows that are embedded are equal, so that their coordinates mean "
            "nothing; check X",
            LocalizationWarning,
            stacklevel=levels_to_the_caller(),
        )


def as_coordinates(X: Any, count: int) -> Array:
    """Return points of an embedding of `count` dimensions, float64; raise if they are not."""
    points = check_range(check_array(X, dtype=np.float64, order="C"))
    if points.shape[1] != count:
        raise ValueError(
            f"X must have n_components={count} columns, got shape {points.shape}; "
            "inverse_transform takes points of the embedding"
        )
    return points


def _check_counts(method: str, n_neighbors: int, n_components: int) -> None:
    """Raise unless neighborhoods are large enough for the method to say anything."""
    d = n_components
    least = {"standard": 1, "modified": d, "ltsa": d + 2, "hessian": 1 + d + d * (d + 1) // 2}
    if n_neighbors < least[method]:
        raise ValueError(
            f"method={method!r} with n_components={d} needs n_neighbors >= {least[method]}, got "
            f"{n_neighbors}; raise n_neighbors or lower n_components"
        )


def _check_number(name: str, value: Any, kind: type, least: int) -> None:
    """Raise unless a parameter is a finite number of its kind, at least `least`."""
    if not isinstance(value, kind) or isinstance(value, bool | np.bool_):
        what = "a whole number" if kind is Integral else "a number"
        raise ValueError(f"{name} must be {what}, got {value!r}")
    if not least <= value < np.inf:  # type: ignore[operator]
        raise ValueError(f"{name} must be finite and at least {least}, got {value!r}")
