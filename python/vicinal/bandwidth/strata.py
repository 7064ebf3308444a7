"""Rows that stand for all rows in the mean of a function that varies no faster than they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vicinal.arrays import Array

if TYPE_CHECKING:
    from vicinal.key_index import KeyIndex

__all__ = ["representative_rows"]

PER_STRATUM = 4  # rows drawn, on average


def representative_rows(
    index: KeyIndex, weights: Array | None, size: int, random: np.random.RandomState
) -> tuple[Array, Array]:
    """Return about `size` rows and the mass that each of them stands for, (r,) and (r,).

    Strata are runs of the order of the tree, which hold near rows. A function that changes by at
    most the distance of two points has in a stratum a deviation of at most half its extent, so by
    Neyman's allocation (1934) a stratum is drawn from in proportion to its mass times its extent:
    outliers stand for themselves. Every equal part of a stratum gives one row, drawn at random, so
    that the mean is without bias.

    Parameters
    ----------
    index : KeyIndex
        Of more finite rows than `size`.
    weights : ndarray of shape (n,) or None
        Their masses, above 0; None is one each.
    size : int
        How many to draw; every stratum gives one at least.
    random : RandomState
        Draws them.
    """
    order = index.order
    n, strata = len(order), max(1, size // PER_STRATUM)
    starts = np.arange(strata) * n // strata
    lengths = np.diff(starts, append=n)
    mass = lengths.astype(float) if weights is None else np.add.reduceat(weights[order], starts)
    spread = mass * _extents(index.keys[order], starts)
    spread = spread if spread.any() else mass
    drawn = np.clip(np.rint(size * (spread / spread.sum())), 1, lengths).astype(np.int64)
    stratum = np.repeat(np.arange(strata), drawn)
    place = np.arange(len(stratum)) - np.repeat(np.cumsum(drawn) - drawn, drawn)
    step = lengths[stratum] / drawn[stratum]
    at = ((place + random.random_sample(len(place))) * step).astype(np.int64)
    rows = order[starts[stratum] + np.minimum(at, lengths[stratum] - 1)]
    own = np.ones(len(rows)) if weights is None else weights[rows]
    return rows, own * (mass / np.bincount(stratum, own))[stratum]


def _extents(points: Array, starts: Array) -> Array:
    """Return the diagonal of the box around every run of points, the longest side being 1."""
    high = np.maximum.reduceat(points, starts).astype(np.float64)
    sides = high / 2 - np.minimum.reduceat(points, starts).astype(np.float64) / 2
    longest = sides.max()
    return np.asarray(np.sqrt(np.square(sides / (longest or 1.0)).sum(axis=1)))
