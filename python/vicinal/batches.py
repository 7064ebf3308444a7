"""Calls of the engine, large batches in pieces."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np

from vicinal import _core
from vicinal.arrays import Array
from vicinal.problem import Problem
from vicinal.progress import Report, share

__all__ = ["in_batches"]

ITEMS = 1 << 12  # of one engine call: what it knows of an item is small, but not nothing


def in_batches(
    problem: Problem, outputs: dict[str, Array], options: dict[str, Any], report: Report | None
) -> dict[str, int]:
    """Fill `outputs`, splitting the longest leading axis until a call holds few enough items."""
    if math.prod(problem.lead) <= ITEMS:
        return _core.run(
            problem.kernel,
            problem.queries,
            problem.keys,
            problem.values,
            weights=problem.weights,
            log_weights=problem.log_weights,
            bias=cast("Array | None", problem.bias),  # callables go through strips
            mask=problem.mask,
            self_indices=problem.self_indices,
            exclude_self=problem.exclude_self,
            outputs=outputs,
            index=problem.key_index,
            neighbors=problem.neighbors,
            key_bandwidths=problem.key_bandwidths,
            query_bandwidths=problem.query_bandwidths,
            query_offset=problem.query_offset,
            progress=report,
            pages=problem.pages,
            **options,
        )
    axis = int(np.argmax(problem.lead))
    length = problem.lead[axis]
    totals = {"empty_rows": 0, "pairs_visited": 0}
    for part in (slice(0, length // 2), slice(length // 2, length)):
        counts = in_batches(
            _cut(problem, axis, part),
            {name: out[(slice(None),) * axis + (part,)] for name, out in outputs.items()},
            options,
            share(report, part.start / length, part.stop / length),
        )
        totals = {name: totals[name] + int(counts[name]) for name in totals}
    return totals


def _cut(problem: Problem, axis: int, part: slice) -> Problem:
    """Return the items of one part of a leading axis, as views."""
    at = (slice(None),) * axis + (part,)
    arrays = (
        *("queries", "keys", "values", "weights", "log_weights", "bias", "mask", "self_indices"),
        *("key_bandwidths", "query_bandwidths"),
    )
    changed: dict[str, Any] = {
        name: None if (array := getattr(problem, name)) is None else array[at] for name in arrays
    }
    if problem.pages is not None:
        changed["pages"] = problem.pages.at(at)
    lead = list(problem.lead)
    lead[axis] = part.stop - part.start
    changed["lead"] = tuple(lead)
    return problem._replace(**changed)
