"""Metrics learned by leave-one-out."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from vicinal.arrays import Array
from vicinal.kernels import Mahalanobis
from vicinal.linear import linear
from vicinal.models.base import FLOATS, levels_to_the_caller
from vicinal.models.checks import check_choice, check_number, check_whole
from vicinal.models.metric_loss import MetricLoss, squared_error, wrong_weight
from vicinal.models.metric_start import STARTS, start_of
from vicinal.models.model_checks import as_weights
from vicinal.models.saved import Saved
from vicinal.models.sets import check_neighbors
from vicinal.models.state import check_components, check_names

__all__ = ["MetricLearner"]

_OPTIONAL_STATE = ("feature_names_in_",)


class MetricLearner(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]  # scikit-learn carries no types
    TransformerMixin,  # type: ignore[misc]
    Saved,
    BaseEstimator,  # type: ignore[misc]
):
    r"""Learn the linear map under which local means of the others predict a row best.

    .. math:: \min_A \sum_i \ell\Big(y_i,
              \frac{\sum_{j \ne i} K(\|A x_i - A x_j\|)\, y_j}
                   {\sum_{j \ne i} K(\|A x_i - A x_j\|)}\Big)

    with a kernel of bandwidth 1: the scale of A is the bandwidth, which is learned along. Numbers
    take the squared error (Weinberger & Tesauro, 2007), labels the share of the weight on wrong
    ones, which is neighborhood components analysis (Goldberger et al., 2004) for the Gaussian.

    Parameters
    ----------
    n_components : int, default=None
        Rows of A; None is the number of features.
    target : {"auto", "numbers", "labels"}, default="auto"
        What `y` holds. "auto": floating numbers are numbers, everything else labels.
    kernel : str or kernel, default="gaussian"
        A kernel of a distance, without bandwidth and with a slope.
    neighbors : NeighborSet, default=None
        Which training rows a row sees in the mapped space; constant to the gradient.
    init : {"auto", "scott", "identity", "pca"} or array-like, default="auto"
        Where A starts. "scott": one over Scott's bandwidths of the features, the first ones of
        them if `n_components` is smaller; "pca": the principal axes of the standardized features,
        over their Scott bandwidths; "identity": the features as they are; or the
        (n_components, d) numbers of A. "auto" is "scott" for all features, else "pca".
    max_iter : int, default=200
        Most steps of L-BFGS.
    tol : float, default=1e-5
        Stops when a step lowers the loss, which is about 1 before anything is learned, by less.
    callback : callable, default=None
        ``callback(iteration, error, state)`` after every step, with loss and components; a true
        answer stops.
    verbose : int, default=0
        1 prints a line per step.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, d)
        The map A, in the dtype of `X`.
    metric_ : Mahalanobis
        The metric of A, for `metric=` of a model or a primitive, with ``bandwidth=1``.
    loss_curve_ : ndarray of shape (n_iter + 1,)
        The loss at the start and after every step: 1 − R² of the leave-one-out predictions, or the
        mean share of the weight on wrong labels.
    n_iter_ : int
        Steps taken.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of str
        Their names, if `X` had some.

    See Also
    --------
    LocalMeanRegressor, LocalMeanClassifier : Models for the mapped rows, with ``bandwidth=1``.
    MultiKernelRegressor : Learns which of several kernels to believe.

    Notes
    -----
    Values and gradients are exact and take one pass each over the pairs of rows, in memory for rows
    alone. A row that no other answers costs what the mean of all does. The loss is not convex, and
    with many features and few rows it overfits: hold rows out.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import LocalMeanRegressor, MetricLearner
    >>> X = np.random.default_rng(0).normal(size=(300, 4))
    >>> y = np.sin(2 * X[:, 1])
    >>> learner = MetricLearner(n_components=1).fit(X, y)
    >>> weight = np.abs(learner.components_[0])
    >>> bool(weight[1] > 10 * np.delete(weight, 1).max())
    True
    >>> model = LocalMeanRegressor(bandwidth=1.0).fit(learner.transform(X), y)
    >>> bool(model.loo_score() > 0.99)
    True
    """

    _state: ClassVar[tuple[str, ...]] = ("components_", "loss_curve_", "n_features_in_")

    def __init__(
        self,
        n_components: int | None = None,
        *,
        target: str = "auto",
        kernel: Any = "gaussian",
        neighbors: Any = None,
        init: Any = "auto",
        max_iter: int = 200,
        tol: float = 1e-5,
        callback: Any = None,
        verbose: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.target = target
        self.kernel = kernel
        self.neighbors = neighbors
        self.init = init
        self.max_iter = max_iter
        self.tol = tol
        self.callback = callback
        self.verbose = verbose
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MetricLearner:
        """Learn the map.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Training rows, at least two.
        y : array-like of shape (n,) or (n, p)
            Numbers, or labels (n,).
        sample_weight : array-like of shape (n,), default=None
            How many equal rows each stands for; a row of weight w > 1 is answered by w − 1 of
            itself, too. None is 1 for all.

        Returns
        -------
        self : MetricLearner
            The fitted model.

        Raises
        ------
        ValueError
            If an array is not finite, shapes differ or a parameter does not fit.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` steps did not suffice.
        """
        self._check_parameters()
        X, y = validate_data(
            self, X, y, dtype=FLOATS, order="C", multi_output=True, ensure_min_samples=2
        )
        weights = None
        if sample_weight is not None:
            weights = as_weights(sample_weight, X)
            weights, X, y = (array[weights > 0] for array in (weights, X, y))
        check_neighbors(self.neighbors, len(X))
        rows = X.astype(np.float64)
        targets, of_means = _targets(self.target, y)
        options = {"kernel": self.kernel, "neighbors": self.neighbors, "num_threads": self.n_jobs}
        loss = MetricLoss(rows, targets, of_means, options, weights)
        start = start_of(self.init, rows, self.n_components, weights)
        components = self._descend(loss, start)
        self.components_ = components.astype(X.dtype)
        return self

    def transform(self, X: Any) -> Array:
        """Map rows.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Rows.

        Returns
        -------
        Z : ndarray of shape (m, n_components)
            ``X Aᵀ``, in the dtype of the components; the bits of a row depend on no other.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=self.components_.dtype, order="C")
        return linear(X, self.components_, num_threads=self.n_jobs)

    @property
    def metric_(self) -> Mahalanobis:
        """The metric of the components."""
        check_is_fitted(self)
        return Mahalanobis(self.components_)

    @property
    def n_iter_(self) -> int:
        """Steps taken."""
        return len(self.loss_curve_) - 1

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def _descend(self, loss: MetricLoss, start: Array) -> Array:
        """Return the components where the descent ends; store the losses on the way."""
        curve: list[float] = []

        def look(intermediate_result: Any) -> None:
            curve.append(float(intermediate_result.fun))
            if self.verbose:
                print(f"{type(self).__name__}: step {len(curve)}, loss {curve[-1]:.6g}")
            if self.callback is not None:
                now = intermediate_result.x.reshape(start.shape).copy()
                if self.callback(len(curve), curve[-1], now):
                    raise StopIteration

        first = loss(start)[0]
        result = minimize(
            lambda flat: _flat(loss(flat.reshape(start.shape))),
            start.ravel(),
            jac=True,
            method="L-BFGS-B",
            callback=look,
            options={"maxiter": self.max_iter, "ftol": self.tol, "gtol": 0.0},
        )
        self.loss_curve_ = np.array([first, *curve])
        if self.max_iter and result.nit >= self.max_iter and result.status == 1:
            warnings.warn(
                f"MetricLearner took max_iter={self.max_iter} steps without settling; raise "
                "max_iter or tol",
                ConvergenceWarning,
                stacklevel=levels_to_the_caller(),
            )
        return np.asarray(result.x).reshape(start.shape)

    def _check_parameters(self) -> None:
        if self.n_components is not None:
            check_whole(self.n_components, "n_components", 1)
        check_choice(self.target, "target", ("auto", "numbers", "labels"))
        if isinstance(self.init, str):
            check_choice(self.init, "init", STARTS)
        check_whole(self.max_iter, "max_iter", 0)
        check_number(self.tol, "tol", lambda t: 0 <= t < np.inf, "a number from 0 on")
        if self.callback is not None and not callable(self.callback):
            kind = type(self.callback).__name__
            raise TypeError(
                f"callback must be None or callable(iteration, error, state), got {kind}"
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = tags.target_tags.multi_output = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _get_state(self) -> dict[str, Any]:
        """Return the fitted attributes that a file holds."""
        names = (*self._state, *_OPTIONAL_STATE)
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def _set_state(self, state: dict[str, Any]) -> None:
        """Take fitted attributes over from a file, after every check that `fit` would make."""
        check_names(state, self._state, _OPTIONAL_STATE)
        self._check_parameters()
        check_components(state, self.n_components)
        self.__dict__.update(state)


def _flat(found: tuple[float, Array]) -> tuple[float, Array]:
    return found[0], found[1].ravel()


def _targets(target: str, y: Array) -> tuple[Array, Any]:
    """Return targets as columns, and their loss."""
    if target == "numbers" or (target == "auto" and y.dtype.kind == "f"):
        numbers = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y")
        return numbers.reshape(len(y), -1), squared_error
    if y.ndim == 2 and y.shape[1] != 1:
        raise ValueError(f"y must hold one label per row, got shape {y.shape}")
    check_classification_targets(y)
    classes, codes = np.unique(y.ravel(), return_inverse=True)
    return (codes[:, None] == np.arange(len(classes))).astype(np.float64), wrong_weight
