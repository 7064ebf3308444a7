"""Statistics of the keys around each query, in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from vicinal.arrays import Array, as_index
from vicinal.errors import did_you_mean
from vicinal.evaluate import OF_VALUES, STATISTICS, Request, allocate, evaluate, output_names
from vicinal.problem import prepare
from vicinal.results import LocalStats

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.bandwidth.given import AdaptiveBandwidth
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.problem import Bias, Neighborhood
    from vicinal.progress import Report

__all__ = ["local_stats"]


def local_stats(
    queries: ArrayLike | None,
    keys: ArrayLike | None,
    values: ArrayLike | None = None,
    *,
    statistics: str | Iterable[str] | None = None,
    k: int = 10,
    kernel: str | Kernel = "gaussian",
    bandwidth: ArrayLike | AdaptiveBandwidth | None = None,
    metric: Metric | None = None,
    neighbors: Neighborhood = None,
    weights: ArrayLike | None = None,
    log_weights: ArrayLike | None = None,
    bias: ArrayLike | Bias | None = None,
    mask: ArrayLike | None = None,
    exclude_self: bool = False,
    self_indices: ArrayLike | None = None,
    tol: float = 0.0,
    empty: str | float = "nan",
    nan_policy: str = "propagate",
    num_threads: int | None = None,
    progress: bool | Report = False,
) -> LocalStats:
    """Compute several statistics of the keys near each query in one pass.

    Parameters
    ----------
    queries : array_like of shape (..., m, d)
        The points asked about.
    keys : array_like of shape (..., n, d)
        The neighbors' positions.
    values : array_like of shape (..., n, p) or (..., n), optional
        What is averaged; not needed for the statistics of the weights alone.
    statistics : str or iterable of str, optional
        Among "mean", "log_mass", "ess", "count", "variance", "covariance", "self_weight" and
        "top_k"; None is mean (with values), log_mass, ess and count.
    k : int
        Number of keys of "top_k", at least 1.
    kernel, bandwidth, metric, neighbors, weights, log_weights, bias, mask
        As in `local_mean`.
    exclude_self, self_indices
        As in `local_mean`; `self_indices` also names the key of "self_weight".
    tol : float
        At most this share of a query's mass is left out, so that the mean moves by at most ``tol ·
        (max y − min y)``; 0 leaves nothing out. It pays for decaying distance kernels, few
        features and many keys.
    empty : {"nan", "zero", "nearest", "raise"} or float
        As in `local_mean`, about the mean.
    nan_policy : {"propagate", "omit", "raise"}
        As in `local_mean`; with "omit" masses and counts stay those of all keys, and a covariance
        uses the keys that are complete in all columns.
    num_threads, progress
        As in `local_mean`.

    Returns
    -------
    LocalStats
        A field that was not asked for is None.

    Raises
    ------
    ValueError
        As `local_mean`, and for an unknown statistic or one that needs `values`.
    TypeError
        As `local_mean`.

    Examples
    --------
    >>> import vicinal as vc
    >>> stats = vc.local_stats([[0.0]], [[0.0], [9.0]], kernel="uniform", bandwidth=2.0)
    >>> stats.count, stats.log_mass
    (array([1]), array([0.]))
    """
    names = as_statistics(statistics, values is not None)
    k = as_k(k) if "top_k" in names else 0
    problem = prepare(
        queries,
        keys,
        values,
        kernel=kernel,
        bandwidth=bandwidth,
        metric=metric,
        neighbors=neighbors,
        weights=weights,
        log_weights=log_weights,
        bias=bias,
        mask=mask,
        exclude_self=exclude_self,
        self_indices=self_indices,
        needs_self="self_weight" in names,
    )
    request = Request(tol=tol, empty=empty, nan_policy=nan_policy, num_threads=num_threads, k=k)
    outputs = allocate(problem.lead, problem.sizes, problem.dtype, output_names(names), k)
    counts = evaluate(problem, request, outputs, progress)
    return as_stats(outputs, problem.one_value, counts.empty_rows, counts.pairs_visited)


def as_statistics(statistics: str | Iterable[str] | None, has_values: bool) -> tuple[str, ...]:
    """Return checked names of statistics."""
    if statistics is None:
        return ("mean", "log_mass", "ess", "count")[0 if has_values else 1 :]
    if not isinstance(statistics, str | Iterable):
        raise TypeError(f"statistics must be a name or several, got {statistics!r}")
    names = (statistics,) if isinstance(statistics, str) else tuple(dict.fromkeys(statistics))
    if not names:
        raise ValueError(f"statistics is empty; ask for some of {', '.join(STATISTICS)}")
    for name in names:
        if name not in STATISTICS:
            hint = did_you_mean(name, STATISTICS)
            raise ValueError(
                f"statistics must be among {', '.join(STATISTICS)}, got {name!r}{hint}"
            )
        if name in OF_VALUES and not has_values:
            raise ValueError(f"the statistic {name!r} needs values, got None")
    return names


def as_k(k: int) -> int:
    """Return the number of keys of "top_k"."""
    number = as_index(k, "k")
    if number < 1:
        raise ValueError(f"k must be at least 1, got {number}")
    return number


def as_stats(
    outputs: dict[str, Array], one_value: bool, empty_rows: int, pairs_visited: int
) -> LocalStats:
    """Wrap the engine's outputs."""
    fields = {name: out for name, out in outputs.items() if not name.startswith("top_k")}
    if one_value:
        for name in fields.keys() & {"mean", "variance"}:
            fields[name] = fields[name][..., 0]
        if "covariance" in fields:
            fields["covariance"] = fields["covariance"][..., 0, 0]
    top_k = None
    if "top_k_indices" in outputs:
        top_k = (outputs["top_k_indices"], outputs["top_k_weights"])
    return LocalStats(**fields, top_k=top_k, empty_rows=empty_rows, pairs_visited=pairs_visited)
