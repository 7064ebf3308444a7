"""Patterns to retrieve and labels to spread, and how to tell whether it was done."""

from dataclasses import dataclass, replace

import numpy as np
from problem import Verdict

ROWS_CHECKED = 8
CLOSE = 1e-4


@dataclass(frozen=True)
class Retrieval:
    """Contenders return the queries after one update of a modern Hopfield network."""

    patterns: np.ndarray  # (n, d)
    queries: np.ndarray  # (m, d)
    beta: float
    nearest: int = 0  # patterns of an update, 0 = all

    @property
    def d(self):
        return self.patterns.shape[1]

    @property
    def rows(self):
        return len(self.queries)

    @property
    def pairs(self):
        return len(self.queries) * len(self.patterns)

    @property
    def flops(self):
        return 4 * self.d * self.pairs

    def first(self, share):
        count = max(1, round(len(self.queries) * share))
        return replace(self, queries=self.queries[:count])

    @property
    def answer_key(self):
        return id(self.patterns), self.nearest

    def expected(self):
        patterns = self.patterns.astype(np.float64)
        answers = []
        for query in self.queries[:ROWS_CHECKED].astype(np.float64):
            scores = self.beta * (patterns @ query)
            if self.nearest:
                scores[np.argpartition(scores, -self.nearest)[: -self.nearest]] = -np.inf
            weights = np.exp(scores - scores.max())
            answers.append(weights @ patterns / weights.sum())
        return np.array(answers)

    def judge(self, result, expected):
        count = min(len(result), len(expected))
        error = np.abs(result[:count] - expected[:count]).max() / np.abs(expected).max()
        return Verdict(float(error), "ok" if error < CLOSE else "wrong")


STEPS = 1000


@dataclass(frozen=True)
class Labels:
    """Contenders return the label of every row."""

    points: np.ndarray  # (n, d)
    truth: np.ndarray  # (n,)
    known: np.ndarray  # (n,): −1 is no label
    alpha: float | None
    gamma: float = 0.0  # of a Gaussian, exp(−γ‖q − x‖²)
    nearest: int = 0  # else of a graph of neighbors
    mass_tol: float = 0.0
    steps: int = STEPS  # the most that scikit-learn takes; it would go on after fewer

    @property
    def d(self):
        return self.points.shape[1]

    @property
    def rows(self):
        return len(self.points)

    @property
    def pairs(self):
        return len(self.points) * (self.nearest or len(self.points))

    @property
    def flops(self):
        return 2 * self.pairs

    def first(self, share):
        return self

    @property
    def answer_key(self):
        return id(self.points), self.alpha, self.nearest

    def expected(self):
        return None

    def judge(self, result, expected):
        right = float(np.mean(result == self.truth))
        told = f"{right:.2%} right" + ("" if self.steps == STEPS else f", {self.steps} steps")
        return Verdict(1 - right, "ok" if right > 0.9 else "wrong", told)


def stored(n, m, d, **options):
    """Draw random patterns, and queries that are patterns with noise."""
    rng = np.random.default_rng(5)
    patterns = rng.normal(size=(n, d)).astype("f4")
    noise = rng.normal(size=(m, d)).astype("f4")
    return Retrieval(patterns, patterns[:m] + noise / 2, d**-0.5, **options)


def moons(n, labels, **options):
    from sklearn.datasets import make_moons

    points, truth = make_moons(n, noise=0.1, random_state=0)
    return Labels(points, truth, _some(truth, labels), **options)


def blobs(n, labels, **options):
    from sklearn.datasets import make_blobs

    points, truth = make_blobs(
        n, 3, centers=10, cluster_std=1.5, center_box=(-10, 10), random_state=0
    )
    return Labels(points.astype("f4"), truth, _some(truth, labels), **options)


def _some(truth, count):
    known = np.full(len(truth), -1)
    rows = np.random.default_rng(0).choice(len(truth), count, replace=False)
    known[rows] = truth[rows]
    return known
