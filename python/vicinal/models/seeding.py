"""Where mean shift begins, and its bandwidth where nobody gives one."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.utils import check_array, check_random_state

from vicinal.arrays import Array
from vicinal.ascent import distinct_rows
from vicinal.bandwidth.nearest import Surroundings, kth_distances
from vicinal.models.base import FLOATS, as_weights, levels_to_the_caller
from vicinal.models.checks import check_number, check_whole

__all__ = ["binned_seeds", "estimate_bandwidth"]


def estimate_bandwidth(
    X: Any,
    *,
    quantile: float = 0.3,
    n_samples: int | None = None,
    random_state: Any = 0,
    n_jobs: int | None = None,
    sample_weight: Any = None,
) -> np.float64:
    """Estimate a bandwidth of the flat kernel: the mean distance to the k-th nearest row.

    k is `quantile` times the number of rows, rounded down, at least 1; a row is its own nearest.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Rows.
    quantile : float, default=0.3
        In [0, 1]; 0.5 is about the median of all distances between rows.
    n_samples : int, default=None
        Take only so many rows, drawn without replacement. The search takes time quadratic in their
        number; from some ten thousand rows on draw a few thousand.
    random_state : int, RandomState or None, default=0
        Draws the rows.
    n_jobs : int, default=None
        Threads of the search; None is `vicinal.get_num_threads()`, −1 all cores.
    sample_weight : array-like of shape (n,), default=None
        How many equal rows each row stands for; rows that are drawn keep their weights.

    Returns
    -------
    bandwidth : float64
        0 where at least k rows coincide with every row.

    Raises
    ------
    ValueError
        If `X` is not finite or a parameter is out of range.

    Notes
    -----
    The same number as ``sklearn.cluster.estimate_bandwidth``, with an exact parallel search.

    Examples
    --------
    >>> from vicinal.models import estimate_bandwidth
    >>> X = [[1, 1], [2, 1], [1, 0], [4, 7], [3, 5], [3, 6]]
    >>> print(estimate_bandwidth(X, quantile=0.5).round(4))
    1.6191
    """
    check_number(quantile, "quantile", lambda share: 0 <= share <= 1, "a number from 0 to 1")
    if n_samples is not None:
        check_whole(n_samples, "n_samples", 1)
    X = check_array(X, dtype=FLOATS, order="C")
    weights = None if sample_weight is None else as_weights(sample_weight, X)
    if n_samples is not None:
        drawn = check_random_state(random_state).permutation(len(X))[:n_samples]
        X, weights = X[drawn], None if weights is None else weights[drawn]
    if weights is not None:
        present = weights > 0
        if not present.any():
            raise ValueError(
                f"sample_weight is 0 for all n_samples={n_samples} rows drawn; draw more"
            )
        X, weights = X[present], weights[present]
    counts = np.ones(len(X)) if weights is None else weights
    total = counts.sum()
    k = min(max(int(total * quantile), 1), total)
    distances = kth_distances(
        Surroundings(X, X, "euclidean", weights=weights, num_threads=n_jobs), k
    )
    return np.float64((counts * distances).sum() / total)


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
    first, of_row = distinct_rows(bins)
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
