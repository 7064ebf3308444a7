"""Statistics under each of several bandwidths, in one pass over the pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from vicinal import _core
from vicinal.arrays import Array
from vicinal.evaluate import Request, allocate, output_names
from vicinal.kernels.lowering import lower
from vicinal.problem import Problem, prepare
from vicinal.progress import Report, reporter, share
from vicinal.results import LocalStats
from vicinal.stats import as_statistics, as_stats

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.key_index import KeyIndex
    from vicinal.problem import Neighborhood

__all__ = ["stats_of_each_bandwidth"]

NUMBERS = 1 << 24  # of the results that are kept at a time


def stats_of_each_bandwidth(
    queries: Array,
    keys: Array | KeyIndex,
    values: Array | None,
    bandwidths: Sequence[ArrayLike | None],
    *,
    statistics: Iterable[str],
    kernel: str | Kernel = "gaussian",
    metric: Metric | None = None,
    neighbors: Neighborhood = None,
    weights: Array | None = None,
    exclude_self: bool = False,
    self_indices: Array | None = None,
    tol: float = 0.0,
    empty: str | float = "nan",
    num_threads: int | None = None,
    progress: bool | Report = False,
) -> Iterator[LocalStats]:
    """Yield what `local_stats` gives for each bandwidth.

    Bandwidths that are multiples of each other share the distances, so a grid costs little more
    than its weights: one pass, or several where the results would not fit in memory together. Those
    that meet keys through a tree go one by one, with the tree of an index.

    Parameters
    ----------
    queries, keys, values : ndarray of shape (m, d), (n, d) and (n, p) or (n,)
        Points without leading dimensions; `keys` may be an index, `values` None.
    bandwidths : sequence of float, (d,) array_like or None
        As in `local_stats`, one for each result.
    statistics, kernel, metric, neighbors, weights, exclude_self, self_indices, tol, empty,
    num_threads
        As in `local_stats`, without "top_k".
    progress
        As in `local_stats`.

    Yields
    ------
    LocalStats
    """
    names = as_statistics(statistics, values is not None)
    problem = prepare(
        queries,
        keys,
        values,
        kernel=kernel,
        bandwidth=bandwidths[0],
        metric=metric,
        neighbors=neighbors,
        weights=weights,
        exclude_self=exclude_self,
        self_indices=self_indices,
        needs_self="self_weight" in names,
    )
    request = Request(tol=tol, empty=empty, num_threads=num_threads)
    kernels = [lower(kernel, h, metric, problem.queries.shape[1]) for h in bandwidths]
    at_once = max(1, NUMBERS // (problem.m * (problem.p + len(names)) + 1))
    with reporter(progress) as report:
        for first in range(0, len(kernels), at_once):
            part = kernels[first : first + at_once]
            end = (first + len(part)) / len(kernels)
            yield from _run(problem, request, part, names, share(report, first / len(kernels), end))


def _run(
    problem: Problem,
    request: Request,
    kernels: list[_core.Kernel],
    names: tuple[str, ...],
    report: Report | None,
) -> Iterator[LocalStats]:
    outputs = [
        allocate(problem.lead, problem.sizes, problem.dtype, output_names(names)) for _ in kernels
    ]
    if problem.m == 0:
        yield from (as_stats(out, problem.one_value, 0, 0) for out in outputs)
        return
    options = request.engine_options
    counts = _core.run_each(
        kernels,
        problem.queries,
        problem.keys,
        problem.values,
        weights=problem.weights,
        self_indices=problem.self_indices,
        exclude_self=problem.exclude_self,
        outputs=outputs,
        index=problem.key_index,
        neighbors=problem.neighbors,
        tol=options["tol"],
        empty=options["empty"],
        empty_value=options["empty_value"],
        num_threads=options["num_threads"],
        progress=report,
    )
    for out, count in zip(outputs, counts, strict=True):
        yield as_stats(out, problem.one_value, count["empty_rows"], count["pairs_visited"])
