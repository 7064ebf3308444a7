"""A criterion of the bandwidth over its grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from vicinal.arrays import Array
from vicinal.plotting.axes import axes_or_new
from vicinal.plotting.estimator import as_model

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.axes import Axes

    from vicinal.bandwidth import BandwidthSelection

__all__ = ["BandwidthCurveDisplay"]

_CRITERIA = {
    "loo": "leave-one-out {loss}",
    "gcv": "GCV {loss}",
    "aicc": "AICc, from the logarithm of the {loss}",
}


class BandwidthCurveDisplay:
    """Show how a criterion of the bandwidth goes over its grid, and what was chosen.

    Make it with `from_estimator` or `from_selection`.

    Parameters
    ----------
    bandwidths : ndarray of shape (g,)
        One number for each entry of the grid; of bandwidths per feature, their geometric mean.
    scores : ndarray of shape (g,)
        The criterion, smaller is better.
    chosen : float
        The bandwidth taken.
    criterion : str
        What the scores are, the label of their axis.
    unit : str
        What the bandwidths are measured in, for the label of their axis.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes drawn on.
    figure_ : matplotlib.figure.Figure
        Their figure.
    line_ : matplotlib.lines.Line2D
        The curve.
    chosen_ : matplotlib.lines.Line2D
        The mark of the bandwidth taken.

    See Also
    --------
    vicinal.bandwidth.select : Computes the curve.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import LocalMeanRegressor
    >>> from vicinal.plotting import BandwidthCurveDisplay
    >>> x = np.linspace(0, 6, 60)
    >>> display = BandwidthCurveDisplay.from_estimator(
    ...     LocalMeanRegressor(), x[:, None], np.sin(x)
    ... )
    >>> display.ax_.get_ylabel()
    'leave-one-out mean squared error (units of y²)'
    """

    def __init__(
        self,
        *,
        bandwidths: Array,
        scores: Array,
        chosen: float,
        criterion: str = "criterion (smaller is better)",
        unit: str = "units of X",
    ) -> None:
        self.bandwidths = bandwidths
        self.scores = scores
        self.chosen = chosen
        self.criterion = criterion
        self.unit = unit

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike | None = None,
        y: ArrayLike | None = None,
        *,
        criterion: str = "loo",
        grid: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Compute and draw the curve for a model.

        Parameters
        ----------
        estimator : estimator of `vicinal.models`
            Its kernel and metric are used; its kernel has no bandwidth of its own.
        X : array-like of shape (n, d), default=None
            Training rows; None takes those of the fitted estimator.
        y : array-like of shape (n,) or (n, p), default=None
            Targets, as for its `fit`.
        criterion : {"loo", "gcv", "aicc"}, default="loo"
            Leave-one-out, generalized cross-validation or Akaike's corrected criterion.
        grid : array-like of shape (g,) or (g, d), default=None
            The bandwidths; None takes those of `vicinal.bandwidth.select`.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows of `X`.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed on to `plot`.

        Returns
        -------
        display : BandwidthCurveDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If the criterion compares nothing, or the kernel has its bandwidth already.
        """
        if criterion not in _CRITERIA:
            raise ValueError(f"criterion must be one of {', '.join(_CRITERIA)}, got {criterion!r}")
        estimator = as_model(estimator, fitted=X is None)
        if X is not None:
            estimator = _fitted_again(estimator, X, y, sample_weight)
        selection = estimator._select_bandwidth(criterion, grid=grid)
        label = _CRITERIA[criterion].format(loss=estimator._loss)
        return cls.from_selection(selection, criterion=label, ax=ax, **kwargs)

    @classmethod
    def from_selection(
        cls,
        selection: BandwidthSelection,
        *,
        criterion: str = "criterion (smaller is better)",
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw what `vicinal.bandwidth.select` returned.

        Parameters
        ----------
        selection : BandwidthSelection
            With a grid, that is of criterion "loo", "gcv" or "aicc".
        criterion : str, default="criterion (smaller is better)"
            Label of the scores.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed on to `plot`.

        Returns
        -------
        display : BandwidthCurveDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If the selection compared nothing: a rule of thumb has no curve.
        """
        if not np.isfinite(selection.scores).any():
            raise ValueError(
                "selection has no curve: its rule compared nothing; select with criterion "
                '"loo", "gcv" or "aicc"'
            )
        several = np.ndim(selection.bandwidth) > 0
        display = cls(
            bandwidths=_geometric_mean(selection.grid),
            scores=np.asarray(selection.scores),
            chosen=float(_geometric_mean(np.atleast_1d(selection.bandwidth)[None])[0]),
            criterion=criterion,
            unit="geometric mean over features, units of X" if several else "units of X",
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed on to the line of the curve.

        Returns
        -------
        self : BandwidthCurveDisplay
            This display, with `ax_`, `figure_`, `line_` and `chosen_`.
        """
        self.ax_ = axes_or_new(ax)
        self.figure_ = self.ax_.figure
        order = np.argsort(self.bandwidths, kind="stable")
        style = {"marker": "o", "markersize": 4, "label": "criterion", **kwargs}
        scores = np.where(np.isfinite(self.scores), self.scores, np.nan)
        (self.line_,) = self.ax_.plot(self.bandwidths[order], scores[order], **style)
        label = f"chosen, {self.chosen:.3g}"
        self.chosen_ = self.ax_.axvline(self.chosen, color="C3", ls="--", label=label)
        self.ax_.set_xscale("log")
        self.ax_.set_xlabel(f"bandwidth ({self.unit})")
        self.ax_.set_ylabel(self.criterion)
        self.ax_.legend(loc="best")
        return self


def _fitted_again(estimator: Any, X: ArrayLike, y: ArrayLike | None, weights: Any) -> Any:
    from sklearn.base import clone

    return clone(estimator).fit(X, y, sample_weight=weights)


def _geometric_mean(grid: Array) -> Array:
    """Return one number per entry of the grid; features left out (infinite) do not count."""
    bandwidths = np.asarray(grid, dtype=np.float64).reshape(len(grid), -1)
    finite = np.isfinite(bandwidths)
    logs = np.log(np.where(finite, bandwidths, 1)).sum(axis=1)
    return np.asarray(np.exp(logs / np.maximum(finite.sum(axis=1), 1)))
