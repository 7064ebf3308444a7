"""The k nearest keys of many queries, and how to tell whether they are."""

from dataclasses import dataclass, replace

import numpy as np
from problem import TOLERANCE, Verdict, latent

PAIRS_CHECKED = 10**7 * 2  # in float64; at most ROWS_CHECKED queries
ROWS_CHECKED = 200


@dataclass(frozen=True)
class Search:
    """Contenders return the rows of the keys, (m, k), nearest first."""

    queries: np.ndarray  # (m, d)
    keys: np.ndarray  # (n, d)
    k: int = 16

    @property
    def d(self):
        return self.keys.shape[1]

    @property
    def rows(self):
        return len(self.queries)

    @property
    def pairs(self):
        return self.rows * len(self.keys)

    @property
    def flops(self):
        """Count one fma per feature of a pair."""
        return 2 * self.d * self.pairs

    def first(self, share):
        return replace(self, queries=self.queries[: max(1, round(self.rows * share))])

    @property
    def answer_key(self):
        return id(self.queries), id(self.keys)

    def expected(self):
        """Compute the k least distances of the first rows in float64."""
        count = min(ROWS_CHECKED, max(1, PAIRS_CHECKED // len(self.keys)), self.rows)
        keys = self.keys.astype("float64")
        return np.sqrt(
            [
                np.sort(np.partition(((row - keys) ** 2).sum(1), self.k - 1)[: self.k])
                for row in self.queries[:count].astype("float64")
            ]
        )

    def judge(self, result, expected):
        """Measure the rows that were found: the excess of their distances, and the recall."""
        right = expected[: self.rows]
        near = self.keys[np.asarray(result[: len(right)])].astype("float64")
        got = np.linalg.norm(near - self.queries[: len(right), None].astype("float64"), axis=2)
        excess = (np.sort(got, axis=1) / right - 1).max()
        if excess <= TOLERANCE["float32"]:
            return Verdict(float(excess))
        recall = (got <= right[:, -1:] * (1 + TOLERANCE["float32"])).mean()
        return Verdict(float(excess), "approximate", f"recall {recall:.3f}")


def _split(points, m, k):
    return Search(points[:m].copy(), points[m:].copy(), k)


def normal_search(n, d, *, m=None, k=16, seed=0):
    """N(0, 1) data, queries other points than the keys."""
    m = n if m is None else m
    points = np.random.default_rng(seed).normal(size=(m + n, d)).astype("float32")
    return _split(points, m, k)


def latent_search(n, d, *, m=None, k=16):
    """Data of eight hidden dimensions."""
    m = n if m is None else m
    return _split(latent(m + n, d, 1).keys, m, k)
