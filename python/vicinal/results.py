"""What the primitives return."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from vicinal.arrays import Array

__all__ = ["LocalFit", "LocalStats"]


@dataclass(frozen=True, eq=False, repr=False)
class LocalStats:
    r"""Statistics of the keys around each query; a field that was not asked for is None.

    Weights w are ``profile · weights · exp(log_weights + bias)``. With values of one number per
    key, fields with a p axis come without it.

    Parameters
    ----------
    mean : ndarray of shape (..., m, p), optional
        ``Σ w y / Σ w``.
    log_mass : ndarray of shape (..., m), optional
        ``log Σ w`` without a normaliser, −inf for an empty row; ``log |Σ w|`` for signed kernels.
    ess : ndarray of shape (..., m), optional
        Effective sample size, ``(Σ w)² / Σ w²``; with ``|w|`` for signed kernels.
    count : ndarray of int64, shape (..., m), optional
        Keys inside the support with a prior weight above 0.
    variance : ndarray of shape (..., m, p), optional
        ``Σ w (y − mean)² / Σ w``.
    covariance : ndarray of shape (..., m, p, p), optional
        ``Σ w (y − mean)(y − mean)ᵀ / Σ w``.
    self_weight : ndarray of shape (..., m), optional
        The own key's share, ``w_self / Σ w``.
    top_k : tuple of (ndarray of int64, ndarray), each (..., m, k), optional
        Indices and shares of the heaviest keys, heaviest first, ties by index; −1 and 0 where
        there are fewer.
    empty_rows : int
        Number of queries without any weight.
    pairs_visited : int
        Number of pairs computed.
    """

    mean: Array | None = None
    log_mass: Array | None = None
    ess: Array | None = None
    count: Array | None = None
    variance: Array | None = None
    covariance: Array | None = None
    self_weight: Array | None = None
    top_k: tuple[Array, Array] | None = None
    empty_rows: int = 0
    pairs_visited: int = 0

    def __repr__(self) -> str:
        return line_of(self)


@dataclass(frozen=True, eq=False, repr=False)
class LocalFit:
    r"""Local fits at each query; a field that was not asked for is None.

    With values of one number per key, fields with a p axis come without it. r is the number of
    columns of a fit: those of a design, or of monomials in x − q, by degree, then by feature
    (1, x₁, x₂, x₁², x₁x₂, x₂², …).

    Parameters
    ----------
    fitted : ndarray of shape (..., m, p)
        The fit at the query: of a likelihood the mean, of which `coefficients` have the link.
    coefficients : ndarray of shape (..., m, r, p)
        Of a polynomial: the constant term at the query, the slopes, then those of products.
    derivatives : ndarray of shape (..., m, d, p), or None for constants and designs
        The derivative of `fitted` by each feature.
    standard_errors : ndarray of the shape of `coefficients`, optional
        Of each coefficient; NaN where the fit leaves no residual free.
    self_weight : ndarray of shape (..., m), optional
        The derivative of the fit by the value of the query's own key.
    edf : float, optional
        Effective degrees of freedom, ``Σ self_weight``.
    regularized : int
        Number of queries whose keys do not determine the fit.
    weights : csr_array of shape (m, n), optional
        The derivative of `fitted` by each value, the equivalent kernel: of squared residuals
        ``fitted = weights @ values``.
    """

    fitted: Array
    coefficients: Array
    derivatives: Array | None = None
    standard_errors: Array | None = None
    self_weight: Array | None = None
    edf: float | None = None
    regularized: int = 0
    weights: Any = None

    def __repr__(self) -> str:
        return line_of(self)


def line_of(result: Any) -> str:
    """Print the shapes of a result's arrays and its counts on one line."""
    parts = []
    for field in fields(result):
        value = getattr(result, field.name)
        array = value[0] if isinstance(value, tuple) else value
        if isinstance(array, np.ndarray):
            parts.append(f"{field.name} {array.shape}")
        elif value is not None:
            parts.append(f"{field.name}={value}")
    return f"{type(result).__name__}({', '.join(parts)})"
