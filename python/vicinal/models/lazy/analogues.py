"""Windows of a series and what came after them: means, their losses and their state."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

import vicinal
from vicinal.arrays import Array
from vicinal.kernels import as_kernel
from vicinal.models.checks import check_choice, check_number, check_whole
from vicinal.models.saved import Saved
from vicinal.models.sets import check_neighbors
from vicinal.models.state import check_names

__all__ = ["Analogues"]

# Bandwidths that "loo" tries, in standard deviations of a window's distance to the mean window.
GRID = np.geomspace(0.05, 2.0, 16)


class Analogues(Saved, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What `LocalAutoregressor`, which has the parameters, computes."""

    lags: Any
    horizon: Any
    spacing: Any
    degree: Any
    ridge: Any
    kernel: Any
    bandwidth: Any
    neighbors: Any
    theiler: Any
    n_jobs: Any
    keys_: Array
    values_: Array
    history_: Array
    flat_: bool
    bandwidth_: Any
    _state: ClassVar[tuple[str, ...]] = ("keys_", "values_", "history_", "flat_", "bandwidth_")

    @property
    def _span(self) -> int:
        return int((self.lags - 1) * self.spacing + 1)

    def _settled(self) -> Any:
        if not isinstance(self.bandwidth, str):
            return self.bandwidth
        spread = np.square(self.keys_.astype(np.float64) - self.keys_.mean(axis=0)).sum(axis=1)
        grid = np.sqrt(spread.mean() or 1.0) * GRID
        losses = [self._loss(float(h)) for h in grid]
        return float(grid[int(np.argmin(losses))])

    def _loss(self, bandwidth: Any) -> float:
        """Return the mean squared error of the windows, each predicted by the others."""
        found = self._others(bandwidth)
        missed = np.where(np.isnan(found), self._gaps(), self.values_ - found)
        return float(np.mean(np.square(missed, dtype=np.float64)))

    def _gaps(self) -> Array:
        return np.asarray(self.values_ - self.values_.mean(axis=0))

    def _others(self, bandwidth: Any) -> Array:
        """Return predictions by the windows that are far enough in time."""
        far = self._span + self.horizon if self.theiler is None else self.theiler
        if far == 0:
            return self._answers(self.keys_, bandwidth)
        before, after = vicinal.Window(None, 0, offset=-far), vicinal.Window(0, None, offset=far)
        means = self.degree == 0 and self.neighbors is None
        if means and not as_kernel(self.kernel).signed:
            return self._of_both(bandwidth, before, after)
        return self._answers(self.keys_, bandwidth, before | after)

    def _of_both(self, bandwidth: Any, *sides: vicinal.Window) -> Array:
        """Return the means over two sets of windows without a common one: no list of pairs."""
        parts = []
        for side in sides:
            options = {**self._weighing(bandwidth, side), "empty": "zero"}
            stats = vicinal.local_stats(
                self.keys_, self.keys_, self.values_, statistics=("mean", "log_mass"), **options
            )
            parts.append((stats.mean, np.asarray(stats.log_mass, dtype=np.float64)))
        total = np.logaddexp(parts[0][1], parts[1][1])
        with np.errstate(invalid="ignore"):  # −inf − −inf: NaN where neither side answers
            shares = [np.exp(log_mass - total)[:, None] for _, log_mass in parts]
        found = shares[0] * parts[0][0] + shares[1] * parts[1][0]
        return np.asarray(found, dtype=self.keys_.dtype)

    def _weighing(self, bandwidth: Any, neighbors: Any) -> dict[str, Any]:
        return {
            "kernel": self.kernel,
            "bandwidth": bandwidth,
            "neighbors": neighbors,
            "num_threads": self.n_jobs,
        }

    def _answers(self, windows: Array, bandwidth: Any, away: Any = None) -> Array:
        """Return what comes after windows (m, lags · channels), (m, horizon · channels)."""
        given = [one for one in (self.neighbors, away) if one is not None]
        seen = given[0] & given[1] if len(given) == 2 else (given or [None])[0]
        options = self._weighing(bandwidth, seen)
        if self.degree == 0:
            return vicinal.local_mean(windows, self.keys_, self.values_, **options)
        options |= {"degree": 1, "ridge": self.ridge}
        return np.asarray(vicinal.local_fit(windows, self.keys_, self.values_, **options).fitted)

    def _windows(self, X: Any) -> Array:
        check_is_fitted(self)
        windows = check_array(X, dtype=self.keys_.dtype, order="C", input_name="X")
        if windows.shape[1] != self.keys_.shape[1]:
            raise ValueError(
                f"X must have windows of {self.keys_.shape[1]} numbers (lags times channels), got "
                f"shape {windows.shape}"
            )
        return np.asarray(windows)

    def _shaped(self, rows: Array) -> Array:
        return rows if self.flat_ else rows.reshape(len(rows), self.horizon, -1)

    def _check(self) -> None:
        for name in ("lags", "horizon", "spacing"):
            check_whole(getattr(self, name), name, 1)
        if self.degree not in (0, 1):
            raise ValueError(f"degree must be 0 (means) or 1 (lines), got {self.degree!r}")
        check_number(self.ridge, "ridge", lambda ridge: 0 <= ridge < np.inf, "finite, at least 0")
        if self.theiler is not None:
            check_whole(self.theiler, "theiler", 0)
        if isinstance(self.bandwidth, str):
            check_choice(self.bandwidth, "bandwidth", ("loo",))

    def _get_state(self) -> dict[str, Any]:
        """Return the fitted attributes that a file holds."""
        return {name: getattr(self, name) for name in self._state}

    def _set_state(self, state: dict[str, Any]) -> None:
        """Take fitted attributes over from a file, after every check that `fit` would make."""
        check_names(state, self._state, ())
        self._check()
        keys, values, history = (state[name] for name in ("keys_", "values_", "history_"))
        channels = history.shape[1]
        shapes = ((len(keys), self.lags * channels), (len(keys), self.horizon * channels))
        fits = (keys.shape, values.shape) == shapes and len(history) == self._span
        floats = all(one.dtype == keys.dtype and one.dtype.kind == "f" for one in (values, history))
        finite = all(np.isfinite(one).all() for one in (keys, values, history))
        if not (fits and floats and finite and isinstance(state["flat_"], bool) and len(keys) > 0):
            raise ValueError("keys_, values_ and history_ do not fit the lags and the horizon")
        check_neighbors(self.neighbors, len(keys))
        self.__dict__.update(state)
        self._answers(keys[:1], self.bandwidth_)
