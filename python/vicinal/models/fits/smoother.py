"""Local fits at the training rows: with and without the row itself, under each bandwidth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import vicinal
from vicinal.arrays import Array
from vicinal.bandwidth.criteria import Candidates, Sample
from vicinal.progress import Report, share

__all__ = ["FitSmoother", "left_out_fits", "spread_around"]

ENTRIES = 1 << 20  # of the smoother's rows at a time


class FitSmoother:
    """Local fits of one degree and family; what bandwidths are compared by."""

    def __init__(self, model: dict[str, Any]) -> None:
        self._model = model

    def left_out(
        self, sample: Sample, candidates: Candidates, report: Report | None
    ) -> Iterator[Array]:
        """Yield the fit at each row to the others, (n, p)."""
        for options in self._options(sample, candidates, report):
            yield left_out_fits(sample.X, sample.y, sample.weights, {**self._model, **options})

    def fitted(
        self, sample: Sample, candidates: Candidates, report: Report | None
    ) -> Iterator[tuple[Array, Array]]:
        """Yield the fit at each row, (n, p), and its derivative by the row's value, (n,)."""
        assert sample.y is not None
        for options in self._options(sample, candidates, report):
            fit = vicinal.local_fit(
                sample.X,
                sample.X,
                sample.y,
                weights=sample.weights,
                statistics="self_weight",
                **self._model,
                **options,
            )
            assert fit.self_weight is not None
            yield fit.fitted, fit.self_weight

    def _options(
        self, sample: Sample, candidates: Candidates, report: Report | None
    ) -> Iterator[dict[str, Any]]:
        options = sample.options(None)
        del options["tol"]
        count = len(candidates)
        for i, bandwidth in enumerate(candidates):
            part = share(report, i / count, (i + 1) / count) or False
            yield {**options, "bandwidth": bandwidth, "progress": part}


def left_out_fits(X: Array, y: Any, weights: Array | None, options: dict[str, Any]) -> Array:
    """Return the fit at each row to the others.

    A weight counts equal rows: of squared residuals without a ridge one unit leaves a row of weight
    w > 1, whose share is s = S/w, m' = (m − s y) / (1 − s). Elsewhere the whole row leaves.
    """
    hollow = vicinal.local_fit(X, X, y, weights=weights, exclude_self=True, **options).fitted
    linear = options["family"] == "gaussian" and options["ridge"] == 0
    if weights is None or not linear or not np.any(weights > 1):
        return hollow
    several = np.flatnonzero(weights > 1)
    bandwidth = options["bandwidth"]
    own = bandwidth.of_rows(several) if hasattr(bandwidth, "of_rows") else bandwidth
    full = vicinal.local_fit(
        X[several],
        X,
        y,
        weights=weights,
        statistics="self_weight",
        self_indices=several,
        **{**options, "bandwidth": own},
    )
    assert full.self_weight is not None
    unit = (full.self_weight / weights[several]).reshape(-1, *(1,) * (y.ndim - 1))
    hollow[several] = (full.fitted - unit * y[several]) / (1 - unit)
    return hollow


def spread_around(
    weighing: Callable[[slice], dict[str, Any]],
    queries: Array,
    keys: Array,
    values: Array,
    options: dict[str, Any],
) -> tuple[Array, Array]:
    """Return fits and the standard deviation of new targets around them.

    A fit Σ l y has the standard error σ √Σ l², so that of a new target is σ √(1 + Σ l²).
    """
    shape = (len(queries), *values.shape[1:])
    fitted, spread = np.empty(shape, keys.dtype), np.empty(shape, keys.dtype)
    columns = np.ascontiguousarray(values.reshape(len(values), -1).T)
    step = max(1, ENTRIES // len(keys))
    for first in range(0, len(queries), step):
        rows = slice(first, first + step)
        given = {**options, **weighing(rows), "statistics": ("standard_errors", "weights")}
        for c, column in enumerate(columns):
            fit = vicinal.local_fit(queries[rows], keys, column, **given)
            assert fit.standard_errors is not None
            squares = fit.weights.power(2).sum(axis=1)
            at = (rows, c) if len(shape) > 1 else (rows,)
            fitted[at] = fit.fitted
            with np.errstate(divide="ignore", invalid="ignore"):
                spread[at] = fit.standard_errors[:, 0] * np.sqrt(1 + 1 / squares)
    return fitted, spread
