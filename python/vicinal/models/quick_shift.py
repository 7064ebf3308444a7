"""Quick shift: every row is linked to the nearest row of higher density."""

from __future__ import annotations

from typing import Any

import numpy as np

from vicinal.arrays import Array
from vicinal.key_index import KeyIndex
from vicinal.models.checks import check_number, check_rows
from vicinal.models.mode_seeker import ModeSeeker
from vicinal.neighbors import knn

PAIRS = 1 << 20  # of a search at a time
FIRST = 8  # neighbors looked at first


class QuickShift(ModeSeeker):
    r"""Cluster rows by links to the nearest row of higher density.

    With :math:`p(x_i) = \sum_j w_j K(x_i, x_j)` row i is linked to the nearest row j of
    :math:`p(x_j) > p(x_i)`, ties of the density by row, if it is no farther than `max_distance`.
    Rows without a link are the centers, and links lead every other row to one of them.

    Parameters
    ----------
    kernel : str or kernel, default="gaussian"
        A name or an object of `vicinal.kernels`, of Euclidean distances.
    bandwidth : float, array-like of shape (d,), str or Abramson, default=None
        As in `MeanShift`.
    max_distance : float, default=None
        Longest link, in units of `X`, or of the bandwidth where features have different ones; None
        is two bandwidths. The larger, the fewer clusters.
    mass_tol : float, default=0.0
        At most this share of a density is left out, see `vicinal.local_mean`; 0 is exact.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (k, d)
        The rows without a link, the densest first.
    labels_ : ndarray of shape (n,), int64
        Rows of `cluster_centers_`.
    parents_ : ndarray of shape (n,), int64
        The row that each is linked to; a center is its own, −1 for a row of weight 0.
    parent_distances_ : ndarray of shape (n,)
        Lengths of the links in units of `max_distance`; inf for a center, NaN for a row of weight
        0.
    bandwidth_ : float, ndarray of shape (d,) or PerKey
        The bandwidth used.
    log_density_ : ndarray of shape (k,)
        Logarithm of the density at the centers, computed when it is read.
    keys_, sample_weight_, n_features_in_, feature_names_in_
        As in `MeanShift`.

    See Also
    --------
    MeanShift : Walks to the modes themselves.

    Notes
    -----
    Vedaldi & Soatto (2008). One pass for the densities and a search: no iterations. A row of weight
    0 is labelled as `predict` would.

    `predict` gives a row that equals one of the fit its label, and links another by the same rule;
    a row that is denser than all within `max_distance` gets the label of the nearest.

    Examples
    --------
    >>> from vicinal.models import QuickShift
    >>> model = QuickShift(bandwidth=0.5).fit([[0.0], [0.2], [0.3], [5.0], [5.4], [5.9]])
    >>> model.labels_
    array([0, 0, 0, 1, 1, 1])
    >>> model.cluster_centers_.ravel()
    array([0.2, 5.4])
    """

    parents_: Array
    labels_: Array
    parent_distances_: Array
    _log_mass: Array
    _state = (*ModeSeeker._state, "parents_", "parent_distances_", "_log_mass")

    def __init__(
        self,
        *,
        kernel: Any = "gaussian",
        bandwidth: Any = None,
        max_distance: float | None = None,
        mass_tol: float = 0.0,
        n_jobs: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.max_distance = max_distance
        self.mass_tol = mass_tol
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> QuickShift:
        """Link the rows.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows to cluster.
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), default=None
            How many equal rows each stands for.

        Returns
        -------
        self : QuickShift
            The fitted model.

        Raises
        ------
        ValueError
            If `X` is not finite or a parameter does not fit.
        """
        self._check_parameters()
        points = self._remember(X, sample_weight)
        self._log_mass = self._masses(points)
        present, n = self._present(), len(points)
        # Ties of the density go to the row that comes first.
        order = np.lexsort((-present, self._log_mass[present]))
        ranks = np.empty(len(present), np.int64)
        ranks[order] = np.arange(len(present))
        above, lengths = self._linked(points[present], ranks, points[present], ranks)
        rows = np.arange(len(present))
        parents = np.where(above < 0, rows, above)
        roots = parents
        for _ in range(n.bit_length()):
            roots = roots[roots]
        centers = order[::-1][parents[order[::-1]] == order[::-1]]
        number = np.empty(len(present), np.int64)
        number[centers] = np.arange(len(centers))
        self.cluster_centers_ = self.keys_[present[centers]]
        self.parents_, self.parent_distances_ = np.full(n, -1), np.full(n, np.nan)
        self.parents_[present] = present[parents]
        self.parent_distances_[present] = np.where(above < 0, np.inf, lengths)
        self.labels_ = np.full(n, -1)
        self.labels_[present] = number[roots]
        absent = np.flatnonzero(self.labels_ < 0)
        if absent.size:
            self.labels_[absent] = self._label(points[absent], self._log_mass[absent])
        if self._land is None:
            self._warn_of_no_bandwidth(len(self.cluster_centers_))
        return self

    def predict(self, X: Any) -> Array:
        """Return the cluster of each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Rows.

        Returns
        -------
        labels : ndarray of shape (m,), int64
            Rows of `cluster_centers_`.
        """
        points = self._queries(X)
        log_mass = None if self._land is None else self._masses(points)
        return self._label(points, log_mass)

    def _check_parameters(self) -> None:
        if self.max_distance is not None:
            rule = "None or a number from 0 on"
            check_number(self.max_distance, "max_distance", lambda t: t >= 0, rule)

    def _check_state(self, state: dict[str, Any]) -> None:
        rows = len(state["keys_"])
        check_rows(state["parents_"], "parents_", rows, -1, rows)
        for name in ("parent_distances_", "_log_mass"):
            numbers = state[name]
            fits = isinstance(numbers, np.ndarray) and numbers.dtype.kind == "f"
            if not fits or numbers.shape != (rows,):
                raise ValueError(f"{name} is not one number per row")

    def _masses(self, points: Array) -> Array:
        if self._land is not None:
            return self._land.log_mass(points)
        _, of_row = np.unique(points, axis=0, return_inverse=True)
        weights = np.ones(len(points)) if self.sample_weight_ is None else self.sample_weight_
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.bincount(of_row.ravel(), weights))[of_row.ravel()])

    def _limit(self) -> float:
        radius = 0.0 if self._land is None else self._land.radius
        return 2 * radius if self.max_distance is None else float(self.max_distance)

    def _label(self, points: Array, log_mass: Array | None) -> Array:
        """Return the labels of points of these log masses by the labelled rows of the fit."""
        known = self._present()
        keys = self.keys_ if self._land is None else self._land.keys
        keys, labels, levels = keys[known], self.labels_[known], self._log_mass[known]
        near = knn(points, keys, 1, num_threads=self.n_jobs)
        result = labels[near.indices[:, 0]]
        fresh = np.flatnonzero(near.distances[:, 0] > 0)
        if log_mass is not None and fresh.size:
            above, _ = self._linked(points[fresh], log_mass[fresh], keys, levels)
            result[fresh] = np.where(above < 0, result[fresh], labels[above])
        return np.asarray(result)

    def _linked(self, points: Array, own: Array, keys: Array, levels: Array) -> tuple[Array, Array]:
        """Return for each point the nearest key of a level above its own, −1 = none near enough."""
        index = KeyIndex(keys, num_threads=self.n_jobs)
        limit, n = self._limit(), len(keys)
        above, lengths = np.full(len(points), -1), np.full(len(points), np.inf)
        todo, k = np.arange(len(points)), min(FIRST, n)
        while todo.size:
            left = []
            step = max(1, PAIRS // k)
            for rows in np.split(todo, range(step, todo.size, step)):
                near = knn(points[rows], index, k, num_threads=self.n_jobs)
                higher = levels[near.indices] > own[rows, None]
                at = np.argmax(higher, axis=1)[:, None]
                key = np.take_along_axis(near.indices, at, axis=1)[:, 0]
                length = np.take_along_axis(near.distances, at, axis=1)[:, 0]
                linked = higher.any(axis=1) & (length <= limit)
                above[rows[linked]], lengths[rows[linked]] = key[linked], length[linked]
                open_ = ~higher.any(axis=1) & (near.distances[:, -1] <= limit)
                left.append(rows[open_])
            todo = np.concatenate(left) if k < n else todo[:0]
            k = min(4 * k, n)
        return above, lengths
