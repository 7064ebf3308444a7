"""Leave-one-out losses of a linear map, with their gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

import vicinal
from vicinal.arrays import Array
from vicinal.linear import linear

__all__ = ["MetricLoss", "squared_error", "wrong_weight"]


@dataclass
class MetricLoss:
    """The loss of local means under x ↦ A x when every row is answered by the others.

    A weight counts equal rows: one copy is answered, and w − 1 of them are among the others.
    """

    X: Array  # (n, d)
    targets: Array  # (n, p): numbers, or one-hot labels
    of_means: Callable[[Array, Array, Array], tuple[float, Array]]
    options: dict[str, Any]
    weights: Array | None = None  # (n,), positive

    def __call__(self, components: Array) -> tuple[float, Array]:
        """Return the loss and its gradient, (d', d).

        With Z = X Aᵀ in the place of queries and keys, and G the sum of both their gradients, the
        gradient in A is Gᵀ X.
        """
        num_threads = self.options.get("num_threads")
        Z = linear(self.X, components, num_threads=num_threads)
        options: dict[str, Any] = {"exclude_self": True, "weights": self.weights, **self.options}
        given = Z, Z, self.targets
        stats = vicinal.local_stats(*given, statistics=("mean", "log_mass"), **options)
        means, others, of_mass = self._with_copies(stats, Z)
        weights = np.ones(len(Z)) if self.weights is None else self.weights
        loss, grad = self.of_means(means, self.targets, weights)
        if of_mass is not None:
            options["log_mass_grad"] = (grad * of_mass).sum(axis=1)
        found = vicinal.local_mean_vjp(
            grad * others, *given, wrt=("queries", "keys"), forward=stats, **options
        )
        G = np.asarray(found.queries) + np.asarray(found.keys)
        return loss, linear(G.T, self.X.T, num_threads=num_threads)

    def _with_copies(self, stats: Any, Z: Array) -> tuple[Array, Any, Array | None]:
        """Return the means of others and copies, and their derivatives by mean and log-mass.

        With the mass c = (w − 1) K(0) of the copies and σ = W / (W + c): m = σ m⁰ + (1 − σ) y.
        """
        means, log_mass = np.asarray(stats.mean), np.asarray(stats.log_mass)
        if self.weights is None or not np.any(self.weights > 1):
            return means, 1.0, None
        kernel = self.options.get("kernel", "gaussian")
        at_itself = vicinal.local_stats(Z[:1], Z[:1], statistics="log_mass", kernel=kernel)
        copies = np.maximum(self.weights - 1, 0)
        with np.errstate(divide="ignore", invalid="ignore"):  # no copies, no others
            log_copies = np.log(copies) + np.asarray(at_itself.log_mass)
            share = np.where(copies > 0, expit(log_mass - log_copies), 1.0)[:, None]
        alone = np.asarray(np.isneginf(log_mass) & (copies > 0))[:, None]
        apart = np.where(alone | (share == 1), 0.0, means - self.targets)
        filled = np.where(share < 1, self.targets + share * apart, means)
        return filled, share, share * (1 - share) * apart


def _filled(means: Array, targets: Array, weights: Array) -> tuple[Array, Array]:
    """Return means, those of rows that no other answers the mean of all; which rows those are."""
    empty = np.asarray(np.isnan(means).any(axis=1))
    return np.where(empty[:, None], np.average(targets, axis=0, weights=weights), means), empty


def squared_error(means: Array, targets: Array, weights: Array) -> tuple[float, Array]:
    """Squared error as a share of the variance, 1 − R², in the mean of the columns."""
    fitted, empty = _filled(means, targets, weights)
    center = np.average(targets, axis=0, weights=weights)
    variance = np.average((targets - center) ** 2, axis=0, weights=weights)
    scale = weights.sum() * targets.shape[1] * np.where(variance > 0, variance, 1.0)
    residual = fitted - targets
    counted = weights[:, None] / scale
    grad = np.where(empty[:, None], 0.0, 2 * residual * counted)
    return float((residual**2 * counted).sum()), grad


def wrong_weight(means: Array, targets: Array, weights: Array) -> tuple[float, Array]:
    """Share of the weight that lies on wrong labels, in the mean of the rows."""
    shares, empty = _filled(means, targets, weights)
    counted = (weights / weights.sum())[:, None]
    grad = np.where(empty[:, None], 0.0, -targets * counted)
    return float(1 - (shares * targets * counted).sum()), grad
