"""Dense associative memories of ±1 states (Krotov & Hopfield, 2016); degree 2 is Hopfield's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vicinal.arrays import Array
from vicinal.linear import linear

__all__ = ["as_signs", "dense_energy", "sweep"]

_IN_WORK = 1 << 20  # overlaps held at once


def as_signs(rows: Array) -> Array:
    """Return ±1 for every number, +1 for 0."""
    return np.where(rows < 0, -1.0, 1.0).astype(rows.dtype)


def dense_energy(states: Array, patterns: Array, weights: Array | None, degree: int) -> Array:
    """Return ``−Σ_j w_j (x_j·σ / d)^degree`` for every state, (m,), in double."""
    energies = np.empty(len(states))
    for rows in _blocks(len(states), len(patterns)):
        terms = _power(_overlaps(states[rows], patterns) / states.shape[1], degree)
        energies[rows] = -_total(terms, weights)
    return energies


def sweep(
    states: Array,
    patterns: Array,
    weights: Array | None,
    degree: int,
    one_by_one: bool,
    hidden: Array | None = None,
) -> Array:
    """Give every unit of ±1 states the sign of lower energy.

    That of ``Σ_j w_j x_ji (F(r_j + 1) − F(r_j − 1))`` for unit i, where ``r_j = Σ_{l≠i} x_jl σ_l``
    and F is the power; a unit without a preference stays. One by one, a unit sees those before it
    as they are now; else all see the old state. State i does not see pattern hidden[i].
    """
    ends = np.empty_like(states)
    for rows in _blocks(len(states), len(patterns)):
        unseen = None if hidden is None else hidden[rows]
        ends[rows] = _sweep_block(states[rows], patterns, weights, degree, one_by_one, unseen)
    return ends


def _sweep_block(
    states: Array,
    patterns: Array,
    weights: Array | None,
    degree: int,
    one_by_one: bool,
    hidden: Array | None,
) -> Array:
    overlaps, d = _overlaps(states, patterns), states.shape[1]
    ends = states.copy()
    for i in range(d):
        own = patterns[:, i].astype(np.float64)
        others = overlaps - states[:, i, None] * own
        pull = _power((others + 1) / d, degree) - _power((others - 1) / d, degree)
        if hidden is not None:
            pull[np.arange(len(pull)), hidden] = 0
        field = _total(own * pull, weights)
        ends[:, i] = np.where(field == 0, states[:, i], np.sign(field))
        if one_by_one:
            overlaps = others + ends[:, i, None] * own
    return ends


def _overlaps(states: Array, patterns: Array) -> Array:
    """Return the dot products of states and patterns, (m, n), a row with bits of its own."""
    return linear(states.astype(np.float64), patterns.astype(np.float64))


def _power(x: Array, degree: int) -> Array:
    result = x.copy()
    for _ in range(degree - 1):
        result *= x
    return result


def _total(terms: Array, weights: Array | None) -> Array:
    return np.asarray((terms if weights is None else terms * weights).sum(axis=1))


def _blocks(m: int, n: int) -> Iterator[slice]:
    step = max(1, _IN_WORK // n)
    return (slice(start, min(m, start + step)) for start in range(0, m, step))
