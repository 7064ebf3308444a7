"""Weights of keys that resist outliers: bisquare of the residuals of the fits at the keys."""

from __future__ import annotations

from typing import Any

import numpy as np

from vicinal.arrays import Array
from vicinal.bandwidth.given import PerQuery
from vicinal.evaluate import Request
from vicinal.list_fits import Basis, Model, fit_lists
from vicinal.models.sets import check_neighbors
from vicinal.problem import Problem
from vicinal.progress import Report, share

__all__ = ["check_robust", "robust_fits"]

FITS = 5  # those of loess: the last under the fourth set of weights


def check_robust(
    bandwidth: Any, neighbors: Any, bias: Any, mask: Any, n: int, lead: tuple[int, ...]
) -> None:
    """Raise for weights that belong to the queries alone, since keys take their place first."""
    given = {"bias": bias is not None, "mask": mask is not None}
    given["bandwidth=PerQuery(…)"] = isinstance(bandwidth, PerQuery)
    for name, is_given in given.items():
        if is_given:
            raise ValueError(
                f"family 'robust' fits at the keys first, for which {name} says nothing; leave it "
                "out"
            )
    check_neighbors(neighbors, n)
    if lead:
        raise ValueError(
            f"family 'robust' is of one problem, got leading dimensions {lead}; call once for each"
        )


def robust_fits(
    problem: Problem,
    at_keys: Problem,
    bases: tuple[Basis, Basis],
    model: Model,
    request: Request,
    wanted: tuple[str, ...],
    report: Report | None,
) -> tuple[dict[str, Any], int]:
    """Fit every column under its own weights of keys; `bases` are at the queries and the keys."""
    parts, regularized, p, counts = [], 0, problem.p, _counts(problem)
    for c in range(p):
        column = slice(c, c + 1)

        def told(part: float, whole: float = FITS, c: int = c) -> Report | None:
            return share(report, (c + part / whole) / p, (c + (part + 1) / whole) / p)

        own, others = _column(problem, column), _column(at_keys, column)
        factors: Array | None = None
        for count in range(FITS - 1):
            held = model._replace(key_factors=factors)
            fits, _ = fit_lists(others, bases[1], held, _quiet(request), (), told(count))
            assert others.values is not None
            factors = bisquare(others.values[:, 0] - fits["fitted"][:, 0], counts)
        held = model._replace(key_factors=factors)
        fits, count = fit_lists(own, bases[0], held, request, wanted, told(FITS - 1))
        parts.append(fits)
        regularized += count
    joined = dict(parts[0])
    for name in set(joined) - {"self_weight", "weights"}:
        joined[name] = np.concatenate([part[name] for part in parts], axis=-1)
    return joined, regularized


def bisquare(residuals: Array, counts: Array) -> Array:
    """Return (1 − (r / 6 MAD)²)²; 1 for what is small beside it, as in Cleveland's programs."""
    size = np.abs(residuals)
    known = np.isfinite(size) & (counts > 0)
    bound = 6 * _median(size[known], counts[known]) if known.any() else 0.0
    if not bound > np.finfo(np.float64).tiny:
        return np.ones(len(size))
    factors = np.where(size <= 0.001 * bound, 1.0, (1 - (size / bound) ** 2) ** 2)
    factors[size > 0.999 * bound] = 0.0
    return np.where(np.isfinite(size), factors, 1.0)


def _median(numbers: Array, counts: Array) -> float:
    """Return the median of numbers, of which there are so many each."""
    order = np.argsort(numbers, kind="stable")
    numbers, total = numbers[order], np.cumsum(counts[order])
    half = 0.5 * total[-1]
    last = len(numbers) - 1
    below = min(int(np.searchsorted(total, half, side="left")), last)
    above = min(int(np.searchsorted(total, half, side="right")), last)
    return float(0.5 * (numbers[below] + numbers[above]))


def _counts(problem: Problem) -> Array:
    """Return the prior weights, each counting equal keys."""
    if problem.log_weights is not None:
        return np.exp(problem.log_weights)
    return np.ones(problem.n) if problem.weights is None else problem.weights


def _column(problem: Problem, column: slice) -> Problem:
    assert problem.values is not None
    return problem._replace(values=np.ascontiguousarray(problem.values[:, column]))


def _quiet(request: Request) -> Request:
    return request if request.empty != "raise" else Request(num_threads=request.num_threads)
