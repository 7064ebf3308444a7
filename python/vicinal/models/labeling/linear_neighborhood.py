"""Linear neighborhood propagation: labels spread by the weights that reproduce each row."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import validate_data

import vicinal
from vicinal.affine import as_reg
from vicinal.arrays import Array
from vicinal.models.base import FLOATS
from vicinal.models.checks import check_whole
from vicinal.models.labeling.labels import encoded
from vicinal.models.labeling.left_out import LeftOutLabels
from vicinal.models.labeling.linear_weights import LinearWeights
from vicinal.models.labeling.propagation import Propagation
from vicinal.models.labeling.walks import GraphWalk
from vicinal.models.saved import Saved
from vicinal.models.state import check_names

__all__ = ["LinearNeighborhoodPropagation"]


class LinearNeighborhoodPropagation(
    LinearWeights,
    LeftOutLabels,
    Propagation,
    Saved,
    BaseEstimator,  # type: ignore[misc]  # scikit-learn carries no types
):
    r"""Spread labels by weights that make every row the mean of its neighbors.

    .. math:: P \leftarrow \alpha W P + (1 - \alpha) Y, \qquad
              \min_W \Bigl\|x_i - \sum_j W_{ij} x_j\Bigr\|^2, \quad \sum_j W_{ij} = 1,\ W \ge 0

    over the nearest rows j (Wang & Zhang, 2006): where rows lie on a smooth sheet, the labels
    follow it, and no bandwidth is to be chosen.

    Parameters
    ----------
    n_neighbors : int, default=5
        Nearest rows, in Euclidean distance, that reproduce a row; itself is none of them.
    reg : float, default=1e-3
        Ridge on the weights as a share of the trace of a neighborhood's Gram matrix, as in
        `vicinal.lle_weights`.
    nonnegative : bool, default=True
        False takes the weights of `vicinal.lle_weights`, which may be negative: they follow a
        curved sheet more closely, but steps need not converge.
    alpha : float, default=0.99
        Share of a row's answer that comes from its neighbors; None holds the labels.
    solver : {"auto", "iterate", "krylov"}, default="auto"
        As in `LabelPropagation`.
    max_iter : int, default=1000
        Most local means of all rows.
    tol : float, default=1e-4
        Largest change of a share in the last step.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.
    verbose : int, default=0
        Print a line for every step.
    callback : callable, default=None
        As in `LabelPropagation`.

    Attributes
    ----------
    weights_ : csr_array of shape (n, n)
        The weights W, made when it is read.
    classes_, label_distributions_, transduction_, class_prior_, n_iter_, residual_
        As in `LabelPropagation`.
    keys_ : ndarray of shape (n, d)
        The training rows.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (d,)
        Their names, when `X` had string column names.

    See Also
    --------
    LabelPropagation : Weights of a kernel.
    vicinal.lle_weights : The weights without W ≥ 0.

    Notes
    -----
    A new row gets the mean of its nearest training rows' shares under weights of the same problem
    with the ridge reg · k · d² of each neighbor, so that a training row gets its own. It has the
    same bits for any batch.

    scikit-learn's tools do not take this model for a classifier (``is_classifier``): its checks
    demand that −1 and 1 be two classes, where −1 is no label.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import LinearNeighborhoodPropagation
    >>> X = np.arange(8.0)[:, None] + [[0.0, 1.0]]
    >>> y = [0, -1, -1, -1, -1, -1, -1, 1]
    >>> model = LinearNeighborhoodPropagation(n_neighbors=2).fit(X, y)
    >>> model.transduction_
    array([0, 0, 0, 0, 1, 1, 1, 1])
    """

    keys_: Array
    n_features_in_: int
    _state = ("keys_", "n_features_in_", *Propagation._own_state)

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        reg: float = 1e-3,
        nonnegative: bool = True,
        alpha: float | None = 0.99,
        solver: str = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        n_jobs: int | None = None,
        verbose: int = 0,
        callback: Any = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.reg = reg
        self.nonnegative = nonnegative
        self.alpha = alpha
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.callback = callback

    def fit(self, X: Any, y: Any) -> LinearNeighborhoodPropagation:
        """Weigh the neighbors of every row, and spread the labels.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Training rows, with and without a label; more than `n_neighbors`.
        y : array-like of shape (n,)
            Labels; −1 (among strings "-1") is none.

        Returns
        -------
        self : LinearNeighborhoodPropagation
            The fitted model.

        Raises
        ------
        ValueError
            If no row has a label, there are too few rows, an array is not finite, shapes differ or
            a parameter does not fit.
        """
        self._check_parameters()
        X, y = validate_data(self, X, y, dtype=FLOATS, order="C")
        if len(X) <= self.n_neighbors:
            raise ValueError(
                f"n_neighbors={self.n_neighbors} needs more rows than that, got n_samples = "
                f"{len(X)}; lower n_neighbors or give more rows"
            )
        self.classes_, codes = encoded(y)
        self.keys_ = X
        self._spread(GraphWalk(self.weights_), codes, X.dtype)
        return self

    def predict(self, X: Any) -> Array:
        """Name the class of largest share at each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Rows.

        Returns
        -------
        y : ndarray of shape (m,)
            Labels.
        """
        shares = self.predict_proba(X)
        return np.asarray(self.classes_[np.argmax(shares, axis=1)])

    def predict_proba(self, X: Any) -> Array:
        """Return the mean of the shares of the training rows that reproduce each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Rows.

        Returns
        -------
        probabilities : ndarray of shape (m, n_classes)
            In the order of `classes_`; with negative weights cut to [0, 1] and scaled.
        """
        return self._shares(self._weights_at(X))

    @property
    def values_(self) -> Array:
        """The shares of the training rows: `label_distributions_`."""
        return self.label_distributions_

    def _shares(self, weights: csr_array) -> Array:
        means = vicinal.local_mean(
            None,
            None,
            self.label_distributions_,
            neighbors=vicinal.Graph(weights, data="weight"),
            num_threads=self.n_jobs,
        )
        return self._mixed(np.clip(means, 0, 1))[0]

    def _shares_of_others(self) -> Array:
        return self._shares(self.weights_)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of rows whose label is right.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Rows.
        y : array-like of shape (m,)
            Their labels.
        sample_weight : array-like of shape (m,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            Accuracy.
        """
        return float(accuracy_score(y, self.predict(X), sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def _check_parameters(self) -> None:
        self._check_spreading()
        check_whole(self.n_neighbors, "n_neighbors", 1)
        as_reg(self.reg)
        if not isinstance(self.nonnegative, bool | np.bool_):
            raise ValueError(f"nonnegative must be True or False, got {self.nonnegative!r}")

    def _get_state(self) -> dict[str, Any]:
        names = (*self._state, "feature_names_in_")
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def _set_state(self, state: dict[str, Any]) -> None:
        """Take fitted attributes over from a file, after every check that `fit` would make."""
        check_names(state, self._state, ("feature_names_in_",))
        self._check_parameters()
        self._check_spread_state(state)
        keys = state["keys_"]
        fits = isinstance(keys, np.ndarray) and keys.dtype.kind == "f" and keys.ndim == 2
        if not fits or keys.shape[1] != state["n_features_in_"] or not np.isfinite(keys).all():
            raise ValueError("keys_ is no array of finite numbers, one column per feature")
        if len(keys) != len(state["label_distributions_"]) or len(keys) <= self.n_neighbors:
            raise ValueError("label_distributions_ or n_neighbors do not fit keys_")
        self.__dict__.update(state)
