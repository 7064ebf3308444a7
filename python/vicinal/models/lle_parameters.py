"""What parameters and training sets locally linear embedding takes."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from vicinal.arrays import Array
from vicinal.errors import did_you_mean

__all__ = ["check_parameters", "check_range", "check_sizes"]

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


def check_range(X: Array) -> Array:
    """Return X; raise if squares of its differences may overflow."""
    largest = np.abs(X).max()
    if largest > LARGEST:
        raise ValueError(
            f"X must be at most {LARGEST:g} in size, because distances are squared, got "
            f"{largest:g}; scale it down"
        )
    return X


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
