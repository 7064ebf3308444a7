"""Geographically weighted regression: a line in covariates around every place."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted, validate_data

import vicinal
from vicinal.arrays import Array
from vicinal.models.fits.geography import Geography
from vicinal.models.located import locating_columns

__all__ = ["GeographicallyWeightedRegressor"]

_LAZY = ("standard_errors_", "t_values_", "local_r2_")


class GeographicallyWeightedRegressor(RegressorMixin, Geography):  # type: ignore[misc]
    r"""Fit a line in the covariates around every place (Brunsdon, Fotheringham & Charlton, 1996).

    .. math:: \hat\beta(q) = \arg\min_\beta \sum_j w_j K(q, x_j)\,
              (y_j - \beta_0 - \beta^\top z_j)^2

    with the places :math:`x_j`, the covariates :math:`z_j` and sample weights :math:`w_j`.

    Parameters
    ----------
    coordinates : sequence of int or str, default=None
        The columns of `X` that locate, by number or name; the rest are covariates. None: all
        columns are both.
    kernel : str or kernel, default="bisquare"
        A name or an object of `vicinal.kernels`, over the coordinates.
    bandwidth : float, array-like of shape (c,), str or rule, default="aicc"
        A distance, `vicinal.bandwidth.KthNeighbor`, or what a search chooses by: "aicc", Akaike's
        corrected criterion, "gcv", generalized cross-validation, "loo", the leave-one-out error.
        With `KthNeighbor` a place has as bandwidth 1 + 1e-7 times the distance to the k-th nearest
        training row, which counts a row at the place itself (as in mgwr).
    adaptive : bool, default=True
        Whether a search looks for the k of `KthNeighbor`, or for a distance.
    metric : str or metric, default=None
        None is Euclidean; "haversine" (radians) and `vicinal.kernels.GreatCircle` (degrees) take
        latitude and longitude, in this order.
    neighbors : NeighborSet, default=None
        Which training rows a place sees beside the kernel; None is all.
    mass_tol : float, default=0.0
        Must be 0: what is left out has a bound for means, not for lines.
    empty : {"nan", "zero", "nearest", "raise"} or float, default="nan"
        What a place gets when no row is in the support of the kernel: NaN with one
        `LocalizationWarning`, 0, the target of the nearest row, a ValueError, or this number; its
        slopes are 0 (NaN with NaN).
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.

    Attributes
    ----------
    keys_ : ndarray of shape (n, c)
        The places of the training rows.
    covariates_ : ndarray of shape (n, d), float64
        Their covariates.
    values_ : ndarray of shape (n,)
        Their targets.
    coordinates_ : ndarray of shape (c,), int64
        The columns that locate.
    bandwidth_ : float, ndarray of shape (c,), or KthNeighbor
        The bandwidth in use.
    coefficients_ : ndarray of shape (n, 1 + d)
        The constant and the slopes at the training rows.
    fitted_ : ndarray of shape (n,)
        The fit at the training rows.
    influence_ : ndarray of shape (n,)
        The derivative of each fit by its own target, the diagonal of the hat matrix S.
    effective_parameters_ : float
        tr S, by sample weight.
    sigma2_ : float
        Residual variance, RSS / (n − tr S).
    aicc_ : float
        Akaike's corrected criterion.
    standard_errors_, t_values_ : ndarray of shape (n, 1 + d)
        Of the coefficients; computed on first use.
    local_r2_ : ndarray of shape (n,)
        ``1 − Σ w r² / Σ w (y − ȳ)²`` around each row, with the residuals r of the whole model;
        computed on first use.
    regularized_ : int
        Training rows whose neighbors do not determine a line, see `vicinal.local_fit`.
    empty_rows_ : int
        Training rows with no other row in their support; computed on first use.
    n_features_in_ : int
        Number of columns seen by `fit`.
    feature_names_in_ : ndarray
        Their names, when `X` had string column names.

    See Also
    --------
    vicinal.local_fit : The primitive of lines in the coordinates themselves.
    vicinal.plotting.CoefficientMapDisplay : A map of a coefficient.

    Notes
    -----
    Standard errors are ``σ² diag((ZᵀWZ)⁻¹ ZᵀW²Z (ZᵀWZ)⁻¹)`` with σ² of the whole model
    (Fotheringham, Brunsdon & Charlton, 2002, ch. 2). A search is a golden section over k from
    40 + 2 (1 + d) to n, or over distances, which ends in a local minimum. A sample weight counts
    equal rows. A row of `predict(X)` has the same bits whatever other rows are asked with it.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import GeographicallyWeightedRegressor
    >>> rng = np.random.default_rng(0)
    >>> east, z = rng.uniform(0, 1, 200), rng.normal(size=200)
    >>> X = np.column_stack([east, np.zeros(200), z])
    >>> model = GeographicallyWeightedRegressor([0, 1], bandwidth=0.2).fit(X, (1 + east) * z)
    >>> model.coefficients([[0.5, 0.0, 0.0]]).round(2)
    array([[0. , 1.5]])
    """

    def __init__(
        self,
        coordinates: Any = None,
        kernel: Any = "bisquare",
        bandwidth: Any = "aicc",
        *,
        adaptive: bool = True,
        metric: Any = None,
        neighbors: Any = None,
        mass_tol: float = 0.0,
        empty: Any = "nan",
        n_jobs: int | None = None,
    ) -> None:
        self.coordinates = coordinates
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.adaptive = adaptive
        self.metric = metric
        self.neighbors = neighbors
        self.mass_tol = mass_tol
        self.empty = empty
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> GeographicallyWeightedRegressor:
        """Settle the bandwidth and fit a line at every training row.

        Parameters
        ----------
        X : array-like of shape (n, columns)
            Coordinates and covariates.
        y : array-like of shape (n,)
            Targets.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights; 0 makes a row absent.

        Returns
        -------
        self : GeographicallyWeightedRegressor
            The fitted model.

        Raises
        ------
        ValueError
            If an array is not finite, shapes differ or a parameter does not fit.
        """
        X, y = validate_data(self, X, y, y_numeric=True, dtype=np.float64, order="C")
        self._check_parameters()
        self.coordinates_ = locating_columns(self.coordinates, self, "coordinates")
        places, self.covariates_ = self._parted(X)
        if self.covariates_.shape[1] == 0:
            raise ValueError(
                f"coordinates={self.coordinates!r} leave no covariate; add columns, or take "
                "LocalMeanRegressor"
            )
        for name in _LAZY:
            self.__dict__.pop(name, None)
        self._remember(places, np.ascontiguousarray(y, dtype=np.float64), sample_weight)
        self._lines = self._new_lines()
        self._keep(self._fits_at(places, self.covariates_, own=True))
        return self

    def predict(self, X: Any) -> Array:
        """Return the line at each row of `X`, at the row's own covariates.

        Parameters
        ----------
        X : array-like of shape (m, columns)
            Coordinates and covariates; places may be new.

        Returns
        -------
        y : ndarray of shape (m,)
            The fits.
        """
        fitted = np.concatenate([fit.fitted[:, 0] for fit in self._fits_at(*self._split(X))])
        self._warn_of_empty(np.isnan(fitted))
        return fitted

    def coefficients(self, X: Any) -> Array:
        """Return constant and slopes at the place of each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, columns)
            Coordinates; the covariates do not matter.

        Returns
        -------
        coefficients : ndarray of shape (m, 1 + d)
            The constant, at covariates of 0, and a slope for each covariate.
        """
        found = np.concatenate(
            [fit.coefficients[:, :, 0] for fit in self._fits_at(*self._split(X))]
        )
        self._warn_of_empty(np.isnan(found[:, 0]))
        return found

    def loo_predict(self) -> Array:
        """Predict every training row from the others.

        Returns
        -------
        y : ndarray of shape (n,)
            Fits accumulated without the row itself; a row of sample weight w > 1 keeps w − 1 of
            itself, as if it were repeated.
        """
        check_is_fitted(self)
        self._need_two_rows("leave-one-out")
        fitted = self._left_out_fits()
        self._warn_of_empty(np.isnan(fitted))
        return fitted

    def loo_score(self) -> float:
        """Return R² of the leave-one-out predictions.

        A training row that no other can answer is charged the error of the mean.

        Returns
        -------
        score : float
            Coefficient of determination, weighted by the sample weights.
        """
        check_is_fitted(self)
        self._need_two_rows("leave-one-out")
        fitted, y, weights = self._left_out_fits(), self.values_, self.sample_weight_
        fitted = np.where(np.isnan(fitted), np.average(y, weights=weights), fitted)
        return float(r2_score(y, fitted, sample_weight=weights))

    @cached_property
    def standard_errors_(self) -> Array:
        """Standard errors of `coefficients_`."""
        check_is_fitted(self)
        return np.sqrt(self._sandwich() * self.sigma2_)

    @cached_property
    def t_values_(self) -> Array:
        """`coefficients_` over `standard_errors_`."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.coefficients_ / self.standard_errors_)

    @cached_property
    def local_r2_(self) -> Array:
        """The share of the variance around each row that the model explains."""
        check_is_fitted(self)
        squares = np.nan_to_num((self.values_ - self.fitted_) ** 2)
        stats = vicinal.local_stats(
            self.keys_,
            self._search_keys,
            np.column_stack([squares, self.values_]),
            statistics=("mean", "variance"),
            **self._options(self.keys_),
        )
        assert stats.mean is not None
        assert stats.variance is not None
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(1 - stats.mean[:, 0] / stats.variance[:, 1])
