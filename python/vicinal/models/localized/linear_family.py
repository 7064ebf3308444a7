"""Linear models whose localization is `vicinal.local_fit`, with their penalties.

With weights w of which the kernel's largest is 1, and their sum S, scikit-learn minimizes

- `LinearRegression`: Σ w r²,
- `Ridge`: Σ w r² + α ‖b‖², which is ``ridge = α / S`` of `local_fit`,
- `LogisticRegression`: C Σ w ℓ + ½ ‖b‖², so ``ridge = 1 / (C S)`` beside twice the mean loss,
- `PoissonRegressor`: Σ w ℓ / S + ½ α ‖b‖², so ``ridge = α``,
- `QuantileRegressor` without a penalty: Σ w ρ(r), with ρ the tilted absolute value,
- `RidgeClassifier`: as `Ridge`, of −1 and 1, for each class if there are more than two.

The ridge of `local_fit` leaves out a first column that is constant: with a penalty and without an
intercept, it serves where the first column of X is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    RidgeClassifier,
)

import vicinal
from vicinal.arrays import Array

__all__ = ["LinearModel", "linear_model"]


@dataclass(frozen=True)
class LinearModel:
    """A family of `local_fit`, a penalty, and whether it is divided by S.

    `threshold` is of a classifier: where a fit says the second of two classes.
    """

    family: str
    penalty: float
    shared: bool
    intercept: bool
    threshold: float = 0.5
    quantile: float = 0.5

    def serves(self, X: Array) -> bool:
        """Tell whether the penalty leaves out what that of scikit-learn does, for rows (n, d)."""
        return self.intercept or self.penalty == 0 or bool((X[:, 0] != X[0, 0]).any())

    def targets(self, y: Array, classes: int) -> Array:
        """Return what is fitted, of numbers of classes or numbers."""
        if classes == 0 or self.family == "binomial":
            return y.astype(np.float64)
        if classes == 2:
            return np.where(y == 1, 1.0, -1.0)
        return np.where(y[:, None] == np.arange(classes), 1.0, -1.0)

    def labels(self, fitted: Array) -> Array:
        """Return numbers of classes of fits, (m,) or (m, classes)."""
        if fitted.ndim == 2:
            return np.asarray(np.argmax(fitted, axis=1))
        return np.asarray(fitted > self.threshold, dtype=np.int64)

    def fit(
        self,
        queries: Array,
        rows: Array,
        keys: Any,
        X: Array,
        y: Array,
        present: Array | None,
        progress: bool,
        **options: Any,
    ) -> Any:
        """Return the `LocalFit` at `queries`, whose columns are `rows`; (m, r) and (n, r)."""
        ridge: Any = self.penalty
        if self.shared and self.penalty > 0:
            ridge = self.penalty * _inverse_sums(queries, keys, present, **options)
        return vicinal.local_fit(
            queries,
            np.asarray(keys),
            y,
            design=self._with_intercept(X),
            query_design=self._with_intercept(rows),
            family=self.family,
            quantile=self.quantile,
            ridge=ridge,
            progress=progress,
            **options,
        )

    def _with_intercept(self, X: Array) -> Array:
        return np.column_stack([np.ones(len(X)), X]) if self.intercept else X


def _inverse_sums(queries: Array, keys: Any, present: Array | None, **options: Any) -> Array:
    """Return 1 / S, the largest weight of the kernel over the sum of all weights, (m,)."""
    names = ("top_k", "log_mass")
    stats = vicinal.local_stats(
        queries, keys, statistics=names, k=1, **{**options, "weights": present}
    )
    assert stats.top_k is not None
    share = stats.top_k[1][:, 0]
    if present is not None:
        counted = vicinal.local_stats(queries, keys, statistics="log_mass", **options)
        assert stats.log_mass is not None
        assert counted.log_mass is not None
        with np.errstate(invalid="ignore"):
            share = np.nan_to_num(share * np.exp(stats.log_mass - counted.log_mass))
    return np.asarray(share)


def linear_model(estimator: Any, classes: Array | None) -> LinearModel | None:
    """Return the local fit that answers as clones of `estimator` do, None if there is none.

    Only exact classes count, which a subclass may have changed.
    """
    given = estimator.get_params(deep=False)
    if classes is not None:
        return _classifier(type(estimator), given, len(classes))
    return _regressor(type(estimator), given)


def _regressor(kind: type, given: dict[str, Any]) -> LinearModel | None:
    intercept = bool(given.get("fit_intercept", True))
    if kind is LinearRegression and not given["positive"]:
        return LinearModel("gaussian", 0.0, False, intercept)
    if kind is Ridge and not given["positive"] and np.ndim(given["alpha"]) == 0:
        return LinearModel("gaussian", float(given["alpha"]), True, intercept)
    if kind is PoissonRegressor and given["alpha"] > 0:
        return LinearModel("poisson", float(given["alpha"]), False, intercept)
    if kind is QuantileRegressor and given["alpha"] == 0:
        return LinearModel("quantile", 0.0, False, intercept, quantile=float(given["quantile"]))
    return None


def _classifier(kind: type, given: dict[str, Any], classes: int) -> LinearModel | None:
    intercept = bool(given.get("fit_intercept", True))
    if kind is LogisticRegression and classes == 2 and _is_l2(given):
        return LinearModel("binomial", 1 / float(given["C"]), True, intercept)
    plain = not given.get("positive") and given.get("class_weight") is None
    if kind is RidgeClassifier and classes > 1 and plain and np.ndim(given["alpha"]) == 0:
        return LinearModel("gaussian", float(given["alpha"]), True, intercept, threshold=0.0)
    return None


def _is_l2(given: dict[str, Any]) -> bool:
    plain = given["class_weight"] is None and given["solver"] != "liblinear" and not given["dual"]
    named = given["penalty"] in ("l2", "deprecated")  # the default, by its name or left open
    return plain and named and not given.get("l1_ratio") and np.isfinite(given["C"])
