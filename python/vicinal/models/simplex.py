"""Weights of several kernels, nonnegative and summing to 1, by least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from vicinal.arrays import Array

__all__ = ["Mixture", "simplex_weights"]

NONE = 1e-9  # a coefficient that counts as none, where the masses of the kernels are alike
STEPS = 20


@dataclass(frozen=True)
class Mixture:
    """What K kernels say of n rows: their masses M and means, of which a sum of kernels is made.

    Rows without any mass are no part of it. The scale of a row cancels, that of a kernel is
    chosen so that its mass is 1 in the mean.
    """

    masses: Array  # (K, n): M / scale of the kernel, largest of a row 1
    means: Array  # (K, n, p), 0 where the mass is 0
    targets: Array  # (n, p)
    weights: Array  # (n,)
    base: float  # charged per row and unit of weight where no kernel of the mixture answers

    def fitted(self, c: Array) -> tuple[Array, Array]:
        """Return Σ c M m / Σ c M, (n, p), and Σ c M, (n,)."""
        shares = c[:, None] * self.masses
        total = shares.sum(axis=0)
        with np.errstate(invalid="ignore"):
            return (shares[..., None] * self.means).sum(axis=0) / total[:, None], total

    def loss(self, c: Array) -> float:
        """Return the mean squared error, in which a row without mass costs `base`."""
        fitted, total = self.fitted(c)
        error = np.where(total > 0, ((fitted - self.targets) ** 2).sum(axis=1), self.base)
        return float(np.average(error, weights=self.weights))

    def derivatives(self, c: Array) -> tuple[float, Array, Array]:
        """Return loss, gradient (K,) and Hessian (K, K), every row having mass.

        With b = M / Σ c M, the mean has the derivatives g_k = b_k (m_k − m) and
        −(g_k b_l + g_l b_k).
        """
        fitted, total = self.fitted(c)
        residual = fitted - self.targets
        share = self.weights / self.weights.sum()
        b = self.masses / total
        slopes = b[..., None] * (self.means - fitted)
        downhill = (residual * slopes).sum(axis=-1)
        hessian = np.empty((len(c), len(c)))
        for k in range(len(c)):
            bent = downhill[k] * b + downhill * b[k]
            hessian[k] = (share * ((slopes[k] * slopes).sum(axis=-1) - bent)).sum(axis=1)
        loss = float((share * (residual**2).sum(axis=1)).sum())
        return loss, 2 * (share * downhill).sum(axis=1), 2 * hessian


def simplex_weights(mixture: Mixture) -> Array:
    """Return the coefficients of least loss that were found, (K,); never worse than one kernel.

    The loss is smooth but not convex: a descent starts in the middle and near the best vertex.
    """
    count = len(mixture.masses)
    middle = np.full(count, 1 / count)
    losses = [mixture.loss(vertex) for vertex in np.eye(count)]
    best = np.eye(count)[int(np.argmin(losses))]
    found = [_polished(mixture, _descent(mixture, s)) for s in (middle, 0.9 * best + 0.1 * middle)]
    found += [_without_traces(c) for c in found]
    return min([best, *found[::-1]], key=mixture.loss)


def _descent(mixture: Mixture, start: Array) -> Array:
    # A row that one kernel alone answers jumps where its coefficient reaches 0: stay above.
    result = minimize(
        lambda c: mixture.derivatives(c)[:2],
        start,
        jac=True,
        method="SLSQP",
        bounds=[(NONE / 10, 1.0)] * len(start),
        constraints={"type": "eq", "fun": lambda c: c.sum() - 1, "jac": np.ones_like},
        options={"maxiter": 500, "ftol": 1e-14},
    )
    c = np.maximum(result.x, NONE / 10)
    return np.asarray(c / c.sum())


def _polished(mixture: Mixture, c: Array) -> Array:
    """Return the stationary point of the coefficients in use, by Newton's steps to rounding."""
    used = np.flatnonzero(c > NONE)
    for _ in range(STEPS):
        loss, gradient, hessian = mixture.derivatives(c)
        bordered = np.ones((len(used) + 1,) * 2)
        bordered[:-1, :-1], bordered[-1, -1] = hessian[np.ix_(used, used)], 0
        right = np.append(-gradient[used], 0)
        step = np.zeros_like(c)
        step[used] = np.linalg.lstsq(bordered, right)[0][:-1]
        moved = c + step
        if moved[used].min() <= NONE or mixture.loss(moved) > loss * (1 + 1e-14):
            break
        c = moved
        if np.abs(step).max() < 1e-15:
            break
    return c


def _without_traces(c: Array) -> Array:
    kept = np.where(c > NONE, c, 0)
    return np.asarray(kept / kept.sum())
