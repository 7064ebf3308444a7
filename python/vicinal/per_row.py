"""What each key, query or pair has besides its point: weights, own keys, masks; checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array, as_array, as_rows

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike

__all__ = ["as_mask", "as_prior", "as_self_indices"]


def _first(bad: Array, values: Array) -> str:
    """Say what and where the first bad value of one per key is."""
    at = np.unravel_index(int(np.flatnonzero(bad)[0]), bad.shape)
    return f"{values[at]} at row {at[-1]}"


def as_prior(
    weights: ArrayLike | None, log_weights: ArrayLike | None, n: int, dtype: np.dtype[Any]
) -> tuple[Array | None, Array | None]:
    """Return checked (weights, log_weights) of `dtype`, at most one of which is not None."""
    refuse_two_priors(weights, log_weights)
    if log_weights is not None:
        logs = one_per_key(as_array(log_weights, "log_weights"), "log_weights", n)
        if logs.size and not logs.max() < np.inf:
            wrong = _first(~(logs < np.inf), logs)
            raise ValueError(f"log_weights must not be NaN or +inf (-inf = absent), got {wrong}")
        return None, as_rows(logs, dtype)
    if weights is None:
        return None, None
    priors = one_per_key(as_array(weights, "weights"), "weights", n)
    if priors.size and not (priors.min() >= 0 and priors.max() < np.inf):
        bad = ~((priors >= 0) & (priors < np.inf))
        raise ValueError(f"weights must be finite and not negative, got {_first(bad, priors)}")
    if dtype != np.float32 or priors.dtype == np.float32 or _fits_float32(priors):
        return as_rows(priors, dtype), None
    with np.errstate(divide="ignore"):
        return None, as_rows(np.log(priors), dtype)


def refuse_two_priors(weights: object, log_weights: object) -> None:
    """Raise if both forms of the prior weights are given."""
    if weights is not None and log_weights is not None:
        raise ValueError("weights and log_weights are both given; a key has one prior, drop one")


def one_per_key(array: Array, name: str, n: int) -> Array:
    """Return `array` if its last dimension is that of the keys."""
    if array.ndim == 0 or array.shape[-1] != n:
        raise ValueError(f"{name} must be (..., {n}), one per key, got shape {array.shape}")
    return array


def as_mask(mask: ArrayLike) -> Array:
    """Return a boolean mask, True = the key is used."""
    used = as_array(mask, "mask")
    if used.dtype != np.bool_:
        raise TypeError(
            f"mask must be boolean (True = the key is used), got {used.dtype}; numbers to add to "
            "the log-weights are bias="
        )
    return used


def as_self_indices(
    self_indices: ArrayLike | None, m: int, n: int | None, *, required: bool
) -> Array | None:
    """Return each query's own key as int64, -1 = none; the row numbers where nothing is given.

    ``n=None``: the number of keys is not known yet.
    """
    if self_indices is None:
        if not required:
            return None
        if n is not None:
            refuse_other_keys(m, n)
        return np.arange(m)
    own = one_key_per_query(as_array(self_indices, "self_indices"), m)
    if own.size and (own.min() < -1 or (n is not None and own.max() >= n)):
        top = "the number of keys" if n is None else n
        raise ValueError(
            f"self_indices must be -1 or more and below {top}, got {own.min()} ... {own.max()}"
        )
    return as_rows(own, np.dtype(np.int64))


def one_key_per_query(own: Array, m: int) -> Array:
    """Return `own` if its shape and type are those of `self_indices`."""
    if own.dtype.kind not in "iu":
        raise TypeError(f"self_indices must be whole numbers, got {own.dtype}")
    if own.ndim == 0 or own.shape[-1] != m:
        raise ValueError(f"self_indices must be (..., {m}), one per query, got shape {own.shape}")
    return own


def refuse_other_keys(m: int, n: int) -> None:
    """Raise if the queries cannot be the keys, so that row numbers do not name own keys."""
    if m != n:
        raise ValueError(
            f"self_indices must be given, because {m} queries are not {n} keys: one key index "
            "per query, -1 = no own key"
        )


def _fits_float32(weights: Array) -> bool:
    limits = np.finfo(np.float32)
    least = np.min(weights, where=weights > 0, initial=1.0)
    return bool(least >= limits.smallest_normal and weights.max(initial=1.0) <= limits.max)
