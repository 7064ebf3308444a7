"""Evaluate a problem: outputs, NaN values, calls of the engine."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, SupportsFloat

import numpy as np

from vicinal.arrays import Array
from vicinal.batches import in_batches
from vicinal.problem import Problem
from vicinal.progress import Report, reporter, share
from vicinal.strips import in_strips, needs_strips
from vicinal.threads import resolve_num_threads

__all__ = ["Counts", "Request", "allocate", "evaluate", "output_names", "raise_if_empty"]

STATISTICS = (
    "mean",
    "log_mass",
    "ess",
    "count",
    "variance",
    "covariance",
    "self_weight",
    "top_k",
)
OF_VALUES = ("mean", "variance", "covariance")
EMPTY = ("nan", "zero", "nearest", "raise")
NAN_POLICIES = ("propagate", "omit", "raise")


class Counts(NamedTuple):
    """What a call reports beside its arrays."""

    empty_rows: int
    pairs_visited: int


@dataclass(frozen=True)
class Request:
    """How a problem is to be evaluated; checked."""

    tol: float = 0.0
    empty: str | float = "nan"
    nan_policy: str = "propagate"
    num_threads: int | None = None
    k: int = 0
    normalize: bool = True
    engine_options: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        _check_nan_policy(self.nan_policy)
        mode, value = as_empty(self.empty)
        options = {
            "tol": as_tol(self.tol),
            "k": self.k,
            "normalize": bool(self.normalize),
            "empty": "nan" if mode == "raise" else mode,
            "empty_value": value,
            "num_threads": resolve_num_threads(self.num_threads),
        }
        object.__setattr__(self, "engine_options", options)


def _check_nan_policy(nan_policy: str) -> None:
    if nan_policy not in NAN_POLICIES:
        raise ValueError(f"nan_policy must be one of {', '.join(NAN_POLICIES)}, got {nan_policy!r}")


def as_tol(tol: object) -> float:
    """Return the share of a row's mass that may be left out."""
    if isinstance(tol, bool) or not isinstance(tol, float | SupportsFloat):
        raise TypeError(f"tol must be a number, got {type(tol).__name__}")
    share_left_out = float(tol)
    if not 0 <= share_left_out < 1:
        raise ValueError(
            f"tol must be at least 0 and below 1, got {share_left_out}; it is the share of a "
            "query's mass that may be left out, and 0 is exact"
        )
    return share_left_out


def as_empty(empty: object) -> tuple[str, float]:
    """Return the policy for queries without any weight as the engine's (mode, number)."""
    if isinstance(empty, str):
        if empty not in EMPTY:
            raise ValueError(f"empty must be one of {', '.join(EMPTY)} or a number, got {empty!r}")
        return empty, np.nan
    if isinstance(empty, bool) or not isinstance(empty, SupportsFloat):
        raise TypeError(f"empty must be a name or a number, got {type(empty).__name__}")
    return "value", float(empty)


def output_names(statistics: Iterable[str]) -> tuple[str, ...]:
    """Return the engine's names of statistics."""
    names: list[str] = []
    for name in statistics:
        names += ["top_k_indices", "top_k_weights"] if name == "top_k" else [name]
    return tuple(names)


def allocate(
    lead: tuple[int, ...],
    sizes: tuple[int, int, int],
    dtype: np.dtype[Any],
    names: Iterable[str],
    k: int = 0,
) -> dict[str, Array]:
    """Return uninitialised outputs of the engine, by name; `sizes` is (m, n, p)."""
    m, n, p = sizes
    tails = {
        "mean": (m, p),
        "variance": (m, p),
        "covariance": (m, p, p),
        "top_k_indices": (m, k),
        "top_k_weights": (m, k),
        "weights": (m, n),
    }
    integers = ("count", "top_k_indices")
    return {
        name: np.empty(lead + tails.get(name, (m,)), np.int64 if name in integers else dtype)
        for name in names
    }


def evaluate(
    problem: Problem, request: Request, outputs: dict[str, Array], progress: bool | Report = False
) -> Counts:
    """Fill `outputs`; apply `nan_policy` and ``empty="raise"``."""
    with reporter(progress) as report:
        if request.nan_policy == "propagate" or problem.values is None:
            counts = _run(problem, request, outputs, report)
        else:
            counts = _with_nan_policy(problem, request, outputs, report)
    if request.empty == "raise":
        raise_if_empty(counts.empty_rows, problem.lead, problem.m)
    return counts


def raise_if_empty(empty_rows: int, lead: tuple[int, ...], m: int) -> None:
    """Raise the ValueError of ``empty="raise"`` if there is an empty row."""
    if empty_rows:
        rows = math.prod(lead) * m
        raise ValueError(
            f"{empty_rows} of {rows} queries have no key with a weight and empty='raise'; "
            "take a larger bandwidth, or empty='nearest', 'nan', 'zero' or a number"
        )


