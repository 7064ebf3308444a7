"""Kernel regression whose weights look at the targets, too: edges stay."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

import vicinal
from vicinal.arrays import Array
from vicinal.bandwidth.given import AdaptiveBandwidth
from vicinal.kernels import Gaussian, Kernel, Product, as_kernel
from vicinal.kernels.lowering import fill
from vicinal.leave_one_out import LeftOut
from vicinal.models.caller import levels_to_the_caller
from vicinal.models.checks import check_number, check_whole
from vicinal.models.lazy.iteration import iterate
from vicinal.models.regression import LocalMeanRegressor


class SelfLocalRegressor(LocalMeanRegressor):
    r"""Predict the local mean of the targets near the query and near the prediction itself.

    .. math:: \hat y_{t+1}(x) = \frac{\sum_j w_j K(x, x_j)\, K_y(\hat y_t(x), y_j)\, y_j}
              {\sum_j w_j K(x, x_j)\, K_y(\hat y_t(x), y_j)}

    from the pilot :math:`\hat y_0`, the local mean. Beside an edge the pilot lies between the two
    sides; the kernel of targets takes it to the nearer one, and the other side then weighs little.

    Parameters
    ----------
    kernel, bandwidth
        Of the rows, as in `LocalMeanRegressor`; a bandwidth of each row is refused.
    target_bandwidth : float, array-like of shape (p,) or None, default=None
        Of the Gaussian kernel of the targets, in units of `y`. None is the standard deviation of
        what the pilot misses of the training rows when each is left out.
    max_steps : int, default=300
        The most steps; then there is a `ConvergenceWarning`.
    tol : float, default=1e-4
        A row stops with a step of at most this share of the target bandwidth.
    metric, mass_tol, empty, n_jobs
        As in `LocalMeanRegressor`.

    Attributes
    ----------
    keys_, values_, sample_weight_, bandwidth_, empty_rows_, n_features_in_, feature_names_in_
        As in `LocalMeanRegressor`.
    target_bandwidth_ : ndarray of shape (p,)
        The bandwidth of each target in use.

    See Also
    --------
    LocalMeanRegressor : Its pilot.

    Notes
    -----
    A definition of this project: with the row's own target for a pilot and one step it is the
    bilateral filter (Tomasi & Manduchi, 1998), see `smooth`. The steps are mean shift in y at fixed
    x, which climbs the estimated density p(y | x) to a mode near the mean (modal regression,
    Einbeck & Tutz, 2006); it never falls on the way. Where a far mode is as likely, the answer is
    one of them.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import LocalMeanRegressor, SelfLocalRegressor
    >>> X = np.linspace(0, 1, 101)[:, None]
    >>> y = np.where(X[:, 0] < 0.5, 0.0, 1.0)
    >>> LocalMeanRegressor(bandwidth=0.1).fit(X, y).predict([[0.44], [0.56]]).round(2)
    array([0.29, 0.74])
    >>> model = SelfLocalRegressor(bandwidth=0.1, target_bandwidth=0.3).fit(X, y)
    >>> model.predict([[0.44], [0.56]]).round(2)
    array([0., 1.])
    """

    _state = (*LocalMeanRegressor._state, "target_bandwidth_")
    neighbors = None
    nan_policy = "raise"

    def __init__(
        self,
        *,
        kernel: Any = "gaussian",
        bandwidth: Any = "scott",
        target_bandwidth: Any = None,
        max_steps: int = 300,
        tol: float = 1e-4,
        metric: Any = None,
        mass_tol: float = 0.0,
        empty: Any = "nan",
        n_jobs: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.target_bandwidth = target_bandwidth
        self.max_steps = max_steps
        self.tol = tol
        self.metric = metric
        self.mass_tol = mass_tol
        self.empty = empty
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> SelfLocalRegressor:
        """Remember the training set and settle the bandwidths.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Training rows.
        y : array-like of shape (n,) or (n, p)
            Targets.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights; 0 makes a row absent.

        Returns
        -------
        self : SelfLocalRegressor
            The fitted model.

        Raises
        ------
        ValueError
            If an array is not finite, shapes differ or a parameter does not fit.
        """
        self._check()
        super().fit(X, y, sample_weight)
        self.target_bandwidth_ = self._settled_target_bandwidth()
        self._join()
        return self

    def predict(self, X: Any) -> Array:
        """Iterate from the local mean at each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.

        Returns
        -------
        y : ndarray of shape (m,) or (m, p)
            Predictions, in the dtype of `keys_`.
        """
        queries = self._queries(X)
        pilot = self._means(queries)
        self._warn_of_empty(self._no_answer(pilot))
        return self._climbed(queries, pilot)

    def smooth(self, steps: int = 1) -> Array:
        """Filter the training targets, each from its own value: the bilateral filter.

        Parameters
        ----------
        steps : int, default=1
            How many; each moves a target to the mean of those near in both respects.

        Returns
        -------
        y : ndarray of shape (n,) or (n, p)
            The targets of the training rows, smoothed where neighbors have similar ones.
        """
        check_is_fitted(self)
        check_whole(steps, "steps", 1)
        return self._climbed(self.keys_, self.values_, steps=steps)

    def explain(self, X: Any, k: int = 5) -> tuple[Array, Array]:
        """Name the training rows that weigh most in the prediction for each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.
        k : int, default=5
            How many training rows to name per query.

        Returns
        -------
        indices : ndarray of shape (m, k), int64
            Training rows, heaviest first, ties by index; −1 where the support holds fewer.
        weights : ndarray of shape (m, k)
            Their shares of the whole weight of the row; 0 where the index is −1.
        """
        queries = self._queries(X)
        points = self._joined(queries, self._climbed(queries, self._means(queries)))
        stats = vicinal.local_stats(
            points,
            self._pairs,
            statistics=("top_k",),
            k=k,
            kernel=self._both,
            weights=self.sample_weight_,
            num_threads=self.n_jobs,
        )
        assert stats.top_k is not None
        return stats.top_k

    def _climbed(self, rows: Array, pilot: Array, *, steps: int | None = None, **own: Any) -> Array:
        """Return where the steps lead from a pilot (m, …); rows of NaN stay."""
        points = self._joined(rows, pilot)
        d, answered = rows.shape[1], np.flatnonzero(~np.isnan(points).any(axis=1))

        def move(now: Array, moving: Array) -> Array:
            hollow = {"self_indices": answered[moving], **own} if own else {}
            mean = self._joint_mean(now, **hollow)
            return np.concatenate([now[:, :d], np.where(np.isnan(mean), now[:, d:], mean)], axis=1)

        tol, most = (self.tol, self.max_steps) if steps is None else (0.0, steps)
        found, moving = iterate(move, points[answered], tol=tol, max_iter=most)
        if moving and steps is None:
            warnings.warn(
                f"{moving} of {len(points)} rows still move after max_steps={most} steps; raise "
                "max_steps or tol",
                ConvergenceWarning,
                stacklevel=levels_to_the_caller(),
            )
        points[answered] = found.points
        scaled = points[:, d:] * self.target_bandwidth_.astype(points.dtype)
        return np.asarray(scaled.reshape(pilot.shape))

    def _joint_mean(self, points: Array, **own: Any) -> Array:
        d = self.n_features_in_
        return vicinal.local_mean(
            points,
            self._pairs,
            self._pairs[:, d:],
            kernel=self._both,
            weights=self.sample_weight_,
            tol=self.mass_tol,
            num_threads=self.n_jobs,
            **own,
        )

    def _left_out(self, bandwidth: Any = None) -> LeftOut:
        """Climb from the pilot of the others, without the row itself, whatever its weight."""
        pilot = super()._left_out(bandwidth)
        mean = self._climbed(self.keys_, np.asarray(pilot.mean), exclude_self=True)
        return LeftOut(mean, pilot.log_mass)

    def _joined(self, rows: Array, targets: Array) -> Array:
        """Return rows beside their targets in units of the target bandwidth, (m, d + p)."""
        columns = targets.reshape(len(targets), -1)
        return np.concatenate([rows, columns / self.target_bandwidth_], axis=1, dtype=rows.dtype)

    def _join(self) -> None:
        d = self.keys_.shape[1]
        self._pairs = self._joined(self.keys_, self.values_)
        near = fill(self.kernel, self._open_bandwidth(), self.metric, d)
        near = near.rebuilt(lambda leaf: leaf.filled(columns=leaf.resolved_columns(d)))
        alike = Gaussian(bandwidth=1.0, columns=tuple(range(d, self._pairs.shape[1])))
        self._both: Kernel = Product(near, alike)
        self._joint_mean(self._pairs[:1])  # what does not fit together fails here

    def _check_state(self, state: dict[str, Any]) -> None:
        super()._check_state(state)
        h, values = state["target_bandwidth_"], state["values_"]
        fits = isinstance(h, np.ndarray) and h.shape == (values.size // len(values),)
        if not fits or not np.all(np.isfinite(h) & (h > 0)):
            raise ValueError("target_bandwidth_ is not one positive number per target")

    def _set_state(self, state: dict[str, Any]) -> None:
        """Take fitted attributes over from a file, after every check that `fit` would make."""
        self._check()
        super()._set_state(state)
        self._join()

    def _check(self) -> None:
        check_whole(self.max_steps, "max_steps", 1)
        check_number(self.tol, "tol", lambda share: 0 <= share < np.inf, "finite and at least 0")
        if isinstance(self.bandwidth, AdaptiveBandwidth):
            raise ValueError(
                f"bandwidth must be numbers or the name of a criterion, got {self.bandwidth!r}"
            )
        if as_kernel(self.kernel).signed:
            raise ValueError(f"kernel must have weights that are not negative, got {self.kernel!r}")

    def _settled_target_bandwidth(self) -> Array:
        columns = self.values_.reshape(len(self.values_), -1)
        if self.target_bandwidth is None:
            left_out = np.asarray(super()._left_out().mean)
            gaps = (self.values_ - left_out).reshape(columns.shape).astype(np.float64)
            weights = np.ones(len(gaps)) if self.sample_weight_ is None else self.sample_weight_
            weights = weights * ~np.isnan(gaps).any(axis=1)  # rows that the others can answer
            if not weights.any():
                return np.ones(columns.shape[1])
            h = np.sqrt(np.average(np.square(np.nan_to_num(gaps)), axis=0, weights=weights))
            return np.where(h > 0, h, 1.0)
        h = np.asarray(self.target_bandwidth, dtype=np.float64)
        fits = h.shape in ((), columns.shape[1:]) and np.all(np.isfinite(h) & (h > 0))
        if not fits:
            raise ValueError(
                "target_bandwidth must be positive and finite, one for all targets or "
                f"({columns.shape[1]},), got {self.target_bandwidth!r}"
            )
        return np.array(np.broadcast_to(h, columns.shape[1:]))
