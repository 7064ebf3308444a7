"""Where mean shift begins: the bins of a grid that hold rows."""

from __future__ import annotations

import warnings

import numpy as np

from vicinal.arrays import Array
from vicinal.ascent import distinct_rows
from vicinal.models.caller import levels_to_the_caller

__all__ = ["binned_seeds"]

GRID = 4  # cells per row, at most, of a grid that is kept as a whole


def binned_seeds(
    X: Array, bin_size: float, min_bin_freq: int = 1, weights: Array | None = None
) -> Array:
    """Return the centers of the bins of a grid that hold enough rows, in the order of `X`.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Rows.
    bin_size : float
        Side of a bin; the centers are whole multiples of it. 0 returns `X`.
    min_bin_freq : int
        Least number of rows, or sum of their weights, of a bin that is taken.
    weights : ndarray of shape (n,), optional
        How many equal rows each row stands for.

    Returns
    -------
    ndarray of shape (s, d)
        `X` itself, with a warning, if every row has a bin of its own.

    Raises
    ------
    ValueError
        If no bin holds enough.
    """
    if bin_size == 0:
        return X
    bins = np.round(X / bin_size) + 0.0  # no −0, which is another row
    first, of_row = _distinct_bins(bins)
    held = np.bincount(of_row, weights)
    taken = (held >= min_bin_freq) & (held > 0)
    if not taken.any():
        raise ValueError(
            f"min_bin_freq={min_bin_freq} leaves no seed: the fullest bin of side {bin_size:g} "
            f"holds {held.max():g}; lower it"
        )
    if np.count_nonzero(taken) == len(X):
        warnings.warn(
            f"Binning data failed with provided bin_size={bin_size:f}, using data points as seeds.",
            stacklevel=levels_to_the_caller(),
        )
        return X
    return np.asarray(bins[first[taken]] * bin_size, X.dtype)


def _distinct_bins(bins: Array) -> tuple[Array, Array]:
    """Return `distinct_rows` of whole numbers; they are counted in a grid if that is small."""
    low = bins.min(axis=0)
    sides = bins.max(axis=0) - low + 1
    if not sides.prod() <= GRID * len(bins):
        return distinct_rows(bins)
    cells = np.zeros(len(bins), np.int64)
    for column, least, side in zip(bins.T, low, sides, strict=True):
        cells = cells * int(side) + (column - least).astype(np.int64)
    first = np.full(int(sides.prod()), len(bins))
    first[cells[::-1]] = np.arange(len(bins) - 1, -1, -1)  # the last that is written stays
    held = np.flatnonzero(first < len(bins))
    held = held[np.argsort(first[held])]
    rank = np.empty_like(first)
    rank[held] = np.arange(len(held))
    return first[held], rank[cells]
