"""Series that are continued as they went on after similar windows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

import vicinal
from vicinal.arrays import Array
from vicinal.models.checks import check_whole
from vicinal.models.lazy.analogues import Analogues
from vicinal.models.lazy.windows import as_series, windows_of
from vicinal.models.sets import check_neighbors

__all__ = ["LocalAutoregressor"]


class LocalAutoregressor(Analogues):
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
        return self._shaped(self._answers(self._windows(X), self.bandwidth_))

    def explain(self, X: Any, k: int = 5) -> tuple[Array, Array]:
        """Name the windows of the series that weigh most in the prediction after each of `X`.

        Parameters
        ----------
        X : array-like of shape (m, lags * channels)
            Windows as in `keys_`.
        k : int, default=5
            How many windows to name for each.

        Returns
        -------
        indices : ndarray of shape (m, k), int64
            Rows of `keys_`, heaviest first, ties by index; −1 where the support holds fewer.
        weights : ndarray of shape (m, k)
            Their shares of the whole weight; 0 where the index is −1.
        """
        windows = self._windows(X)
        options = self._weighing(self.bandwidth_, self.neighbors)
        stats = vicinal.local_stats(windows, self.keys_, statistics="top_k", k=k, **options)
        assert stats.top_k is not None
        return stats.top_k

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
    def empty_rows_(self) -> int:
        """Windows that no window `theiler` steps away is near enough to."""
        check_is_fitted(self)
        return int(np.isnan(self._others(self.bandwidth_)[:, 0]).sum())
