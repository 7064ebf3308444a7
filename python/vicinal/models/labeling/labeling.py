"""What relaxation labeling came to."""

from __future__ import annotations

from dataclasses import dataclass

from vicinal.arrays import Array

__all__ = ["Labeling"]


@dataclass(frozen=True)
class Labeling:
    """What relaxation came to.

    Attributes
    ----------
    probabilities : ndarray of shape (n, labels)
        Label vectors; rows sum to 1.
    labels : ndarray of shape (n,), int64
        The label of largest probability, ties by number.
    support : ndarray of shape (n, labels)
        ``s_i(λ) = Σ_j K̃_ij Σ_μ R(λ, μ) p_j(μ)`` at the end.
    gap : ndarray of shape (n,)
        ``max_λ s_i(λ) − Σ_λ p_i(λ) s_i(λ)`` ≥ 0: what a point would gain by its best label. The
        labeling is consistent (Hummel & Zucker, 1983) where it is 0.
    consistent : bool
        Whether no gap exceeds the `consistency_tol` of the model.
    consistency : ndarray of shape (t + 1,)
        Average local consistency ``A(p) = Σ_i Σ_λ p_i(λ) s_i(λ)`` before and after each update.
    contradictions : int
        Points that kept their vector in the last update because every label that they may have is
        ruled out entirely (Σ p (1 + s) = 0).
    n_iter : int
        Updates.
    residual : float
        Largest change of a probability in the last update.
    converged : bool
        Whether that is at most `tol`.
    """

    probabilities: Array
    labels: Array
    support: Array
    gap: Array
    consistent: bool
    consistency: Array
    contradictions: int
    n_iter: int
    residual: float
    converged: bool
