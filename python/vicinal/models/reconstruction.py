"""How much of a row comes back when it is encoded and decoded by rows other than itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid
from sklearn.utils.validation import check_is_fitted

import vicinal
from vicinal.arrays import Array
from vicinal.models.checks import check_choice
from vicinal.models.local_maps import LocalMap, SearchedMap

__all__ = ["RoundTrip", "ThereAndBack"]


class RoundTrip:
    """A model with an encoder and a decoder that are local: scores and distortion.

    A row of the fit is near itself, so it is judged by the others.
    """

    n_jobs: int | None
    keys_: Array
    embedding_: Array
    _encoder: LocalMap
    _decoder: LocalMap

    def _queries(self, X: Any) -> Array:
        raise NotImplementedError

    def score(self, X: Any, y: Any = None) -> float:
        r"""Return the share of the variance of rows that comes back: :math:`R^2`.

        .. math:: 1 - \sum_i \|x_i - \hat x_i\|^2 \Big/ \sum_i \|x_i - \bar x\|^2,
            \quad \hat x = \text{decoder}(\text{encoder}(x))

        Parameters
        ----------
        X : array-like of shape (m, d)
            Rows held out of the fit, two at least; for the rows of the fit take `loo_score`.
        y : None
            Ignored: coordinates of several embeddings have no common unit, rows have. So
            ``GridSearchCV(EmbeddingDistiller(), …).fit(X, Z)`` looks for what returns most.

        Returns
        -------
        score : float
            At most 1; 0 is that of the mean row.
        """
        queries = self._queries(X)
        return _explained(queries, self._round_trip(queries))

    def loo_score(self) -> float:
        """Return the score of the training rows, each encoded and decoded by the others alone.

        Returns
        -------
        score : float
            As of `score`.
        """
        rows = self._left_out()[1]
        return _explained(self.keys_, rows)

    def loo_predict(self) -> Array:
        """Return every training row as the others encode and decode it.

        Returns
        -------
        rows : ndarray of shape (n, d)
            To be compared with `keys_`.
        """
        return self._left_out()[1]

    def loo_transform(self) -> Array:
        """Encode every training row by the others alone.

        Returns
        -------
        Z : ndarray of shape (n, c)
            To be compared with `embedding_`.
        """
        check_is_fitted(self, "embedding_")
        return self._encoder(self.keys_, self.n_jobs, leave_out=True)

    @cached_property
    def distortion_(self) -> Array:
        """Distances of training rows from what the others return of them, (n,)."""
        rows = self._left_out()[1]
        return _distances(self.keys_, rows)

    def distortion(self, X: Any) -> Array:
        """Measure how far rows are from what comes back of them.

        Parameters
        ----------
        X : array-like of shape (m, d)
            New rows; for those of the fit there is `distortion_`.

        Returns
        -------
        distortion : ndarray of shape (m,)
            Euclidean distances, in units of `X`.
        """
        queries = self._queries(X)
        return _distances(queries, self._round_trip(queries))

    def _round_trip(self, rows: Array) -> Array:
        return self._decoder(self._encoder(rows, self.n_jobs), self.n_jobs)

    def _left_out(self) -> tuple[Array, Array]:
        """Return what the others make of every training row: coordinates, and the row again."""
        coordinates = self.loo_transform()
        return coordinates, self._decoder(coordinates, self.n_jobs, leave_out=True)

    def _forget(self) -> None:
        """Drop what was computed on first use of the last fit."""
        for name in ("distortion_", "_reaches_of_keys"):
            self.__dict__.pop(name, None)


class ThereAndBack(RoundTrip):
    """A round trip of equally many neighbors each way: drift, and the comparison of embeddings."""

    n_neighbors: int
    metric: Any
    _encoder: SearchedMap
    _decoder: SearchedMap

    def drift(self, X: Any, signal: str = "distortion") -> Array:
        """Rank new rows among the training rows.

        Parameters
        ----------
        X : array-like of shape (m, d)
            New rows.
        signal : {"distortion", "distance"}, default="distortion"
            What is ranked: what is lost there and back, or the distance to the nearest training
            row number `n_neighbors`. The first sees rows that the embedding has no place for, the
            second any row far from the data.

        Returns
        -------
        drift : ndarray of shape (m,)
            The share of the training rows, each judged by the others, whose signal is smaller: 0
            to 1. For rows drawn as the training rows were it is nearly uniform, so that about one
            in twenty exceeds 0.95.
        """
        check_choice(signal, "signal", ("distortion", "distance"))
        queries = self._queries(X)
        if signal == "distortion":
            known, new = self.distortion_, _distances(queries, self._round_trip(queries))
        else:
            known, new = self._reaches_of_keys, self._reaches(queries)
        return np.searchsorted(np.sort(known), new, side="left") / len(known)

    def compare(self, X: Any, embeddings: Any, **parameters: Sequence[Any]) -> dict[str, Array]:
        """Compare embeddings of the same rows, and parameters, by what returns of left-out rows.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Training rows.
        embeddings : dict of str to array-like of shape (n, c)
            Embeddings by name, of any number of dimensions each.
        **parameters : sequences
            Values to try, such as ``n_neighbors=[5, 10], method=["affine", "mean"]``; the others
            are those of this model, which itself is not changed.

        Returns
        -------
        table : dict of ndarray
            Columns of one row per candidate, best first: "embedding", each of `parameters`,
            "score" (`loo_score`), "encoder_score" (the same of `loo_transform`, against the
            embedding) and "median_distortion" (units of `X`).

        Examples
        --------
        >>> import numpy as np
        >>> from vicinal.models import EmbeddingDistiller
        >>> X = np.random.default_rng(0).normal(size=(100, 3)) * [5, 4, 1]
        >>> candidates = {"good": X[:, :2], "bad": X[:, 2:]}
        >>> table = EmbeddingDistiller().compare(X, candidates, method=["affine", "mean"])
        >>> print(table["embedding"][0])
        good
        >>> list(table)
        ['embedding', 'method', 'score', 'encoder_score', 'median_distortion']
        """
        if not isinstance(embeddings, Mapping) or not embeddings:
            raise ValueError(
                "embeddings must be a dict of coordinates by name, as {'UMAP': Z}, got "
                f"{embeddings!r:.60}"
            )
        found = [
            {"embedding": name, **setting, **clone(self).set_params(**setting).fit(X, Z)._figures()}
            for name, Z in embeddings.items()
            for setting in ParameterGrid(parameters)
        ]
        found.sort(key=lambda row: -row["score"])  # stable: equal ones in the order given
        return {name: _column([row[name] for row in found]) for name in found[0]}

    @cached_property
    def _reaches_of_keys(self) -> Array:
        return self._reaches(self.keys_, leave_out=True)

    def _reaches(self, rows: Array, leave_out: bool = False) -> Array:
        """Return the distance from each row to its k-th nearest key, (m,)."""
        found = vicinal.knn(
            rows,
            self._encoder.index,
            self.n_neighbors,
            exclude_self=leave_out,
            num_threads=self.n_jobs,
        )
        return found.distances[:, -1]

    def _figures(self) -> dict[str, float]:
        coordinates, rows = self._left_out()
        return {
            "score": _explained(self.keys_, rows),
            "encoder_score": _explained(self.embedding_, coordinates),
            "median_distortion": float(np.median(_distances(self.keys_, rows))),
        }


def _distances(a: Array, b: Array) -> Array:
    """Return Euclidean distances between rows of the same number, (m,)."""
    return np.asarray(np.sqrt(np.square(np.ascontiguousarray(a - b)).sum(axis=1)))


def _explained(rows: Array, found: Array) -> float:
    """Return 1 − Σ‖x − x̂‖² / Σ‖x − x̄‖²; of rows that are all equal 1 if found, else 0."""
    if len(rows) < 2:
        raise ValueError(f"X must have 2 rows at least for a share of variance, got {len(rows)}")
    off = rows - rows.mean(axis=0)
    unit = np.abs(off).max()
    if np.ptp(rows, axis=0).max() == 0:
        return float(np.array_equal(rows, found))
    return float(1 - np.square((rows - found) / unit).sum() / np.square(off / unit).sum())


def _column(values: list[Any]) -> Array:
    """Return values as an array, of objects unless they are all numbers or all strings."""
    if all(isinstance(value, str) for value in values):
        return np.array(values)
    numbers = all(isinstance(value, int | float) for value in values)
    column = np.empty(len(values), dtype=np.asarray(values).dtype if numbers else object)
    column[:] = values
    return column
