"""Weights as a sparse matrix: those that are not 0, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vicinal.batches import in_batches
from vicinal.evaluate import Request, raise_if_empty
from vicinal.problem import Problem
from vicinal.progress import Report, reporter, share
from vicinal.strips import needs_strips, row_strips, run_rows, with_index

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["sparse_weights"]


def sparse_weights(problem: Problem, request: Request, progress: bool | Report) -> csr_array:
    """Return the weights of one problem as a matrix of shape (m, n)."""
    from scipy.sparse import csr_array

    if problem.lead:
        raise ValueError(
            f"sparse weights are of one problem, got leading dimensions {problem.lead}; call once "
            "for each"
        )
    m, shape = problem.m, (problem.m, problem.n)
    if m == 0:
        return csr_array(shape, dtype=problem.dtype)
    options = {**request.engine_options, "lists": True}
    with reporter(progress) as report:
        if callable(problem.bias) or needs_strips(problem):
            problem = with_index(problem, options["num_threads"])
            parts = [
                run_rows(problem, rows, {}, options, share(report, rows.start / m, rows.stop / m))
                for rows in row_strips(problem)
            ]
        else:
            parts = [in_batches(problem, {}, options, report)]
    if request.empty == "raise":
        raise_if_empty(sum(part["empty_rows"] for part in parts), (), problem.m)
    counts = np.concatenate([np.diff(part["indptr"]) for part in parts])
    indptr = np.concatenate([[0], np.cumsum(counts)])
    weights = np.concatenate([part["weights"] for part in parts])
    indices = np.concatenate([part["indices"] for part in parts])
    return csr_array((weights, indices, indptr), shape=shape)
