"""Samples by the probability flow of a denoiser of random rows, 60,000 × 784."""

from dataclasses import dataclass, replace

import numpy as np
from problem import Verdict

CHECKED = 2  # samples that are followed in float64


@dataclass(frozen=True)
class Sampling:
    """Contenders carry `start` down `sigmas` by Euler's steps and return (samples, d)."""

    keys: np.ndarray  # (n, d), float32
    start: np.ndarray  # (samples, d), rows with noise sigmas[0]
    sigmas: np.ndarray  # (steps + 1,), falling

    @property
    def rows(self):
        return len(self.start) * (len(self.sigmas) - 1)

    @property
    def pairs(self):
        return self.rows * len(self.keys)

    @property
    def flops(self):
        """Count one fma per feature of a pair for the score and one for the mean."""
        return 4 * self.keys.shape[1] * self.pairs

    def first(self, share):
        return replace(self, start=self.start[: max(1, round(len(self.start) * share))])

    @property
    def answer_key(self):
        return id(self.keys), len(self.sigmas)

    def expected(self):
        """Follow the first samples in float64."""
        keys, points = self.keys.astype(np.float64), self.start[:CHECKED].astype(np.float64)
        squares = np.square(keys).sum(1)
        for now, below in zip(self.sigmas, self.sigmas[1:], strict=False):
            scores = (points @ keys.T - squares / 2) / now**2
            weights = np.exp(scores - scores.max(1, keepdims=True))
            means = weights @ keys / weights.sum(1, keepdims=True)
            points += (1 - below / now) * (means - points)
        return points

    def judge(self, result, expected):
        """Compare with float64: each of the steps may add to an error of single precision."""
        found = result[: len(expected)]
        error = np.abs(found - expected[: len(found)]).max() / np.abs(expected).max()
        return Verdict(float(error), "ok" if error < 1e-3 else "wrong", f"error {error:.1e}")


def random_rows(n, d, samples, steps, *, low=0.002, high=80.0, seed=0):
    """Keys without structure, a start around some of them, and the levels of Karras et al."""
    rng = np.random.default_rng(seed)
    keys = rng.standard_normal((n, d), dtype=np.float32)
    start = keys[:samples] + np.float32(high) * rng.standard_normal((samples, d), dtype=np.float32)
    roots = np.linspace(high ** (1 / 7), low ** (1 / 7), steps + 1)
    return Sampling(keys, start, roots**7)
