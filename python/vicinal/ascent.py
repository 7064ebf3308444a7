"""The ascents of mean shift: seeds that climb the density of the keys, step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from vicinal import _core
from vicinal.arrays import Array, as_index, as_points, as_rows
from vicinal.problem import prepare
from vicinal.threads import resolve_num_threads

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.bandwidth.given import AdaptiveBandwidth
    from vicinal.kernels import Kernel
    from vicinal.key_index import KeyIndex

__all__ = [
    "CAPTURED",
    "CONVERGED",
    "EXHAUSTED",
    "ORPHAN",
    "AscentState",
    "Ascents",
    "ascend",
]

CONVERGED, EXHAUSTED, ORPHAN, CAPTURED = range(4)  # of `Ascents.status`


class Ascents(NamedTuple):
    """How each seed's ascent ended."""

    ends: Array  # (s, d)
    n_iter: Array  # (s,) int64: steps taken
    status: Array  # (s,) int8
    mode: Array  # (s,) int64: row of `modes` in whose ball it came to lie, else -1


class AscentState(NamedTuple):
    """Where the ascents that still move stand after an iteration."""

    seeds: Array  # (r,) int64: a seed of each position; others may share it
    positions: Array  # (r, d)
    pairs_visited: int  # so far


Callback: TypeAlias = Callable[[int, float, AscentState], object]


def ascend(
    seeds: ArrayLike,
    keys: ArrayLike,
    *,
    kernel: str | Kernel,
    bandwidth: ArrayLike | AdaptiveBandwidth | None,
    weights: ArrayLike | None = None,
    index: KeyIndex | None = None,
    alpha: float = 1.0,
    tol: float,
    max_iter: int,
    mass_tol: float = 0.0,
    modes: ArrayLike | None = None,
    capture_radius: float = 0.0,
    num_threads: int | None = None,
    callback: Callback | None = None,
) -> Ascents:
    """Move every seed to its mode by ``q ← q + alpha (m(q) - q)``, m the local mean of the keys.

    Parameters
    ----------
    seeds : array_like of shape (s, d)
        Where the ascents begin; finite.
    keys : array_like of shape (n, d), or KeyIndex
        The points whose density is climbed; finite where they have a weight.
    kernel : str or Kernel
        Of a distance between points (euclidean, manhattan, chebyshev, Mahalanobis), nowhere
        negative.
    bandwidth : float, array_like of shape (d,) or rule, optional
        As in `local_mean`; of the rules those that give one bandwidth per key.
    weights : array_like of shape (n,), optional
        Prior weight of each key, ≥ 0.
    index : KeyIndex, optional
        Of `keys`: no tree is planted; the result is the same to the bit.
    alpha : float
        Share of the way to the local mean that a step takes, > 0.
    tol : float
        An ascent has converged when its last step was at most this long, in units of the data.
    max_iter : int
        Most steps of a seed.
    mass_tol : float
        At most this share of the mass of a local mean is left out.
    modes : array_like of shape (c, d), optional
        Modes that are known already: an ascent ends where it comes within `capture_radius` of one,
        of the nearest, ties by row. Its seed counts as a place it came to.
    capture_radius : float
        In units of the data, the ball is closed.
    num_threads : int, optional
        As in `local_mean`; the result does not depend on it.
    callback : callable, optional
        ``callback(iteration, longest_step, state) -> stop?`` after every iteration, with an
        `AscentState`; if it returns true, what still moves ends as exhausted.

    Returns
    -------
    Ascents
        Status 0: converged, 1: stopped by `max_iter`, 2: no key has a weight there, the point
        stays, 3: captured.

    Raises
    ------
    ValueError, TypeError
        For arguments that do not fit, as `local_mean`; for points that are not finite; for a
        kernel that steps make no sense for.

    Notes
    -----
    Fukunaga & Hostetler (1975), Cheng (1995), Comaniciu & Meer (2002). Positions that are equal bit
    for bit have the same future and are walked once; that changes no bit of the result.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.ascent import ascend
    >>> keys = np.array([[0.0], [1.0], [5.0], [6.0]])
    >>> found = ascend(keys, keys, kernel="flat", bandwidth=2.0, tol=1e-3, max_iter=300)
    >>> found.ends.ravel(), found.n_iter
    (array([0.5, 0.5, 5.5, 5.5]), array([2, 2, 2, 2]))
    """
    problem = prepare(
        seeds,
        keys if index is None else _indexed(keys, index),
        None,
        kernel=kernel,
        bandwidth=bandwidth,
        metric=None,
        weights=weights,
    )
    if problem.lead:
        raise ValueError(
            f"seeds and keys must be (points, features), got {problem.queries.shape} and "
            f"{problem.keys.shape} after broadcasting; shift one problem at a time"
        )
    if problem.query_bandwidths is not None:
        raise ValueError("bandwidth must not be one per seed, because seeds move; give one per key")
    count = problem.m
    outputs = {
        "ends": np.empty(problem.queries.shape, problem.dtype),
        "n_iter": np.empty(count, np.int64),
        "status": np.empty(count, np.int8),
        "mode": np.empty(count, np.int64),
    }
    _core.mean_shift(
        problem.kernel,
        problem.queries,
        problem.keys,
        outputs=outputs,
        alpha=float(alpha),
        tol=float(tol),
        max_iter=as_index(max_iter, "max_iter"),
        mass_tol=float(mass_tol),
        weights=problem.weights,
        log_weights=problem.log_weights,
        key_bandwidths=problem.key_bandwidths,
        index=problem.key_index,
        modes=None if modes is None else as_rows(as_points(modes, "modes"), problem.dtype),
        capture_radius=float(capture_radius),
        num_threads=resolve_num_threads(num_threads),
        callback=None if callback is None else _unpacked(callback),
    )
    return Ascents(**outputs)


def _indexed(keys: ArrayLike, index: KeyIndex) -> KeyIndex:
    """Return the index, which must be of these keys."""
    if keys is not index and (shape := as_points(keys, "keys").shape) != index.keys.shape:
        raise ValueError(
            f"index must be of these keys, got one of shape {index.keys.shape} for keys of shape "
            f"{shape}"
        )
    return index


def _unpacked(callback: Callback) -> Callable[[int, float, Array, Array, int], bool]:
    def call(iteration: int, longest: float, seeds: Array, positions: Array, pairs: int) -> bool:
        return bool(callback(iteration, longest, AscentState(seeds, positions, pairs)))

    return call
