"""Local means of the keys without themselves; prior weights count equal rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vicinal.arrays import Array
from vicinal.each_bandwidth import stats_of_each_bandwidth
from vicinal.progress import Report, reporter, share
from vicinal.results import LocalStats
from vicinal.stats import local_stats

if TYPE_CHECKING:
    from vicinal.key_index import KeyIndex

__all__ = ["LeftOut", "leave_one_out"]


class LeftOut(NamedTuple):
    """What each key gets from the others."""

    mean: Array | None  # shape of the values; what `empty` says in empty rows
    log_mass: Array  # (n,), −inf in empty rows


def leave_one_out(
    keys: Array | KeyIndex,
    values: Array | None,
    weights: Array | None,
    bandwidths: Sequence[Any],
    *,
    log_factors: Array | None = None,
    progress: bool | Report = False,
    **options: Any,
) -> Iterator[LeftOut]:
    """Leave one unit of every key out, under each bandwidth.

    A weight counts equal rows, so a key of weight w keeps w − 1 of itself: integer weights give
    what repeating the rows would. Keys of weight at most 1 leave entirely and are accumulated
    without their own term (1 − S may be tiny there). Of the others one unit, whose share s = S/w is
    at most 1/w, is taken back in closed form: m' = (m − s y)/(1 − s), log M' = log M + log(1 − s).

    Parameters
    ----------
    keys : ndarray of shape (n, d) or KeyIndex
        Keys, which are the queries too.
    values : ndarray of shape (n, p) or (n,), or None
        Values.
    weights : ndarray of shape (n,), or None
        Prior weights.
    bandwidths : sequence
        As `stats_of_each_bandwidth` takes them, or bandwidths of keys or queries.
    log_factors : ndarray of shape (n,), or None
        Logarithms of what the weights are multiplied by beside the counts; for bandwidths of keys
        or queries.
    progress, **options
        Of `stats_of_each_bandwidth`: kernel, metric, neighbors, tol, empty, num_threads.

    Yields
    ------
    LeftOut
    """
    options |= _prior(weights, log_factors)
    names = ("log_mass",) if values is None else ("mean", "log_mass")
    if weights is None or not np.any(weights > 1):
        for stats in _stats(
            keys,
            None,
            values,
            bandwidths,
            statistics=names,
            exclude_self=True,
            progress=progress,
            **options,
        ):
            yield _left_out(stats)
        return
    single, several = np.flatnonzero(weights <= 1), np.flatnonzero(weights > 1)
    with reporter(progress) as report:
        part = len(single) / len(keys)
        hollow = _stats(
            keys,
            single,
            values,
            bandwidths,
            statistics=names,
            exclude_self=True,
            progress=share(report, 0, part) or False,
            **options,
        )
        whole = _stats(
            keys,
            several,
            values,
            bandwidths,
            statistics=(*names, "self_weight"),
            progress=share(report, part, 1) or False,
            **options,
        )
        own = None if values is None else values[several]
        for alone, full in zip(hollow, whole, strict=True):
            rest = _without_one_unit(full, own, weights[several])
            yield _placed(len(keys), (single, _left_out(alone)), (several, rest))


def _prior(weights: Array | None, log_factors: Array | None) -> dict[str, Array | None]:
    if log_factors is None:
        return {"weights": weights}
    with np.errstate(divide="ignore"):  # a weight of 0 is absent
        return {"log_weights": log_factors + (0 if weights is None else np.log(weights))}


def _stats(
    keys: Array | KeyIndex,
    rows: Array | None,
    values: Array | None,
    bandwidths: Sequence[Any],
    **options: Any,
) -> Iterator[LocalStats]:
    """Yield the statistics of some of the keys, None is all, under each bandwidth."""
    queries = np.asarray(keys) if rows is None else np.asarray(keys)[rows]
    options["self_indices"] = rows
    if not hasattr(bandwidths[0], "resolve"):  # of keys or queries
        yield from stats_of_each_bandwidth(queries, keys, values, bandwidths, **options)
        return
    for h in bandwidths:
        own = h if rows is None else h.of_rows(rows)
        yield local_stats(queries, keys, values, bandwidth=own, **options)


def _left_out(stats: LocalStats) -> LeftOut:
    assert stats.log_mass is not None
    return LeftOut(stats.mean, stats.log_mass)


def _without_one_unit(stats: LocalStats, values: Array | None, weights: Array) -> LeftOut:
    assert stats.log_mass is not None
    assert stats.self_weight is not None
    # In double, so that a float32 share does not lose the digits of 1 − s.
    share = np.nan_to_num(stats.self_weight.astype(np.float64)) / weights
    log_mass = (stats.log_mass + np.log1p(-share)).astype(stats.log_mass.dtype)
    if values is None or stats.mean is None:
        return LeftOut(None, log_mass)
    share = share.reshape(-1, *[1] * (values.ndim - 1))
    mean = (stats.mean - share * values) / (1 - share)
    return LeftOut(mean.astype(stats.mean.dtype), log_mass)


def _placed(n: int, *parts: tuple[Array, LeftOut]) -> LeftOut:
    first = parts[0][1]
    log_mass = np.empty(n, first.log_mass.dtype)
    mean = None if first.mean is None else np.empty((n, *first.mean.shape[1:]), first.mean.dtype)
    for rows, part in parts:
        log_mass[rows] = part.log_mass
        if mean is not None:
            mean[rows] = part.mean
    return LeftOut(mean, log_mass)
