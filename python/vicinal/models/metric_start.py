"""Where the learning of a linear map starts."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_array

from vicinal.arrays import Array

__all__ = ["STARTS", "start_of"]

STARTS = ("auto", "scott", "identity", "pca")


def start_of(init: Any, X: Array, n_components: int | None, weights: Array | None = None) -> Array:
    """Return the first map, (n_components, d), of rows X (n, d).

    Scott's bandwidths are those of the rows as mapped: n^(−1/(c + 4)) standard deviations in c
    dimensions. A feature without spread is left out. Weights count equal rows.
    """
    d = X.shape[1]
    counts = np.ones(len(X)) if weights is None else weights
    n = counts.sum()
    count = d if n_components is None else int(n_components)
    if count > d:
        raise ValueError(f"n_components must be at most {d}, the number of features, got {count}")
    if not isinstance(init, str):
        given = check_array(init, dtype=np.float64, input_name="init")
        if given.shape != (count, d):
            raise ValueError(f"init must have shape {(count, d)}, got {given.shape}")
        return np.array(given)
    if init == "identity":
        return np.eye(count, d)
    center = np.average(X, axis=0, weights=counts)
    spread = np.sqrt(np.average((X - center) ** 2, axis=0, weights=counts))
    inverse = np.divide(1.0, spread, out=np.zeros(d), where=spread > 0)
    narrow = n ** (1 / (count + 4))
    if init == "scott" or (init == "auto" and count == d):
        return np.asarray(np.eye(count, d) * narrow * inverse)
    # principal axes of the standardized features, by the eigenvectors of their correlations
    standard = (X - center) * inverse
    values, vectors = np.linalg.eigh(standard.T @ (standard * counts[:, None]) / n)
    largest = slice(None, -count - 1, -1)
    along = np.sqrt(np.maximum(values[largest], 0))
    scales = np.divide(narrow, along, out=np.zeros(count), where=along > 1e-8)
    return np.asarray(scales[:, None] * vectors.T[largest] * inverse)
