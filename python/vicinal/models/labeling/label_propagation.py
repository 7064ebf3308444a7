"""Label propagation and spreading: labels are local means of the labels near them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

import vicinal
from vicinal.arrays import Array
from vicinal.bandwidth.given import AdaptiveBandwidth
from vicinal.kernels import as_kernel
from vicinal.models.base import FLOATS, LocalModel
from vicinal.models.labeling.distances import graph_weights, is_precomputed, refuse_coordinates
from vicinal.models.labeling.labels import encoded, one_hot
from vicinal.models.labeling.left_out import LeftOutLabels
from vicinal.models.labeling.propagation import Propagation
from vicinal.models.labeling.walks import GraphWalk, KernelWalk, Walk
from vicinal.models.state import check_names, check_training_set

__all__ = ["LabelPropagation"]


class LabelPropagation(LeftOutLabels, Propagation, ClassifierMixin, LocalModel):  # type: ignore[misc]
    r"""Spread the labels of a few rows to all by repeated local means.

    Labels held (``alpha=None``; Zhu & Ghahramani, 2002): the fixed point of

    .. math:: P \leftarrow \tilde K P, \qquad \tilde K_{ij} = K(x_i, x_j) / \sum_l K(x_i, x_l)

    where rows with a label keep it. With `alpha` (label spreading; Zhou et al., 2004) that of
    :math:`P \leftarrow \alpha S P + (1 - \alpha) Y`, :math:`S = D^{-1/2} W D^{-1/2}`, where W is K
    without its diagonal and D its sums: a row with a label may lose it. Rows are then scaled to
    sum to 1.

    Parameters
    ----------
    kernel : str or kernel, default="gaussian"
        A name or an object of `vicinal.kernels`, nowhere negative. scikit-learn's "rbf" is
        ``bandwidth=1 / sqrt(2 * gamma)``, its "knn" ``kernel="constant",
        neighbors=vicinal.KNearest(k), bandwidth=1.0``.
    bandwidth : float, array-like of shape (d,), str or rule, default="scott"
        As in `LocalMeanClassifier`; "loo" and the other criteria that look at labels see those rows
        alone that have one.
    metric : str or metric, default=None
        Distance or similarity; None is the kernel's own. "precomputed": `X` is a square matrix of
        distances, dense or sparse (what is not stored is no edge), `bandwidth` is a number, and
        `predict` takes distances to the training rows.
    neighbors : NeighborSet, default=None
        Which training rows a row sees, as in `LocalMeanClassifier`; itself is one of them.
    mass_tol : float, default=0.0
        At most this share of a row's weights is left out. With `neighbors` or above 0 the weights
        are kept as a sparse matrix; else they are computed anew in every step, and nothing of size
        n × n is held.
    alpha : float, default=None
        Share of an answer that the neighbors have; None holds the labels.
    solver : {"auto", "iterate", "krylov"}, default="auto"
        "krylov" solves for the fixed point first (conjugate gradients, or BiCGSTAB where weights
        are not symmetric), then steps as "iterate" does. "auto" solves where labels are held or
        `alpha` is at least 0.9.
    max_iter : int, default=1000
        Most local means of all rows.
    tol : float, default=1e-4
        Largest change of a share in the last step.
    empty : {"prior", "nearest", "raise"}, default="prior"
        What a new row out of reach gets, as in `LocalMeanClassifier`.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all.
    verbose : int, default=0
        Print a line for every step.
    callback : callable, default=None
        ``callback(iteration, error, state)`` after every step, with the largest change and the
        shares, (n, classes); true stops there.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels without −1.
    label_distributions_ : ndarray of shape (n, n_classes)
        Share of each class in each row, in the dtype of `X`.
    transduction_ : ndarray of shape (n,)
        The class of largest share, ties by the order of `classes_`.
    class_prior_ : ndarray of shape (n_classes,)
        Frequencies of the classes among the labels.
    n_iter_, residual_ : int, float
        Local means of all rows that were computed, largest change of a share in the last step.
    keys_, bandwidth_, n_features_in_, feature_names_in_
        As in `LocalMeanClassifier`; no `keys_` (None) with metric="precomputed".
    values_ : ndarray of shape (n, n_classes)
        `label_distributions_`.

    See Also
    --------
    LinearNeighborhoodPropagation : The same with weights that reproduce the rows.
    LocalMeanClassifier : One local mean of the labels, with no spreading.

    Notes
    -----
    The distributions are scikit-learn's, `LabelPropagation` without `alpha` and `LabelSpreading`
    with, once both have converged: there `tol` is of the sum of all changes.

    Dropping a share ε = `mass_tol` of the weights moves a local mean of shares by at most ε, and
    with labels held a distribution by at most ετ, τ the largest expected number of steps of the
    walk :math:`\tilde K` to a label.

    Rows with no way to a label get the class frequencies, and one `LocalizationWarning` counts
    them and their parts of the graph. Rows of `predict` have the same bits in any batch, a fit for
    any `n_jobs`.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import LabelPropagation
    >>> X = np.array([[0.0], [1.0], [2.0], [7.0], [8.0], [9.0]])
    >>> y = [0, -1, -1, -1, -1, 1]
    >>> model = LabelPropagation(bandwidth=1.0).fit(X, y)
    >>> model.transduction_
    array([0, 0, 0, 1, 1, 1])
    >>> model.predict([[3.0], [6.0]])
    array([0, 1])
    """

    _policies = ("prior", "nearest", "raise")
    _takes_number = False
    _empty_becomes = "the class frequencies"
    _loss = "squared error of the probabilities"
    _state = ("keys_", "sample_weight_", "bandwidth_", "n_features_in_", *Propagation._own_state)

    def __init__(
        self,
        *,
        kernel: Any = "gaussian",
        bandwidth: Any = "scott",
        metric: Any = None,
        neighbors: Any = None,
        mass_tol: float = 0.0,
        alpha: float | None = None,
        solver: str = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        empty: Any = "prior",
        n_jobs: int | None = None,
        verbose: int = 0,
        callback: Any = None,
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
        self.alpha = alpha
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.callback = callback

    def fit(self, X: Any, y: Any) -> LabelPropagation:
        """Spread the labels over the training rows.

        Parameters
        ----------
        X : array-like of shape (n, d), or sparse or dense distances of shape (n, n)
            Training rows, with and without a label.
        y : array-like of shape (n,)
            Labels; −1 (among strings "-1") is none.

        Returns
        -------
        self : LabelPropagation

        Raises
        ------
        ValueError
            If no row has a label, an array is not finite, shapes differ or a parameter is off.
        """
        self._check_spreading()
        for leaf in as_kernel(self.kernel).leaves():
            if leaf.signed:
                raise ValueError(f"kernel must be nowhere negative, got {self.kernel!r}")
        given = is_precomputed(self.metric)
        X, y = validate_data(self, X, y, dtype=FLOATS, order="C", accept_sparse=given and "csr")
        self.classes_, codes = encoded(y)
        self._held = codes >= 0
        if given:
            self._take_distances()
            walk: Walk = GraphWalk(graph_weights(self, X), hollow=self.alpha is not None)
        else:
            self._remember(X, one_hot(codes, len(self.classes_), X.dtype), None)
            walk = self._walk()
        dtype = np.dtype(np.float64) if given else X.dtype
        self._spread(walk, codes, dtype, balanced=self.alpha is not None)
        self.values_ = self.label_distributions_
        del self._held
        return self

    def predict(self, X: Any) -> Array:
        """Name the class of largest share near each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Rows, as in `predict_proba`.

        Returns
        -------
        y : ndarray of shape (m,)
            Labels.
        """
        shares = self.predict_proba(X)
        return np.asarray(self.classes_[np.argmax(shares, axis=1)])

    def predict_proba(self, X: Any) -> Array:
        """Return the local mean of the shares of the training rows at each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Rows; with metric="precomputed" their distances to the training rows, (m, n).

        Returns
        -------
        probabilities : ndarray of shape (m, n_classes)
            In the order of `classes_`.
        """
        check_is_fitted(self)
        if is_precomputed(self.metric):
            X = validate_data(self, X, reset=False, dtype=FLOATS, accept_sparse="csr")
            near = vicinal.Graph(graph_weights(self, X), data="weight")
            policy = "raise" if self.empty == "raise" else "nan"
            means = vicinal.local_mean(
                None, None, self.values_, neighbors=near, empty=policy, num_threads=self.n_jobs
            )
        else:
            means = self._means(self._queries(X))
        probabilities, empty = self._mixed(means)
        self._warn_of_empty(empty)
        return probabilities

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inputs = tags.input_tags
        inputs.pairwise = inputs.positive_only = inputs.sparse = is_precomputed(self.metric)
        return tags

    def _walk(self) -> Walk:
        options = self._kernel_options(self.keys_)
        hollow = self.alpha is not None
        if self.neighbors is None and self.mass_tol == 0:
            walk = KernelWalk(self.keys_, options, hollow=hollow)
            walk.symmetric = not isinstance(options["bandwidth"], AdaptiveBandwidth)
            return walk
        weights = vicinal.local_weights(
            self.keys_, self._search_keys, normalize=False, tol=self.mass_tol, **options
        )
        return GraphWalk(weights, hollow=hollow)

    def _take_distances(self) -> None:
        """Settle what rows known by their distances alone have instead of keys."""
        self._check_empty()
        refuse_coordinates(self)
        self.keys_: Any = None
        self.sample_weight_ = None
        self.bandwidth_ = None if self._kernel_has_bandwidth() else self.bandwidth

    def _shares_of_others(self) -> Array:
        if is_precomputed(self.metric):
            raise ValueError(
                "loo_predict needs rows: with metric='precomputed' pass distances to predict"
            )
        return self._mixed(np.asarray(self._left_out().mean))[0]

    def _compared_rows(self) -> Any:
        return self._held

    def _engine_policy(self) -> Any:
        return "nan" if self.empty == "prior" else self.empty

    def _check_state(self, state: dict[str, Any]) -> None:
        check_training_set(state)

    def _set_state(self, state: dict[str, Any]) -> None:
        """Take fitted attributes over from a file, after every check that `fit` would make."""
        check_names(state, self._state, ("feature_names_in_",))
        self._check_spreading()
        self._check_spread_state(state)
        rows = state["label_distributions_"]
        if is_precomputed(self.metric):
            if state["keys_"] is not None or state["n_features_in_"] != len(rows):
                raise ValueError("keys_ and n_features_in_ do not fit metric='precomputed'")
            self.__dict__.update(state)
        else:
            if len(state["keys_"]) != len(rows):
                raise ValueError("label_distributions_ is not one row per key")
            super()._set_state(state)
        self.values_ = self.label_distributions_
