"""The fixed point of P ← K̃P with labels held, or P ← αSP + (1 − α)Y with labels pulled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, bicgstab, cg

from vicinal.arrays import Array
from vicinal.models.labeling.walks import Walk

__all__ = ["Diffusion", "Look", "Spread", "spread"]

Look = Callable[[int, float, Array], Any]  # iteration, residual, distributions -> stop?
SOLVED = 0.1  # of tol: how far the Krylov solver goes, in the mean square


@dataclass(frozen=True)
class Spread:
    """Where labels came to rest."""

    distributions: Array  # (n, classes), float64; rows sum to 1, or are 0 where no label came
    n_iter: int  # local means computed
    residual: float  # largest change of a share in the last step


@dataclass
class Diffusion:
    """One step, ``P ← (α) left · m(right · P) + (1 − α) Y``, m the local mean of the walk.

    With labels held (`alpha` None) left and right are 1: P ← K̃P, and rows with a label keep it.
    Else they make ``S = D^-1/2 W D^-1/2`` of it, D the sums of the columns.
    """

    walk: Walk
    held: Array  # (n,) bool: rows with a label
    targets: Array  # (n, classes), one-hot, 0 where there is no label
    alpha: float | None
    left: Array | float
    right: Array | float
    count: int = 0  # local means so far

    @classmethod
    def of(
        cls, walk: Walk, held: Array, targets: Array, alpha: float | None, balanced: bool
    ) -> Diffusion:
        """Make the step; `balanced` is S, else K̃."""
        left: Array | float = 1.0
        right: Array | float = 1.0
        if balanced:
            arrivals = walk.arrivals()
            arrivals = np.where(arrivals > 0, arrivals, 1.0)
            masses = arrivals if walk.symmetric else walk.masses()
            right = 1 / np.sqrt(arrivals)[:, None]
            left = masses[:, None] * right
        return cls(walk, held, targets, alpha, left, right)

    def pass_on(self, values: Array) -> Array:
        """Return S·values or K̃·values, in double."""
        self.count += 1
        given = (self.right * values).astype(self.walk.dtype, copy=False)
        return np.asarray(self.left * self.walk.means(given).astype(np.float64))

    def step(self, values: Array) -> Array:
        """Return the next distributions."""
        moved = self.pass_on(values)
        if self.alpha is not None:
            return np.asarray(self.alpha * moved + (1 - self.alpha) * self.targets)
        moved[self.held] = self.targets[self.held]
        return scaled(moved)


def spread(
    diffusion: Diffusion, *, solve: bool, tol: float, max_iter: int, look: Look | None = None
) -> Spread:
    """Step until no share changes by more than `tol`; first solve for the fixed point if asked.

    Shares are rows scaled to sum to 1, so that a row far from all labels counts like any other: as
    long as labels still reach new rows, the shares of one go from 0 to 1.
    """
    now = solution(diffusion, tol, max_iter) if solve else diffusion.targets
    shares, residual = scaled(now), np.inf
    stop = False
    while not stop and (diffusion.count < max_iter or np.isinf(residual)):
        now = diffusion.step(now)
        before, shares = shares, scaled(now)
        residual = float(np.abs(shares - before).max(initial=0.0))
        told = look is not None and look(diffusion.count, residual, shares)
        stop = bool(residual <= tol or told)
    return Spread(shares, diffusion.count, residual)


def scaled(distributions: Array) -> Array:
    """Return rows that sum to 1; those of 0 stay."""
    totals = distributions.sum(axis=1, keepdims=True)
    return np.asarray(distributions / np.where(totals == 0, 1.0, totals))


def solution(diffusion: Diffusion, tol: float, max_iter: int) -> Array:
    """Solve ``f = A f + b`` by Krylov steps over all classes at once.

    With `alpha` A is αS and b is (1 − α) Y. With labels held, A and b are K̃ from rows without a
    label and from those with one; where a part of the graph has none, b and f are 0 there.
    """
    inner, back = symmetrized(diffusion)
    targets, alpha = diffusion.targets, diffusion.alpha
    held = diffusion.held[:, None] if alpha is None else np.zeros((len(targets), 1), bool)
    share = 1.0 if alpha is None else alpha

    def lost(flat: Array) -> Array:
        x = np.where(held, 0.0, flat.reshape(targets.shape))
        return np.asarray(x - np.where(held, 0.0, share * inner.pass_on(x))).ravel()

    pulled = inner.pass_on(targets / back) if alpha is None else (1 - alpha) * targets
    size = targets.size
    operator = LinearOperator((size, size), matvec=lost, dtype=np.float64)
    solver, per_step = (cg, 1) if diffusion.walk.symmetric else (bicgstab, 2)
    found, _ = solver(
        operator,
        np.where(held, 0.0, pulled).ravel(),
        rtol=0.0,
        atol=SOLVED * tol * np.sqrt(size),
        maxiter=max(1, (max_iter - 2) // per_step),
    )
    diffusion.count = max(diffusion.count, inner.count)
    f = np.where(held, targets, back * found.reshape(targets.shape))
    if not np.isfinite(f).all():  # BiCGSTAB broke down
        return targets
    return scaled(np.maximum(f, 0)) if alpha is None else f


def symmetrized(diffusion: Diffusion) -> tuple[Diffusion, Array]:
    """Return the same step of g = D^1/2 f, and D^-1/2, (n, 1), that leads back to f.

    For symmetric W and held labels: ``I − D^-1/2 W D^-1/2`` is symmetric, and positive definite
    where every part has a label. Else the step as it is.
    """
    ones = np.ones((len(diffusion.targets), 1))
    if diffusion.alpha is not None or not diffusion.walk.symmetric:
        return diffusion, ones
    masses = diffusion.walk.masses()[:, None]
    back = 1 / np.sqrt(np.where(masses > 0, masses, 1.0))
    step = Diffusion(diffusion.walk, diffusion.held, diffusion.targets, None, masses * back, back)
    return step, back
