"""Nonnegative weights of neighbors that sum to 1 and come closest to a row."""

from __future__ import annotations

import numpy as np

from vicinal.affine import affine_weights
from vicinal.arrays import Array
from vicinal.models.labeling.projection import least_on_simplex

__all__ = ["reconstruction_weights"]

_IN_WORK = 1 << 21  # numbers of Gram matrices held at once


def reconstruction_weights(
    queries: Array,
    keys: Array,
    indices: Array,
    *,
    reg: float,
    ridge: str,
    nonnegative: bool,
    num_threads: int | None = None,
) -> Array:
    """Weigh the given keys (m, k) of every query.

    Row i minimizes ``‖q − Σ w_j x_j‖² + Σ r_j w_j²`` with ``Σ w = 1`` and, if asked, w ≥ 0, where
    ``r_j`` is reg · Σ d² with the ridge "trace", reg · k · d_j² with "distance", d the distances.
    """
    options = {"reg": reg, "ridge": ridge, "num_threads": num_threads}
    weights = affine_weights(queries, keys, indices, **options).astype(np.float64)  # type: ignore[arg-type]
    negative = np.flatnonzero((weights < 0).any(axis=1)) if nonnegative else np.arange(0)
    k = indices.shape[1]
    step = max(1, _IN_WORK // k**2)
    for start in range(0, len(negative), step):
        rows = negative[start : start + step]
        gram = _gram(queries[rows], keys, indices[rows], reg, ridge)
        weights[rows] = least_on_simplex(gram, weights[rows])
    return weights


def _gram(queries: Array, keys: Array, indices: Array, reg: float, ridge: str) -> Array:
    """Return G with its ridge, (m, k, k), in double."""
    m, k = indices.shape
    gram = np.zeros((m, k, k))
    for feature in range(queries.shape[1]):
        column = keys[:, feature].astype(np.float64)[indices]
        away = column - queries[:, feature].astype(np.float64)[:, None]
        gram += away[:, :, None] * away[:, None, :]
    own = np.arange(k)
    squares = gram[:, own, own]
    share = reg if reg > 0 else 1e-10  # as `vicinal.lle_weights`
    if ridge == "trace":
        gram[:, own, own] += share * squares.sum(axis=1, keepdims=True)
    else:
        gram[:, own, own] += share * k * squares
    return gram
