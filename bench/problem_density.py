"""One Gaussian density to compute at many points, and what it should be."""

import math
from dataclasses import dataclass, replace

import numpy as np
from problem import TOLERANCE, Verdict

PAIRS_CHECKED = 10**8  # in float64; at most ROWS_CHECKED queries
ROWS_CHECKED = 1000


@dataclass(frozen=True)
class Density:
    """Contenders return the log density, or vicinal's LocalStats with its log_mass."""

    queries: np.ndarray  # (m, d)
    keys: np.ndarray  # (n, d)
    bandwidth: float
    tol: float  # the share of a row's mass that vicinal may leave out
    allowed: float | None = None  # largest relative error of the density; None: TOLERANCE

    @property
    def d(self):
        return self.keys.shape[1]

    @property
    def dtype(self):
        return self.keys.dtype

    @property
    def rows(self):
        return len(self.queries)

    @property
    def pairs(self):
        return self.rows * len(self.keys)

    @property
    def flops(self):
        """Count one fma per feature and one for the sum of a pair."""
        return 2 * (self.d + 1) * self.pairs

    @property
    def log_factor(self):
        """The density is this factor times the sum of exp(−u²/2)."""
        volume = math.log(2 * math.pi) / 2 + math.log(self.bandwidth)
        return -self.d * volume - math.log(len(self.keys))

    def first(self, share):
        return replace(self, queries=self.queries[: max(1, round(self.rows * share))])

    @property
    def answer_key(self):
        return id(self.queries), id(self.keys), self.bandwidth

    def expected(self):
        """Compute the log density of rows in float64: half of them the first, half spread."""
        count = min(ROWS_CHECKED, PAIRS_CHECKED // len(self.keys), self.rows)
        spread = np.linspace(0, self.rows - 1, count - count // 2).astype(int)
        rows = np.union1d(np.arange(count // 2), spread)
        keys = self.keys.astype("float64")
        squared = (((row - keys) ** 2).sum(1) for row in self.queries[rows].astype("float64"))
        masses = [np.exp(s * (-0.5 / self.bandwidth**2)).sum() for s in squared]
        return rows, np.log(masses) + self.log_factor

    def judge(self, result, expected):
        """Take the largest relative error of the density."""
        visited = getattr(result, "pairs_visited", None)
        log_density = result if visited is None else result.log_mass + self.log_factor
        rows, right = expected
        kept = rows < len(log_density)
        wrong = np.abs(np.expm1(log_density[rows[kept]].astype("float64") - right[kept])).max()
        allowed = TOLERANCE[self.dtype.name] if self.allowed is None else self.allowed
        status = "ok" if wrong <= allowed else "wrong"
        return Verdict(float(wrong), status, visited=visited)


def normal_density(n, d, h, *, m=None, tol=1e-5, dtype="float32", seed=0, allowed=None):
    """N(0, 1) data; the queries are the keys, or the first m of them."""
    keys = np.random.default_rng(seed).normal(size=(n, d)).astype(dtype)
    return Density(keys[:m], keys, h, tol, allowed)
