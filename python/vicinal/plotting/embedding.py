"""The coordinates of an embedding, and how much each point of it keeps."""

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

    from vicinal.models import EmbeddingDistiller

__all__ = ["EmbeddingDisplay"]

_MOST_CLASSES = 20


class EmbeddingDisplay:
    """Show rows at two coordinates of an embedding, colored by distortion or by what is given.

    Numbers are colored from dark to light, with a bar; classes differ in marks as well as in color,
    with a legend. Make it with `from_estimator`.

    Parameters
    ----------
    coordinates : ndarray of shape (m, 2)
        Where the rows are drawn.
    color : ndarray of shape (m,)
        A number of each row, or its class: strings, booleans or at most 20 whole numbers.
    color_label : str
        What the colors are, the label of the bar or title of the legend.
    coordinate_names : list of str
        Labels of the axes.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes drawn on.
    figure_ : matplotlib.figure.Figure
        Their figure.
    artists_ : list of matplotlib.collections.PathCollection
        The rows: one of numbers, one of each class.

    See Also
    --------
    vicinal.models.EmbeddingDistiller : What distortion is.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import EmbeddingDistiller
    >>> from vicinal.plotting import EmbeddingDisplay
    >>> X = np.random.default_rng(0).normal(size=(80, 3))
    >>> model = EmbeddingDistiller().fit(X, X[:, :2])
    >>> display = EmbeddingDisplay.from_estimator(model)
    >>> display.ax_.get_xlabel(), display.color_label
    ('coordinate 0', 'distortion (units of X)')
    """

    def __init__(
        self, *, coordinates: Array, color: Array, color_label: str, coordinate_names: list[str]
    ) -> None:
        self.coordinates = coordinates
        self.color = color
        self.color_label = color_label
        self.coordinate_names = coordinate_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike | None = None,
        *,
        color: ArrayLike | None = None,
        color_label: str | None = None,
        coordinates: Sequence[int] = (0, 1),
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the training rows or new ones.

        Parameters
        ----------
        estimator : EmbeddingDistiller or LocallyLinearEmbedding of `vicinal.models`
            Fitted, with two coordinates at least.
        X : array-like of shape (m, d), default=None
            New rows; None draws the training rows.
        color : array-like of shape (m,), default=None
            A number or a class of each row; None is its distortion: of training rows by the others
            (of `LocallyLinearEmbedding` with landmarks those are drawn), of new rows by all.
        color_label : str, default=None
            What `color` is; None is "distortion (units of X)" if it is not given, and "color" or
            "class" if it is.
        coordinates : sequence of two int, default=(0, 1)
            The columns of the embedding drawn.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed on to `plot`.

        Returns
        -------
        display : EmbeddingDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If the estimator is neither of the two.
        ValueError
            If `color` is not one entry per row or has more than 20 classes, or `coordinates` are
            not two columns.
        """
        _check_model(estimator)
        columns = two_columns(coordinates, estimator.embedding_.shape[1], "coordinates")
        if color is None:
            distiller = _as_distiller(estimator)
            places = distiller.embedding_ if X is None else distiller.transform(X)
            shown = distiller.distortion_ if X is None else distiller.distortion(X)
            color_label = color_label or "distortion (units of X)"
        else:
            places = estimator.embedding_ if X is None else estimator.transform(X)
            shown = _as_color(color, len(places))
            color_label = color_label or ("class" if _are_classes(shown) else "color")
        display = cls(
            coordinates=np.asarray(places)[:, columns],
            color=shown,
            color_label=color_label,
            coordinate_names=[f"coordinate {column}" for column in columns],
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed on to `matplotlib.axes.Axes.scatter`.

        Returns
        -------
        self : EmbeddingDisplay
            This display, with `ax_`, `figure_` and `artists_`.
        """
        self.ax_ = axes_or_new(ax)
        self.figure_ = self.ax_.figure
        if _are_classes(self.color):
            self.artists_ = self._plot_classes(**kwargs)
        else:
            self.artists_ = [self._plot_numbers(**kwargs)]
        self.ax_.set_xlabel(self.coordinate_names[0])
        self.ax_.set_ylabel(self.coordinate_names[1])
        return self

    def _plot_numbers(self, **kwargs: Any) -> Any:
        order = np.argsort(self.color, kind="stable")  # large ones last, so that none is hidden
        style = {"cmap": "cividis", "s": 14, **kwargs}
        x, y = self.coordinates[order].T
        dots = self.ax_.scatter(x, y, c=self.color[order], **style)
        self.ax_.figure.colorbar(dots, ax=self.ax_, label=self.color_label)
        return dots

    def _plot_classes(self, **kwargs: Any) -> list[Any]:
        artists = []
        classes = np.unique(self.color)
        for number, name in enumerate(classes):
            x, y = self.coordinates[self.color == name].T
            style = {
                "color": f"C{number % 10}",
                "marker": MARKS[number % len(MARKS)],
                "s": 14,
                "label": str(name),
                **kwargs,
            }
            artists.append(self.ax_.scatter(x, y, **style))
        self.ax_.legend(
            title=self.color_label,
            loc="center left",
            bbox_to_anchor=(1, 0.5),  # beside the axes: rows may be anywhere within
            ncols=1 + len(classes) // 11,
        )
        return artists


def _check_model(estimator: Any) -> None:
    from vicinal.models import EmbeddingDistiller, LocallyLinearEmbedding

    if not isinstance(estimator, EmbeddingDistiller | LocallyLinearEmbedding):
        raise TypeError(
            "estimator must be an EmbeddingDistiller or LocallyLinearEmbedding of vicinal.models, "
            f"got {type(estimator).__name__}; EmbeddingDistiller().fit(X, Z) takes the coordinates "
            "Z of any other embedding"
        )
    check_is_fitted(estimator, "embedding_")


def _as_distiller(estimator: Any) -> EmbeddingDistiller:
    """Return a distiller with the maps of the estimator."""
    from vicinal.models import EmbeddingDistiller

    if isinstance(estimator, EmbeddingDistiller):
        return estimator
    if not hasattr(estimator, "inverse_transform"):
        raise ValueError(
            "color must be given for metric='precomputed': without coordinates of the rows there "
            "is no distortion"
        )
    names = ("n_neighbors", "reg", "metric", "n_jobs")
    distiller = EmbeddingDistiller(
        method="affine", **{name: getattr(estimator, name) for name in names}
    )
    chosen = estimator.landmarks_
    places = estimator.embedding_ if chosen is None else estimator.embedding_[chosen]
    return distiller.fit(estimator.keys_, places)


def _are_classes(color: Array) -> bool:
    kind = color.dtype.kind
    return kind in "bUSO" or (kind in "iu" and len(np.unique(color)) <= _MOST_CLASSES)


def _as_color(color: ArrayLike, count: int) -> Array:
    given = np.asarray(color)
    if given.shape != (count,):
        raise ValueError(
            f"color must be one entry for each of the {count} rows drawn, got shape {given.shape}"
        )
    if given.dtype.kind in "OS":
        given = given.astype(str)
    if given.dtype.kind not in "biufU":
        raise ValueError(f"color must be numbers or classes, got {given.dtype}")
    if _are_classes(given) and len(np.unique(given)) > _MOST_CLASSES:
        raise ValueError(
            f"color must be at most {_MOST_CLASSES} classes, got {len(np.unique(given))}; join "
            "some, or give numbers"
        )
    return given
