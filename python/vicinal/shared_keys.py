"""One query for each of several heads that share keys: together they are rows of one head.

The keys are then read once, and not once for each head, which is what a decoding step costs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vicinal.arrays import Array
from vicinal.problem import Problem

__all__ = ["with_rows_of_shared_keys"]


def with_rows_of_shared_keys(
    problem: Problem, outputs: dict[str, Array]
) -> tuple[Problem, dict[str, Array]]:
    """Return problem and outputs with the last leading axis as rows, where that changes no bit.

    Rows know nothing of each other, so the heads may be rows if each has one query that sees all
    keys, and keys, values and priors repeat along that axis (stride 0).
    """
    if not _is_one_query_of_shared_keys(problem, outputs):
        return problem, outputs

    def first(array: Array | None) -> Any:
        return (
            None if array is None else array[(*(slice(None),) * len(problem.lead[:-1]), slice(1))]
        )

    def swapped(array: Any, last: int) -> Any:
        is_array = isinstance(array, np.ndarray)
        return array.swapaxes(-last - 1, -2 if last == 2 else -1) if is_array else array

    views = {name: swapped(out, 2 if name == "mean" else 1) for name, out in outputs.items()}
    rows = problem._replace(
        queries=swapped(problem.queries, 2),
        keys=first(problem.keys),
        values=first(problem.values),
        log_weights=first(problem.log_weights),
        pages=None if problem.pages is None else problem.pages.at((..., slice(1), slice(None))),
        bias=swapped(problem.bias, 2),
        mask=swapped(problem.mask, 2),
        lead=(*problem.lead[:-1], 1),
    )
    return rows, views


def _is_one_query_of_shared_keys(problem: Problem, outputs: dict[str, Array]) -> bool:
    if problem.m != 1 or not problem.lead or problem.lead[-1] == 1:
        return False
    knows_rows = (problem.neighbors, problem.query_bandwidths, problem.key_bandwidths)
    if callable(problem.bias) or any(part is not None for part in knows_rows):
        return False
    mass, prior = outputs.get("log_mass"), problem.log_weights
    if mass is not None and mass.strides[-2] != mass.itemsize:
        return False  # the engine writes the numbers of all rows side by side
    if problem.pages is not None:
        shared = problem.pages.keys.strides[-2] == problem.pages.values.strides[-2] == 0
    else:
        matrices = (problem.keys, problem.values)
        shared = all(a is None or a.strides[-3] == 0 for a in matrices)
    return shared and (prior is None or prior.strides[-2] == 0)
