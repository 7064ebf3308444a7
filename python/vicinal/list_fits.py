"""Local fits from lists of keys and weights, a strip of queries at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from vicinal import _core
from vicinal.arrays import Array
from vicinal.evaluate import Request, allocate, raise_if_empty
from vicinal.problem import Problem
from vicinal.progress import Report, share
from vicinal.strips import run_rows, with_index

__all__ = ["Basis", "Model", "fit_lists"]

PAIRS = 1 << 20  # entries of the lists of a strip
GROWTH = 4  # of the rows from a strip to the next: the lists so far may be shorter than usual


class Basis(NamedTuple):
    """What is fitted: polynomials in x − q up to a degree, or given columns (degree −1)."""

    queries: Array  # lead + (m, d or r), float64
    keys: Array  # lead + (n, d or r), float64
    degree: int

    @property
    def columns(self) -> int:
        """Number of coefficients of a fit."""
        given = int(self.keys.shape[-1])
        return given if self.degree < 0 else math.comb(given + self.degree, self.degree)


class Model(NamedTuple):
    """How the values of a list are fitted."""

    family: str = "gaussian"
    quantile: float = 0.5
    ridge: Array | float = 0.0  # a number, or lead + (m,)
    key_factors: Array | None = None  # (n,): weights of keys besides those of the lists


class ListFits:
    """The fits of one problem in float64; `problem` has no leading dimensions."""

    def __init__(
        self,
        problem: Problem,
        basis: Basis,
        model: Model,
        request: Request,
        wanted: tuple[str, ...],
    ) -> None:
        self.problem, self.basis, self.model, self.request = problem, basis, model, request
        assert problem.values is not None
        self.values = np.ascontiguousarray(problem.values, dtype=np.float64)
        shapes = _shapes(problem, basis, wanted)
        self.fits = {name: np.empty(shape) for name, shape in shapes.items()}
        self.rows: list[tuple[Array, Array, Array]] | None = [] if "weights" in wanted else None
        self.regularized = self.empty = 0

    def run(self, report: Report | None) -> None:
        """Fit every query."""
        m = self.problem.m
        problem = with_index(self.problem, self.request.engine_options["num_threads"])
        for rows, lists in _strips(problem, self.request, report):
            self._fit(rows, lists)
            self._fill_empty(problem, rows, np.diff(lists["indptr"]) == 0)
        if self.request.empty == "raise":
            raise_if_empty(self.empty, (), m)

    def _fit(self, rows: slice, lists: dict[str, Any]) -> None:
        given = {
            "indptr": lists["indptr"],
            "indices": lists["indices"],
            "weights": lists["weights"],
            "queries": np.ascontiguousarray(self.basis.queries[rows]),
            "keys": self.basis.keys,
            "values": self.values,
        }
        own, factors, ridge = self.problem.self_indices, self.model.key_factors, self.model.ridge
        if "self_weight" in self.fits:
            assert own is not None
            given["own_keys"] = np.ascontiguousarray(own[rows], dtype=np.int64)
        if factors is not None:
            given["key_factors"] = factors
        if isinstance(ridge, np.ndarray):
            given["ridges"] = np.ascontiguousarray(ridge[rows])
        count = rows.stop - rows.start
        outputs: dict[str, Any] = {
            name: fit[rows].reshape(count, -1) for name, fit in self.fits.items()
        }
        if "self_weight" in outputs:
            outputs["self_weight"] = self.fits["self_weight"][rows]
        if self.rows is not None:
            outputs["influence"] = np.empty(len(lists["indices"]))
            self.rows.append((np.diff(lists["indptr"]), lists["indices"], outputs["influence"]))
        self.regularized += _core.fit_lists(
            given,
            outputs,
            degree=self.basis.degree,
            family=self.model.family,
            level=self.model.quantile,
            ridge=0.0 if isinstance(ridge, np.ndarray) else ridge,
            num_threads=self.request.engine_options["num_threads"],
        )

    def _fill_empty(self, problem: Problem, rows: slice, none: Array) -> None:
        """Give queries without a list what the policy says: the mean of nothing."""
        if not none.any():
            return
        sizes = (rows.stop - rows.start, problem.n, problem.p)
        out = allocate((), sizes, problem.dtype, ["mean"])
        counts = run_rows(problem, rows, out, self.request.engine_options, None)
        mean = out["mean"][none]
        at = np.flatnonzero(none) + rows.start
        self.empty += int(counts["empty_rows"])  # a query that holds NaN is none of them
        self.fits["fitted"][at] = mean
        if self.basis.degree >= 0 and self.model.family == "gaussian":
            self.fits["coefficients"][at] = np.where(np.isnan(mean), np.nan, 0.0)[:, None]
            self.fits["coefficients"][at, 0] = mean
        if "self_weight" in self.fits:
            self.fits["self_weight"][at] = 0.0

    def influence(self) -> Any:
        """Return the rows of the smoother, (m, n): fitted = influence @ values."""
        from scipy.sparse import csr_array

        assert self.rows is not None
        counts = [np.zeros(1, np.int64), *(lengths for lengths, _, _ in self.rows)]
        indices = [np.zeros(0, np.int64), *(keys for _, keys, _ in self.rows)]
        weights = [np.zeros(0), *(row for _, _, row in self.rows)]
        parts = np.concatenate(weights), np.concatenate(indices), np.cumsum(np.concatenate(counts))
        return csr_array(parts, shape=(self.problem.m, self.problem.n))


def _strips(
    problem: Problem, request: Request, report: Report | None
) -> Iterator[tuple[slice, dict[str, Any]]]:
    options = {**request.engine_options, "lists": True, "normalize": True, "empty": "nan"}
    m, first = problem.m, 0
    step = max(1, PAIRS // max(1, problem.n))  # so many pairs even if every row sees every key
    while first < m:
        rows = slice(first, min(first + step, m))
        part = share(report, rows.start / m, rows.stop / m)
        lists = run_rows(problem, rows, {}, options, part)
        yield rows, lists
        first = rows.stop
        usual = PAIRS * (rows.stop - rows.start) // max(1, len(lists["indices"]))
        step = max(1, min(usual, GROWTH * step))
    if report is not None:
        report(1.0)


def fit_lists(
    problem: Problem,
    basis: Basis,
    model: Model,
    request: Request,
    wanted: tuple[str, ...],
    report: Report | None,
) -> tuple[dict[str, Any], int]:
    """Return fits in float64 by name, lead + (m, …), and how many were regularised."""
    if problem.lead and "weights" in wanted:
        raise ValueError(
            f"weights are of one problem, got leading dimensions {problem.lead}; call once for each"
        )
    items = list(np.ndindex(problem.lead))
    parts = []
    for i, item in enumerate(items):
        own = basis._replace(queries=basis.queries[item], keys=basis.keys[item])
        ridge = model.ridge[item] if isinstance(model.ridge, np.ndarray) else model.ridge
        part = ListFits(_item_of(problem, item), own, model._replace(ridge=ridge), request, wanted)
        part.run(share(report, i / len(items), (i + 1) / len(items)))
        parts.append(part)
    fits: dict[str, Any] = {}
    for name, shape in _shapes(problem, basis, wanted).items():
        stacked = np.stack([part.fits[name] for part in parts]) if parts else np.empty(0)
        fits[name] = stacked.reshape(problem.lead + shape)
    if "weights" in wanted:
        fits["weights"] = parts[0].influence()
    return fits, sum(part.regularized for part in parts)


def _shapes(problem: Problem, basis: Basis, wanted: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    m, p, r = problem.m, problem.p, basis.columns
    shapes: dict[str, tuple[int, ...]] = {"fitted": (m, p), "coefficients": (m, r, p)}
    if "standard_errors" in wanted:
        shapes["standard_errors"] = (m, r, p)
    if "self_weight" in wanted:
        shapes["self_weight"] = (m,)
    return shapes


def _item_of(problem: Problem, item: tuple[int, ...]) -> Problem:
    """Return one problem of a batch."""
    if not problem.lead:
        return problem

    def own(array: Any) -> Any:
        return array[item] if isinstance(array, np.ndarray) else array

    arrays = {
        name: own(getattr(problem, name))
        for name in (
            "queries",
            "keys",
            "values",
            "weights",
            "log_weights",
            "bias",
            "mask",
            "self_indices",
            "key_bandwidths",
            "query_bandwidths",
        )
    }
    return problem._replace(lead=(), key_index=None, **arrays)
