"""What the other patterns make of each, and which patterns weigh in an answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

import vicinal
from vicinal.arrays import Array
from vicinal.models.memory.hopfield_steps import HopfieldSteps
from vicinal.models.memory.signs import sweep

__all__ = ["LeftOutPatterns"]


class LeftOutPatterns(HopfieldSteps):
    """Explain single updates, and judge a memory by those without the pattern itself."""

    def explain(self, X: Any, k: int = 5) -> tuple[Array, Array]:
        """Name the patterns that weigh most in the first update of each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            States.
        k : int, default=5
            How many patterns to name per row.

        Returns
        -------
        indices : ndarray of shape (m, k), int64
            Patterns, heaviest first, ties by index; −1 where fewer weigh.
        weights : ndarray of shape (m, k)
            Their shares of the weight ``w K(q, x)`` of all, in size where it has signs; of ±1
            memories that of the energy.
        """
        states = self._queries(X)
        options = self._options(self.neighbors)
        stats = vicinal.local_stats(states, self._search_keys, statistics="top_k", k=k, **options)
        assert stats.top_k is not None
        return stats.top_k

    def loo_predict(self) -> Array:
        """Update every pattern once by the others.

        Returns
        -------
        retrieved : ndarray of shape (n, d), or (n, p) or (n,) with `values`
            What a network without the pattern turns it into; its sample weight goes, too.
        """
        check_is_fitted(self)
        if len(self.keys_) < 2:
            raise ValueError("leave-one-out needs at least 2 patterns, got n_samples=1")
        own = np.arange(len(self.keys_))
        if self._signs:
            one_by_one = self.update == "asynchronous"
            weights, degree = self.sample_weight_, self._degree
            states = sweep(self.keys_, self.keys_, weights, degree, one_by_one, own)
            return self._read(states)
        values = self.keys_ if self.values_ is None else self.values_
        return self._means(self.keys_, values, empty="zero", exclude_self=True, self_indices=own)

    def loo_score(self) -> float:
        """Return how much of the patterns, or of their values, `loo_predict` brings back.

        Returns
        -------
        score : float
            ``1 − Σ w ‖y − ŷ‖² / Σ w ‖y − ȳ‖²``, at most 1: near 1 where patterns come in groups.
        """
        found = self.loo_predict()
        given = self.keys_ if self.values_ is None else self.values_
        truth, weights = given.astype(np.float64), self.sample_weight_
        missed = np.average((truth - found) ** 2, axis=0, weights=weights).sum()
        mean = np.average(truth, axis=0, weights=weights)
        spread = np.average((truth - mean) ** 2, axis=0, weights=weights).sum()
        return 1 - float(missed / spread) if spread > 0 else float(missed == 0)

    @property
    def bandwidth_(self) -> float:
        """What dot products are divided by: 1 / β of "modern", d of the others."""
        check_is_fitted(self)
        return 1 / self.beta_ if self.memory == "modern" else float(self.n_features_in_)

    @property
    def empty_rows_(self) -> int:
        """Patterns in whose update no other one weighs."""
        check_is_fitted(self)
        options = self._options(self.neighbors)
        stats = vicinal.local_stats(
            self.keys_,
            self._search_keys,
            statistics="log_mass",
            exclude_self=True,
            self_indices=np.arange(len(self.keys_)),
            **options,
        )
        return int(np.isneginf(np.asarray(stats.log_mass)).sum())
