"""What a bandwidth is judged by: leave-one-out error, generalised cross-validation, likelihood."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array, as_array
from vicinal.bandwidth.rules import spread_of
from vicinal.each_bandwidth import stats_of_each_bandwidth
from vicinal.kernels import GreatCircle, Kernel
from vicinal.kernels.lowering import fill
from vicinal.leave_one_out import leave_one_out
from vicinal.progress import Report
from vicinal.results import LocalStats

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.kernels.metrics import Metric

__all__ = ["CRITERIA", "Candidates", "Sample"]

Candidates = Sequence[float | Array]


@dataclass(frozen=True, eq=False)
class Sample:
    """The data that candidates are judged on; checked."""

    X: Array  # (n, d)
    y: Array | None  # (n, p)
    weights: Array | None  # (n,)
    kernel: Kernel
    metric: Metric | None
    num_threads: int | None

    @property
    def size(self) -> float:
        """Number of rows, a weight counting equal ones."""
        return float(len(self.X) if self.weights is None else self.weights.sum())

    @property
    def own(self) -> Array:
        """What of each row is left out, (n,): one unit, or all of a smaller weight."""
        return np.ones(len(self.X)) if self.weights is None else np.minimum(self.weights, 1)

    @property
    def rounding(self) -> float:
        """What scores of a perfect fit may differ by, from the rounding of means."""
        if self.y is None:
            return 0.0
        eps = np.finfo(self.y.dtype if self.y.dtype.kind == "f" else np.float64).eps
        return float((8 * eps) ** 2 * self.average(_squares(self.y)))

    def average(self, losses: Array) -> float:
        """Return the weighted mean of one loss per row, in float64."""
        return float(np.average(losses.astype(np.float64), weights=self.weights))

    def options(self, report: Report | None) -> dict[str, Any]:
        """Return the arguments of the primitives."""
        return {
            "kernel": self.kernel,
            "metric": self.metric,
            "num_threads": self.num_threads,
            "progress": report or False,
        }


def as_values(y: ArrayLike | None, n: int) -> Array | None:
    """Return the values as (n, p)."""
    if y is None:
        return None
    values = as_array(y, "y")
    if values.ndim not in (1, 2) or len(values) != n:
        raise ValueError(f"y must be ({n},) or ({n}, p), got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("y holds NaN or inf; drop those rows, or weigh them 0 and fill them")
    return values.reshape(n, -1)


def leave_one_out_loss(
    sample: Sample, candidates: Candidates, report: Report | None
) -> list[float]:
    """Return the mean squared leave-one-out error, or minus the mean log likelihood, of each."""
    left_out = leave_one_out(
        sample.X, sample.y, sample.weights, candidates, **sample.options(report)
    )
    if sample.y is None:
        pairs = zip(candidates, left_out, strict=True)
        return [_likelihood(sample, h, rows.log_mass) for h, rows in pairs]
    charged = _mean_of_others(sample, sample.y)
    return [_error(sample, sample.y, rows.mean, charged) for rows in left_out]


def generalised_cross_validation(
    sample: Sample, candidates: Candidates, report: Report | None
) -> list[float]:
    """Return mean squared error / (1 − tr S / n)² of each, S the smoother's matrix."""
    if sample.y is None:
        raise ValueError('criterion "gcv" needs y; for a density take "loo"')
    all_stats = stats_of_each_bandwidth(
        sample.X,
        sample.X,
        sample.y,
        candidates,
        statistics=("mean", "self_weight"),
        weights=sample.weights,
        **sample.options(report),
    )
    return [_cross_validated(sample, sample.y, stats) for stats in all_stats]


CRITERIA = {"loo": leave_one_out_loss, "gcv": generalised_cross_validation}


def _error(sample: Sample, y: Array, fitted: Array | None, charged: Array) -> float:
    assert fitted is not None
    return sample.average(_squares(y - np.where(np.isnan(fitted), charged, fitted)))


def _cross_validated(sample: Sample, y: Array, stats: LocalStats) -> float:
    own, mean = stats.self_weight, stats.mean
    assert own is not None
    assert mean is not None
    # Σ self-weights is the trace with equal rows counted once each: their shares are S/w.
    rest = 1 - float(np.nansum(own, dtype=np.float64)) / sample.size
    if not rest >= 0.01:  # the fit interpolates: 0/0
        return math.inf
    errors = _squares(y - mean)
    return sample.average(np.where(np.isnan(errors), 0, errors)) / rest**2


def _likelihood(sample: Sample, h: float | Array, log_mass: Array) -> float:
    d = sample.X.shape[1]
    normalizer = fill(sample.kernel, h, sample.metric, d).log_normalizer(None, d)
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.log(sample.size - sample.own)
        log_density = log_mass.astype(np.float64) + normalizer - rest
    empty = ~np.isfinite(log_density)
    return -sample.average(np.where(empty, _least_log_density(sample), log_density))


def _mean_of_others(sample: Sample, y: Array) -> Array:
    # What an empty row is charged: the mean of all others, so that no support never beats a flat
    # kernel.
    weights = np.ones(len(y)) if sample.weights is None else sample.weights
    own, rest = sample.own[:, None], sample.size - sample.own[:, None]
    total = weights @ y.astype(np.float64)
    mean: Array = np.where(rest > 0, total - own * y, total) / np.where(rest > 0, rest, sample.size)
    return mean


def _least_log_density(sample: Sample) -> Array | float:
    # What an empty row is charged: as if a single key saw it, with the spread of all data.
    return _global_log_density(sample) - math.log(max(sample.size, 1))


def _global_log_density(sample: Sample) -> Array | float:
    # One normal distribution for all data; on a sphere the uniform one.
    d = sample.X.shape[1]
    leaves = fill(sample.kernel, 0.5, sample.metric, d).leaves()
    metric = leaves[0].metric if len(leaves) == 1 else None
    if metric == "haversine":
        return -math.log(4 * math.pi)
    if isinstance(metric, GreatCircle):
        return -math.log(4 * math.pi * metric.radius**2)
    if metric == "cosine":
        return float(math.lgamma(0.5 * d) - math.log(2) - 0.5 * d * math.log(math.pi))
    mean, sigma, _ = spread_of(sample.X, sample.weights)
    active = sigma > 0
    z: Array = (sample.X[:, active] - mean[active]) / sigma[active]
    constant = float(np.log(sigma[active]).sum() + 0.5 * active.sum() * math.log(2 * math.pi))
    result: Array = -0.5 * (z**2).sum(axis=1) - constant
    return result


def _squares(errors: Array) -> Array:
    result: Array = (errors.astype(np.float64) ** 2).mean(axis=1)
    return result
