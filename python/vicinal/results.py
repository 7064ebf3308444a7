"""What the primitives return."""

from __future__ import annotations

from dataclasses import dataclass, fields

from vicinal.arrays import Array

__all__ = ["LocalStats"]


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
        given = [(field.name, getattr(self, field.name)) for field in fields(self)[:-2]]
        parts = [
            f"{name} {value[0].shape if isinstance(value, tuple) else value.shape}"
            for name, value in given
            if value is not None
        ]
        counts = f"empty_rows={self.empty_rows}", f"pairs_visited={self.pairs_visited}"
        return f"LocalStats({', '.join((*parts, *counts))})"
