"""Kernel regression: the local mean of the targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    validate_data,
)

from vicinal.arrays import Array
from vicinal.leave_one_out import LeftOut
from vicinal.models.base import FLOATS, LocalModel
from vicinal.models.state import check_training_set, check_values


class LocalMeanRegressor(MultiOutputMixin, RegressorMixin, LocalModel):  # type: ignore[misc]
    r"""Predict the kernel-weighted mean of the training targets.

    .. math:: \hat y(q) = \frac{\sum_j w_j K(q, x_j)\, y_j}{\sum_j w_j K(q, x_j)}

    with the training rows :math:`x_j` as keys and their sample weights :math:`w_j`.

    Parameters
    ----------
    kernel : str or kernel, default="gaussian"
        A name or an object of `vicinal.kernels`.
    bandwidth : float, array-like of shape (d,), str or rule, default="scott"
        In units of `X`, one for all features or one each. "scott" and "silverman" are rules of
        thumb from the spread of each feature; "plugin" estimates noise and curvature; "loo", "gcv"
        and "aicc" choose the bandwidth with the smallest leave-one-out error, generalized
        cross-validation error or corrected Akaike criterion, see `vicinal.bandwidth.select`. A
        kernel that has its own bandwidth keeps it. A bandwidth of each row is
        `vicinal.bandwidth.KthNeighbor`, `Perplexity` (of each query) or `Abramson` (of each
        training row, from all of them): sample weights count equal rows, and leave-one-out leaves
        the row out of the rule of a query; those of Abramson stay.
    metric : str or metric, default=None
        Distance or similarity; None is the kernel's own.
    neighbors : NeighborSet, default=None
        Which training rows a query sees: `vicinal.KNearest`, `vicinal.Radius`,
        ``vicinal.Window(…, on=column)`` and what ``&`` and ``|`` make of them; None is all.
        With a bandwidth for each of several features, as "scott" is, `KNearest` and `Radius` count
        in bandwidths; with one number in the units of the data.
    mass_tol : float, default=0.0
        At most this share of a query's mass is left out, see `vicinal.local_mean`; 0 is exact.
    empty : {"nan", "zero", "nearest", "raise"} or float, default="nan"
        What a query gets when no key is in the support of the kernel: NaN with one
        `LocalizationWarning`, 0, the target of the nearest key, a ValueError, or this number.
    nan_policy : {"raise", "omit"}, default="raise"
        What NaN in `y` does: a ValueError, or it is left out of the mean of its own column. The
        choices of a bandwidth that look at `y` then take the rows without NaN.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.

    Attributes
    ----------
    keys_ : ndarray of shape (n, d)
        The training rows, float32 if they came so, else float64; not a copy of rows that are
        contiguous already.
    values_ : ndarray of shape (n,) or (n, p)
        The targets in the dtype of `keys_`.
    sample_weight_ : ndarray of shape (n,) or None
        The weights given to `fit`.
    bandwidth_ : float, ndarray of shape (d,), tuple, PerKey or rule
        The bandwidth in use; of a composed kernel with bandwidths of its own, one per factor. Of
        `Abramson` a `vicinal.bandwidth.PerKey` with that of every training row; a rule of queries
        is kept as it is.
    empty_rows_ : int
        Training rows with no other row in their support; computed on first use.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (d,)
        Their names, when `X` had string column names.

    See Also
    --------
    vicinal.local_mean : The primitive behind `predict`.
    LocalMeanClassifier : The same for classes.

    Notes
    -----
    Nadaraya (1964) and Watson (1964). A sample weight counts equal rows: an integer weight does
    what repeating the row would do, in prediction, bandwidth rules and leave-one-out alike.
    A row of `predict(X)` has the same bits whatever other rows are asked with it.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import LocalMeanRegressor
    >>> X = np.arange(6.0)[:, None]
    >>> model = LocalMeanRegressor(kernel="epanechnikov", bandwidth=1.5).fit(X, 10 * X[:, 0])
    >>> model.predict([[2.0], [2.5]])
    array([20., 25.])
    >>> model.explain([[2.0]], k=3)[0]
    array([[2, 1, 3]])
    """

    _loss = "mean squared error (units of y²)"

    def __init__(
        self,
        *,
        kernel: Any = "gaussian",
        bandwidth: Any = "scott",
        metric: Any = None,
        neighbors: Any = None,
        mass_tol: float = 0.0,
        empty: Any = "nan",
        nan_policy: str = "raise",
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            kernel=kernel,
            bandwidth=bandwidth,
            metric=metric,
            neighbors=neighbors,
            mass_tol=mass_tol,
            empty=empty,
            n_jobs=n_jobs,
        )
        self.nan_policy = nan_policy

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LocalMeanRegressor:
        """Remember the training set and settle the bandwidth.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Training rows.
        y : array-like of shape (n,) or (n, p)
            Targets; NaN only with ``nan_policy="omit"``.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights; 0 makes a row absent.

        Returns
        -------
        self : LocalMeanRegressor
            The fitted model.

        Raises
        ------
        ValueError
            If an array is not finite, shapes differ or a parameter does not fit.
        """
        if self.nan_policy not in ("raise", "omit"):
            raise ValueError(f"nan_policy must be 'raise' or 'omit', got {self.nan_policy!r}")
        checks = {"dtype": FLOATS, "order": "C"}
        if self.nan_policy == "raise":
            X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, **checks)
        else:
            X = validate_data(self, X, **checks)
            y = _with_gaps(y, X)
        self._remember(X, _in_dtype(y, X.dtype), sample_weight)
        return self

    def predict(self, X: Any) -> Array:
        """Average the targets near each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.

        Returns
        -------
        y : ndarray of shape (m,) or (m, p)
            Local means, in the dtype of `keys_`.
        """
        mean = self._means(self._queries(X))
        self._warn_of_empty(self._no_answer(mean))
        return mean

    def loo_predict(self) -> Array:
        """Predict every training row from the others.

        Returns
        -------
        y : ndarray of shape (n,) or (n, p)
            Local means accumulated without the row itself; a row of sample weight w > 1 keeps
            w − 1 of itself, as if it were repeated.
        """
        mean = self._left_out().mean
        self._warn_of_empty(self._no_answer(mean))
        return np.asarray(mean)

    def loo_score(self) -> float:
        """Return R² of the leave-one-out predictions.

        A training row that no other can answer is charged the error of the global mean.

        Returns
        -------
        score : float
            Coefficient of determination, weighted by the sample weights.
        """
        mean = np.asarray(self._left_out().mean)
        self._warn_of_empty(self._no_answer(mean), "scored as the global mean")
        columns = zip(_columns(self.values_), _columns(mean), strict=True)
        return float(np.mean([self._column_score(y, fitted) for y, fitted in columns]))

    def _column_score(self, y: Array, fitted: Array) -> float:
        weights = np.ones(len(y)) if self.sample_weight_ is None else self.sample_weight_
        counted = ~np.isnan(y) & (weights > 0)
        if not counted.any():
            return np.nan
        y, fitted, weights = y[counted], fitted[counted], weights[counted]
        fitted = np.where(np.isnan(fitted), np.average(y, weights=weights), fitted)
        return float(r2_score(y, fitted, sample_weight=weights))

    def _no_answer(self, mean: Any) -> Array:
        return np.asarray(np.isnan(_columns(mean)).any(axis=0))

    def _mean_options(self) -> dict[str, Any]:
        return {"nan_policy": "omit"} if self.nan_policy == "omit" else {}

    def _left_out(self, bandwidth: Any = None) -> LeftOut:
        bandwidth = self._bandwidth_without_own() if bandwidth is None else bandwidth
        if not np.isnan(self.values_).any():
            return super()._left_out(bandwidth)
        parts = [self._column_left_out(column, bandwidth) for column in _columns(self.values_)]
        mean = np.stack(parts, axis=-1).reshape(self.values_.shape)
        return LeftOut(mean, np.full(len(mean), np.nan))

    def _column_left_out(self, y: Array, bandwidth: Any) -> Array:
        """Leave one row out of the mean of one column, in which a NaN weighs nothing."""
        known = ~np.isnan(y)
        weights = np.where(known, 1.0 if self.sample_weight_ is None else self.sample_weight_, 0.0)
        return np.asarray(self._left_out_of(np.nan_to_num(y), weights, bandwidth).mean)

    def _compared_rows(self) -> Any:
        gaps = np.isnan(_columns(self.values_)).any(axis=0)
        return ~gaps if gaps.any() else slice(None)

    def _check_state(self, state: dict[str, Any]) -> None:
        check_training_set(state)
        check_values(state, gaps=self.nan_policy == "omit")


def _columns(values: Any) -> Array:
    """Return targets or answers as (p, n), one row per target."""
    return np.asarray(values.reshape(len(values), -1).T)


def _in_dtype(y: Any, dtype: np.dtype[Any]) -> Array:
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(y, dtype=dtype)
    if np.any(np.isinf(values)):
        raise ValueError(f"y does not fit {dtype}, the dtype of X; pass X as float64")
    return values


def _with_gaps(y: Any, X: Array) -> Array:
    """Return targets that may hold NaN, but not in a whole column."""
    if y is None:
        raise ValueError("LocalMeanRegressor requires y to be passed, but the target y is None")
    values = check_array(
        y, ensure_2d=False, ensure_all_finite="allow-nan", dtype=FLOATS, input_name="y"
    )
    check_consistent_length(X, values)
    if np.isnan(values).all(axis=0).any():
        raise ValueError("y has a column of NaN only; drop it")
    return np.asarray(values)
