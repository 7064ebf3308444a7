"""Mean shift: clusters are the basins of the modes of a density."""

from __future__ import annotations

from typing import Any

import numpy as np

from vicinal.arrays import Array
from vicinal.ascent import Ascents
from vicinal.models.checks import check_choice
from vicinal.models.mean_shift_checks import RULES
from vicinal.models.mean_shift_steps import MeanShiftSteps


class MeanShift(MeanShiftSteps):
    r"""Cluster rows by the mode of the density that each of them climbs to.

    Every seed steps to the mean of the rows near it, :math:`q \leftarrow q + \alpha (m(q) - q)`
    with :math:`m(q) = \sum_j w_j K(q, x_j) x_j / \sum_j w_j K(q, x_j)`, until a step is at most
    `tol` bandwidths long.

    scikit-learn's constructor, attributes and errors come first, with their meaning; what follows
    is of this package.

    Parameters
    ----------
    bandwidth : float, array-like of shape (d,), str or Abramson, default=None
        In units of `X`, one for all features or one each. None is `estimate_bandwidth` for the
        flat kernel, and for another the bandwidth at which it has the flat one's variance; if that
        is 0, every distinct row is a mode, with one warning. A name is a criterion of
        `vicinal.bandwidth.select` for the density. `vicinal.bandwidth.Abramson` gives every row
        its own. A kernel that has its own bandwidth keeps it.
    seeds : array-like of shape (s, d), default=None
        Where ascents begin; None is every row, or `bin_seeding`.
    bin_seeding : bool, default=False
        Begin at the centers of the bins of a grid, one bandwidth wide, that hold rows.
    min_bin_freq : int, default=1
        Rows, or sum of their weights, that a bin must hold.
    cluster_all : bool, default=True
        False labels rows −1 that are farther than the bandwidth from the center of their cluster.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.
    max_iter : int, default=300
        A seed that still moves after so many steps makes a last one and is stopped.
    kernel : str or kernel, default="flat"
        A name or an object of `vicinal.kernels`, of Euclidean distances; "flat" is computed in
        float64, others in the type of `X`.
    tol : float, default=1e-3
        Longest last step, in bandwidths.
    assign : {"auto", "attractor", "nearest"}, default="auto"
        What a row's label is: "attractor", the center nearest to the end of the row's own ascent;
        "nearest", the center nearest to the row, as in scikit-learn; "auto" is "attractor" when
        every row is a seed, else "nearest".
    variant : {"standard", "blurring", "medoid"}, default="standard"
        "blurring": the rows move together and are what is averaged (Fukunaga & Hostetler, 1975);
        `predict` repeats the moves, so the model keeps the rows before every step, ``n_iter_ + 1``
        times the size of `X`;
        "medoid": from row to row, to the one nearest to the mean (Sheikh, Khan & Kanade, 2007).
    alpha : float, default=1.0
        Share of the way to the mean that a step goes, between 0 and 2.
    mass_tol : float, default=0.0
        At most this share of the mass of a mean is left out, see `vicinal.local_mean`; 0 is exact.
        A Gaussian of up to three features is then much faster where many rows are seeds.
    capture : float or "auto", default="auto"
        In bandwidths: in `fit`, with every row a seed, an ascent stops where it lies so close to a
        mode that is known already and has been seen to pull from there, see Notes. 0 walks every
        ascent to its end. "auto" is 0 for the flat kernel and 0.5 for others.
    verbose : int, default=0
        Print a line for every step.
    callback : callable, default=None
        ``callback(iteration, error, state)`` after every step, with the longest step in bandwidths
        and the positions of all seeds, (s, d); a true answer stops the fit there.
    progress : bool or callable, default=False
        True shows a bar; or a function of the share of seeds at rest.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (k, d)
        Ends of ascents, those of the largest mass first, each farther than the bandwidth from all
        before it.
    labels_ : ndarray of shape (n,), int64
        Rows of `cluster_centers_`, or −1.
    n_iter_ : int
        Steps before the last one of the longest ascent, as scikit-learn counts them.
    converged_ : bool
        Whether every seed came to rest.
    n_orphans_ : int
        Seeds without a row in the support of the kernel, which are dropped.
    n_steps_, n_pairs_ : int
        Steps that were computed, of all ascents, and pairs of a point and a row that were weighed
        for them; 0 in the other variants.
    assign_ : str
        The rule of the labels.
    bandwidth_ : float, ndarray of shape (d,) or PerKey
        The bandwidth used.
    log_density_ : ndarray of shape (k,)
        Logarithm of the density under the kernel at the centers, computed when it is read; a
        ValueError for a kernel without a finite integral.
    keys_ : ndarray of shape (n, d)
        The rows.
    sample_weight_ : ndarray of shape (n,) or None
        Their weights.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (d,)
        Their names, when `X` had string column names.

    See Also
    --------
    QuickShift : Links rows to denser rows, without means.
    estimate_bandwidth : The default bandwidth.

    Notes
    -----
    Fukunaga & Hostetler (1975); Cheng (1995); Comaniciu & Meer (2002). The mean under a kernel K
    climbs the density of its shadow (Cheng): the flat kernel that of the Epanechnikov, the Gaussian
    its own. With a bandwidth :math:`h_j` of each row (Comaniciu, Ramesh & Meer, 2001) weights are
    multiplied by :math:`h_j^{-(d+2)}`.

    Modes are merged by scikit-learn's rule: ends are taken by falling mass, ties by falling
    coordinates, and each removes the others within one bandwidth.

    `predict` walks every ascent to its end, whatever `capture` is, and an answer does not depend
    on the other rows asked. With capture, 4√n rows are walked to their ends first; a mode captures
    what comes within `capture` bandwidths if the 2d points at that distance along the axes return
    to it. Where such a ball reached into another basin, `labels_` of its rows would differ from
    `predict`; ``capture=0`` excludes it.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import MeanShift
    >>> X = np.array([[1, 1], [2, 1], [1, 0], [4, 7], [3, 5], [3, 6]])
    >>> model = MeanShift(bandwidth=2).fit(X)
    >>> model.labels_
    array([1, 1, 1, 0, 0, 0])
    >>> model.predict([[0, 0], [5, 5]])
    array([1, 0])
    """

    def __init__(
        self,
        *,
        bandwidth: Any = None,
        seeds: Any = None,
        bin_seeding: bool = False,
        min_bin_freq: int = 1,
        cluster_all: bool = True,
        n_jobs: int | None = None,
        max_iter: int = 300,
        kernel: Any = "flat",
        tol: float = 1e-3,
        assign: str = "auto",
        variant: str = "standard",
        alpha: float = 1.0,
        mass_tol: float = 0.0,
        capture: Any = "auto",
        verbose: int = 0,
        callback: Any = None,
        progress: Any = False,
    ) -> None:
        self.bandwidth = bandwidth
        self.seeds = seeds
        self.bin_seeding = bin_seeding
        self.min_bin_freq = min_bin_freq
        self.cluster_all = cluster_all
        self.n_jobs = n_jobs
        self.max_iter = max_iter
        self.kernel = kernel
        self.tol = tol
        self.assign = assign
        self.variant = variant
        self.alpha = alpha
        self.mass_tol = mass_tol
        self.capture = capture
        self.verbose = verbose
        self.callback = callback
        self.progress = progress

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> MeanShift:
        """Find the modes and label the rows.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Rows to cluster.
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), default=None
            How many equal rows each stands for; a row of weight 0 is labelled, and nothing else.

        Returns
        -------
        self : MeanShift
            The fitted model.

        Raises
        ------
        ValueError
            If `X` is not finite, a parameter does not fit, or no seed has a row within reach.
        """
        self._check_parameters()
        for name in ("_frames", "_medoids"):  # of the last fit
            self.__dict__.pop(name, None)
        points = self._remember(X, sample_weight)
        if self._land is None:
            self._take_distinct()
            return self
        seeds = self._seeds(self._land)
        every = seeds is None
        self.assign_ = (
            ("attractor" if every else "nearest") if self.assign == "auto" else self.assign
        )
        walked = self._walk(self._land, points[self._present()] if seeds is None else seeds)
        self._take_modes(self._land, walked)
        if every and self.assign_ == "attractor":
            self.labels_ = self._labels_of_walked(points, walked.ends)
        else:
            self.labels_ = self._label(points, self.assign_)[0]
        return self

    def predict(self, X: Any, mode: str | None = None) -> Array:
        """Return the cluster of each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Rows.
        mode : {"attractor", "nearest"}, default=None
            As `assign`; None is the rule of the fit, so that the rows of the fit get `labels_`.

        Returns
        -------
        labels : ndarray of shape (m,), int64
            Rows of `cluster_centers_`, or −1 with ``cluster_all=False``. Rows without a key in the
            support of the kernel stay where they are and get the nearest center, with one
            `LocalizationWarning`.
        """
        if mode is not None:
            check_choice(mode, "mode", RULES)
        points = self._queries(X)
        labels, orphans = self._label(points, mode or self.assign_)
        if orphans:
            self._warn(
                f"{orphans} of {len(points)} rows have no training row in the support of the "
                "kernel: they are labelled by the nearest center; widen the bandwidth or take "
                "mode='nearest'"
            )
        return labels

    def trajectories(self, X: Any) -> list[Array]:
        """Return the places where each row of `X` stands on its way, in the standard variant.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Rows.

        Returns
        -------
        trajectories : list of m ndarrays of shape (t, d)
            The row first, then where each of its steps led.

        Raises
        ------
        ValueError
            For another variant, or a bandwidth of 0.
        """
        points, land = self._queries(X), self._land
        if self.variant != "standard" or land is None:
            raise ValueError(
                "trajectories are those of variant='standard' and a bandwidth above 0, got "
                f"variant={self.variant!r} and bandwidth_={self.bandwidth_!r}"
            )
        places = [points]

        def look(iteration: int, error: float, now: Ascents) -> None:
            places.append(now.ends)

        found = land.ascend(points, **self._walk_options(land), callback=look)
        way = land.leave(np.stack(places))
        return [way[: steps + 1, i] for i, steps in enumerate(found.n_iter)]
