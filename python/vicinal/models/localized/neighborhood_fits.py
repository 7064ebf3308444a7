"""Rows, places and weights of a localized estimator, and the fits that answer its queries."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.utils import get_tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, has_fit_parameter, validate_data

import vicinal
from vicinal.arrays import Array
from vicinal.bandwidth.scales import natural_scale
from vicinal.kernels import as_kernel
from vicinal.models.base import LocalModel
from vicinal.models.checks import check_choice, check_whole
from vicinal.models.localized.clone_fits import CloneFits
from vicinal.models.localized.linear_family import LinearModel, linear_model
from vicinal.models.located import locating_columns
from vicinal.models.model_keys import search_keys_of
from vicinal.models.state import check_localized

__all__ = ["NeighborhoodFits"]

MULTIPLES = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the natural scale: candidates of a bandwidth
FAMILIES = ("scott", "silverman", "loo")


class NeighborhoodFits(CloneFits, LocalModel):
    """Keep rows and places, weigh the rows at queries and answer by fits."""

    _policies = ("auto", "nearest", "raise")
    _takes_number = False
    _loss = "leave-one-out error"
    _state = (
        *LocalModel._state,
        *("rows_", "columns_", "linear_"),
    )

    def __sklearn_tags__(self) -> Any:
        tags, own = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.estimator_type = own.estimator_type
        tags.classifier_tags, tags.regressor_tags = own.classifier_tags, own.regressor_tags
        tags.target_tags = own.target_tags
        if own.estimator_type == "classifier":
            tags.target_tags.multi_output = False
            tags.classifier_tags.multi_label = False
        return tags

    @property
    def _classes(self) -> int:
        return len(self.classes_) if is_classifier(self) else 0

    def _remember_rows(self, X: Any, y: Any, sample_weight: Any) -> None:
        self._check_parameters()
        classifies = is_classifier(self)
        options = {"multi_output": not classifies, "y_numeric": not classifies}
        X, y = validate_data(self, X, y, dtype=np.float64, order="C", **options)
        if classifies:
            check_classification_targets(y)
            self.classes_, y = np.unique(y, return_inverse=True)
        else:
            y = np.ascontiguousarray(y, dtype=np.float64)
        self.columns_ = locating_columns(self.on, self, "on")
        self.rows_ = X
        self.linear_ = self._is_linear()
        self._remember(np.ascontiguousarray(X[:, self.columns_]), y, sample_weight)

    def _check_parameters(self) -> None:
        check_choice(self.strategy, "strategy", ("reweight", "resample"))
        check_whole(self.random_state, "random_state", 0)
        if not (is_classifier(self.estimator) or is_regressor(self.estimator)):
            raise TypeError(f"estimator must be a regressor or classifier, got {self.estimator!r}")
        takes = has_fit_parameter(self.estimator, "sample_weight")
        if self.strategy == "reweight" and not takes:
            raise ValueError(
                f"estimator must take sample_weight in fit for strategy='reweight', got "
                f"{self.estimator!r}; take strategy='resample'"
            )
        if as_kernel(self.kernel).signed:
            raise ValueError(f"kernel must have no negative weights, got {self.kernel!r}")
        if isinstance(self.bandwidth, str):
            check_choice(self.bandwidth, "bandwidth", FAMILIES)

    def _is_linear(self) -> bool:
        reweights = self.strategy == "reweight" and self.mass_tol == 0
        model = self._linear_model()
        return reweights and model is not None and model.serves(self.rows_)

    def _linear_model(self) -> LinearModel | None:
        return linear_model(self.estimator, self.classes_ if self._classes else None)

    def _split(self, X: Any) -> tuple[Array, Array]:
        check_is_fitted(self)
        rows = np.asarray(validate_data(self, X, reset=False, dtype=np.float64, order="C"))
        return np.ascontiguousarray(rows[:, self.columns_]), rows

    def _queries(self, X: Any) -> Array:
        return self._split(X)[0]

    @property
    def _neighbors(self) -> Any:
        if self.neighbors is None:
            return None
        names = getattr(self, "feature_names_in_", None)
        known = None if names is None else list(names[self.columns_])
        return self.neighbors.by_number({"X": known})

    def _settled_bandwidth(self) -> Any:
        if self._kernel_has_bandwidth() or self.bandwidth != "loo":
            return super()._settled_bandwidth()
        self._need_two_rows("bandwidth='loo'")
        candidates = np.asarray(MULTIPLES if self.grid is None else self.grid, dtype=np.float64)
        if candidates.ndim != 1 or len(candidates) == 0:
            raise ValueError(f"grid must be (g,) bandwidths, got shape {candidates.shape}")
        if self.grid is None:
            scale = natural_scale(
                self.keys_, self.sample_weight_, as_kernel(self.kernel), self.metric
            )
            tried = [float(factor) * scale for factor in candidates]
        else:
            tried = candidates.tolist()
        losses = [self._loss_of(h) for h in tried]
        return tried[int(np.argmin(losses))]

    def _loss_of(self, bandwidth: Any) -> float:
        """Return the leave-one-out error of a bandwidth; an empty row is charged the mean's."""
        self.bandwidth_ = bandwidth
        self._search_keys = search_keys_of(self)
        weights, truth = self.sample_weight_, self.values_
        if self._classes and hasattr(self.estimator, "predict_proba"):
            truth = (truth[:, None] == np.arange(self._classes)).astype(np.float64)
            answer = self._answers(self.keys_, self.rows_, "predict_proba", True, quiet=True)
        else:
            answer = self._answers(self.keys_, self.rows_, "predict", True, quiet=True)
            if self._classes:
                return float(np.average(answer != truth, weights=weights))
            mean = np.average(truth, axis=0, weights=weights)
            answer = np.where(np.isnan(answer), mean, answer)
        losses = ((answer - truth) ** 2).reshape(len(truth), -1).mean(axis=1)
        return float(np.average(losses, weights=weights))

    @property
    def _present(self) -> Array | None:
        """1 for the rows of a weight above 0, (n,)."""
        return None if self.sample_weight_ is None else (self.sample_weight_ > 0).astype(float)

    def _weighing(self, places: Array, own: Array | None) -> dict[str, Any]:
        options = {"weights": self.sample_weight_, **self._kernel_options(places)}
        options["bandwidth"] = self._bandwidth_at(places, own)
        return options if own is None else {**options, "exclude_self": True, "self_indices": own}

    def _answers(
        self, places: Array, rows: Array, method: str, leave_out: bool = False, quiet: bool = False
    ) -> Array:
        """Answer every query; those without any weight by the policy."""
        if self.linear_:
            answer, empty = self._linear_answers(places, rows, method, leave_out)
        else:
            answer, empty = self._fitted_answers(places, rows, method, leave_out)
        if len(empty):
            self._fill(answer, empty, places, method, leave_out)
            if self.empty == "auto" and not quiet:
                becomes = "the class frequencies" if self._classes else "NaN"
                self._warn_of_empty(np.isin(np.arange(len(places)), empty), becomes)
        return answer

    def _linear_answers(
        self, places: Array, rows: Array, method: str, leave_out: bool
    ) -> tuple[Array, Array]:
        fitted = self._linear_fit(places, rows, leave_out).fitted
        empty = np.flatnonzero(np.isnan(fitted.reshape(len(places), -1)[:, 0]))
        if self._classes == 0:
            return fitted, empty
        if method == "predict_proba":
            return np.column_stack([1 - fitted, fitted]), empty
        model = self._linear_model()
        assert model is not None
        return model.labels(fitted), empty

    def _linear_fit(self, places: Array, rows: Array, leave_out: bool = False) -> Any:
        model = self._linear_model()
        assert model is not None
        own = np.arange(len(places)) if leave_out else None
        return model.fit(
            places,
            rows,
            self.keys_,
            self.rows_,
            model.targets(self.values_, self._classes),
            self._present,
            self.verbose > 0,
            **self._weighing(places, own),
        )

    def _coefficients(self, places: Array, rows: Array) -> Array:
        found = self._linear_fit(places, rows).coefficients
        if found.shape[1] == rows.shape[1]:
            found = np.concatenate([np.zeros_like(found[:, :1]), found], axis=1)
        return np.asarray(found)

    def _fill(
        self, answer: Array, empty: Array, places: Array, method: str, leave_out: bool
    ) -> None:
        """Write what the policy says into the rows of queries without any weight."""
        targets = self.values_
        if self._classes:
            targets = (targets[:, None] == np.arange(self._classes)).astype(np.float64)
        if self.empty == "raise":
            raise ValueError(
                f"{len(empty)} of {len(places)} rows have no key in the support of the kernel; "
                "widen the bandwidth, or set empty='nearest'"
            )
        if self.empty == "nearest":
            own = empty if leave_out else None
            options = {**self._weighing(places[empty], own), "empty": "nearest"}
            value = vicinal.local_mean(places[empty], self._search_keys, targets, **options)
        elif self._classes:
            value = np.average(targets, axis=0, weights=self.sample_weight_)
            value = np.broadcast_to(value, (len(empty), self._classes))
        else:
            value = np.full(1, np.nan)
        whole = self._classes and method == "predict"
        answer[empty] = np.argmax(value, axis=1) if whole else value

    def save(self, path: Any) -> None:
        """Write the fitted model to a file that `vicinal.load` reads, if all of it is vicinal's.

        Parameters
        ----------
        path : str or path-like
            The file, written whole or not at all; an existing one is replaced.

        Raises
        ------
        TypeError
            If the estimator is not a model of vicinal.
        """
        kind = type(self.estimator)
        if getattr(vicinal.models, kind.__name__, None) is not kind:
            raise TypeError(
                f"a Localized around {kind.__name__} cannot be saved: a file of vicinal holds no "
                "foreign estimator; joblib or skops keep the whole"
            )
        super().save(path)

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        return {**state, "classes_": self.classes_} if self._classes else state

    def _set_state(self, state: dict[str, Any]) -> None:
        state = dict(state)
        classes = state.pop("classes_", None)
        if classes is not None:
            self.classes_ = classes
        super()._set_state(state)

    def _check_state(self, state: dict[str, Any]) -> None:
        check_localized(state, getattr(self, "classes_", None))
