"""Mean shift whose keys move with the seeds, and mean shift from key to key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vicinal.arrays import Array
from vicinal.ascent import CONVERGED, MOVING, ORPHAN, STOPPED, Ascents
from vicinal.models.landscape import Landscape
from vicinal.models.modes import Walked

__all__ = ["blur", "blurred", "link_medoids", "medoid_ends", "walk_medoids"]


def blur(
    land: Landscape,
    *,
    alpha: float,
    tol: float,
    max_iter: int,
    callback: Callable[[int, float, Ascents], Any] | None = None,
) -> tuple[Walked, Array]:
    """Move all keys to their local means, again and again (Fukunaga & Hostetler, 1975).

    Returns
    -------
    walked : Walked
        What became of every key; all come to rest together.
    frames : ndarray of shape (t, n, d)
        The keys before each step.
    """
    keys, frames, weights = land.keys, [], land.sample_weight
    status = np.full(len(keys), MOVING, np.int8)
    while status[0] == MOVING:
        frames.append(keys)
        there, orphan = _moved(land, keys, keys, alpha)
        lengths = np.sqrt(np.square(there - keys, dtype=np.float64).sum(axis=1))
        keys, steps = there, len(frames)
        lengths = lengths if weights is None else lengths[weights > 0]
        if lengths.max() <= tol:
            status[:] = CONVERGED
        elif steps == max_iter:
            status[:] = STOPPED
        if callback is not None:
            counts = np.full(len(keys), steps)
            now = Ascents(keys, counts, status, np.full(len(keys), -1), frames[-1])
            if callback(steps, float(lengths.max()), now):
                status[:] = STOPPED
    status[orphan] = ORPHAN
    log_mass = land.log_mass(keys, keys)
    return Walked(keys, log_mass, status, len(frames)), np.stack(frames)


def blurred(land: Landscape, points: Array, frames: Array, alpha: float) -> tuple[Array, Array]:
    """Move points as the keys moved, and tell which of them never met one."""
    lost = np.ones(len(points), bool)
    for keys in frames:
        points, orphan = _moved(land, points, keys, alpha)
        lost &= orphan
    return points, lost


def _moved(land: Landscape, points: Array, keys: Array, alpha: float) -> tuple[Array, Array]:
    means = land.means(points, keys)
    orphan = np.isnan(means[:, 0])
    there = means if alpha == 1 else points + points.dtype.type(alpha) * (means - points)
    return np.where(orphan[:, None], points, there), orphan


def link_medoids(land: Landscape) -> tuple[Array, Array]:
    """Return the key at which the links from every key end, (n,), and the links to it, (n,).

    Every key is linked to the medoid of its surroundings: the key x that minimizes the weighted
    Σ w_j ‖x − x_j‖², which is the one nearest to their mean (Sheikh, Khan & Kanade, 2007). Cycles,
    which only ties make, end at their first key.
    """
    n = len(land.keys)
    means = land.means(land.keys)
    linked, lost = np.arange(n), np.isnan(means[:, 0])
    linked[~lost] = land.nearest(means[~lost])
    far, least = linked.copy(), np.minimum(linked, np.arange(n))
    for _ in range(n.bit_length()):  # doubling: `least` of the next 2^t links
        least, far = np.minimum(least, least[far]), far[far]
    ends = least[far]  # `far` lies on a cycle, all of which its links have passed
    linked[ends] = ends
    depth = (linked != np.arange(n)).astype(np.int64)
    for _ in range(n.bit_length()):
        depth, linked = depth + depth[linked], linked[linked]
    return linked, depth


def walk_medoids(land: Landscape, seeds: Array) -> tuple[Walked, Array]:
    """Follow the links from every seed; return with them where those of the keys end."""
    ends_of_keys, depth = link_medoids(land)
    ends, lost = medoid_ends(land, seeds, ends_of_keys)
    status = np.where(lost, ORPHAN, CONVERGED).astype(np.int8)
    return Walked(ends, land.log_mass(ends), status, int(depth.max()) + 1), ends_of_keys


def medoid_ends(land: Landscape, points: Array, ends_of_keys: Array) -> tuple[Array, Array]:
    """Return where links from points end, as points, and tell which points are orphans."""
    means = land.means(points)
    lost = np.isnan(means[:, 0])
    ends = points.copy()
    ends[~lost] = land.keys[ends_of_keys[land.nearest(means[~lost])]]
    return ends, lost
