"""What a retrieval found, and how it is found: q ← m(q) until a step is short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vicinal import _core
from vicinal.arrays import Array

__all__ = ["Energy", "Recall", "Step", "Walked", "walk"]

Step = Callable[[Array], Array]  # states (m, d) -> the next ones
Energy = Callable[[Array], Array]  # states (m, d) -> energies (m,)
Look = Callable[[int, float, Array], Any]  # iteration, longest step, states -> stop?


@dataclass(frozen=True)
class Recall:
    """How every query was answered.

    Attributes
    ----------
    states : ndarray of shape (m, d)
        Where the updates ended.
    retrieved : ndarray of shape (m, d), (m, p) or (m,)
        The answer: `states`, or the mean of the stored values there.
    n_iter : ndarray of shape (m,), int64
        Updates taken; of ±1 states, sweeps over all units.
    converged : ndarray of shape (m,), bool
        Whether the last update was short enough, see `Hopfield`.
    residual : ndarray of shape (m,)
        Length of the last update, ``‖m(q) − q‖``: a fixed point has 0, a cycle has not.
    energy : ndarray of shape (t + 1, m), float64, or None
        Energies of the start and after each of t updates; only with ``trace=True``.
    pattern : ndarray of shape (m,), int64
        The pattern that weighs most at the end, −1 if none has a weight.
    share : ndarray of shape (m,)
        Its share of the weight of all patterns.
    ess : ndarray of shape (m,)
        ``(Σw)² / Σw²`` at the end: how many patterns share the state. 1 is a retrieved pattern,
        more a metastable state between several, n the mean of all.
    dropped : ndarray of shape (m,)
        Share of the weight of all patterns that `neighbors` left out at the end; 0 without. The
        truncated mean is off by at most this times the range of the patterns, per feature, where
        weights are not negative.
    """

    states: Array
    retrieved: Array
    n_iter: Array
    converged: Array
    residual: Array
    energy: Array | None
    pattern: Array
    share: Array
    ess: Array
    dropped: Array


@dataclass
class Walked:
    """States on their way."""

    states: Array  # (m, d)
    n_iter: Array  # (m,)
    residual: Array  # (m,)
    converged: Array  # (m,)
    energies: list[Array]  # (m,) each


def walk(
    start: Array,
    step: Step,
    *,
    tol: float,
    max_iter: int,
    energy: Energy | None = None,
    look: Look | None = None,
) -> Walked:
    """Update every state until its step is at most `tol` long; a state does not see the others.

    The loop is the engine's, the step and the energies are asked for here: those of ±1 states and
    the traces are Python's alone.
    """
    m = len(start)
    now = Walked(np.empty_like(start), np.empty(m, np.int64), np.empty(m), np.empty(m, bool), [])
    if energy is not None:
        now.energies.append(energy(start))

    def update(states: Array, after: Array) -> None:
        after[...] = step(states)

    def told(iteration: int, longest: float, moved: Array) -> bool:
        if energy is not None:
            level = now.energies[-1].copy()
            level[moved] = energy(now.states[moved])
            now.energies.append(level)
        return look is not None and bool(look(iteration, longest, now.states))

    _core.hopfield(
        update,
        start,
        states=now.states,
        iterations=now.n_iter,
        residuals=now.residual,
        tol=tol,
        max_iter=max_iter,
        callback=told,
    )
    now.converged = now.residual <= tol
    return now


def lengths(rows: Array) -> Array:
    """Return the length of every row, in double."""
    wide = rows.astype(np.float64, copy=False)
    return np.asarray(np.sqrt((wide * wide).sum(axis=1)))
