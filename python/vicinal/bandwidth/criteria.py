"""What a bandwidth is judged by: leave-one-out error or likelihood, and criteria of a smoother."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from vicinal.arrays import Array, working_dtype
from vicinal.bandwidth.sample import spread_of
from vicinal.each_bandwidth import stats_of_each_bandwidth
from vicinal.kernels import GreatCircle, Kernel
from vicinal.kernels.lowering import fill
from vicinal.kernels.metrics import PER_COORDINATE
from vicinal.key_index import KeyIndex, is_tree_sized
from vicinal.leave_one_out import leave_one_out
from vicinal.progress import Report

if TYPE_CHECKING:
    from vicinal.kernels.metrics import Metric

__all__ = ["CRITERIA", "Candidates", "Criterion", "Sample", "Smoother"]

Candidates = Sequence[float | Array]


class Smoother(Protocol):
    """A fit of values that candidates are judged by, under each of some bandwidths."""

    def left_out(
        self, sample: Sample, candidates: Candidates, report: Report | None
    ) -> Iterator[Array]:
        """Yield what each row gets from the others, (n, p)."""

    def fitted(
        self, sample: Sample, candidates: Candidates, report: Report | None
    ) -> Iterator[tuple[Array, Array]]:
        """Yield what each row gets, (n, p), and its own weight in it, (n,)."""


@dataclass(frozen=True, eq=False)
class Sample:
    """The data that candidates are judged on; checked."""

    X: Array  # (n, d)
    y: Array | None  # (n, p)
    weights: Array | None  # (n,)
    kernel: Kernel
    metric: Metric | None
    num_threads: int | None
    neighbors: Any = None
    tol: float = 0.0
    smoother: Smoother | None = None  # None: local means

    @cached_property
    def keys(self) -> Array | KeyIndex:
        """The points, as an index where all candidates meet them through its tree."""
        leaves = fill(self.kernel, 0.5, self.metric, self.X.shape[1]).leaves()
        plain = len(leaves) == 1 and leaves[0].metric in PER_COORDINATE
        if not (plain and (leaves[0].compact or self.tol > 0) and is_tree_sized(self.X)):
            return self.X
        points = np.asarray(self.X, working_dtype(self.X, self.y))
        return KeyIndex(
            points, metric=leaves[0].metric or "euclidean", num_threads=self.num_threads
        )

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
        eps = float(np.finfo(self.y.dtype if self.y.dtype.kind == "f" else np.float64).eps)
        return (8 * eps) ** 2 * self.average(_squares(self.y))

    def average(self, losses: Array) -> float:
        """Return the weighted mean of one loss per row, in float64."""
        return float(np.average(losses.astype(np.float64), weights=self.weights))

    def options(self, report: Report | None) -> dict[str, Any]:
        """Return the arguments of the primitives."""
        return {
            "kernel": self.kernel,
            "metric": self.metric,
            "neighbors": self.neighbors,
            "tol": self.tol,
            "num_threads": self.num_threads,
            "progress": report or False,
        }


def leave_one_out_loss(
    sample: Sample, candidates: Candidates, report: Report | None
) -> list[float]:
    """Return the mean squared leave-one-out error, or minus the mean log likelihood, of each."""
    if sample.smoother is not None and sample.y is not None:
        charged = _mean_of_others(sample, sample.y)
        rows = sample.smoother.left_out(sample, candidates, report)
        return [_error(sample, sample.y, mean, charged) for mean in rows]
    left_out = leave_one_out(
        sample.keys, sample.y, sample.weights, candidates, **sample.options(report)
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
    scores = []
    for error, trace in _errors_and_traces("gcv", sample, candidates, report):
        rest = 1 - trace / sample.size
        scores.append(error / rest**2 if rest >= 0.01 else math.inf)  # it interpolates: 0/0
    return scores


def corrected_akaike(sample: Sample, candidates: Candidates, report: Report | None) -> list[float]:
    """Return log(mean squared error) + 1 + 2 (tr S + 1) / (n − tr S − 2) of each."""
    scores = []
    for error, trace in _errors_and_traces("aicc", sample, candidates, report):
        rest = sample.size - trace - 2
        floor = max(sample.rounding, np.finfo(np.float64).tiny)  # a perfect fit has no logarithm
        fit = math.log(max(error, floor)) + 1
        scores.append(fit + 2 * (trace + 1) / rest if rest > 0 else math.inf)
    return scores


class Criterion(NamedTuple):
    """How candidates are scored, and in what unit."""

    scores: Callable[[Sample, Candidates, Report | None], list[float]]
    squared: bool  # the scores of values are in their unit squared, so rounding has that unit too

    def rounding(self, sample: Sample) -> float:
        """Return what scores of equally good candidates may differ by."""
        return sample.rounding if self.squared else 0.0


CRITERIA = {
    "loo": Criterion(leave_one_out_loss, squared=True),
    "gcv": Criterion(generalised_cross_validation, squared=True),
    "aicc": Criterion(corrected_akaike, squared=False),
}


def _errors_and_traces(
    name: str, sample: Sample, candidates: Candidates, report: Report | None
) -> Iterator[tuple[float, float]]:
    """Yield mean squared error and tr S of the fit that each row is part of."""
    if sample.y is None:
        raise ValueError(f'criterion "{name}" needs y; for a density take "loo"')
    charged = _mean_of_others(sample, sample.y)
    for mean, own in _fits(sample, candidates, report):
        # Σ self-weights is the trace with equal rows counted once each: their shares are S/w.
        yield _error(sample, sample.y, mean, charged), float(np.nansum(own, dtype=np.float64))


def _fits(
    sample: Sample, candidates: Candidates, report: Report | None
) -> Iterator[tuple[Array, Array]]:
    if sample.smoother is not None:
        yield from sample.smoother.fitted(sample, candidates, report)
        return
    for stats in stats_of_each_bandwidth(
        sample.X,
        sample.keys,
        sample.y,
        candidates,
        statistics=("mean", "self_weight"),
        weights=sample.weights,
        **sample.options(report),
    ):
        assert stats.mean is not None
        assert stats.self_weight is not None
        yield stats.mean, stats.self_weight


def _error(sample: Sample, y: Array, fitted: Array | None, charged: Array) -> float:
    assert fitted is not None
    return sample.average(_squares(y - np.where(np.isnan(fitted), charged, fitted)))


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
