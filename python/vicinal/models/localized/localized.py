"""Any estimator, fitted anew around every query."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import MetaEstimatorMixin, is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from vicinal.arrays import Array
from vicinal.models.localized.neighborhood_fits import NeighborhoodFits

__all__ = ["Localized"]


def _has_probabilities(model: Any) -> bool:
    return hasattr(model.estimator, "predict_proba")


class Localized(MetaEstimatorMixin, NeighborhoodFits):  # type: ignore[misc]
    r"""Fit a clone of an estimator around every query: the localization trick.

    .. math:: \hat\theta(q) = \arg\min_\theta \sum_j w_j K(q, x_j)\, \ell(x_j, y_j, \theta)

    A model that is fitted by a sum becomes local when the sum is weighted (Atkeson, Moore & Schaal,
    1997; Loader, 1999).

    Parameters
    ----------
    estimator : estimator
        A regressor or classifier with `sample_weight` in `fit`; by resampling any.
    on : sequence of int or str, default=None
        The columns that locate, by number or name; None is all. The estimator sees all columns.
    strategy : {"reweight", "resample"}, default="reweight"
        Kernel weights go in as `sample_weight`, scaled so that the largest is 1, times the sample
        weights given to `fit`; or (Σw)²/Σw² rows
        are drawn by them and fitted without weights.
    kernel : str or Kernel, default="gaussian"
        Over the columns that locate.
    bandwidth : float, array-like of shape (c,), str or rule, default="scott"
        As in `LocalMeanRegressor`; "loo" takes the candidate of `grid` with the smallest
        leave-one-out error: squared, of a classifier that of the probabilities.
    grid : array-like of shape (g,), default=None
        Candidates of "loo"; None is ¼, ½, 1, 2 and 4 times the scale of Scott's rule.
    metric, neighbors
        As in `vicinal.models.LocalMeanRegressor`, over the columns that locate.
    mass_tol : float, default=0.0
        Weights below this share of a query's largest are left out.
    empty : {"auto", "nearest", "raise"}, default="auto"
        What a query gets when no row is in the support of the kernel: NaN of a regressor and the
        class frequencies of a classifier with one `LocalizationWarning`, the target of the nearest
        row, or a ValueError.
    random_state : int, default=0
        Seed of the draws, which depend on it and on a query's weights alone.
    n_jobs : int, default=None
        Processes that fit clones, and threads of the engine; None is one process.
    verbose : int, default=0
        Above 0 with a progress bar.

    Attributes
    ----------
    keys_ : ndarray of shape (n, c), float64
        The columns of the training rows that locate.
    rows_ : ndarray of shape (n, d), float64
        All of their columns.
    values_ : ndarray of shape (n,) or (n, p)
        Their targets; of a classifier numbers of classes.
    classes_ : ndarray of shape (n_classes,)
        The labels, of a classifier.
    bandwidth_ : float, ndarray of shape (c,), tuple, PerKey or rule
        The bandwidth in use.
    linear_ : bool
        Whether `vicinal.local_fit` answers.
    n_features_in_ : int
        Number of columns seen by `fit`.

    See Also
    --------
    vicinal.local_fit : The localization of linear models.

    Notes
    -----
    `LinearRegression`, `Ridge`, `PoissonRegressor`, `QuantileRegressor` (alpha 0),
    `LogisticRegression` (two classes, l2) and `RidgeClassifier` are answered by
    `vicinal.local_fit` with the same penalty when `mass_tol` is 0: the limit of their iterations,
    whatever `solver`, `tol` and `max_iter` say. All others are cloned and fitted once for each
    distinct row of weights: queries with equal weights share a fit, as with ``kernel="constant"``
    those with equal nearest neighbors. A classifier that sees one class answers it without a fit; a
    class without a row near the query has probability 0. A row of `predict(X)` does not depend on
    the other rows, if a clone's own prediction is reproducible.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from vicinal.models import Localized
    >>> x = np.linspace(-1, 1, 41)[:, None]
    >>> model = Localized(LinearRegression(), bandwidth=0.1).fit(x, np.abs(x[:, 0]))
    >>> model.predict([[0.5], [-0.5]]).round(3)
    array([0.5, 0.5])
    """

    def __init__(
        self,
        estimator: Any,
        *,
        on: Any = None,
        strategy: str = "reweight",
        kernel: Any = "gaussian",
        bandwidth: Any = "scott",
        grid: Any = None,
        metric: Any = None,
        neighbors: Any = None,
        mass_tol: float = 0.0,
        empty: Any = "auto",
        random_state: int = 0,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.on = on
        self.strategy = strategy
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.grid = grid
        self.metric = metric
        self.neighbors = neighbors
        self.mass_tol = mass_tol
        self.empty = empty
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Localized:
        """Remember the training set and settle the bandwidth; nothing is fitted yet.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Training rows.
        y : array-like of shape (n,) or (n, p)
            Targets; labels have one column.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights, which multiply those of the kernel; 0 makes a row absent.

        Returns
        -------
        self : Localized
            The fitted model.

        Raises
        ------
        ValueError
            If an array is not finite, shapes differ or a parameter does not fit.
        """
        self._remember_rows(X, y, sample_weight)
        return self

    def predict(self, X: Any) -> Array:
        """Answer each row of `X` with a fit of its own.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.

        Returns
        -------
        y : ndarray of shape (m,) or (m, p)
            Numbers or labels.
        """
        check_is_fitted(self)
        answer = self._answers(*self._split(X), "predict")
        return answer if self._classes == 0 else np.asarray(self.classes_[answer])

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class at each row of `X`, by a fit of its own.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.

        Returns
        -------
        probabilities : ndarray of shape (m, n_classes)
            In the order of `classes_`.
        """
        check_is_fitted(self)
        return self._answers(*self._split(X), "predict_proba")

    def coefficients(self, X: Any) -> Array:
        """Return the intercept and the coefficients at each row of `X`, of a linear model.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.

        Returns
        -------
        coefficients : ndarray of shape (m, 1 + d), or (m, 1 + d, p) of p targets or classes
            The intercept first, 0 without one.

        Raises
        ------
        TypeError
            If `vicinal.local_fit` does not answer for the estimator.
        """
        check_is_fitted(self)
        if not self.linear_:
            raise TypeError(
                f"coefficients are those of linear models that local_fit answers for, got "
                f"{self.estimator!r}"
            )
        return self._coefficients(*self._split(X))

    def loo_predict(self) -> Array:
        """Predict every training row from the others.

        Returns
        -------
        y : ndarray of shape (n,) or (n, p)
            Numbers or labels, of fits without the row.
        """
        check_is_fitted(self)
        self._need_two_rows("leave-one-out")
        answer = self._answers(self.keys_, self.rows_, "predict", leave_out=True)
        return answer if self._classes == 0 else np.asarray(self.classes_[answer])

    def loo_score(self) -> float:
        """Return how well the leave-one-out predictions meet the targets, by sample weight.

        Returns
        -------
        score : float
            R² of a regressor, accuracy of a classifier.
        """
        fitted, weights = self.loo_predict(), self.sample_weight_
        if self._classes:
            truth = self.classes_[self.values_]
            return float(accuracy_score(truth, fitted, sample_weight=weights))
        mean = np.average(self.values_, axis=0, weights=weights)
        filled = np.where(np.isnan(fitted), mean, fitted)
        return float(r2_score(self.values_, filled, sample_weight=weights))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R² of a regressor or accuracy of a classifier on `X` and `y`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.
        y : array-like of shape (m,) or (m, p)
            Their targets.
        sample_weight : array-like of shape (m,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            At most 1.
        """
        measure = accuracy_score if is_classifier(self) else r2_score
        return float(measure(y, self.predict(X), sample_weight=sample_weight))
