"""A level of a hierarchy: what it is made of, and what it is once it is fitted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

import vicinal
from vicinal.arrays import Array
from vicinal.bandwidth.selection import OF_VALUES
from vicinal.models.checks import check_choice, check_number
from vicinal.models.regression import LocalMeanRegressor
from vicinal.neighbor_sets import NeighborSet

__all__ = ["FittedLevel", "Level", "as_levels", "mean_of", "regressor"]


@dataclass(frozen=True)
class Level:
    """One level of a `HierarchicalLocalModel`: a local mean, and a map of it.

    Parameters
    ----------
    kernel, bandwidth, metric, neighbors
        As in `LocalMeanRegressor`, on the rows that the level below hands up; a bandwidth by name
        that looks at targets ("loo", "gcv", "aicc", "plugin") predicts them from there.
    values : {"rows", "targets"}, default="rows"
        What a level below the last one averages: the rows that it compares, or the targets, those
        of the others for a training row. The last level averages the targets.
    step : float, default=1.0
        With "rows" a row z moves to z + step · (mean − z), at most 1: the soft update.
    map : callable or estimator, default=None
        What becomes of the means, (rows, columns), before the next level, or the prediction, sees
        them: a function of arrays, or an estimator that is fitted to the means of the training
        rows and their targets, and then transforms or predicts. None leaves them.
    """

    kernel: Any = "gaussian"
    bandwidth: Any = "scott"
    metric: Any = None
    neighbors: Any = None
    values: str = "rows"
    step: float = 1.0
    map: Any = None

    def check(self) -> None:
        """Raise unless the fields fit each other."""
        check_choice(self.values, "values", ("rows", "targets"))
        check_number(self.step, "step", lambda step: 0 < step <= 1, "above 0 and at most 1")
        if self.step != 1 and self.values != "rows":
            raise ValueError(f"step={self.step!r} moves rows; values={self.values!r} takes step=1")
        mapped = self.map is None or callable(self.map) or hasattr(self.map, "fit")
        if not mapped or isinstance(self.map, type):
            raise ValueError(
                "map must be None, a function of an array or an estimator with fit and transform "
                f"or predict, got {self.map!r}"
            )


def as_levels(levels: Any) -> list[Level]:
    """Return checked levels; None is two plain ones."""
    if levels is None:
        return [Level(), Level()]
    if isinstance(levels, str | dict | Level) or not isinstance(levels, Iterable):
        raise ValueError(f"levels must be a sequence of Level or dict, got {levels!r}")
    known: list[Level] = []
    for number, level in enumerate(levels, 1):
        if not isinstance(level, Level | dict):
            raise ValueError(f"levels must be Level objects or dicts, got {level!r}")
        try:
            known.append(Level(**level) if isinstance(level, dict) else level)
            known[-1].check()
        except (TypeError, ValueError) as error:
            raise ValueError(f"level {number}: {error}") from None
    if not known:
        raise ValueError("levels is empty; give at least one Level")
    if known[-1].map is not None or known[-1].step != 1:
        raise ValueError("the last level averages the targets: it takes neither map nor step")
    return known


@dataclass
class FittedLevel:
    """The local mean of a level over the training set, and its fitted map."""

    level: Level
    mean: LocalMeanRegressor
    map: Any = None

    def fit_map(self, y: Array, weights: Array | None) -> Array:
        """Fit the map, if it is an estimator, to the training rows; return them mapped."""
        means = self._training_means()
        self.map = self.level.map
        if hasattr(self.map, "fit"):
            takes = weights is not None and has_fit_parameter(self.map, "sample_weight")
            given = {"sample_weight": weights} if takes else {}
            self.map = clone(self.map).fit(means, y, **given)
        return self.mapped(means)

    def means(self, rows: Array) -> Array:
        """Return the local means of rows of the level below, after the step, (m, columns)."""
        return self._moved(rows, self.mean.predict(rows))

    def _training_means(self) -> Array:
        """Return those of the training rows, of targets those of the others, (n, columns)."""
        rows = self.mean.keys_
        if self.level.values == "rows":
            return self.means(rows)
        return self._moved(rows, self.mean.loo_predict())

    def _moved(self, rows: Array, means: Array) -> Array:
        means = means.reshape(len(means), -1)
        return means if self.level.step == 1 else rows + self.level.step * (means - rows)

    def mapped(self, means: Array) -> Array:
        """Return the map of means, (m, columns) in their type; raise if it is no such array."""
        if self.map is None:
            return means
        if not hasattr(self.map, "fit"):
            result = self.map(means)
        else:
            fitted = self.map
            result = (fitted.transform if hasattr(fitted, "transform") else fitted.predict)(means)
        array = np.ascontiguousarray(result, dtype=means.dtype)
        array = array[:, None] if array.ndim == 1 else array
        if array.ndim != 2 or len(array) != len(means) or array.shape[1] == 0:
            raise ValueError(
                f"map={self.level.map!r} made an array of shape {np.shape(result)} of one of shape "
                f"{means.shape}; it must return one row per row"
            )
        return array

    def check_linear(self, number: int) -> None:
        """Raise unless the level hands up its means as they are."""
        if self.map is not None or self.level.step != 1:
            raise ValueError(
                f"level {number} has map={self.level.map!r} and step={self.level.step!r}: what "
                "passes it is no weighted mean of training rows; explain names those of the last "
                "level"
            )

    def weights(self, rows: Array, below: Array) -> Array:
        """Return the local means of the weights `below` of the training rows, (m, n)."""
        options = {"tol": self.mean.mass_tol, "empty": self.mean._engine_policy()}
        keys = self.mean._search_keys
        return vicinal.local_mean(rows, keys, below, **options, **self.mean._options(rows))

    def training_weights(self, below: Array) -> Array:
        """Return those of the training rows, of targets those of the others, (n, n)."""
        if self.level.values == "rows":
            return self.weights(self.mean.keys_, below)
        mean = self.mean
        bandwidth = mean._bandwidth_without_own()
        left_out = mean._left_out_of(below, mean.sample_weight_, bandwidth)
        return np.asarray(left_out.mean)


def mean_of(
    level: Level,
    rows: Array,
    values: Array,
    y: Array,
    weights: Array | None,
    *,
    names: list[str] | None,
    **options: Any,
) -> LocalMeanRegressor:
    """Return the local mean of `values` at `rows`; names of bandwidths look at the targets `y`."""
    bandwidth, model = level.bandwidth, regressor(level, names, **options)
    if isinstance(bandwidth, str) and bandwidth in OF_VALUES and values is not y:
        bandwidth = model.fit(rows, y, weights).bandwidth_
    model.set_params(bandwidth=bandwidth).fit(rows, values, weights)
    return model


def regressor(level: Level, names: list[str] | None, **options: Any) -> LocalMeanRegressor:
    """Return the local mean of a level, not fitted; `names` are those of its columns."""
    neighbors = level.neighbors
    if isinstance(neighbors, NeighborSet):
        neighbors = neighbors.by_number({"X": names})
    return LocalMeanRegressor(
        kernel=level.kernel,
        bandwidth=level.bandwidth,
        metric=level.metric,
        neighbors=neighbors,
        **options,
    )
