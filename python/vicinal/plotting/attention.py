"""Who looks at whom, in one head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from vicinal.arrays import Array, as_array
from vicinal.plotting.axes import axes_or_new

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from matplotlib.axes import Axes

__all__ = ["AttentionDisplay"]

_MOST_LABELS = 40  # tokens named one by one; more are counted


class AttentionDisplay:
    """Show the weights of one head: a row for each token that asks, a column for each that answers.

    Dark is heavy. Up to 40 tokens are named, and a ring marks the heaviest key of each row. Make it
    with `from_estimator` or `from_arrays`.

    Parameters
    ----------
    weights : ndarray of shape (m, n)
        Shares; rows add up to 1, or are 0 where no key is seen.
    tokens : list of str or None
        Names of the queries, and of the keys if `key_tokens` is None.
    key_tokens : list of str or None
        Names of the keys.
    title : str
        What is drawn.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes drawn on.
    figure_ : matplotlib.figure.Figure
        Their figure.
    image_ : matplotlib.image.AxesImage
        The weights.
    heaviest_ : matplotlib.collections.PathCollection or None
        The rings.

    See Also
    --------
    vicinal.models.LocalAttention.head_weights : The numbers behind it.

    Examples
    --------
    >>> from vicinal.plotting import AttentionDisplay
    >>> weights = [[1.0, 0.0], [0.25, 0.75]]
    >>> display = AttentionDisplay.from_arrays(weights, tokens=["to", "be"])
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['to', 'be']
    """

    def __init__(
        self,
        *,
        weights: Array,
        tokens: list[str] | None = None,
        key_tokens: list[str] | None = None,
        title: str = "",
    ) -> None:
        self.weights = weights
        self.tokens = tokens
        self.key_tokens = key_tokens
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        x: ArrayLike,
        *,
        head: int = 0,
        context: ArrayLike | None = None,
        tokens: Sequence[str] | None = None,
        key_tokens: Sequence[str] | None = None,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Compute and draw the weights of a head of a layer.

        Parameters
        ----------
        estimator : LocalAttention
            Or whatever has its method `head_weights`.
        x : array-like of shape (m, inputs)
            One sequence.
        head : int, default=0
            Which head.
        context : array-like of shape (n, inputs), default=None
            The rows that answer; None is `x`.
        tokens : sequence of str, default=None
            Names of the rows of `x`; None counts them.
        key_tokens : sequence of str, default=None
            Names of the rows of `context`; None takes `tokens` if there is no context.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed on to `plot`.

        Returns
        -------
        display : AttentionDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If the estimator has no heads.
        ValueError
            If there is no such head, or the names do not fit.
        """
        if not hasattr(estimator, "head_weights"):
            raise TypeError(
                "estimator must have head_weights(x, head), as vicinal.models.LocalAttention, got "
                f"{type(estimator).__name__}; weights themselves go to AttentionDisplay.from_arrays"
            )
        weights = estimator.head_weights(x, head, context=context)
        title = f"head {head}"
        return cls.from_arrays(
            weights, tokens=tokens, key_tokens=key_tokens, title=title, ax=ax, **kwargs
        )

    @classmethod
    def from_arrays(
        cls,
        weights: ArrayLike,
        *,
        tokens: Sequence[str] | None = None,
        key_tokens: Sequence[str] | None = None,
        title: str = "",
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw weights.

        Parameters
        ----------
        weights : array-like of shape (m, n)
            As of `vicinal.local_weights`.
        tokens : sequence of str, default=None
            Names of the m queries; None counts them.
        key_tokens : sequence of str, default=None
            Names of the n keys; None takes `tokens` if m = n.
        title : str, default=""
            What is drawn.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed on to `plot`.

        Returns
        -------
        display : AttentionDisplay
            The drawn display.

        Raises
        ------
        ValueError
            If the weights are no matrix, or the names do not fit.
        """
        matrix = as_array(weights.toarray() if hasattr(weights, "toarray") else weights, "weights")
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise ValueError(
                f"weights must be (m, n), one head of one sequence, got shape {matrix.shape}"
            )
        if key_tokens is None and matrix.shape[0] == matrix.shape[1]:
            key_tokens = tokens
        display = cls(
            weights=matrix,
            tokens=_as_names(tokens, matrix.shape[0], "tokens"),
            key_tokens=_as_names(key_tokens, matrix.shape[1], "key_tokens"),
            title=title,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Axes | None = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed on to ``imshow``.

        Returns
        -------
        self : AttentionDisplay
            This display, with `ax_`, `figure_`, `image_` and `heaviest_`.
        """
        self.ax_ = axes_or_new(ax)
        self.figure_ = self.ax_.figure
        top = float(np.nanmax(self.weights, initial=0)) or 1.0
        style = {"cmap": "Blues", "vmin": 0, "vmax": top, "aspect": "equal", **kwargs}
        self.image_ = self.ax_.imshow(self.weights, **style)
        few = max(self.weights.shape) <= _MOST_LABELS
        self.heaviest_: Any = self._ring_the_heaviest() if few else None
        self._name("x", self.key_tokens, "key (the token that answers)")
        self._name("y", self.tokens, "query (the token that asks)")
        self.ax_.set_title(self.title, loc="left")
        self.figure_.colorbar(self.image_, ax=self.ax_, label="weight (share of the row)")
        return self

    def _ring_the_heaviest(self) -> Any:
        rows = np.flatnonzero(np.nan_to_num(self.weights).max(axis=1) > 0)
        columns = np.nan_to_num(self.weights[rows]).argmax(axis=1)
        rings = self.ax_.scatter(
            columns,
            rows,
            s=(120 / max(*self.weights.shape, 10)) ** 2,
            facecolors="none",
            edgecolors="C1",
            linewidths=1.5,
            label="heaviest key of the row",
        )
        self.ax_.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False, fontsize="small")
        return rings

    def _name(self, axis: str, names: list[str] | None, label: str) -> None:
        of_axis = getattr(self.ax_, f"{axis}axis")
        if names is not None and len(names) <= _MOST_LABELS:
            options = {"rotation": 90} if axis == "x" else {}
            of_axis.set_ticks(range(len(names)), names, **options)
        else:
            label = f"number of the {label}"
        of_axis.set_label_text(label)


def _as_names(names: Sequence[str] | None, count: int, argument: str) -> list[str] | None:
    if names is None:
        return None
    listed = [str(name) for name in names]
    if len(listed) != count:
        raise ValueError(f"{argument} must be {count} names, got {len(listed)}")
    return listed
