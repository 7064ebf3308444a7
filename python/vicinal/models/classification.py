"""Kernel classification: the local mean of one-hot labels, and its largest entry."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from vicinal.arrays import Array
from vicinal.kernels import as_kernel
from vicinal.models.base import FLOATS, LocalModel
from vicinal.models.state import check_classes, check_training_set


class LocalMeanClassifier(ClassifierMixin, LocalModel):  # type: ignore[misc]
    r"""Predict the class that weighs most among the training rows near a query.

    .. math:: \hat p_c(q) = \frac{\sum_{j: y_j = c} w_j K(q, x_j)}{\sum_j w_j K(q, x_j)}

    the local mean of one-hot labels; the prediction is the local mode, the class of largest
    probability, ties by the order of `classes_`.

    Parameters
    ----------
    kernel : str or kernel, default="gaussian"
        A name or an object of `vicinal.kernels`.
    bandwidth : float, array-like of shape (d,), str or rule, default="scott"
        In units of `X`, one for all features or one each. "scott" and "silverman" are rules of
        thumb from the spread of each feature; "plugin", "loo", "gcv" and "aicc" are those of the
        regression of the one-hot labels, whose error is that of the probabilities (Brier), see
        `vicinal.bandwidth.select`. A kernel that has its own bandwidth keeps it. A bandwidth of
        each row is `vicinal.bandwidth.KthNeighbor`, `Perplexity` (of each query) or `Abramson` (of
        each training row), as in `LocalMeanRegressor`.
    metric : str or metric, default=None
        Distance or similarity; None is the kernel's own.
    neighbors : NeighborSet, default=None
        Which training rows a query sees: `vicinal.KNearest`, `vicinal.Radius`,
        ``vicinal.Window(…, on=column)`` and what ``&`` and ``|`` make of them; None is all.
        With a bandwidth for each of several features, as "scott" is, `KNearest` and `Radius` count
        in bandwidths; with one number in the units of the data.
    mass_tol : float, default=0.0
        At most this share of a query's mass is left out, see `vicinal.local_mean`; 0 is exact.
    empty : {"prior", "nearest", "raise"}, default="prior"
        What a query gets when no key is in the support of the kernel: the class frequencies of the
        training set with one `LocalizationWarning`, the class of the nearest key, or a ValueError.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of such
        The labels, one array per output when `y` has two dimensions.
    class_prior_ : ndarray of shape (n_classes,)
        Weighted class frequencies of the training set, the outputs one after another.
    keys_ : ndarray of shape (n, d)
        The training rows, float32 if they came so, else float64; not a copy of rows that are
        contiguous already.
    values_ : ndarray of shape (n, n_classes)
        One-hot labels, the outputs side by side.
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
    LocalMeanRegressor : The same for numbers.

    Notes
    -----
    A sample weight counts equal rows: an integer weight does what repeating the row would do.
    A row of `predict_proba(X)` has the same bits whatever other rows are asked with it.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import LocalMeanClassifier
    >>> X = np.array([[0.0], [1.0], [4.0], [5.0]])
    >>> model = LocalMeanClassifier(kernel="triangular", bandwidth=4.0)
    >>> model = model.fit(X, ["low", "low", "high", "high"])
    >>> model.predict([[0.5], [3.0]])
    array(['low', 'high'], dtype='<U4')
    >>> model.predict_proba([[3.0]])
    array([[0.625, 0.375]])
    """

    _policies = ("prior", "nearest", "raise")
    _takes_number = False
    _loss = "squared error of the probabilities"
    _empty_becomes = "the class frequencies"
    _state = (*LocalModel._state, "classes_", "class_prior_")

    def __init__(
        self,
        *,
        kernel: Any = "gaussian",
        bandwidth: Any = "scott",
        metric: Any = None,
        neighbors: Any = None,
        mass_tol: float = 0.0,
        empty: Any = "prior",
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LocalMeanClassifier:
        """Remember the training set and settle the bandwidth.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Training rows.
        y : array-like of shape (n,) or (n, outputs)
            Labels.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights; 0 makes a row absent.

        Returns
        -------
        self : LocalMeanClassifier
            The fitted model.

        Raises
        ------
        ValueError
            If an array is not finite, shapes differ or a parameter does not fit.
        """
        X, y = validate_data(self, X, y, dtype=FLOATS, order="C", multi_output=True)
        _refuse_missing(y)
        check_classification_targets(y)
        columns = y.reshape(len(y), -1)
        encoded = [np.unique(column, return_inverse=True) for column in columns.T]
        self.classes_ = encoded[0][0] if y.ndim == 1 else [labels for labels, _ in encoded]
        one_hot = [codes[:, None] == np.arange(len(labels)) for labels, codes in encoded]
        values = np.concatenate(one_hot, axis=1, dtype=X.dtype)
        self._remember(X, values, sample_weight)
        weights = np.ones(len(values)) if self.sample_weight_ is None else self.sample_weight_
        self.class_prior_ = np.average(values, axis=0, weights=weights)
        return self

    def predict(self, X: Any) -> Array:
        """Name the heaviest class near each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.

        Returns
        -------
        y : ndarray of shape (m,) or (m, outputs)
            Labels.
        """
        return self._labels(self._filled(self._means(self._queries(X))))

    def predict_proba(self, X: Any) -> Any:
        """Return the share of each class near each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.

        Returns
        -------
        probabilities : ndarray of shape (m, n_classes), or list of such
            In the order of `classes_`, in the dtype of `keys_`.
        """
        probabilities = self._filled(self._means(self._queries(X)))
        if not as_kernel(self.kernel).signed:  # rounding alone leaves [0, 1]
            np.clip(probabilities, 0, 1, out=probabilities)
        return self._per_output(probabilities)

    def loo_predict(self) -> Array:
        """Name the class of every training row from the others.

        Returns
        -------
        y : ndarray of shape (n,) or (n, outputs)
            Labels, from sums accumulated without the row itself; a row of sample weight w > 1
            keeps w − 1 of itself, as if it were repeated.
        """
        return self._labels(self._filled(np.array(self._left_out().mean)))

    def loo_score(self) -> float:
        """Return the accuracy of the leave-one-out predictions.

        Returns
        -------
        score : float
            Share of the training rows, by sample weight, whose labels are all right.
        """
        predicted = self._labels(self._filled(np.array(self._left_out().mean)))
        right = predicted == self._labels(self.values_)
        right = right.reshape(len(right), -1).all(axis=1)
        return float(np.average(right, weights=self.sample_weight_))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        # Labels of several outputs are tested by name: the tag `multi_label` would add a check
        # that skips itself where there is no decision_function.
        return tags

    def _engine_policy(self) -> Any:
        return "nan" if self.empty == "prior" else self.empty

    def _check_state(self, state: dict[str, Any]) -> None:
        check_training_set(state)
        check_classes(state)

    def _filled(self, probabilities: Array) -> Array:
        empty = np.isnan(probabilities[:, 0])
        self._warn_of_empty(empty)
        probabilities[empty] = self.class_prior_
        return probabilities

    def _per_output(self, probabilities: Array) -> Any:
        check_is_fitted(self)
        if not isinstance(self.classes_, list):
            return probabilities
        ends = np.cumsum([len(labels) for labels in self.classes_])
        return np.split(probabilities, ends[:-1], axis=1)

    def _labels(self, probabilities: Any) -> Array:
        split = self._per_output(probabilities)
        if not isinstance(split, list):
            return np.asarray(self.classes_[np.argmax(split, axis=1)])
        parts = zip(self.classes_, split, strict=True)
        return np.column_stack([labels[np.argmax(part, axis=1)] for labels, part in parts])


def _refuse_missing(y: Array) -> None:
    if y.dtype.kind == "O":
        missing = sum(label is None or label != label for label in y.ravel())
        if missing:
            raise ValueError(
                f"y holds {missing} missing labels (None or NaN); leave their rows out"
            )
