"""Local fits in float64: what is fitted around the first rows, and what comes out."""

from dataclasses import dataclass, replace

import numpy as np
from problem import Verdict

ROWS_CHECKED = 6


@dataclass(frozen=True)
class LocalFits:
    """Contenders return the fits around the first rows of the data, a row of numbers each."""

    points: np.ndarray  # (n, d): where rows are
    columns: np.ndarray  # (n, r): what is fitted; of polynomials the points
    y: np.ndarray  # (n,)
    rows: int  # that are asked about
    degree: int = 1  # of polynomials
    bandwidth: float = 0.0  # of a Gaussian, or
    nearest: int = 0  # the k-th distance is one
    tolerance: float = 1e-8  # of the largest number

    @property
    def d(self):
        return self.points.shape[1]

    @property
    def n(self):
        return len(self.y)

    @property
    def queries(self):
        return self.points[: self.rows]

    @property
    def pairs(self):
        return self.rows * self.n

    @property
    def flops(self):
        """Count a square per feature, and the products of a line's normal equations."""
        r = 1 + self.columns.shape[1]
        return (2 * self.d + r * (r + 3)) * self.pairs

    def first(self, share):
        return replace(self, rows=max(1, round(self.rows * share)))

    @property
    def answer_key(self):
        return id(self.points), id(self.columns), self.degree

    def expected(self):
        """Fit every row by itself."""
        return np.array([self._fit(row) for row in range(ROWS_CHECKED)])

    def judge(self, result, expected):
        count = min(self.rows, len(expected))
        found = np.asarray(result).reshape(self.rows, -1)[:count]
        error = float(np.abs(found - expected[:count]).max() / np.abs(expected).max())
        return Verdict(error, "ok" if error < self.tolerance else "wrong")

    def weights(self, row):
        squares = ((self.points - self.points[row]) ** 2).sum(axis=1)
        if not self.nearest:
            return np.exp(-squares / (2 * self.bandwidth**2))
        return self.compact(
            np.sqrt(squares / np.partition(squares, self.nearest - 1)[self.nearest - 1])
        )

    def compact(self, u):
        """Weigh by loess's tricube."""
        return np.maximum(1 - u**3, 0) ** 3

    def _fit(self, row):
        z = self.points - self.points[row]
        parts = [np.ones(self.n), *z.T]
        if self.degree == 2:
            parts += [z[:, a] * z[:, b] for a in range(self.d) for b in range(a, self.d)]
        return _least_squares(np.stack(parts, axis=1), self.y, self.weights(row))[:1]


class Geographic(LocalFits):
    """Coefficients of lines in covariates, constant first, under mgwr's bisquare."""

    def compact(self, u):
        return np.maximum(1 - (u / (1 + 1e-7)) ** 2, 0) ** 2

    def _fit(self, row):
        ones = np.ones((self.n, 1))
        return _least_squares(np.hstack([ones, self.columns]), self.y, self.weights(row))


class Logits(LocalFits):
    """Coefficients of logistic regressions with C = 1, constant first."""

    def _fit(self, row):
        x = np.hstack([np.ones((self.n, 1)), self.columns])
        w, b = self.weights(row), np.zeros(x.shape[1])
        ridge = np.diag([0.0] + [1.0] * self.columns.shape[1])
        for _ in range(50):
            mean = 1 / (1 + np.exp(-x @ b))
            gradient = x.T @ (w * (self.y - mean)) - ridge @ b
            b = b + np.linalg.solve((x.T * (w * mean * (1 - mean))) @ x + ridge, gradient)
        return b


def _least_squares(x, y, w):
    root = np.sqrt(w)
    return np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0]


def surface(n, rows, **options):
    """A smooth surface over the plane, with noise; `nearest` rows locate, or a bandwidth."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 2)) if "bandwidth" in options else rng.uniform(size=(n, 2))
    y = np.sin(4 * x[:, 0]) + x[:, 1] ** 2 + 0.1 * rng.normal(size=n)
    return LocalFits(x, x, y, rows, **options)


def geography(n, covariates, nearest):
    rng = np.random.default_rng(0)
    places, x = rng.uniform(size=(n, 2)), rng.normal(size=(n, covariates))
    y = 1 + (x * (1 + places[:, :1])).sum(axis=1) + 0.3 * rng.normal(size=n)
    return Geographic(places, x, y, n, nearest=nearest)


def classes(n, rows, d, bandwidth):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, d))
    chance = 1 / (1 + np.exp(-2 * np.sin(x[:, 0]) - x[:, 1]))
    y = (rng.random(n) < chance).astype(float)
    return Logits(x, x, y, rows, bandwidth=bandwidth, tolerance=1e-6)
