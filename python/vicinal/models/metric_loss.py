"""Leave-one-out losses of a linear map, with their gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import vicinal
from vicinal.arrays import Array
from vicinal.linear import linear

__all__ = ["MetricLoss", "squared_error", "wrong_weight"]


@dataclass
class MetricLoss:
    """The loss of local means under x ↦ A x when every row is answered by the others."""

    X: Array  # (n, d)
    targets: Array  # (n, p): numbers, or one-hot labels
    of_means: Callable[[Array, Array], tuple[float, Array]]
    options: dict[str, Any]
    calls: int = field(default=0)

    def __call__(self, components: Array) -> tuple[float, Array]:
        """Return the loss and its gradient, (d', d).

        With Z = X Aᵀ in the place of queries and keys, and G the sum of both their gradients, the
        gradient in A is Gᵀ X.
        """
        num_threads = self.options.get("num_threads")
        Z = linear(self.X, components, num_threads=num_threads)
        options = {"exclude_self": True, **self.options}
        given = Z, Z, self.targets
        stats = vicinal.local_stats(*given, statistics=("mean", "log_mass"), **options)
        loss, grad = self.of_means(np.asarray(stats.mean), self.targets)
        found = vicinal.local_mean_vjp(
            grad, *given, wrt=("queries", "keys"), forward=stats, **options
        )
        G = np.asarray(found.queries) + np.asarray(found.keys)
        return loss, linear(G.T, self.X.T, num_threads=num_threads)


def _filled(means: Array, targets: Array) -> tuple[Array, Array]:
    """Return means, those of rows that no other answers the mean of all; which rows those are."""
    empty = np.asarray(np.isnan(means).any(axis=1))
    return np.where(empty[:, None], targets.mean(axis=0), means), empty


def squared_error(means: Array, targets: Array) -> tuple[float, Array]:
    """Squared error as a share of the variance, 1 − R², in the mean of the columns."""
    fitted, empty = _filled(means, targets)
    n, p = targets.shape
    variance = targets.var(axis=0)
    scale = n * p * np.where(variance > 0, variance, 1.0)
    residual = fitted - targets
    grad = np.where(empty[:, None], 0.0, 2 * residual / scale)
    return float((residual**2 / scale).sum()), grad


def wrong_weight(means: Array, targets: Array) -> tuple[float, Array]:
    """Share of the weight that lies on wrong labels, in the mean of the rows."""
    shares, empty = _filled(means, targets)
    grad = np.where(empty[:, None], 0.0, -targets / len(targets))
    return float(1 - (shares * targets).sum(axis=1).mean()), grad
