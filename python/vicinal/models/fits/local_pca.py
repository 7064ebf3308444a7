"""Local principal components: the weighted covariance around every query, and its axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

import vicinal
from vicinal.arrays import Array
from vicinal.models.base import LocalModel
from vicinal.models.checks import check_number, check_whole
from vicinal.models.state import check_training_set

__all__ = ["LocalPCA"]

_NOTHING = 1e-12  # of all variance: an axis that the rows do not determine
_NUMBERS = 1 << 20  # of the covariances of a strip of queries


class LocalPCA(TransformerMixin, LocalModel):  # type: ignore[misc]
    r"""Find the principal axes of the training rows around every query.

    .. math:: C(q) = \frac{\sum_j w_j K(q, x_j)\, (x_j - m(q))(x_j - m(q))^\top}
              {\sum_j w_j K(q, x_j)}

    with the local mean :math:`m(q)`: each row is weighted once. The axes are the eigenvectors of
    :math:`C(q)` with the largest eigenvalues; they span the tangent space of a manifold that the
    rows lie on. An axis with less than 1e-12 of the variance is zero: nothing determines it.

    Parameters
    ----------
    n_components : int or float, default=2
        How many axes; a number below 1 takes at each query the fewest that explain this share of
        the variance, and fills up with zeros; None is all.
    kernel : str or kernel, default="gaussian"
        A name or an object of `vicinal.kernels`.
    bandwidth : float, array-like of shape (d,), str or rule, default="scott"
        As in `vicinal.models.KernelDensity`; "loo" chooses by the likelihood of a density.
    metric : str or metric, default=None
        Distance or similarity; None is the kernel's own.
    neighbors : NeighborSet, default=None
        Which training rows a query sees; None is all.
    empty : {"nan", "nearest", "raise"}, default="nan"
        What a query gets when no key is in the support of the kernel: NaN with one
        `LocalizationWarning`, the nearest row as its mean and a variance of 0, or a ValueError.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.

    Attributes
    ----------
    keys_ : ndarray of shape (n, d), float64
        The training rows.
    bandwidth_ : float, ndarray of shape (d,), tuple, PerKey or rule
        The bandwidth in use.
    n_components_ : int
        Columns of `transform`: `n_components`, or d.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (d,)
        Their names, when `X` had string column names.

    See Also
    --------
    LocallyLinearEmbedding : Its method "ltsa" aligns the tangent spaces of the rows.

    Notes
    -----
    Of a fixed kernel the identity :math:`m(q) - q = h² ∇ \log \hat p(q)` says where the mean lies
    (the step of mean shift), and the covariance how the density bends. An axis has the sign that
    makes its largest entry positive. A row of `transform(X)` has the same bits whatever other rows
    are asked with it.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import LocalPCA
    >>> angle = np.linspace(0, 2 * np.pi, 400)
    >>> circle = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> model = LocalPCA(1, bandwidth=0.1).fit(circle)
    >>> abs(model.tangent_spaces([[1.0, 0.0]]).round(3))
    array([[[0., 1.]]])
    >>> model.dimension([[1.0, 0.0]]).round(1)
    array([1.])
    """

    _policies = ("nan", "nearest", "raise")
    _takes_number = False
    _loss = "minus the mean log likelihood"
    mass_tol = 0.0  # covariances have no bound for what is left out

    def __init__(
        self,
        n_components: Any = 2,
        *,
        kernel: Any = "gaussian",
        bandwidth: Any = "scott",
        metric: Any = None,
        neighbors: Any = None,
        empty: Any = "nan",
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.metric = metric
        self.neighbors = neighbors
        self.empty = empty
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> LocalPCA:
        """Remember the training set and settle the bandwidth.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Training rows.
        y : object, default=None
            Not read.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights; 0 makes a row absent.

        Returns
        -------
        self : LocalPCA
            The fitted model.

        Raises
        ------
        ValueError
            If an array is not finite or a parameter does not fit.
        """
        X = validate_data(self, X, dtype=np.float64, order="C")
        self._check_components(X.shape[1])
        self._remember(X, None, sample_weight)
        return self

    def transform(self, X: Any) -> Array:
        """Return the coordinates of each row of `X` along its own local axes.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.

        Returns
        -------
        coordinates : ndarray of shape (m, c)
            ``axes · (q − m(q))``, c the number of components.
        """
        X = self._queries(X)
        mean, axes, _ = self._parts(X)
        return np.asarray(((X - mean)[:, None, :] * axes).sum(axis=2))

    def inverse_transform(self, Z: Any, X: Any = None) -> Array:
        """Return the points with coordinates `Z` in the tangent spaces at `X`.

        Parameters
        ----------
        Z : array-like of shape (m, c)
            Coordinates along the axes at the rows of `X`.
        X : array-like of shape (m, d), default=None
            Where the tangent spaces are; ``inverse_transform(transform(X), X)`` projects `X`. None
            is the training rows.

        Returns
        -------
        points : ndarray of shape (m, d)
            ``m(q) + axesᵀ z``.
        """
        check_is_fitted(self)
        X = self.keys_ if X is None else self._queries(X)
        Z = np.asarray(Z, dtype=np.float64)
        if Z.shape != (len(X), self.n_components_):
            raise ValueError(
                f"Z must be ({len(X)}, {self.n_components_}), one row of coordinates for each row "
                f"of X, got shape {Z.shape}"
            )
        mean, axes, _ = self._parts(X)
        for k in range(self.n_components_):
            mean += Z[:, k, None] * axes[:, k]
        return mean

    def tangent_spaces(self, X: Any) -> Array:
        """Return the local axes at each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.

        Returns
        -------
        axes : ndarray of shape (m, c, d)
            Orthonormal, by descending variance.
        """
        return self._parts(self._queries(X))[1]

    def explained_variance(self, X: Any) -> Array:
        """Return the variance along every axis at each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.

        Returns
        -------
        variances : ndarray of shape (m, d)
            Descending.
        """
        return self._parts(self._queries(X))[2]

    def dimension(self, X: Any) -> Array:
        """Return how many axes take part at each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.

        Returns
        -------
        dimension : ndarray of shape (m,)
            The participation ratio ``(Σ λ)² / Σ λ²``: 1 on a line, k where k variances are equal,
            0 where nothing varies.
        """
        variance = self.explained_variance(X)
        total = variance.sum(axis=1)
        squares = (variance**2).sum(axis=1)
        return np.where(squares == 0, 0.0, total**2 / np.where(squares == 0, 1.0, squares))

    @property
    def n_components_(self) -> int:
        """Columns of `transform`."""
        check_is_fitted(self)
        whole = self.n_components is not None and self.n_components >= 1
        return int(self.n_components if whole else self.keys_.shape[1])

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def _parts(self, X: Array) -> tuple[Array, Array, Array]:
        """Return local means (m, d), axes (m, k, d) and all variances (m, d), descending."""
        m, d = X.shape
        mean, variance = np.empty((m, d)), np.empty((m, d))
        axes = np.empty((m, self.n_components_, d))
        empty = np.zeros(m, dtype=bool)
        step = max(1, _NUMBERS // d**2)
        for rows in (slice(at, min(at + step, m)) for at in range(0, m, step)):
            stats = vicinal.local_stats(
                X[rows],
                self._search_keys,
                self.keys_,
                statistics=("mean", "covariance", "log_mass"),
                empty=self.empty,
                **self._options(X[rows]),
            )
            assert stats.mean is not None
            assert stats.covariance is not None
            assert stats.log_mass is not None
            mean[rows], empty[rows] = stats.mean, np.isneginf(stats.log_mass)
            covariance = np.where(empty[rows][:, None, None], 0.0, stats.covariance)
            variance[rows], axes[rows] = self._axes(covariance)
        if self.empty == "nan":
            variance[empty], axes[empty] = np.nan, np.nan
            self._warn_of_empty(empty)
        return mean, axes, variance

    def _axes(self, covariance: Array) -> tuple[Array, Array]:
        values, vectors = np.linalg.eigh(covariance)  # one call of LAPACK for each matrix
        values = np.maximum(values[:, ::-1], 0.0)
        axes = np.swapaxes(vectors[:, :, ::-1], 1, 2)[:, : self.n_components_]
        largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=2)[:, :, None], axis=2)
        axes = axes * np.where(largest < 0, -1.0, 1.0)
        total = values.sum(axis=1, keepdims=True)
        taken = values > _NOTHING * total
        share = self.n_components
        if share is not None and share < 1:
            taken &= np.cumsum(values, axis=1) - values < share * total
        return values, axes * taken[:, : self.n_components_, None]

    def _check_components(self, features: int) -> None:
        count = self.n_components
        if count is None:
            return
        if isinstance(count, float | np.floating):
            rule = f"a whole number from 1 to {features}, a share between 0 and 1, or None"
            check_number(count, "n_components", lambda share: 0 < share < 1, rule)
            return
        check_whole(count, "n_components", 1)
        if count > features:
            raise ValueError(
                f"n_components must be at most the number of features, got {count} for "
                f"n_features={features}"
            )

    def _check_state(self, state: dict[str, Any]) -> None:
        check_training_set(state)
        self._check_components(state["n_features_in_"])
