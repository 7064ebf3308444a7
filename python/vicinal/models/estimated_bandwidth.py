"""The bandwidth of mean shift where nobody gives one."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_array, check_random_state

from vicinal.bandwidth.nearest import distances_of_mass
from vicinal.bandwidth.strata import representative_rows
from vicinal.key_index import KeyIndex
from vicinal.models.base import FLOATS
from vicinal.models.checks import check_number, check_whole
from vicinal.models.model_checks import as_weights

__all__ = ["estimate_bandwidth"]

EXACT = 20_000  # most rows that the mean is taken over as a whole
SAMPLED = 4096  # of more rows


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
    Of more than 20,000 rows the mean is taken over some 4,000 that stand for all, see Notes.

    Parameters
    ----------
    X : array-like of shape (n, d)
        Rows.
    quantile : float, default=0.3
        In [0, 1]; 0.5 is about the median of all distances between rows.
    n_samples : int, default=None
        Take only so many rows, drawn without replacement, and the mean over all of these: time is
        quadratic in their number. The number of all rows makes the mean over all rows exact,
        whatever that number is.
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
    The same number as ``sklearn.cluster.estimate_bandwidth``, which is exact too, as long as there
    are at most 20,000 rows or `n_samples` is given. Beyond, every distance is still exact, found by
    counts among all rows, but the mean is over a stratified sample of rows: the distance to the
    k-th nearest row changes by at most the distance between two rows, so strata are runs of near
    rows, drawn from in proportion to their mass times their extent (Neyman, 1934). Against the
    exact mean of 60,000 rows its root mean square error over 20 seeds is 0.03 to 0.3 % for normal
    rows and clusters of them (2, 3 and 16 features), 0.7 to 1.3 % for log-normal and 1.2 to 1.7 %
    for Student's t with 2 degrees of freedom, quantile 0.3 and 0.02.

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
    random = check_random_state(random_state)
    if n_samples is not None:
        drawn = random.permutation(len(X))[:n_samples]
        X, weights = X[drawn], None if weights is None else weights[drawn]
    if weights is not None:
        present = weights > 0
        if not present.any():
            raise ValueError(
                f"sample_weight is 0 for all n_samples={n_samples} rows drawn; draw more"
            )
        X, weights = X[present], weights[present]
    total = float(len(X) if weights is None else weights.sum())
    mass = min(max(int(total * quantile), 1), total)
    index = KeyIndex(X, num_threads=n_jobs)
    if n_samples is None and len(X) > EXACT:
        rows, shares = representative_rows(index, weights, SAMPLED, random)
    else:
        rows, shares = np.arange(len(X)), np.ones(len(X)) if weights is None else weights
    distances = distances_of_mass(X[rows], index, mass, weights=weights, num_threads=n_jobs)
    return np.float64((shares * distances).sum() / total)
