"""The weighted mean over a given list of keys per row, and what it should be."""

from dataclasses import dataclass, replace

import numpy as np
from problem import TOLERANCE, Verdict

ROWS_CHECKED = 1000


@dataclass(frozen=True)
class Lists:
    """Weights are given, or those of a Gaussian: exp(−‖q − x‖²/2h²)."""

    queries: np.ndarray  # (m, d)
    keys: np.ndarray  # (n, d)
    values: np.ndarray  # (n, p)
    indices: np.ndarray  # (m, k)
    bandwidth: float
    weights: np.ndarray | None = None  # (m, k)

    @property
    def p(self):
        return self.values.shape[1]

    @property
    def rows(self):
        return len(self.indices)

    @property
    def pairs(self):
        return self.indices.size

    @property
    def flops(self):
        """Count one fma per value column, and per feature where the weights are computed."""
        features = self.keys.shape[1] if self.weights is None else 0
        return 2 * (self.p + features) * self.pairs

    def first(self, share):
        m = max(1, round(self.rows * share))
        weights = None if self.weights is None else self.weights[:m]
        return replace(self, queries=self.queries[:m], indices=self.indices[:m], weights=weights)

    def in_order(self, order):
        """Number points of one set, which are keys and queries, by the order."""
        number = np.empty_like(order)
        number[order] = np.arange(len(order))
        points, weights = self.keys[order], self.weights
        return Lists(
            points,
            points,
            self.values[order],
            number[self.indices[order]],
            self.bandwidth,
            None if weights is None else weights[order],
        )

    @property
    def answer_key(self):
        return id(self)

    def expected(self):
        """Compute the first rows in float64."""
        part = self.first(min(1.0, ROWS_CHECKED / self.rows))
        weights = gaussian_weights(part) if part.weights is None else part.weights
        weights = weights.astype("float64")
        sums = np.einsum("ik,ikp->ip", weights, self.values[part.indices].astype("float64"))
        return sums / weights.sum(1, keepdims=True)

    def judge(self, result, expected):
        """Take the largest error as a share of the largest value."""
        right = expected[: self.rows]
        got = np.asarray(result).reshape(self.rows, self.p)[: len(right)]
        wrong = np.abs(got - right).max() / np.abs(self.values).max()
        return Verdict(float(wrong), "ok" if wrong <= TOLERANCE["float32"] else "wrong")


def gaussian_weights(problem):
    """Weigh every pair of the lists in float64."""
    near = problem.keys[problem.indices].astype("float64")
    squared = ((near - problem.queries[:, None].astype("float64")) ** 2).sum(2)
    return np.exp(squared * (-0.5 / problem.bandwidth**2))
