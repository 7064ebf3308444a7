"""Kernel regression by a sum of kernels whose weights are learned."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from vicinal.arrays import Array
from vicinal.bandwidth.given import AdaptiveBandwidth
from vicinal.kernels import Gaussian, Kernel, Sum, as_kernel
from vicinal.kernels.lowering import fill
from vicinal.models.regression import LocalMeanRegressor
from vicinal.models.simplex import Mixture, simplex_weights
from vicinal.models.state import check_kernel_weights
from vicinal.neighbor_sets import Both, Either, KNearest

__all__ = ["MultiKernelRegressor"]

MULTIPLES = (0.25, 0.5, 1.0, 2.0, 4.0)


class MultiKernelRegressor(LocalMeanRegressor):
    r"""Predict the local mean under a sum of kernels whose weights are learned by leave-one-out.

    .. math:: \hat y(q) = \frac{\sum_k c_k \sum_j w_j K_k(q, x_j)\, y_j}
              {\sum_k c_k \sum_j w_j K_k(q, x_j)}, \qquad c_k \ge 0,\ \sum_k c_k = 1

    The weights :math:`c` minimize the squared error of the predictions of every training row from
    the others.

    Parameters
    ----------
    kernels : sequence of str or kernel, default=None
        At least one kernel without negative weights; they may look at different columns. None is
        five Gaussians of ¼, ½, 1, 2 and 4 times `bandwidth`.
    bandwidth : float, array-like of shape (d,) or str, default="scott"
        Of every kernel that has none of its own, found for each alone as in `LocalMeanRegressor`;
        not a rule of each row.
    metric : str or metric, default=None
        Distance or similarity of the kernels that have none; None is each kernel's own.
    neighbors : NeighborSet, default=None
        Which training rows a query sees, as in `LocalMeanRegressor`. `KNearest` takes kernels that
        rank rows alike: of one metric, with bandwidths in proportion.
    mass_tol : float, default=0.0
        At most this share of a query's mass is left out, see `vicinal.local_mean`; 0 is exact.
    empty : {"nan", "zero", "nearest", "raise"} or float, default="nan"
        What a query gets when no key is in the support of any kernel, as in `LocalMeanRegressor`.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.

    Attributes
    ----------
    kernel_ : Sum
        The kernels with their bandwidths, and the weights as coefficients.
    weights_ : ndarray of shape (K,)
        The weights c; exactly 0 for a kernel that does not help.
    shares_ : ndarray of shape (K,)
        What each kernel contributes to the mass of a training row from the others, in the mean of
        the rows. Other than the weights these compare kernels of different widths: a narrow one
        sums to little mass, so that a large weight may be a small share.
    loo_score_ : float
        R² of the leave-one-out predictions under these weights, which were chosen by it: slightly
        bright, as there are K − 1 numbers to fit.
    keys_, values_, sample_weight_, bandwidth_, empty_rows_, n_features_in_, feature_names_in_
        As in `LocalMeanRegressor`; `bandwidth_` is one per kernel of a profile.

    See Also
    --------
    LocalMeanRegressor : One kernel.
    vicinal.kernels.Sum : The kernel that is learned.

    Notes
    -----
    Multiple kernel learning (Lanckriet et al., 2004; Gönen & Alpaydın, 2011) for kernels of a local
    mean: leave-one-out masses and sums of each kernel are taken once, so that choosing K weights
    costs K passes over the pairs of rows and a problem of K unknowns. The error is smooth in the
    weights but not convex; the result is never worse than the best kernel alone.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.kernels import Gaussian
    >>> from vicinal.models import MultiKernelRegressor
    >>> X = np.random.default_rng(0).uniform(size=(200, 2))
    >>> columns = [Gaussian(bandwidth=0.05, columns=j) for j in (0, 1)]
    >>> model = MultiKernelRegressor(columns).fit(X, np.sin(9 * X[:, 1]))
    >>> model.weights_
    array([0., 1.])
    """

    nan_policy = "raise"
    _state = (*LocalMeanRegressor._state, "kernel_", "weights_", "shares_", "loo_score_")

    def __init__(
        self,
        kernels: Any = None,
        *,
        bandwidth: Any = "scott",
        metric: Any = None,
        neighbors: Any = None,
        mass_tol: float = 0.0,
        empty: Any = "nan",
        n_jobs: int | None = None,
    ) -> None:
        self.kernels = kernels
        self.bandwidth = bandwidth
        self.metric = metric
        self.neighbors = neighbors
        self.mass_tol = mass_tol
        self.empty = empty
        self.n_jobs = n_jobs

    @property
    def kernel(self) -> Kernel:
        """The sum of the kernels, with the weights once they are learned."""
        learned = self.__dict__.get("kernel_")
        return Sum(*_as_kernels(self.kernels)) if learned is None else learned

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MultiKernelRegressor:
        """Remember the training set, settle the bandwidths and learn the weights.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Training rows, at least two.
        y : array-like of shape (n,) or (n, p)
            Targets; the squared errors of several are added.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights; 0 makes a row absent.

        Returns
        -------
        self : MultiKernelRegressor
            The fitted model.

        Raises
        ------
        ValueError
            If an array is not finite, shapes differ or a parameter does not fit.
        """
        self.__dict__.pop("kernel_", None)  # of the last fit
        super().fit(X, y, sample_weight)
        return self

    def _settled_bandwidth(self) -> Any:
        """Learn the weights; return the bandwidths of all profiles."""
        self._need_two_rows("MultiKernelRegressor")
        if isinstance(self.bandwidth, AdaptiveBandwidth):
            raise ValueError(
                f"bandwidth={self.bandwidth!r} is a rule of each row, which a sum of kernels does "
                "not take; give numbers, names, or kernels with bandwidths"
            )
        kernels, singles = self._single_models()
        left_out = [single._left_out() for single in singles]
        log_masses = np.array([part.log_mass for part in left_out], dtype=np.float64)
        means = np.array([part.mean for part in left_out], dtype=np.float64)
        self._learn(kernels, log_masses, means.reshape(*log_masses.shape, -1))
        return tuple(leaf.bandwidth for leaf in self.kernel_.leaves())

    def _single_models(self) -> tuple[list[Kernel], list[LocalMeanRegressor]]:
        """Return the kernels with bandwidths, and a model of each."""
        given = self._given_kernels()
        filled, singles = [], []
        for kernel in given:
            leaves = kernel.leaves()
            single = LocalMeanRegressor(
                kernel=kernel,
                bandwidth=self.bandwidth if kernel.needs_bandwidth else "scott",
                metric=self.metric if any(leaf.metric is None for leaf in leaves) else None,
                neighbors=self._neighbors,
                mass_tol=self.mass_tol,
                n_jobs=self.n_jobs,
            ).fit(self.keys_, self.values_, self.sample_weight_)
            bandwidth, d = single._open_bandwidth(), self.keys_.shape[1]
            filled.append(fill(kernel, bandwidth, single.metric, d))
            singles.append(single)
        if _ranks(self.neighbors):
            _check_ranks(filled, self.neighbors)
        return list(map(_with_bandwidths, given, filled)), singles

    def _given_kernels(self) -> list[Kernel]:
        if self.kernels is not None:
            return _as_kernels(self.kernels)
        one = LocalMeanRegressor(bandwidth=self.bandwidth, metric=self.metric, n_jobs=self.n_jobs)
        base = np.asarray(one.fit(self.keys_, self.values_, self.sample_weight_).bandwidth_)
        return [Gaussian(bandwidth=(multiple * base).tolist()) for multiple in MULTIPLES]

    def _learn(self, kernels: list[Kernel], log_masses: Array, means: Array) -> None:
        """Set kernel, weights, shares and score from what each kernel says of the others."""
        y = self.values_.reshape(len(self.values_), -1).astype(np.float64)
        weights = np.ones(len(y)) if self.sample_weight_ is None else self.sample_weight_
        counted = (log_masses > -np.inf).any(axis=0) & (weights > 0)
        if not counted.any():
            raise ValueError("no training row has another one in its support; widen the bandwidths")
        spread = ((y - np.average(y, axis=0, weights=weights)) ** 2).sum(axis=1)
        masses, scales = _scaled(log_masses[:, counted], weights[counted])
        mixture = Mixture(
            masses=masses,
            means=np.where(masses[..., None] > 0, means[:, counted], 0.0),
            targets=y[counted],
            weights=weights[counted],
            base=float(np.average(spread, weights=weights)),
        )
        c = simplex_weights(mixture)
        fitted, total = mixture.fitted(c)
        all_fitted = np.full(y.shape, np.nan)
        all_fitted[counted] = fitted
        scores = [self._column_score(*column) for column in zip(y.T, all_fitted.T, strict=True)]
        self.loo_score_ = float(np.mean(scores))
        with np.errstate(invalid="ignore"):
            shares = np.nan_to_num(c[:, None] * masses / total)
        answered = shares.sum(axis=0) > 0
        self.shares_ = np.average(shares[:, answered], axis=1, weights=mixture.weights[answered])
        with np.errstate(divide="ignore"):
            logs = np.log(c) - scales
        plain = np.exp(logs - logs.max())
        self.weights_ = plain / plain.sum()
        self.kernel_ = Sum(*kernels, coefficients=self.weights_.tolist())

    def _check_state(self, state: dict[str, Any]) -> None:
        super()._check_state(state)
        check_kernel_weights(state)


def _as_kernels(kernels: Any) -> list[Kernel]:
    if kernels is None:
        return [Gaussian()] * len(MULTIPLES)
    if isinstance(kernels, str | Kernel) or not isinstance(kernels, Iterable):
        raise ValueError(f"kernels must be a sequence of kernels, got {kernels!r}; write [kernel]")
    known = [as_kernel(kernel) for kernel in kernels]
    if not known:
        raise ValueError("kernels is empty; give at least one kernel, or None for five Gaussians")
    for kernel in known:
        if kernel.signed:
            raise ValueError(f"kernels must have no negative weights, got {kernel!r}")
    return known


def _with_bandwidths(kernel: Kernel, filled: Kernel) -> Kernel:
    """Return the kernel with the bandwidths, but not the metrics, of its filled twin."""
    leaves = iter(filled.leaves())
    return kernel.rebuilt(lambda leaf: leaf.filled(bandwidth=next(leaves).bandwidth))


def _ranks(neighbors: Any) -> bool:
    if isinstance(neighbors, Both | Either):
        return _ranks(neighbors.a) or _ranks(neighbors.b)
    return isinstance(neighbors, KNearest)


def _check_ranks(kernels: list[Kernel], neighbors: Any) -> None:
    """Refuse kernels whose nearest rows are not the same."""
    leaves = [leaf for kernel in kernels for leaf in kernel.leaves()]
    first = leaves[0]
    for leaf in leaves:
        with np.errstate(invalid="ignore"):  # a feature left out is so by all
            ratio = np.atleast_1d(np.asarray(leaf.bandwidth) / np.asarray(first.bandwidth))
        alike = leaf.metric == first.metric and leaf.columns == first.columns
        ratio = ratio[~np.isnan(ratio)]
        if not alike or (ratio.size and np.ptp(ratio) > 1e-12 * ratio.max()):
            raise ValueError(
                f"neighbors={neighbors} needs kernels that rank rows alike, of one metric and with "
                f"bandwidths in proportion, got {first!r} and {leaf!r}"
            )


def _scaled(log_masses: Array, weights: Array) -> tuple[Array, Array]:
    """Return masses that are 1 in the mean of each kernel, rows to their largest; log scales."""
    peak = log_masses.max(axis=1, keepdims=True)
    peak = np.where(np.isfinite(peak), peak, 0.0)
    mean = np.average(np.exp(log_masses - peak), axis=1, weights=weights)[:, None]
    scales = np.where(mean > 0, peak + np.log(np.where(mean > 0, mean, 1.0)), 0.0)
    relative = log_masses - scales
    return np.exp(relative - relative.max(axis=0)), scales[:, 0]
