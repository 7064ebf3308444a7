"""Local polynomial regression: a weighted least-squares fit around every query."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri
from sklearn.utils.validation import check_is_fitted

import vicinal
from vicinal.arrays import Array
from vicinal.bandwidth.criteria import CRITERIA, Sample
from vicinal.bandwidth.scales import category_grid
from vicinal.bandwidth.selection import BandwidthSelection, search
from vicinal.kernels import as_kernel
from vicinal.leave_one_out import LeftOut
from vicinal.models.checks import check_choice, check_number, check_whole
from vicinal.models.fits.smoother import FitSmoother, left_out_fits, spread_around
from vicinal.models.model_checks import check_no_mass_tol
from vicinal.models.regression import LocalMeanRegressor
from vicinal.results import LocalFit

FAMILIES = ("gaussian", "robust", "quantile")


class LocalPolynomialRegressor(LocalMeanRegressor):
    r"""Predict by a polynomial fitted to the training targets around each query.

    .. math:: \hat y(q) = b_0, \quad b = \arg\min_b \sum_j w_j K(q, x_j)
       \bigl(y_j - \sum_a b_a (x_j - q)^a\bigr)^2

    with all monomials up to a degree. Degree 0 is the `LocalMeanRegressor`; a line does not pull
    the border inwards, a parabola does not cut the peaks.

    Parameters
    ----------
    degree : {1, 0, 2, 3}, default=1
        Lines, constants, quadratics or cubics.
    family : {"gaussian", "robust", "quantile"}, default="gaussian"
        Squared residuals; those under loess's weights of the training rows, which resist outliers;
        or the absolute ones whose minimum is a quantile. See `vicinal.local_fit`.
    quantile : float, default=0.5
        Between 0 and 1, for ``family="quantile"``.
    ridge : float, default=0.0
        Penalty of the coefficients but the constant, in squared units of `X`.
    kernel : str or kernel, default="gaussian"
        A name or an object of `vicinal.kernels`, not signed.
    bandwidth : float, array-like of shape (d,), str or rule, default="scott"
        As in `LocalMeanRegressor`, with the criteria "loo", "gcv" and "aicc" of these fits (the
        last two of a smoother: not of quantiles); "plugin" is of means alone.
    metric : str or metric, default=None
        Distance; None is the kernel's own.
    neighbors : NeighborSet, default=None
        As in `LocalMeanRegressor`.
    mass_tol : float, default=0.0
        0: its bound is one of means.
    empty : {"nan", "zero", "nearest", "raise"} or float, default="nan"
        As in `LocalMeanRegressor`.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.

    Attributes
    ----------
    keys_ : ndarray of shape (n, d)
        The training rows.
    values_ : ndarray of shape (n,) or (n, p)
        The targets in the dtype of `keys_`.
    sample_weight_ : ndarray of shape (n,) or None
        The weights given to `fit`.
    bandwidth_ : float, ndarray of shape (d,), tuple, PerKey or rule
        The bandwidth in use, as in `LocalMeanRegressor`.
    empty_rows_ : int
        Training rows with no other row in their support; computed on first use.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (d,)
        Their names, when `X` had string column names.

    Notes
    -----
    Stone (1977), Cleveland (1979), Fan and Gijbels (1996). A sample weight counts equal rows in
    the fit and in the bandwidth rules; leave-one-out of family "robust" or "quantile", or with a
    ridge, leaves the whole row out, and the robust weights know all rows. A row of `predict(X)`
    has the same bits whatever other rows are asked with it.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import LocalPolynomialRegressor
    >>> X = np.arange(6.0)[:, None]
    >>> model = LocalPolynomialRegressor(degree=2, bandwidth=2.0).fit(X, X[:, 0] ** 2)
    >>> model.predict([[2.5], [7.0]]).round(6)
    array([ 6.25, 49.  ])
    >>> model.derivative([[2.5]]).round(6)
    array([[5.]])
    """

    nan_policy = "raise"

    def __init__(
        self,
        degree: int = 1,
        *,
        family: str = "gaussian",
        quantile: float = 0.5,
        ridge: float = 0.0,
        kernel: Any = "gaussian",
        bandwidth: Any = "scott",
        metric: Any = None,
        neighbors: Any = None,
        mass_tol: float = 0.0,
        empty: Any = "nan",
        n_jobs: int | None = None,
    ) -> None:
        self.degree = degree
        self.family = family
        self.quantile = quantile
        self.ridge = ridge
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.metric = metric
        self.neighbors = neighbors
        self.mass_tol = mass_tol
        self.empty = empty
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LocalPolynomialRegressor:
        """Remember the training set and settle the bandwidth.

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
        self : LocalPolynomialRegressor
            The fitted model.

        Raises
        ------
        ValueError
            If an array is not finite, shapes differ or a parameter does not fit.
        """
        self._check_parameters()
        super().fit(X, y, sample_weight)
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Evaluate the fit around each row of `X` there.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.
        return_std : bool, default=False
            Return standard errors, too; not of quantiles.

        Returns
        -------
        y : ndarray of shape (m,) or (m, p)
            The fits, in the dtype of `keys_`.
        std : ndarray of the shape of `y`
            Only with `return_std`: their standard errors, see `vicinal.local_fit`; they do not know
            the bias of a fit.
        """
        if not return_std:
            return super().predict(X)
        self._need_errors("return_std")
        fit = self._fit_at(self._queries(X), statistics="standard_errors")
        self._warn_of_empty(self._no_answer(fit.fitted))
        assert fit.standard_errors is not None
        return fit.fitted, np.ascontiguousarray(fit.standard_errors[:, 0])

    def predict_interval(self, X: Any, coverage: float = 0.95) -> tuple[Array, Array]:
        """Bound a new target at each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.
        coverage : float, default=0.95
            The share of new targets between the bounds: of normal residuals with the local
            variance around the fit and its standard error; of family "quantile" by the fits of
            both quantiles, whatever the residuals.

        Returns
        -------
        lower, upper : ndarray of shape (m,) or (m, p)
            Bounds, in the dtype of `keys_`.
        """
        check_number(coverage, "coverage", lambda share: 0 < share < 1, "above 0 and below 1")
        queries = self._queries(X)
        if self.family == "quantile":
            tails = (1 - coverage) / 2, (1 + coverage) / 2
            lower, upper = (self._fit_at(queries, quantile=tail).fitted for tail in tails)
            return np.minimum(lower, upper), np.maximum(lower, upper)
        fitted, spread = self._spread_at(queries)
        self._warn_of_empty(self._no_answer(fitted))
        half = float(ndtri((1 + coverage) / 2)) * spread
        return fitted - half, fitted + half

    def derivative(self, X: Any) -> Array:
        """Return the slope of the fit by each feature.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.

        Returns
        -------
        slopes : ndarray of shape (m, d) or (m, d, p)
            The coefficients of x − q: for a degree over 0.
        """
        if self.degree == 0:
            raise ValueError("derivative is of a degree over 0; constants have no slope")
        slopes = self._fit_at(self._queries(X)).derivatives
        assert slopes is not None
        return slopes

    def _check_parameters(self) -> None:
        check_whole(self.degree, "degree", 0)
        if self.degree > 3:
            raise ValueError(f"degree must be 0, 1, 2 or 3, got {self.degree!r}")
        check_choice(self.family, "family", FAMILIES)
        check_number(self.quantile, "quantile", lambda q: 0 < q < 1, "above 0 and below 1")
        check_number(self.ridge, "ridge", lambda r: 0 <= r < np.inf, "finite and at least 0")
        if self.family == "quantile" and self.ridge > 0:
            raise ValueError(f"ridge must be 0 for family='quantile', got {self.ridge!r}")
        check_no_mass_tol(self.mass_tol)
        if as_kernel(self.kernel).signed:
            raise ValueError(f"kernel must not be signed, got {self.kernel!r}")
        if isinstance(self.bandwidth, str) and self.bandwidth == "plugin":
            raise ValueError("bandwidth='plugin' is of means alone; take 'loo', 'gcv' or 'aicc'")

    def _check_state(self, state: dict[str, Any]) -> None:
        self._check_parameters()
        super()._check_state(state)

    def _model(self) -> dict[str, Any]:
        level = self.quantile if self.family == "quantile" else 0.5
        own = {"degree": int(self.degree), "family": self.family}
        return {**own, "quantile": level, "ridge": float(self.ridge)}

    def _bandwidth_at(self, queries: Array, own: Array | None = None) -> Any:
        if self.family == "robust":  # which fits at the training rows, too, by the same rule
            return self._open_bandwidth()
        return super()._bandwidth_at(queries, own)

    def _fit_at(self, queries: Array, **options: Any) -> LocalFit:
        given = {**self._model(), "empty": self.empty, **self._options(queries), **options}
        return vicinal.local_fit(queries, self.keys_, self.values_, **given)

    def _means(self, queries: Array) -> Array:
        return self._fit_at(queries).fitted

    def _need_errors(self, what: str) -> None:
        check_is_fitted(self)
        if self.family == "quantile":
            raise ValueError(f"{what} is not available for family='quantile'; predict_interval is")

    def _spread_at(self, queries: Array) -> tuple[Array, Array]:
        def weighing(rows: slice) -> dict[str, Any]:
            return self._options(queries[rows])

        options = {**self._model(), "empty": self.empty}
        return spread_around(weighing, queries, self.keys_, self.values_, options)

    def _left_out(self, bandwidth: Any = None) -> LeftOut:
        bandwidth = self._bandwidth_without_own() if bandwidth is None else bandwidth
        options = {**self._model(), **self._kernel_options(self.keys_)}
        options |= {"bandwidth": bandwidth, "empty": self._engine_policy()}
        mean = left_out_fits(self.keys_, self.values_, self.sample_weight_, options)
        return LeftOut(mean, np.full(len(mean), np.nan))

    def _select_bandwidth(self, criterion: str, **options: Any) -> BandwidthSelection:
        if criterion not in CRITERIA:
            return super()._select_bandwidth(criterion, **options)
        if self.family == "quantile" and criterion != "loo":
            raise ValueError(f"bandwidth={criterion!r} is of smoothers; take 'loo' for quantiles")
        kernel = as_kernel(self.kernel)
        sample = Sample(
            self.keys_,
            self.values_.reshape(len(self.values_), -1),
            self.sample_weight_,
            kernel,
            self.metric,
            self.n_jobs,
            self._neighbors,
            smoother=FitSmoother(self._model()),
        )
        return search(sample, CRITERIA[criterion], category_grid(kernel), None)
