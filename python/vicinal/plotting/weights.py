"""The weights behind one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from vicinal.arrays import Array
from vicinal.engine import local_weights
from vicinal.models.base import LocalModel
from vicinal.plotting.axes import axes_or_new
from vicinal.plotting.estimator import as_model

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.axes import Axes

__all__ = ["LocalWeightsDisplay"]


class LocalWeightsDisplay:
    """Show which training rows answer one query, and with what share.

    Make it with `from_estimator`. One feature: the share of every training row over that feature.
    More: the training rows over two of the features, colored by their share.

    Parameters
    ----------
    keys : ndarray of shape (n, 1) or (n, 2)
        The features shown of the training rows.
    weights : ndarray of shape (n,)
        Their shares of the whole weight; they add up to 1, or are 0 for an empty row.
    query : ndarray of shape (1,) or (2,)
        The same features of the query.
    feature_names : sequence of str
        Their axis labels.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes drawn on.
    figure_ : matplotlib.figure.Figure
        Their figure.
    keys_artist_ : matplotlib artist
        The training rows.
    query_artist_ : matplotlib artist
        The query.

    See Also
    --------
    vicinal.local_weights : The numbers behind it.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import LocalMeanRegressor
    >>> from vicinal.plotting import LocalWeightsDisplay
    >>> X = np.linspace(0, 1, 50)[:, None]
    >>> model = LocalMeanRegressor().fit(X, X[:, 0] ** 2)
    >>> display = LocalWeightsDisplay.from_estimator(model, [[0.3]])
    >>> display.ax_.get_xlabel()
    'feature 0 (units of X)'
    """

    def __init__(
        self,
        *,
        keys: Array,
        weights: Array,
        query: Array,
        feature_names: list[str],
    ) -> None:
        self.keys = keys
        self.weights = weights
        self.query = query
        self.feature_names = feature_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        *,
        features: int | str | tuple[int | str, ...] | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the weights of a fitted model for one query.

        Parameters
        ----------
        estimator : estimator of `vicinal.models`
            A fitted model that keeps its keys.
        X : array-like of shape (1, d)
            The query.
        features : int, str, or tuple of one or two, default=None
            The features to show, by position or, after a fit on a data frame, by name; None is
            the first two.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed on to `plot`.

        Returns
        -------
        display : LocalWeightsDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If `X` is not one row or `features` does not fit.
        TypeError
            If `estimator` is not a model of `vicinal.models`.
        """
        estimator = as_model(estimator, fitted=True)
        query = estimator._queries(X)
        if len(query) != 1:
            raise ValueError(f"X must be one query, shape (1, d), got {query.shape}")
        columns = _columns(features, estimator, query.shape[1])
        weights = local_weights(query, estimator.keys_, empty="zero", **estimator._options(query))
        display = cls(
            keys=estimator.keys_[:, columns],
            weights=weights[0],
            query=query[0, columns],
            feature_names=[_axis_label(estimator, column) for column in columns],
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed on to the artist of the training rows.

        Returns
        -------
        self : LocalWeightsDisplay
            This display, with `ax_`, `figure_`, `keys_artist_` and `query_artist_`.
        """
        self.ax_ = axes_or_new(ax)
        self.figure_ = self.ax_.figure
        self.ax_.set_xlabel(self.feature_names[0])
        if len(self.feature_names) == 1:
            self._plot_shares(**kwargs)
        else:
            self._plot_map(**kwargs)
        self.ax_.legend(loc="best")
        return self

    def _plot_shares(self, **kwargs: Any) -> None:
        style = {"color": "C0", "alpha": 0.7, "label": "training rows", **kwargs}
        self.keys_artist_: Any = self.ax_.vlines(self.keys[:, 0], 0, self.weights, **style)
        self.query_artist_: Any = self.ax_.axvline(
            self.query[0], color="C3", ls="--", label="query"
        )
        self.ax_.set_ylim(bottom=0)
        self.ax_.set_ylabel("weight (share of the sum)")

    def _plot_map(self, **kwargs: Any) -> None:
        # The heaviest rows last, so that they are not hidden.
        order = np.argsort(self.weights, kind="stable")
        # Light means little weight; the edges keep such rows in sight.
        look = {"cmap": "Blues", "s": 30, "edgecolors": "0.55", "linewidths": 0.5}
        style = {**look, "label": "training rows", **kwargs}
        self.keys_artist_ = self.ax_.scatter(
            self.keys[order, 0], self.keys[order, 1], c=self.weights[order], **style
        )
        self.query_artist_ = self.ax_.scatter(
            self.query[:1],
            self.query[1:],
            marker="o",
            s=160,
            facecolors="none",  # the heaviest row may lie where the query is
            edgecolors="C3",
            linewidths=2,
            label="query",
        )
        self.ax_.set_ylabel(self.feature_names[1])
        self.ax_.figure.colorbar(self.keys_artist_, ax=self.ax_, label="weight (share of the sum)")


def _columns(
    features: int | str | tuple[int | str, ...] | None, model: LocalModel, count: int
) -> list[int]:
    if features is None:
        return list(range(min(count, 2)))
    several = (features,) if isinstance(features, int | str) else tuple(features)
    names = list(getattr(model, "feature_names_in_", ()))
    columns = [names.index(f) if f in names else f for f in several]
    fits = all(isinstance(c, int | np.integer) and -count <= c < count for c in columns)
    if len(columns) not in (1, 2) or not fits:
        known = f", or of the names {names}" if names else ""
        raise ValueError(
            f"features must be one or two columns out of {count}{known}, got {features!r}"
        )
    return [int(column) % count for column in columns]


def _axis_label(model: LocalModel, column: int) -> str:
    names = getattr(model, "feature_names_in_", None)
    return f"feature {column} (units of X)" if names is None else str(names[column])
