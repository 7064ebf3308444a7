"""Hierarchies of local models: local means of mapped local means."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MultiOutputMixin,
    RegressorMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from vicinal.arrays import Array
from vicinal.models.base import FLOATS
from vicinal.models.checks import check_whole
from vicinal.models.last_level import LastLevel
from vicinal.models.level import FittedLevel, as_levels, mean_of, regressor
from vicinal.models.model_checks import as_weights, check_empty
from vicinal.models.regression import LocalMeanRegressor
from vicinal.models.saved import Saved
from vicinal.models.state import check_hierarchy, check_names

__all__ = ["HierarchicalLocalModel"]

_OPTIONAL_STATE = ("feature_names_in_",)


class HierarchicalLocalModel(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]  # scikit-learn carries no types
    TransformerMixin,  # type: ignore[misc]
    MultiOutputMixin,  # type: ignore[misc]
    RegressorMixin,  # type: ignore[misc]
    LastLevel,
    Saved,
    BaseEstimator,  # type: ignore[misc]
):
    r"""Predict by levels of local means with maps between them, fitted level by level.

    .. math:: z^0 = x, \qquad
              z^l = f_l\Big(\sum_j \tilde K_l(z^{l-1}, z^{l-1}_j)\, z^{l-1}_j\Big), \qquad
              \hat y = \sum_j \tilde K_L(z^{L-1}, z^{L-1}_j)\, y_j

    Each level compares a row with the training rows as the level below hands them up, averages
    those near it, maps the mean and hands it up; the last level averages the targets.
    :math:`\tilde K` is the kernel with the sample weights, normalized to sum 1.

    Parameters
    ----------
    levels : sequence of Level or dict, default=None
        From the bottom, see `Level`; a dict holds its fields. None is two plain levels. The last
        one averages the targets and takes no map.
    mass_tol : float, default=0.0
        At most this share of the mass is left out on every level, see `vicinal.local_mean`.
    empty : {"nan", "zero", "nearest", "raise"} or float, default="nan"
        What a row gets on the last level when no training row is in the support, as in
        `LocalMeanRegressor`. Below, it takes the value of the nearest training row.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.

    Attributes
    ----------
    levels_ : list of FittedLevel
        Of each level `level`, as given, `mean`, its fitted `LocalMeanRegressor`, and `map`.
    keys_ : ndarray of shape (n, columns)
        The training rows as the last level sees them, ``levels_[-1].mean.keys_``.
    bandwidth_ : list
        The bandwidth of each level, as in `LocalMeanRegressor`.
    values_, sample_weight_, empty_rows_, n_features_in_, feature_names_in_
        As in `LocalMeanRegressor`; `empty_rows_` is of the last level.

    See Also
    --------
    vicinal.torch.HierarchicalLocalModel : The same, all levels trained together.

    Notes
    -----
    The hierarchical local model of Song (arXiv:2605.20635, 2026), of which the Transformer is one:
    there a level is a softmax local mean, the step is the residual connection and the map is the
    MLP. Fitting level by level, greedily, is that of stacked models (Wolpert, 1992); a level that
    averages targets hands up those of the other rows, so that the level above does not learn from
    a row's own target.

    Without maps and with full steps the hierarchy is linear: what a level hands up is a weighted
    mean of training rows, by the product of the levels' weights, which are not negative and sum to
    1 again; `weights` returns them.

    A row has the same bits whatever rows are asked with it as far as the maps keep that; matrix
    products of numpy, and so most maps of scikit-learn, do not.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import HierarchicalLocalModel, Level
    >>> rng = np.random.default_rng(0)
    >>> t = rng.uniform(0, 6, size=400)
    >>> X = np.column_stack([np.cos(t), np.sin(t)]) + 0.2 * rng.normal(size=(400, 2))
    >>> denoise = Level(bandwidth=0.3, map=lambda z: np.arctan2(z[:, 1], z[:, 0]))
    >>> model = HierarchicalLocalModel([denoise, Level(bandwidth=0.1)]).fit(X, t)
    >>> model.predict([[0.0, 1.1], [-1.0, 0.1]]).round(1)
    array([1.6, 3. ])
    >>> model.transform([[0.0, 1.1]]).shape
    (1, 1)
    """

    _state: ClassVar[tuple[str, ...]] = ("means", "n_features_in_")

    def __init__(
        self,
        levels: Any = None,
        *,
        mass_tol: float = 0.0,
        empty: Any = "nan",
        n_jobs: int | None = None,
    ) -> None:
        self.levels = levels
        self.mass_tol = mass_tol
        self.empty = empty
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> HierarchicalLocalModel:
        """Fit level after level, from the bottom.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Training rows.
        y : array-like of shape (n,) or (n, p)
            Targets.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights; 0 makes a row absent. Maps that take weights get them.

        Returns
        -------
        self : HierarchicalLocalModel
            The fitted model.

        Raises
        ------
        ValueError
            If an array is not finite, shapes differ, or a parameter or a map does not fit.
        """
        levels = as_levels(self.levels)
        check_empty(self.empty, LocalMeanRegressor._policies, True)
        checks = {"dtype": FLOATS, "order": "C", "multi_output": True, "y_numeric": True}
        X, y = validate_data(self, X, y, **checks)
        weights = None if sample_weight is None else as_weights(sample_weight, X)
        rows, fitted = X, []
        for number, level in enumerate(levels[:-1]):
            values = y if level.values == "targets" else rows
            mean = mean_of(level, rows, values, y, weights, **self._options(number))
            fitted.append(FittedLevel(level, mean))
            rows = fitted[-1].fit_map(y, weights)
        last = self._options(len(fitted)) | {"empty": self.empty}
        mean = mean_of(levels[-1], rows, y, y, weights, **last)
        self.levels_ = [*fitted, FittedLevel(levels[-1], mean)]
        return self

    def transform(self, X: Any, level: int | None = None) -> Array:
        """Return rows as a level hands them up.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Rows.
        level : int, default=None
            How many levels they pass, from 0 on, less than there are; None is all but the last.

        Returns
        -------
        z : ndarray of shape (m, columns)
            In the dtype of the training rows.
        """
        return self._handed_up(X, level)

    def predict(self, X: Any) -> Array:
        """Pass rows through all levels.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.

        Returns
        -------
        y : ndarray of shape (m,) or (m, p)
            Local means of the targets, in the dtype of the training rows.
        """
        rows = self._handed_up(X)
        return self._last.predict(rows)

    def weights(self, X: Any, level: int | None = None) -> Array:
        """Return the weight of every training row in what a hierarchy without maps answers.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.
        level : int, default=None
            Of ``transform(X, level)``, from 1 on; None is of ``predict(X)``.

        Returns
        -------
        weights : ndarray of shape (m, n)
            Not negative for kernels that are not, each row of sum 1: the rows of the product of
            the levels' weights, from the last level that averages targets on. ``weights @ X`` is
            ``transform(X, level)``, or with the targets in place of `X` where that level averages
            them; ``weights @ y`` is ``predict(X)``.

        Raises
        ------
        ValueError
            If a level below has a map or no full step, so that the answer is no weighted mean.
        """
        rows = self._rows(X)
        count = len(self.levels_) if level is None else self._below(level)
        if count == 0:
            raise ValueError("level=0 hands up X itself, which is no mean; give a level from 1 on")
        one = below = np.eye(len(self.keys_), dtype=rows.dtype)
        for number, fitted in enumerate(self.levels_[:count], 1):
            last = number == len(self.levels_)
            below = one if last or fitted.level.values == "targets" else below
            if not last:
                fitted.check_linear(number)
            if number == count:
                return fitted.weights(rows, below)
            rows, below = fitted.means(rows), fitted.training_weights(below)
        raise AssertionError("unreachable")

    @property
    def _n_features_out(self) -> int:
        return int(self.keys_.shape[1])

    def _handed_up(self, X: Any, level: int | None = None) -> Array:
        rows = self._rows(X)
        for fitted in self.levels_[: self._below(level)]:
            rows = fitted.mapped(fitted.means(rows))
        return rows

    def _rows(self, X: Any) -> Array:
        check_is_fitted(self)
        dtype = self.levels_[0].mean.keys_.dtype
        return np.asarray(validate_data(self, X, reset=False, dtype=dtype, order="C"))

    def _below(self, level: int | None) -> int:
        """Return how many levels rows pass."""
        most = len(self.levels_) - 1
        if level is None:
            return most
        check_whole(level, "level", 0)
        if level > most:
            raise ValueError(
                f"level must be at most {most}, the levels below the last one, got {level}; "
                "predict passes all of them"
            )
        return int(level)

    def _options(self, number: int) -> dict[str, Any]:
        """Return what the local means of all levels share; names of columns are of the lowest."""
        names = getattr(self, "feature_names_in_", None) if number == 0 else None
        return {
            "names": None if names is None else list(names),
            "mass_tol": self.mass_tol,
            "empty": "nearest",
            "n_jobs": self.n_jobs,
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _get_state(self) -> dict[str, Any]:
        """Return the fitted attributes that a file holds; levels with maps are refused before."""
        state = {"means": [fitted.mean._get_state() for fitted in self.levels_]}
        for name in ("n_features_in_", *_OPTIONAL_STATE):
            if hasattr(self, name):
                state[name] = getattr(self, name)
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        """Take fitted attributes over from a file, after every check that `fit` would make."""
        check_names(state, self._state, _OPTIONAL_STATE)
        levels = as_levels(self.levels)
        check_empty(self.empty, LocalMeanRegressor._policies, True)
        check_hierarchy(state, len(levels))
        self.__dict__.update({name: state[name] for name in state if name != "means"})
        fitted = []
        for number, (level, of_mean) in enumerate(zip(levels, state["means"], strict=True)):
            if level.map is not None:
                raise ValueError(f"level {number + 1} has a map, which no file can hold")
            options = self._options(number)
            if number == len(levels) - 1:
                options["empty"] = self.empty
            fitted.append(FittedLevel(level, regressor(level, **options)))
            fitted[-1].mean._set_state(of_mean)
        self.levels_ = fitted
