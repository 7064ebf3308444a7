"""Series that are continued as they went on after similar windows."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

import vicinal
from vicinal.arrays import Array
from vicinal.models.checks import check_choice, check_number, check_whole
from vicinal.models.lazy.windows import as_series, windows_of
from vicinal.models.saved import Saved
from vicinal.models.sets import check_neighbors
from vicinal.models.state import check_names

# Bandwidths that "loo" tries, in standard deviations of a window's distance to the mean window.
GRID = np.geomspace(0.05, 2.0, 16)


class LocalAutoregressor(Saved, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    r"""Predict what comes next from what came after similar windows of the series.

    The window at time t is :math:`x_t = (s_t, s_{t-\tau}, \dots, s_{t-(lags-1)\tau})`, its value
    :math:`y_t = (s_{t+1}, \dots, s_{t+horizon})`; the prediction is the local mean of the values
    or, of degree 1, the local line through them. Leave-one-out leaves out all windows within
    `theiler` steps: those that share data say nothing of the future.

    Parameters
    ----------
    lags : int, default=8
        Numbers in a window.
    horizon : int, default=1
        Steps that are predicted at once. `forecast` goes on from its own predictions after them: 1
        is iterated forecasting, the number of steps direct forecasting.
    spacing : int, default=1
        Steps τ between the numbers of a window.
    degree : {0, 1}, default=0
        Local means or local lines.
    ridge : float, default=0.0
        Penalty of the slopes of lines, see `vicinal.local_fit`.
    kernel : str or kernel, default="gaussian"
        A name or an object of `vicinal.kernels`.
    bandwidth : float, array-like, rule or "loo", default="loo"
        In units of the series, one for all lags or one each; "loo" takes the one of 16 that
        predicts left-out windows best.
    neighbors : NeighborSet, default=None
        Which windows count, as ``vicinal.KNearest(20)``; None is all.
    theiler : int, default=None
        Windows less than so many steps apart do not judge each other. None is
        ``(lags - 1) * spacing + 1 + horizon``: those that share data, the predicted included.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.

    Attributes
    ----------
    keys_ : ndarray of shape (windows, lags * channels)
        The windows, newest number first.
    values_ : ndarray of shape (windows, horizon * channels)
        What came after them.
    history_ : ndarray of shape ((lags - 1) * spacing + 1, channels)
        The end of the series, from which `forecast` goes on.
    bandwidth_ : float, ndarray or rule
        The bandwidth in use.

    Notes
    -----
    Lorenz's method of analogues (1969); Farmer and Sidorowich (1987) for local lines in windows;
    Theiler (1986) for windows that are near in time.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import LocalAutoregressor
    >>> series = np.sin(np.arange(200) / 3)
    >>> model = LocalAutoregressor(lags=4, degree=1, bandwidth=0.3).fit(series)
    >>> bool(np.abs(model.forecast(20) - np.sin(np.arange(200, 220) / 3)).max() < 1e-6)
    True
    """

    _state: ClassVar[tuple[str, ...]] = ("keys_", "values_", "history_", "flat_", "bandwidth_")

    def __init__(
        self,
        lags: int = 8,
        horizon: int = 1,
        *,
        spacing: int = 1,
        degree: int = 0,
        ridge: float = 0.0,
        kernel: Any = "gaussian",
        bandwidth: Any = "loo",
        neighbors: Any = None,
        theiler: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.lags = lags
        self.horizon = horizon
        self.spacing = spacing
        self.degree = degree
        self.ridge = ridge
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.neighbors = neighbors
        self.theiler = theiler
        self.n_jobs = n_jobs

    def fit(self, series: Any, y: Any = None) -> LocalAutoregressor:
        """Cut the series into windows and what came after them.

        Parameters
        ----------
        series : array-like of shape (n,) or (n, channels)
            Numbers at equal steps, float32 kept.
        y : None
            Ignored.

        Returns
        -------
        self : LocalAutoregressor
            The fitted model.

        Raises
        ------
        ValueError
            If the series is not finite or too short, or a parameter does not fit.
        """
        self._check()
        numbers = as_series(series)
        self.keys_, self.values_ = windows_of(numbers, self.lags, self.spacing, self.horizon)
        check_neighbors(self.neighbors, len(self.keys_))
        self.flat_ = np.ndim(series) == 1
        self.history_ = numbers[-self._span :].copy()
        self.bandwidth_ = self._settled()
        self._answers(self.keys_[:1], self.bandwidth_)  # what does not fit together fails here
        return self

    def predict(self, X: Any) -> Array:
        """Predict what comes after windows.

        Parameters
        ----------
        X : array-like of shape (m, lags * channels)
            Windows as in `keys_`, the newest number first.

        Returns
        -------
        y : ndarray of shape (m, horizon) or (m, horizon, channels)
            The next numbers.
        """
        check_is_fitted(self)
        windows = check_array(X, dtype=self.keys_.dtype, order="C", input_name="X")
        if windows.shape[1] != self.keys_.shape[1]:
            raise ValueError(
                f"X must have windows of {self.keys_.shape[1]} numbers (lags times channels), got "
                f"shape {windows.shape}"
            )
        return self._shaped(self._answers(windows, self.bandwidth_))

    def forecast(self, steps: int, series: Any = None) -> Array:
        """Continue a series.

        Parameters
        ----------
        steps : int
            How many numbers.
        series : array-like of shape (n,) or (n, channels), default=None
            What to continue, ``(lags - 1) * spacing + 1`` numbers at least; None is the series of
            the fit.

        Returns
        -------
        y : ndarray of shape (steps,) or (steps, channels)
            The numbers that come next, `horizon` at a time.
        """
        check_is_fitted(self)
        check_whole(steps, "steps", 1)
        known = self.history_ if series is None else as_series(series)
        channels = self.history_.shape[1]
        if len(known) < self._span or known.shape[1] != channels:
            raise ValueError(
                f"series must have {self._span} numbers at least in {channels} channels, got shape "
                f"{known.shape}"
            )
        ago = 1 + np.arange(self.lags) * self.spacing
        numbers = known[-self._span :].astype(self.keys_.dtype)
        while len(numbers) < self._span + steps:
            window = numbers[len(numbers) - ago].reshape(1, -1)
            after = self._answers(window, self.bandwidth_).reshape(-1, channels)
            numbers = np.concatenate([numbers, after])
        found = numbers[self._span : self._span + steps]
        return np.asarray(found[:, 0] if self.flat_ else found)

    def loo_predict(self) -> Array:
        """Predict after every window from those that are `theiler` steps away at least.

        Returns
        -------
        y : ndarray of shape (windows, horizon) or (windows, horizon, channels)
            To be compared with `values_`; NaN where no window is that far away and near enough.
        """
        check_is_fitted(self)
        return self._shaped(self._others(self.bandwidth_))

    def loo_score(self) -> float:
        """Return the share of the variance of what comes next that `loo_predict` explains.

        Returns
        -------
        score : float
            R² over all numbers; a window that no other can answer is charged the mean.
        """
        check_is_fitted(self)
        return 1 - self._loss(self.bandwidth_) / float(np.mean(np.square(self._gaps())))

    @property
    def n_features_in_(self) -> int:
        """Numbers in a window, of all channels."""
        check_is_fitted(self, "keys_")
        return int(self.keys_.shape[1])

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
        away = vicinal.Window(None, 0, offset=-far) | vicinal.Window(0, None, offset=far)
        return self._answers(self.keys_, bandwidth, away)

    def _answers(self, windows: Array, bandwidth: Any, away: Any = None) -> Array:
        """Return what comes after windows (m, lags · channels), (m, horizon · channels)."""
        given = [one for one in (self.neighbors, away) if one is not None]
        options = {
            "kernel": self.kernel,
            "bandwidth": bandwidth,
            "neighbors": given[0] & given[1] if len(given) == 2 else (given or [None])[0],
            "num_threads": self.n_jobs,
        }
        if self.degree == 0:
            return vicinal.local_mean(windows, self.keys_, self.values_, **options)
        options |= {"degree": 1, "ridge": self.ridge}
        return np.asarray(vicinal.local_fit(windows, self.keys_, self.values_, **options).fitted)

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
