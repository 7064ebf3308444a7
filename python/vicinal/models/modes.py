"""From the ends of ascents to modes: which are kept, and which may stop an ascent early."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from vicinal.arrays import Array
from vicinal.ascent import CAPTURED, CONVERGED, ORPHAN, Ascents, distinct_rows
from vicinal.models.landscape import Landscape
from vicinal.neighbors import knn, radius_neighbors

__all__ = ["Walked", "merged", "walk", "walk_sharing"]

BLOCK = 1024  # ends compared with each other at a time


class Walked(NamedTuple):
    """What became of seeds."""

    ends: Array  # (s, d)
    log_mass: Array  # (s,) of the means that the ends are
    status: Array  # (s,) int8, of vicinal.ascent
    steps: int  # of the longest ascent

    @property
    def orphans(self) -> Array:
        """Tell which seeds found no key."""
        return np.asarray(self.status == ORPHAN)

    def of(self, rows: Array) -> Walked:
        """Return what became of some of the seeds."""
        return Walked(self.ends[rows], self.log_mass[rows], self.status[rows], self.steps)


def merged(ends: Array, log_mass: Array, radius: float, num_threads: int | None = None) -> Array:
    """Return the rows of the ends that are kept as modes, the heaviest first.

    Ends are taken by falling mass, ties by falling coordinates, and each removes all that lie
    within `radius` of it (scikit-learn's rule).

    Parameters
    ----------
    ends : ndarray of shape (s, d)
        Ends of ascents.
    log_mass : ndarray of shape (s,)
        The logarithm of the mass that each is the mean of.
    radius : float
        The ball is closed.
    num_threads : int, optional
        Threads of the search.
    """
    if not len(ends):
        return np.empty(0, np.int64)
    order = np.lexsort((*ends.T[::-1], log_mass))[::-1]
    left = order[distinct_rows(ends[order])[0]]
    kept: list[Array] = []
    block = 1
    while left.size:
        chosen = _greedy(ends, left[:block], radius, num_threads)
        kept.append(chosen)
        distances = knn(ends[left], ends[chosen], 1, num_threads=num_threads).distances[:, 0]
        left = left[distances > radius]
        block = min(2 * block, BLOCK)
    return np.concatenate(kept)


def _greedy(ends: Array, rows: Array, radius: float, num_threads: int | None) -> Array:
    """Return the rows that none kept before them, in this order, is near."""
    near = radius_neighbors(ends[rows], ends[rows], radius, num_threads=num_threads)
    assert near.indptr is not None
    alive, kept = np.ones(len(rows), bool), []
    for i in range(len(rows)):
        if alive[i]:
            kept.append(i)
            alive[near.indices[near.indptr[i] : near.indptr[i + 1]]] = False
    return rows[kept]


def walk(land: Landscape, seeds: Array, **options: Any) -> Walked:
    """Walk every seed to its end."""
    found = land.ascend(seeds, **options)
    return Walked(found.ends, _masses(land, found), found.status, _longest(found))


def walk_sharing(land: Landscape, seeds: Array, capture: float, **options: Any) -> Walked:
    """Walk every seed until it comes to rest or lies within `capture` of a mode known before.

    4√s seeds, spread evenly over their order, are walked to their ends first. A mode they find
    captures if walks from it and from the 2d points at the distance `capture` from it along the
    axes all come back: none ends nearer to another mode, and the mode itself moves by less than
    `capture` when it is walked on to a step a thousand times smaller.
    """
    stride = max(1, math.isqrt(len(seeds)) // 4)
    callback = options.pop("callback", None)
    first = walk(land, seeds[::stride], **options)
    known = np.flatnonzero(~first.orphans)
    kept = known[merged(first.ends[known], first.log_mass[known], land.radius)]
    kept = kept[_capturing(land, first.ends[kept], capture, **options)]
    modes = first.ends[kept]
    found = land.ascend(seeds, modes=modes, capture_radius=capture, callback=callback, **options)
    captured = found.status == CAPTURED
    by = kept[found.mode[captured]]
    ends, log_mass = found.ends.copy(), np.empty(len(seeds), first.log_mass.dtype)
    ends[captured], log_mass[captured] = first.ends[by], first.log_mass[by]
    rest = Ascents(*(field[~captured] for field in found))
    log_mass[~captured] = _masses(land, rest)
    status = np.where(captured, CONVERGED, found.status).astype(np.int8)
    return Walked(ends, log_mass, status, max(first.steps, _longest(found)))


def _capturing(land: Landscape, modes: Array, capture: float, **options: Any) -> Array:
    """Tell which modes are at rest and pull what is at the distance `capture`."""
    k, d = modes.shape
    if not k:
        return np.ones(0, bool)
    finer = land.ascend(modes, **{**options, "tol": options["tol"] / 1000})
    at_rest = np.square(finer.ends - modes, dtype=np.float64).sum(axis=1) < capture**2
    offsets = np.concatenate([np.eye(d), -np.eye(d)]) * capture
    around = (modes[:, None] + offsets).reshape(-1, d).astype(modes.dtype)
    ends = land.ascend(around, **options).ends
    own = knn(ends, modes, 1).indices.reshape(k, 2 * d) == np.arange(k)[:, None]
    return np.asarray(at_rest & own.all(axis=1))


def _masses(land: Landscape, found: Ascents) -> Array:
    """Return the log mass that each end is the mean of, each distinct one computed once."""
    first, of_row = distinct_rows(np.ascontiguousarray(found.before))
    return land.log_mass(found.before[first])[of_row]


def _longest(found: Ascents) -> int:
    return int(found.n_iter.max(initial=0))
