"""The fit of one clone to one row of weights, and its answer to each query of that row."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from vicinal.arrays import Array

__all__ = ["LocalJob", "groups_of"]


@dataclass(frozen=True)
class LocalJob:
    """What every local fit shares.

    `method` is "predict" or "predict_proba"; the answers of a classifier are numbers of classes,
    or shares in the order of all of them: 0 for a class that has no row near the query.
    """

    estimator: Any
    X: Array
    y: Array
    method: str
    classes: int  # 0: a regressor
    resample: bool
    seed: int

    def answers(self, kept: Array, weights: Array, queries: Array) -> list[Any]:
        """Fit to the rows `kept` with their weights, and answer each query by itself."""
        X, y = self.X[kept], self.y[kept]
        if self.resample:
            drawn = self._drawn(weights)
            X, y = X[drawn], y[drawn]
        if self.classes:
            present = np.unique(y)
            if len(present) == 1:  # nothing to tell apart
                return [self._of_classes(present, np.ones(1))] * len(queries)
        given = {} if self.resample else {"sample_weight": weights}
        model = clone(self.estimator).fit(X, y, **given)
        found = [getattr(model, self.method)(q[None])[0] for q in queries]
        if self.classes and self.method == "predict_proba":
            return [self._of_classes(model.classes_, shares) for shares in found]
        return found

    def _of_classes(self, present: Array, shares: Array) -> Any:
        if self.method == "predict":
            return present[0]
        result = np.zeros(self.classes)
        result[present] = shares
        return result

    def _drawn(self, weights: Array) -> Array:
        """Draw as many rows as the weights are worth, (Σ w)² / Σ w², from them alone."""
        count = int(np.ceil(weights.sum() ** 2 / (weights**2).sum() - 1e-9))
        generator = np.random.default_rng([self.seed, zlib.crc32(weights.tobytes())])
        return generator.choice(len(weights), size=max(count, 1), p=weights / weights.sum())


def groups_of(weights: Array, mass_tol: float) -> tuple[list[tuple[Array, Array, Array]], Array]:
    """Return queries with equal weights, and those without any.

    Parameters
    ----------
    weights : ndarray of shape (m, n)
        Non-negative, of one strip of queries; NaN or 0 in the rows of queries without any.
    mass_tol : float
        Weights below this share of the largest are left out.

    Returns
    -------
    groups : list of (queries, rows, weights)
        The queries, the rows they see and the weights of these, of which the largest is 1.
    empty : ndarray of int64
        Queries without any weight.
    """
    most = np.nan_to_num(weights).max(axis=1, initial=0.0)
    found: dict[bytes, tuple[list[int], Array, Array]] = {}
    for i in np.flatnonzero(most > 0):
        row = weights[i] / most[i]
        kept = np.flatnonzero((row > 0) & (row >= mass_tol))
        own = row[kept]
        found.setdefault(kept.tobytes() + own.tobytes(), ([], kept, own))[0].append(int(i))
    groups = [(np.array(queries), kept, own) for queries, kept, own in found.values()]
    return groups, np.flatnonzero(~(most > 0))
