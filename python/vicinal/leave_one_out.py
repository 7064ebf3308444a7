"""Local means of the keys without themselves; prior weights count equal rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from vicinal.arrays import Array
from vicinal.stats import local_stats

__all__ = ["LeftOut", "leave_one_out"]


class LeftOut(NamedTuple):
    """What each key gets from the others."""

    mean: Array | None  # shape of the values; what `empty` says in empty rows
    log_mass: Array  # (n,), −inf in empty rows


def leave_one_out(
    keys: Array, values: Array | None, weights: Array | None, **options: Any
) -> LeftOut:
    """Leave one unit of every key out.

    A weight counts equal rows, so a key of weight w keeps w − 1 of itself: integer weights give
    what repeating the rows would. Keys of weight at most 1 leave entirely and are accumulated
    without their own term (1 − S may be tiny there). Of the others one unit, whose share s = S/w is
    at most 1/w, is taken back in closed form: m' = (m − s y)/(1 − s), log M' = log M + log(1 − s).

    Parameters
    ----------
    keys : ndarray of shape (n, d)
        Keys, which are the queries too.
    values : ndarray of shape (n, p) or (n,), or None
        Values.
    weights : ndarray of shape (n,), or None
        Prior weights.
    **options
        Of `vicinal.local_stats`: kernel, bandwidth, metric, empty, num_threads, progress.

    Returns
    -------
    LeftOut
    """
    options["weights"] = weights
    if weights is None or not np.any(weights > 1):
        return _hollow(keys, values, None, options)
    single, several = np.flatnonzero(weights <= 1), np.flatnonzero(weights > 1)
    hollow = _hollow(keys, values, single, options)
    rest = _without_one_unit(keys, values, several, weights[several], options)
    log_mass = np.empty(len(keys), hollow.log_mass.dtype)
    log_mass[single], log_mass[several] = hollow.log_mass, rest.log_mass
    if hollow.mean is None or rest.mean is None:
        return LeftOut(None, log_mass)
    mean = np.empty((len(keys), *hollow.mean.shape[1:]), hollow.mean.dtype)
    mean[single], mean[several] = hollow.mean, rest.mean
    return LeftOut(mean, log_mass)


def _hollow(
    keys: Array, values: Array | None, rows: Array | None, options: dict[str, Any]
) -> LeftOut:
    stats = local_stats(
        keys if rows is None else keys[rows],
        keys,
        values,
        statistics=_names(values),
        exclude_self=True,
        self_indices=rows,
        **options,
    )
    assert stats.log_mass is not None
    return LeftOut(stats.mean, stats.log_mass)


def _without_one_unit(
    keys: Array, values: Array | None, rows: Array, weights: Array, options: dict[str, Any]
) -> LeftOut:
    stats = local_stats(
        keys[rows],
        keys,
        values,
        statistics=(*_names(values), "self_weight"),
        self_indices=rows,
        **options,
    )
    assert stats.log_mass is not None
    assert stats.self_weight is not None
    # In double, so that a float32 share does not lose the digits of 1 − s.
    share = np.nan_to_num(stats.self_weight.astype(np.float64)) / weights
    log_mass = (stats.log_mass + np.log1p(-share)).astype(stats.log_mass.dtype)
    if values is None or stats.mean is None:
        return LeftOut(None, log_mass)
    share = share.reshape(-1, *[1] * (values.ndim - 1))
    mean = (stats.mean - share * values[rows]) / (1 - share)
    return LeftOut(mean.astype(stats.mean.dtype), log_mass)


def _names(values: Array | None) -> tuple[str, ...]:
    return ("log_mass",) if values is None else ("mean", "log_mass")
