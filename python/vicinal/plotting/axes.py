"""Where a display draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["axes_or_new"]


def axes_or_new(ax: Axes | None) -> Axes:
    """Return `ax`, or the axes of a new figure."""
    if ax is not None:
        if not hasattr(ax, "figure"):
            raise TypeError(f"ax must be one matplotlib Axes, got {type(ax).__name__}")
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "displays need matplotlib; install it with: python -m pip install matplotlib "
            "(the extra `plot` of vicinal)"
        ) from error
    return pyplot.subplots(layout="constrained")[1]
