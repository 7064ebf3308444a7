"""Local principal components: the weighted covariance around every query, and its axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from vicinal.arrays import Array
from vicinal.models.fits.local_axes import LocalAxes

__all__ = ["LocalPCA"]


class LocalPCA(TransformerMixin, LocalAxes):  # type: ignore[misc]
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
    mass_tol : float, default=0.0
        At most this share of a query's mass is left out; 0 is exact.
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

    def __init__(
        self,
        n_components: Any = 2,
        *,
        kernel: Any = "gaussian",
        bandwidth: Any = "scott",
        metric: Any = None,
        neighbors: Any = None,
        mass_tol: float = 0.0,
        empty: Any = "nan",
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.metric = metric
        self.neighbors = neighbors
        self.mass_tol = mass_tol
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

    def loo_predict(self) -> Array:
        """Project every training row onto the plane that the others span around it.

        Returns
        -------
        rows : ndarray of shape (n, d)
            To be compared with `keys_`; by the policy `empty` where no other row is near. A row is
            left out with all of its sample weight.
        """
        check_is_fitted(self)
        self._need_two_rows("leave-one-out")
        projected = self._left_out_rows()
        if self.empty == "nan":
            self._warn_of_empty(np.isnan(projected[:, 0]))
        return projected

    def loo_score(self) -> float:
        """Return the share of the variance that the planes of other rows explain.

        Returns
        -------
        score : float
            ``1 − Σ w ‖x − x̂‖² / Σ w ‖x − x̄‖²`` with `loo_predict` as x̂, at most 1; a row that no
            other one is near is charged its distance to the mean.
        """
        check_is_fitted(self)
        self._need_two_rows("leave-one-out")
        rows, weights = self.keys_, self.sample_weight_
        around = ((rows - np.average(rows, axis=0, weights=weights)) ** 2).sum(axis=1)
        missed = ((rows - self._left_out_rows()) ** 2).sum(axis=1)
        missed = np.where(np.isnan(missed), around, missed)
        total = float(np.average(around, weights=weights))
        return 1 - float(np.average(missed, weights=weights)) / total if total > 0 else 1.0
