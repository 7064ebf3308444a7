"""One local mean to compute: arrays, kernel, bandwidth; the data, and what the answer should be."""

from dataclasses import dataclass, replace

import numpy as np

TOLERANCE = {"float32": 1e-4, "float64": 1e-10}  # of the largest value; worse is listed as wrong


@dataclass(frozen=True)
class Verdict:
    """What a comparison with float64 says of an answer."""

    error: float
    status: str = "ok"  # ok, wrong, approximate (a search that is not exact)
    note: str = ""
    visited: int | None = None  # pairs that were met, where the contender tells


@dataclass(frozen=True)
class Problem:
    queries: np.ndarray  # (..., m, d)
    keys: np.ndarray  # (..., n, d)
    values: np.ndarray  # (..., n, p)
    bandwidth: float
    kernel: str = "gaussian"
    tol: float = 0.0  # the share of a row's mass that vicinal may leave out

    @property
    def d(self):
        return self.keys.shape[-1]

    @property
    def p(self):
        return self.values.shape[-1]

    @property
    def dtype(self):
        return self.keys.dtype

    @property
    def rows(self):
        """Count the queries."""
        return int(np.prod(self.queries.shape[:-1]))

    @property
    def pairs(self):
        return self.rows * self.keys.shape[-2]

    @property
    def flops(self):
        """Count one fma per feature and one per value column of a pair."""
        return 2 * (self.d + self.p) * self.pairs

    def first(self, share):
        """Return the problem of a share of the queries, at least one."""
        m = self.queries.shape[-2]
        return replace(self, queries=self.queries[..., : max(1, round(m * share)), :])

    @property
    def answer_key(self):
        """Name what `expected` depends on."""
        return id(self)

    def expected(self):
        """Compute some rows in float64."""
        rows = check_rows(self)
        return rows, reference(self, rows)

    def judge(self, result, expected):
        """Compare the answer to the first rows of this problem, or to all."""
        wrong = error(self, result, *expected)
        return Verdict(wrong, "ok" if wrong <= TOLERANCE[self.dtype.name] else "wrong")


def normal(n, d, p, *, m=None, h=None, kernel="gaussian", dtype="float32", same=False, seed=0):
    """N(0, 1) data; h = √d / 2 (Gaussian) or √d (softmax); m = None: the queries are the keys."""
    rng = np.random.default_rng(seed)
    keys = rng.normal(size=(n, d)).astype(dtype)
    values = keys if same else rng.normal(size=(n, p)).astype(dtype)
    queries = keys if m is None else rng.normal(size=(m, d)).astype(dtype)
    natural = d**0.5 if kernel == "softmax" else 0.5 * d**0.5
    return Problem(queries, keys, values, natural if h is None else h, kernel)


def latent(n, d, p, *, dtype="float32", seed=0):
    """Data of eight hidden dimensions: many pairs are near for their norms."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 8)) @ rng.normal(size=(8, d)) / 8**0.5
    keys = (hidden + 0.1 * rng.normal(size=(n, d))).astype(dtype)
    return Problem(keys, keys, rng.normal(size=(n, p)).astype(dtype), 0.5 * d**0.5)


# ------------------------------------------------------------------------------ the right answer
def log_weights(problem, q, k):
    if problem.kernel == "softmax":
        return q @ k.T / problem.bandwidth
    squared = np.stack([((row - k) ** 2).sum(-1) for row in q]) / problem.bandwidth**2
    return -squared / 2 if problem.kernel == "gaussian" else _LOG_PROFILES[problem.kernel](squared)


def _log(w):
    with np.errstate(divide="ignore"):
        return np.log(w)


_LOG_PROFILES = {
    "laplace": lambda s: -np.sqrt(s),
    "cauchy": lambda s: -np.log1p(s),
    "student_t": lambda s: -2 * np.log1p(s / 3),
    "epanechnikov": lambda s: _log(np.maximum(1 - s, 0)),
    "biweight": lambda s: 2 * _log(np.maximum(1 - s, 0)),
    "triweight": lambda s: 3 * _log(np.maximum(1 - s, 0)),
    "tricube": lambda s: 3 * _log(np.maximum(1 - s**1.5, 0)),
    "uniform": lambda s: _log((s <= 1).astype(float)),
    "wendland_c2": lambda s: 4 * _log(np.maximum(1 - np.sqrt(s), 0)) + np.log1p(4 * np.sqrt(s)),
    "matern": lambda s: np.log1p(np.sqrt(3 * s)) - np.sqrt(3 * s),
}


def check_rows(problem, count=12):
    """Name query rows spread over the problem: pairs (batch index, row)."""
    *lead, m, _ = problem.queries.shape
    rows = np.unique(np.linspace(0, m - 1, count).astype(int))
    entries = [np.unravel_index(i, lead) for i in {0, int(np.prod(lead)) - 1}]
    return [(entry, row) for entry in entries for row in rows]


def reference(problem, rows):
    """Compute these rows in float64, relative to each row's largest weight."""
    out = []
    for entry, row in rows:
        q, k, v = (
            np.asarray(a[entry], dtype="float64")
            for a in (problem.queries, problem.keys, problem.values)
        )
        log = log_weights(problem, q[row : row + 1], k)[0]
        peak = log.max()
        weights = np.exp(log - peak) if np.isfinite(peak) else np.full(len(log), np.nan)
        out.append(weights @ v / weights.sum())
    return np.array(out)


def error(problem, result, rows, expected):
    """Return the largest error of these rows as a share of the largest value; both may be NaN."""
    kept = [i for i, (_, row) in enumerate(rows) if row < result.shape[-2]]
    got = np.array([result[(*rows[i][0], rows[i][1])] for i in kept], dtype="float64")
    want = expected[kept]
    empty = np.isnan(want)
    difference = np.where(empty & np.isnan(got), 0, np.abs(got - np.where(empty, 0, want)))
    return float(difference.max() / np.abs(problem.values).max())