def _run(
    problem: Problem, request: Request, outputs: dict[str, Array], report: Report | None
) -> Counts:
    if problem.p == 0:  # values without columns: their statistics have no entries either
        problem = problem._replace(values=None)
        outputs = {name: out for name, out in outputs.items() if name not in OF_VALUES}
    if not outputs or problem.m == 0 or 0 in problem.lead:
        return Counts(0, 0)
    if callable(problem.bias) or needs_strips(problem):
        counts = in_strips(problem, outputs, request.engine_options, report)
    else:
        counts = in_batches(problem, outputs, request.engine_options, report)
    return Counts(int(counts["empty_rows"]), int(counts["pairs_visited"]))


def _with_nan_policy(
    problem: Problem, request: Request, outputs: dict[str, Array], report: Report | None
) -> Counts:
    missing = missing_values(problem, request.nan_policy)
    if not missing:
        return _run(problem, request, outputs, report)
    jobs = list(_jobs_without_missing(problem, outputs, missing))
    counts = []
    for i, (job, columns, names) in enumerate(jobs):
        parts = allocate(job.lead, job.sizes, job.dtype, names, request.k)
        part_report = share(report, i / len(jobs), (i + 1) / len(jobs))
        counts.append(_run(job, request, parts, part_report))
        for name in names:
            _put(outputs[name], parts[name], columns if name in ("mean", "variance") else None)
    return Counts(
        max(count.empty_rows for count in counts), sum(count.pairs_visited for count in counts)
    )


def missing_values(problem: Problem, nan_policy: str) -> list[tuple[Array, list[int]]]:
    """Return what is NaN among the values, (lead + (n,) bool, its columns); nothing if none is.

    Columns with NaN at the same keys stand together: they share one call.
    """
    _check_nan_policy(nan_policy)
    if nan_policy == "propagate":
        return []
    missing = _missing_by_pattern(problem)
    count = sum(int(pattern.sum()) * len(columns) for pattern, columns in missing)
    if count and nan_policy == "raise":
        raise ValueError(
            f"values hold {count} NaN and nan_policy='raise'; nan_policy='omit' leaves each out of "
            "its own column"
        )
    return missing if count else []


def _missing_by_pattern(problem: Problem) -> list[tuple[Array, list[int]]]:
    patterns: dict[bytes, tuple[Array, list[int]]] = {}
    assert problem.values is not None
    for column in range(problem.p):
        missing = np.isnan(problem.values[..., column])
        patterns.setdefault(np.packbits(missing).tobytes(), (missing, []))[1].append(column)
    return list(patterns.values())


def _jobs_without_missing(
    problem: Problem, outputs: dict[str, Array], missing: list[tuple[Array, list[int]]]
) -> Iterator[tuple[Problem, list[int] | None, tuple[str, ...]]]:
    # A NaN leaves its own column's mean and variance; a covariance uses the keys complete in all
    # columns; masses and counts are those of all keys.
    per_column = tuple(name for name in ("mean", "variance") if name in outputs)
    shared = tuple(name for name in outputs if name not in OF_VALUES)
    assert problem.values is not None
    if shared:
        yield problem._replace(values=None), None, shared
    if per_column:
        for pattern, columns in missing:
            values = np.ascontiguousarray(problem.values[..., columns])
            yield columns_without(problem, pattern, values), columns, per_column
    if "covariance" in outputs:
        incomplete = np.logical_or.reduce([pattern for pattern, _ in missing])
        yield columns_without(problem, incomplete, problem.values), None, ("covariance",)


def columns_without(problem: Problem, missing: Array, values: Array) -> Problem:
    """Return the problem of some columns of values, whose `missing` keys take no part."""
    if problem.neighbors is not None:  # a missing value changes no row's neighbors
        return _with_bias(problem, missing)._replace(values=np.where(np.isnan(values), 0, values))
    # An absent key's value is never read, so NaN may stay there.
    if problem.log_weights is not None:
        logs = np.where(missing, problem.dtype.type(-np.inf), problem.log_weights)
        return problem._replace(values=values, log_weights=logs)
    prior = problem.dtype.type(1) if problem.weights is None else problem.weights
    weights = np.where(missing, problem.dtype.type(0), prior)
    return problem._replace(values=values, weights=weights)


def _with_bias(problem: Problem, missing: Array) -> Problem:
    zero, none = problem.dtype.type(0), problem.dtype.type(-np.inf)
    row = np.where(missing, none, zero)[..., None, :]
    bias = problem.bias
    if callable(bias):
        if problem.lead:
            raise ValueError("nan_policy='omit' with neighbors and a callable bias takes no batch")
        given = bias
        return problem._replace(bias=lambda rows, cols: given(rows, cols) + row[0, cols])
    total = row if bias is None else bias + row
    return problem._replace(bias=np.broadcast_to(total, (*problem.lead, problem.m, problem.n)))


def _put(target: Array, part: Array, columns: list[int] | None) -> None:
    if columns is None:
        target[...] = part
    else:
        target[..., columns] = part
