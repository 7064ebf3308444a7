"""The weights with which the nearest training rows reproduce a row."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils.validation import check_is_fitted, validate_data

import vicinal
from vicinal.arrays import Array
from vicinal.models.checks import check_whole
from vicinal.models.labeling.reconstruction_weights import reconstruction_weights

__all__ = ["LinearWeights"]


class LinearWeights:
    """Weigh the neighbors of training rows and of new ones, and name them."""

    n_neighbors: Any
    reg: Any
    nonnegative: Any
    n_jobs: Any
    keys_: Array

    @property
    def weights_(self) -> csr_array:
        """The weights of every row's neighbors, (n, n)."""
        X = self.keys_
        near = vicinal.knn(X, X, self.n_neighbors, exclude_self=True, num_threads=self.n_jobs)
        return self._weigh(X, near.indices, "trace")

    def explain(self, X: Any, k: int = 5) -> tuple[Array, Array]:
        """Name the training rows that weigh most in the answer for each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Rows.
        k : int, default=5
            How many training rows to name per row.

        Returns
        -------
        indices : ndarray of shape (m, k), int64
            Training rows, by descending size of their weight, ties by index; −1 where fewer
            weigh.
        weights : ndarray of shape (m, k)
            Their weights, of which all sum to 1; 0 where the index is −1.
        """
        check_whole(k, "k", 1)
        weights = self._weights_at(X)
        stats = vicinal.local_stats(
            None,
            None,
            statistics="top_k",
            k=k,
            neighbors=vicinal.Graph(weights, data="weight"),
            num_threads=self.n_jobs,
        )
        assert stats.top_k is not None
        return stats.top_k

    def _weights_at(self, X: Any) -> csr_array:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=self.keys_.dtype, order="C")
        near = vicinal.knn(X, self.keys_, self.n_neighbors, num_threads=self.n_jobs)
        return self._weigh(X, near.indices, "distance")

    def _weigh(self, rows: Array, indices: Array, ridge: str) -> csr_array:
        weights = reconstruction_weights(
            rows,
            self.keys_,
            indices,
            reg=float(self.reg),
            ridge=ridge,
            nonnegative=bool(self.nonnegative),
            num_threads=self.n_jobs,
        )
        m, k = indices.shape
        starts = np.arange(m + 1) * k
        shape = (m, len(self.keys_))
        return csr_array((weights.ravel(), indices.ravel(), starts), shape=shape)
