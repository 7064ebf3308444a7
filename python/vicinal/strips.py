"""Biases that the engine cannot read as they lie: callables, and arrays of another dtype.

They are evaluated strip by strip, at most about a million pairs at a time. How a row's keys are
cut depends on the number of keys alone, so a row's bits do not depend on the other rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from vicinal import _core
from vicinal.arrays import Array, as_array, converted
from vicinal.problem import Problem
from vicinal.progress import Report, share

__all__ = ["bias_strip", "in_strips", "needs_strips", "row_strips", "run_rows", "with_index"]

PAIRS = 1 << 20  # pairs of one strip
WHOLE_ROWS = 1 << 17  # up to so many keys a strip has whole rows, with the bits of an array bias
BLOCK = 1 << 14  # keys of a strip beyond that


def needs_strips(problem: Problem) -> bool:
    """Tell whether the bias has to be evaluated or converted."""
    bias = problem.bias
    if not isinstance(bias, np.ndarray):
        return bias is not None
    itemsize = problem.dtype.itemsize
    fits = bias.dtype == problem.dtype and bias.flags.aligned
    return not (fits and all(stride % itemsize == 0 for stride in bias.strides))


def in_strips(
    problem: Problem, outputs: dict[str, Array], options: dict[str, Any], report: Report | None
) -> dict[str, int]:
    """Fill `outputs` like `_core.run`, a strip of rows at a time."""
    m, n = problem.m, problem.n
    by_row = (problem.neighbors, problem.key_bandwidths, problem.query_bandwidths)
    whole = n <= WHOLE_ROWS or "weights" in outputs or any(x is not None for x in by_row)
    problem = with_index(problem, options["num_threads"])
    totals = {"empty_rows": 0, "pairs_visited": 0}
    for rows in row_strips(problem, n if whole else BLOCK):
        parts = {
            name: np.ascontiguousarray(_rows(problem, out, rows)) for name, out in outputs.items()
        }
        part_report = share(report, rows.start / m, rows.stop / m)
        if whole:
            counts = run_rows(problem, rows, parts, options, part_report)
        else:
            counts = _by_blocks(problem, rows, parts, options, part_report)
        for name, part in parts.items():
            target = _rows(problem, outputs[name], rows)
            if not np.shares_memory(target, part):
                target[...] = part
        totals = {name: totals[name] + int(counts[name]) for name in totals}
    return totals


def bias_strip(
    problem: Problem, rows: slice, columns: slice, first: tuple[int, int] = (0, 0)
) -> Array | None:
    """Return the bias of a strip, lead + (rows, columns); `first` numbers query 0 and key 0."""
    bias = problem.bias
    if bias is None:
        return None
    if isinstance(bias, np.ndarray):
        return converted(bias[..., rows, columns], problem.dtype)
    row_numbers = np.arange(first[0] + rows.start, first[0] + rows.stop)
    column_numbers = np.arange(first[1] + columns.start, first[1] + columns.stop)
    strip = as_array(bias(row_numbers, column_numbers), "the result of bias(rows, cols)")
    shape = (row_numbers.size, column_numbers.size)
    if strip.shape != shape:
        raise ValueError(
            f"bias(rows, cols) must return shape (len(rows), len(cols)) = {shape}, got "
            f"{strip.shape}"
        )
    return np.broadcast_to(converted(strip, problem.dtype), problem.lead + shape)


def row_strips(problem: Problem, keys: int | None = None) -> Iterator[slice]:
    """Return the strips of rows of a problem whose keys go `keys` (None: all) at a time."""
    step = max(1, PAIRS // max(1, problem.n if keys is None else keys))
    return (slice(at, min(at + step, problem.m)) for at in range(0, problem.m, step))


def with_index(problem: Problem, num_threads: int) -> Problem:
    """Return the problem with an index, where every strip would plant the same tree of its own."""
    near = problem.neighbors
    if near is None or not near.finds_by_distance or not problem.kernel.is_searchable:
        return problem
    if problem.lead or problem.key_index is not None or problem.m * problem.n <= PAIRS:
        return problem
    if _has_absent_keys(problem):  # they may be NaN, and the index would hold them
        return problem
    index = _core.KeyIndex(problem.keys, problem.kernel, num_threads)
    return problem._replace(key_index=index)


def _has_absent_keys(problem: Problem) -> bool:
    absent = problem.weights is not None and bool((problem.weights == 0).any())
    return absent or (problem.log_weights is not None and bool(np.isinf(problem.log_weights).any()))


def run_rows(
    problem: Problem,
    rows: slice,
    outputs: dict[str, Array],
    options: dict[str, Any],
    report: Report | None,
) -> dict[str, Any]:
    """Run a strip of rows against all keys."""

    def own_rows(array: Array | None) -> Array | None:
        return None if array is None else array[..., rows]

    return _core.run(
        problem.kernel,
        problem.queries[..., rows, :],
        problem.keys,
        problem.values,
        weights=problem.weights,
        log_weights=problem.log_weights,
        bias=bias_strip(problem, rows, slice(0, problem.n), (problem.query_offset, 0)),
        mask=None if problem.mask is None else problem.mask[..., rows, :],
        self_indices=own_rows(problem.self_indices),
        exclude_self=problem.exclude_self,
        outputs=outputs,
        index=problem.key_index,
        neighbors=problem.neighbors,
        key_bandwidths=problem.key_bandwidths,
        query_bandwidths=own_rows(problem.query_bandwidths),
        query_offset=problem.query_offset + rows.start,
        progress=report,
        **options,
    )


def _by_blocks(
    problem: Problem,
    rows: slice,
    outputs: dict[str, Array],
    options: dict[str, Any],
    report: Report | None,
) -> dict[str, int]:
    state = _core.State(
        str(problem.dtype),
        problem.kernel,
        problem.queries[..., rows, :],
        problem.p,
        list(outputs),
        k=options["k"],
        exclude_self=problem.exclude_self,
    )
    for columns in _blocks(problem.n):
        first = (problem.query_offset, 0)
        update_state(state, problem, rows, columns, options["num_threads"], first)
        if report is not None:
            report(columns.stop / problem.n)
    return state.finish(outputs, options["empty"], options["empty_value"])


def update_state(
    state: _core.State,
    problem: Problem,
    rows: slice,
    columns: slice,
    num_threads: int,
    first: tuple[int, int] = (0, 0),
    report: Report | None = None,
) -> None:
    """Add the keys `columns` to a partial state; `first` numbers query 0 and key 0."""
    own, of_keys, of_queries = (
        problem.self_indices,
        problem.key_bandwidths,
        problem.query_bandwidths,
    )
    state.update(
        problem.keys[..., columns, :],
        None if problem.values is None else problem.values[..., columns, :],
        weights=None if problem.weights is None else problem.weights[..., columns],
        log_weights=None if problem.log_weights is None else problem.log_weights[..., columns],
        bias=bias_strip(problem, rows, columns, first),
        mask=None if problem.mask is None else problem.mask[..., rows, columns],
        self_indices=None if own is None else own[..., rows],
        key_bandwidths=None if of_keys is None else of_keys[..., columns],
        query_bandwidths=None if of_queries is None else of_queries[..., rows],
        neighbors=problem.neighbors,
        query_offset=first[0] + rows.start,
        key_offset=first[1] + columns.start,
        num_threads=num_threads,
        progress=report,
    )


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK))


def _rows(problem: Problem, array: Array, rows: slice) -> Array:
    return array[(*(slice(None),) * len(problem.lead), rows)]
