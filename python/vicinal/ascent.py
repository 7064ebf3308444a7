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
    "MOVING",
    "ORPHAN",
    "STOPPED",
    "Ascents",
    "ascend",
    "distinct_rows",
]

MOVING, CONVERGED, STOPPED, ORPHAN, CAPTURED = range(-1, 4)  # of `Ascents.status`


class Ascents(NamedTuple):
    """How each seed's ascent ended."""

    ends: Array  # (s, d)
    n_iter: Array  # (s,) int64: steps taken
    status: Array  # (s,) int8
    mode: Array  # (s,) int64: row of `modes` in whose ball it came to lie, else -1
    before: Array  # (s, d): where the last step began


Callback: TypeAlias = Callable[[int, float, Ascents], object]


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
    memory: _core.MeanShiftMemory | None = None,
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
        At most this share of the mass of a local mean is left out or weighed otherwise: a step is
        off by at most this share of the keys' range.
    modes : array_like of shape (c, d), optional
        Modes that are known already: an ascent ends where it comes within `capture_radius` of one,
        of the nearest, ties by row. Its seed counts as a place it came to.
    capture_radius : float
        In units of the data, the ball is closed.
    num_threads : int, optional
        As in `local_mean`; the result does not depend on it.
    callback : callable, optional
        ``callback(iteration, longest_step, ascents) -> stop?`` after every iteration; what still
        moves has the status −1. If it returns true, that is stopped as by `max_iter`.
    memory : MeanShiftMemory, optional
        Keeps what calls share that differ in seeds, modes and steps alone; it changes no result.

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
        "before": np.empty(problem.queries.shape, problem.dtype),
    }
    if count == 0:
        return Ascents(**outputs)

    def told(iteration: int, longest_step: float, pairs_visited: int) -> bool:
        assert callback is not None
        now = Ascents(**{name: array.copy() for name, array in outputs.items()})
        return bool(callback(iteration, longest_step, now))

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
        callback=None if callback is None else told,
        memory=memory,
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


def distinct_rows(rows: Array) -> tuple[Array, Array]:
    """Return the first of every set of rows that are equal bit for bit, and each row's set.

    Parameters
    ----------
    rows : ndarray of shape (s, d), C-contiguous

    Returns
    -------
    first : ndarray of int64
        Ascending row numbers.
    inverse : ndarray of int64, shape (s,)
        ``rows[first[inverse]]`` is `rows`.
    """
    d = rows.shape[1]
    words = rows.view(np.uint32 if rows.itemsize == 4 else np.uint64).astype(np.uint64, copy=False)
    _, first, inverse = np.unique(_hashes(words), return_index=True, return_inverse=True)
    if not np.array_equal(words[first][inverse], words):  # different rows of one hash
        flat = np.ascontiguousarray(words).view(np.dtype((np.void, 8 * d))).ravel()
        _, first, inverse = np.unique(flat, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse]


def _hashes(words: Array) -> Array:
    # The finalizer of splitmix64 (Steele, Lea & Flood, 2014), word by word.
    hashes = np.zeros(len(words), np.uint64)
    for word in words.T:
        hashes = (hashes ^ word) * np.uint64(0xBF58476D1CE4E5B9)
        hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        hashes ^= hashes >> np.uint64(31)
    return hashes
