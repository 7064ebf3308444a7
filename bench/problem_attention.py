"""Attention to race: heads, masks by rule, forward or with gradients, and what it should give."""

from dataclasses import dataclass, replace

import numpy as np
from problem import TOLERANCE, Problem, Verdict, log_weights

ROWS_CHECKED = 256
GRADIENTS_CHECKED = 1 << 24  # pairs of an entry: beyond, the forward pass alone is compared


@dataclass(frozen=True)
class Attention(Problem):
    """A local mean of (..., n, d) under a rule that keeps pairs; `grad` asks for gradients, too."""

    kernel: str = "softmax"
    before: int | None = None  # a query sees so many keys before its own position, None: all
    after: int | None = None
    blocks: np.ndarray | None = None  # (m / 64, n / 64), True = kept
    grad: np.ndarray | None = None  # (..., m, p)

    @property
    def pairs(self):
        """Count the pairs that the rule keeps."""
        m, n = self.queries.shape[-2], self.keys.shape[-2]
        entries = self.rows // m
        if self.blocks is not None:
            return entries * int(self.blocks.sum()) * 64 * 64
        at = np.arange(m)
        first = np.zeros(m, int) if self.before is None else np.maximum(at - self.before, 0)
        last = np.full(m, n - 1) if self.after is None else np.minimum(at + self.after, n - 1)
        return entries * int((last - first + 1).sum())

    @property
    def flops(self):
        """Count two products forward, and five more for gradients."""
        forward = 2 * (self.d + self.p)
        backward = 2 * (3 * self.d + 2 * self.p) if self.grad is not None else 0
        return (forward + backward) * self.pairs

    @property
    def all_pairs(self):
        return self.before is None and self.after is None and self.blocks is None

    def first(self, share):
        """Return the problem of a share of the queries; rules and heads ask for all."""
        if not self.all_pairs or self.keys.ndim > 2:
            return self
        m = max(1, round(len(self.queries) * share))
        grad = None if self.grad is None else self.grad[:m]
        return replace(self, queries=self.queries[:m], grad=grad)

    def kept(self, rows):
        """Say which pairs of these rows the rule keeps."""
        columns = np.arange(self.keys.shape[-2])
        rows = np.asarray(rows)[:, None]
        kept = np.ones((len(rows), len(columns)), bool)
        if self.before is not None:
            kept &= columns >= rows - self.before
        if self.after is not None:
            kept &= columns <= rows + self.after
        if self.blocks is not None:
            kept &= self.blocks[rows // 64, columns // 64]
        return kept

    def expected(self):
        """Compute the first and the last entry in float64: rows, or all with gradients."""
        lead, m = self.queries.shape[:-2], self.queries.shape[-2]
        entries = dict.fromkeys((tuple(0 for _ in lead), tuple(size - 1 for size in lead)))
        whole = self.grad is not None and m * self.keys.shape[-2] <= GRADIENTS_CHECKED
        rows = np.arange(m) if whole else np.linspace(0, m - 1, min(m, ROWS_CHECKED)).astype(int)
        return [(entry, rows, _answer(self, entry, rows, whole)) for entry in entries]

    def judge(self, result, expected):
        """Take the largest error of any output as a share of its largest value."""
        results = result if isinstance(result, tuple) else (result,)
        worst = 0.0
        for entry, rows, answers in expected:
            for i, (got, right) in enumerate(zip(results, answers, strict=False)):
                got = got[entry] if i > 1 else got[entry][rows[rows < got.shape[-2]]]
                if i > 0 and got.shape != right.shape:
                    continue  # of a share of the queries
                difference = np.abs(got - right[: len(got)]).max()
                worst = max(worst, float(difference / np.abs(right).max()))
        limit = TOLERANCE[self.dtype.name]
        return Verdict(worst, "ok" if worst <= limit else "wrong")


def _answer(problem, entry, rows, gradients):
    """Return the means of the rows and, if all rows are given, dq, dk and dv."""
    q, k, v = (
        np.asarray(a[entry], "float64") for a in (problem.queries, problem.keys, problem.values)
    )
    q, h = q[rows], problem.bandwidth
    logs = np.where(problem.kept(rows), log_weights(problem, q, k), -np.inf)
    weights = np.exp(logs - logs.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    means = weights @ v
    if not gradients:
        return (means,)
    grad = np.asarray(problem.grad[entry], "float64")
    of_logs = weights * (grad @ v.T - (grad * means).sum(-1, keepdims=True))
    if problem.kernel == "softmax":
        return means, of_logs @ k / h, of_logs.T @ q / h, weights.T @ grad
    slopes = of_logs / h**2
    if problem.kernel == "laplace":
        u = -logs
        slopes = np.divide(slopes, u, out=np.zeros_like(slopes), where=u > 0)
    dq = slopes @ k - slopes.sum(1, keepdims=True) * q
    dk = slopes.T @ q - slopes.sum(0)[:, None] * k
    return means, dq, dk, weights.T @ grad


def attention(batch, count, n, d, *, backward=False, dtype="float32", **rule):
    """N(0, 1) heads; softmax of temperature √d."""
    rng = np.random.default_rng(0)
    q, k, v = (rng.normal(size=(batch, count, n, d)).astype(dtype) for _ in range(3))
    grad = rng.normal(size=v.shape).astype(dtype) if backward else None
    return Attention(q, k, v, d**0.5, grad=grad, **rule)


def points(n, d, p, kernel):
    """N(0, 1) points, which are queries and keys, with gradients; h = √d / 2."""
    rng = np.random.default_rng(0)
    q, k = (rng.normal(size=(n, d)).astype("float32") for _ in range(2))
    v, grad = (rng.normal(size=(n, p)).astype("float32") for _ in range(2))
    return Attention(q, k, v, 0.5 * d**0.5, kernel, grad=grad)
