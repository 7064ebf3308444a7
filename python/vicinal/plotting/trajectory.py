"""The ways that mean shift takes to its modes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from vicinal.arrays import Array
from vicinal.plotting.axes import axes_or_new
from vicinal.plotting.columns import two_columns
from vicinal.plotting.marks import MARKS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from matplotlib.axes import Axes

__all__ = ["TrajectoryDisplay"]

_STYLES = ("-", "--", "-.", ":")
_MOST_IN_LEGEND = 10


class TrajectoryDisplay:
    """Show how rows climb to the modes of a mean shift, in two features.

    Clusters differ in the marks of their rows and the style of their lines as well as in color.
    Make it with `from_estimator`.

    Parameters
    ----------
    trajectories : list of ndarray of shape (t, 2)
        The places where each row stood, the row itself first.
    labels : ndarray of shape (s,)
        The cluster of each.
    centers : ndarray of shape (k, 2)
        The modes.
    keys : ndarray of shape (n, 2)
        Training rows, drawn as dots.
    feature_names : list of str
        Labels of the axes.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes drawn on.
    figure_ : matplotlib.figure.Figure
        Their figure.
    lines_ : list of matplotlib.lines.Line2D
        A line for every trajectory.
    centers_artist_ : matplotlib.collections.PathCollection
        The modes.

    See Also
    --------
    vicinal.models.MeanShift : The model.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import MeanShift
    >>> from vicinal.plotting import TrajectoryDisplay
    >>> X = np.random.default_rng(0).normal(size=(80, 2)) + [[0, 0], [6, 6]] * 40
    >>> model = MeanShift(kernel="gaussian", bandwidth=1.0).fit(X)
    >>> display = TrajectoryDisplay.from_estimator(model, X[:20])
    >>> len(display.lines_), display.ax_.get_xlabel()
    (20, 'feature 0 (units of X)')
    """

    def __init__(
        self,
        *,
        trajectories: list[Array],
        labels: Array,
        centers: Array,
        keys: Array,
        feature_names: list[str],
    ) -> None:
        self.trajectories = trajectories
        self.labels = labels
        self.centers = centers
        self.keys = keys
        self.feature_names = feature_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike | None = None,
        *,
        features: Sequence[int] = (0, 1),
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Walk rows to the modes of a model and draw the ways.

        Parameters
        ----------
        estimator : vicinal.models.MeanShift
            Fitted, of the variant "standard".
        X : array-like of shape (s, d), default=None
            Where the ways begin; None takes at most 100 training rows, spread over their order.
        features : sequence of two int, default=(0, 1)
            The columns of `X` drawn.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed on to `plot`.

        Returns
        -------
        display : TrajectoryDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If the estimator is no `MeanShift`.
        ValueError
            If its variant is another, its bandwidth 0, or `features` are not two columns.
        """
        from vicinal.models import MeanShift

        if not isinstance(estimator, MeanShift):
            raise TypeError(
                f"estimator must be a vicinal.models.MeanShift, got {type(estimator).__name__}"
            )
        check_is_fitted(estimator)
        columns = two_columns(features, estimator.n_features_in_, "features")
        rows = estimator.keys_[:: -(-len(estimator.keys_) // 100)] if X is None else X
        trajectories = estimator.trajectories(rows)
        names = getattr(estimator, "feature_names_in_", None)
        display = cls(
            trajectories=[way[:, columns] for way in trajectories],
            labels=estimator.predict(rows, mode="attractor"),
            centers=estimator.cluster_centers_[:, columns],
            keys=estimator.keys_[:, columns],
            feature_names=[
                f"feature {column} (units of X)" if names is None else str(names[column])
                for column in columns
            ],
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed on to the lines of the trajectories.

        Returns
        -------
        self : TrajectoryDisplay
            This display, with `ax_`, `figure_`, `lines_` and `centers_artist_`.
        """
        self.ax_ = axes_or_new(ax)
        self.figure_ = self.ax_.figure
        self.ax_.plot(*self.keys.T, ".", color="0.75", ms=3, zorder=0, label="training rows")
        lines: dict[int, Any] = {}
        shown: set[int] = set()
        for row in np.argsort(self.labels, kind="stable").tolist():  # the legend by number
            label = int(self.labels[row])
            style = {"lw": 1.0, "ms": 4, "markevery": [0], **_style(label), **kwargs}
            if label not in shown and 0 <= label < _MOST_IN_LEGEND:
                style["label"] = f"to mode {label}"
            shown.add(label)
            (lines[row],) = self.ax_.plot(*self.trajectories[row].T, **style)
        self.lines_ = [lines[row] for row in range(len(lines))]
        x, y = self.centers.T
        self.centers_artist_ = self.ax_.scatter(
            x, y, s=110, c="k", marker="X", edgecolors="w", zorder=3, label="modes"
        )
        box = {"boxstyle": "round,pad=0.15", "fc": "w", "ec": "0.6", "alpha": 0.9}
        for number, (x, y) in enumerate(self.centers[:_MOST_IN_LEGEND].tolist()):
            self.ax_.annotate(
                str(number), (x, y), xytext=(9, 9), textcoords="offset points", bbox=box, zorder=4
            )
        self.ax_.set_xlabel(self.feature_names[0])
        self.ax_.set_ylabel(self.feature_names[1])
        self.ax_.legend(loc="best", fontsize="small")
        return self


def _style(label: int) -> dict[str, Any]:
    if label < 0:
        return {"color": "0.4", "marker": ".", "ls": ":"}
    return {
        "color": f"C{label % 10}",
        "marker": MARKS[label % len(MARKS)],
        "ls": _STYLES[label % len(_STYLES)],
    }
