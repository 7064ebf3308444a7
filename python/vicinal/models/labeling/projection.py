"""The nearest point of the simplex, and quadratic problems on it; every row is one of its own."""

from __future__ import annotations

import numpy as np

from vicinal.arrays import Array

__all__ = ["least_on_simplex", "onto_simplex"]

ENOUGH = 1e-10  # change of a weight that ends a descent
MOST = 5000  # steps of it


def onto_simplex(rows: Array) -> Array:
    """Return the nearest nonnegative rows that sum to 1 (Held, Wolfe & Crowder, 1974)."""
    falling = -np.sort(-rows, axis=1)
    above = np.cumsum(falling, axis=1) - 1
    counts = np.arange(1, rows.shape[1] + 1)
    kept = (falling * counts > above).sum(axis=1)
    level = above[np.arange(len(rows)), kept - 1] / kept
    return np.asarray(np.maximum(rows - level[:, None], 0))


def least_on_simplex(gram: Array, start: Array) -> Array:
    """Minimize ``wᵀGw`` over the simplex for every row, G (m, k, k) positive definite.

    Projected gradients with momentum that restarts where the loss would rise (Beck & Teboulle,
    2009; O'Donoghue & Candès, 2015).
    """
    weights = onto_simplex(start)
    bound = np.abs(gram).sum(axis=2).max(axis=1)[:, None]  # at least the largest eigenvalue
    left = np.flatnonzero(bound[:, 0] > 0)
    ahead, speed = weights.copy(), np.ones((len(weights), 1))
    for _ in range(MOST):
        if not len(left):
            break
        at, now = ahead[left], weights[left]
        slope = (gram[left] * at[:, None, :]).sum(axis=2)
        after = onto_simplex(at - slope / bound[left])
        moved = after - now
        faster = (1 + np.sqrt(1 + 4 * speed[left] ** 2)) / 2
        uphill = ((at - after) * moved).sum(axis=1, keepdims=True) > 0
        ahead[left] = np.where(uphill, after, after + (speed[left] - 1) / faster * moved)
        speed[left] = np.where(uphill, 1.0, faster)
        weights[left] = after
        still = np.abs(at - after).max(axis=1) > ENOUGH
        left = left[still]
    return weights
