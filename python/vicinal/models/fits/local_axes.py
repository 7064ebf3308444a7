"""Weighted covariances around queries, and their axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

import vicinal
from vicinal.arrays import Array
from vicinal.models.base import LocalModel
from vicinal.models.checks import check_number, check_whole
from vicinal.models.state import check_training_set

__all__ = ["LocalAxes"]

_NOTHING = 1e-12  # of all variance: an axis that the rows do not determine
_NUMBERS = 1 << 20  # of the covariances of a strip of queries


class LocalAxes(LocalModel):
    """What `LocalPCA`, which has the parameters, computes."""

    _policies = ("nan", "nearest", "raise")
    _takes_number = False
    _loss = "minus the mean log likelihood"
    n_components: Any

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
        mean, axes, variance, empty = self._parts_of(X, None)
        if self.empty == "nan":
            self._warn_of_empty(empty)
        return mean, axes, variance

    def _left_out_rows(self) -> Array:
        """Return the training rows, each on the plane of the others; NaN where there is none."""
        own = np.arange(len(self.keys_))
        mean, axes, _, _ = self._parts_of(self.keys_, own)
        along = ((self.keys_ - mean)[:, None, :] * axes).sum(axis=2)
        for k in range(axes.shape[1]):
            mean += along[:, k, None] * axes[:, k]
        return mean

    def _parts_of(self, X: Array, own: Array | None) -> tuple[Array, Array, Array, Array]:
        """Return means, axes, variances and which rows are empty; query i does not see own[i]."""
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
                tol=self.mass_tol,
                **self._seen(X[rows], None if own is None else own[rows]),
            )
            assert stats.mean is not None
            assert stats.covariance is not None
            assert stats.log_mass is not None
            mean[rows], empty[rows] = stats.mean, np.isneginf(stats.log_mass)
            covariance = np.where(empty[rows][:, None, None], 0.0, stats.covariance)
            variance[rows], axes[rows] = self._axes(covariance)
        if self.empty == "nan":
            variance[empty], axes[empty] = np.nan, np.nan
        return mean, axes, variance, empty

    def _seen(self, X: Array, own: Array | None) -> dict[str, Any]:
        options = self._options(X)
        if own is None:
            return options
        options["bandwidth"] = self._bandwidth_at(X, own)
        return {**options, "exclude_self": True, "self_indices": own}

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
