"""Memberships of every input, and what the rules answer over two inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array
from vicinal.plotting.axes import axes_or_new

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from matplotlib.axes import Axes

__all__ = ["RuleDisplay"]

_STYLES = ("-", "--", ":", "-.")
_POINTS, _SIDE = 401, 61  # of a membership, and of a side of the surface


class RuleDisplay:
    """Show the memberships of inputs in panels, and the control surface over two inputs.

    Terms differ in line style as in color, and the levels of the surface are labelled, so that the
    picture reads without color. Make it with `from_estimator`.

    Parameters
    ----------
    memberships : dict of str to (ndarray, dict of str to ndarray)
        Of every input, where, and the degrees of its terms there.
    surface : (ndarray, ndarray, ndarray) or None
        Two inputs, (k,) each, and the output, (k, k), rows along the second; None for one input.
    names : (str, str, str)
        Of the two inputs and the output.

    Attributes
    ----------
    axes_ : list of matplotlib.axes.Axes
        The panels of memberships, then the surface.
    figure_ : matplotlib.figure.Figure
        Their figure.

    See Also
    --------
    vicinal.models.Mamdani, vicinal.models.TakagiSugeno : The systems shown.

    Examples
    --------
    >>> import vicinal as vc
    >>> from vicinal.plotting import RuleDisplay
    >>> mf = vc.models.fuzzy
    >>> model = vc.models.TakagiSugeno(
    ...     {"x": {"low": mf.Gauss(0, 1), "high": mf.Gauss(4, 1)}},
    ...     {"y": {"a": 0.0, "b": 1.0}},
    ...     ["IF x IS low THEN y IS a", "IF x IS high THEN y IS b"],
    ... )
    >>> display = RuleDisplay.from_estimator(model, ranges={"x": (-2, 6)})
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['degree of membership', 'y']
    """

    def __init__(
        self,
        *,
        memberships: dict[str, tuple[Array, dict[str, Array]]],
        surface: tuple[Array, Array, Array] | None,
        names: tuple[str, str, str],
    ) -> None:
        self.memberships = memberships
        self.surface = surface
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        ranges: Mapping[str, tuple[float, float]] | None = None,
        inputs: Sequence[str] | None = None,
        output: str | None = None,
        fixed: Mapping[str, float] | None = None,
        ax: Axes | Sequence[Axes] | None = None,
    ) -> Self:
        """Evaluate and draw a system.

        Parameters
        ----------
        estimator : Mamdani or TakagiSugeno
            The system.
        ranges : mapping of str to (float, float), default=None
            Where inputs are drawn; others span their terms (three widths of a Gaussian or bell).
        inputs : sequence of one or two str, default=None
            Inputs of the surface; None takes the first two.
        output : str, default=None
            None is the first.
        fixed : mapping of str to float, default=None
            Values of the other inputs; others stand in the middle of their range.
        ax : sequence of matplotlib.axes.Axes, default=None
            One for each input of the surface and one for the surface; None makes a new figure.

        Returns
        -------
        display : RuleDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If the estimator has no rules.
        ValueError
            If a name is unknown.
        """
        if not hasattr(estimator, "firing_strengths"):
            raise TypeError(
                "estimator must be a Mamdani or TakagiSugeno system, got "
                f"{type(estimator).__name__}"
            )
        chosen = list(estimator.inputs)[:2] if inputs is None else list(inputs)
        for name in [*chosen, *(ranges or ()), *(fixed or ())]:
            if name not in estimator.inputs:
                raise ValueError(
                    f"{name!r} is no input; the inputs are {', '.join(estimator.inputs)}"
                )
        if not 1 <= len(chosen) <= 2:
            raise ValueError(f"inputs must be one or two names, got {inputs!r}")
        ends = {name: _range(terms) for name, terms in estimator.inputs.items()} | dict(
            ranges or {}
        )
        output = next(iter(estimator.outputs)) if output is None else output
        if output not in estimator.outputs:
            raise ValueError(f"output {output!r} is not among {', '.join(estimator.outputs)}")
        memberships = {}
        for name in chosen:
            x = np.linspace(*ends[name], _POINTS)
            memberships[name] = x, {t: f(x) for t, f in estimator.inputs[name].items()}
        values: dict[str, Any] = {name: sum(pair) / 2 for name, pair in ends.items()}
        values.update(fixed or {})
        x = np.linspace(*ends[chosen[0]], _SIDE if len(chosen) == 2 else _POINTS)
        y = np.linspace(*ends[chosen[-1]], _SIDE)[:, None]
        values[chosen[0]] = x
        if len(chosen) == 2:
            values[chosen[1]] = y
        surface = x, y[:, 0], estimator.infer(values)[output]
        display = cls(
            memberships=memberships, surface=surface, names=(chosen[0], chosen[-1], output)
        )
        return display.plot(ax=ax)

    def plot(self, ax: Axes | Sequence[Axes] | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : sequence of matplotlib.axes.Axes, default=None
            One for each membership panel and one for the surface; None makes a new figure.

        Returns
        -------
        self : RuleDisplay
            This display, with `axes_` and `figure_`.

        Raises
        ------
        ValueError
            If the number of axes does not fit.
        """
        count = len(self.memberships) + (self.surface is not None)
        if ax is None:
            figure: Any = axes_or_new(None).figure
            figure.clear()
            figure.set_size_inches(4.2 * count, 3.8)
            self.axes_ = list(np.atleast_1d(figure.subplots(1, count)))
        else:
            self.axes_ = [axes_or_new(one) for one in np.atleast_1d(np.asarray(ax, dtype=object))]
            if len(self.axes_) != count:
                raise ValueError(f"ax must be {count} axes, got {len(self.axes_)}")
        self.figure_ = self.axes_[0].figure
        for axes, name in zip(self.axes_, self.memberships, strict=False):
            self._draw_terms(axes, name)
        if self.surface is not None:
            self._draw_surface(self.axes_[-1])
        return self

    def _draw_terms(self, ax: Any, name: str) -> None:
        x, terms = self.memberships[name]
        for place, (term, degrees) in enumerate(terms.items()):
            ax.plot(x, degrees, _STYLES[place % len(_STYLES)], color=f"C{place}", label=term)
        ax.set(xlabel=name, ylabel="degree of membership", ylim=(-0.03, 1.2), xlim=(x[0], x[-1]))
        ax.legend(loc="upper center", ncols=min(3, len(terms)), frameon=False, fontsize="small")

    def _draw_surface(self, ax: Any) -> None:
        assert self.surface is not None
        x, y, output = self.surface
        if output.ndim == 1:
            ax.plot(x, output, color="black")
            ax.set(xlabel=self.names[0], ylabel=self.names[2], xlim=(x[0], x[-1]))
            return
        filled = ax.contourf(x, y, output, levels=12, cmap="cividis")
        lines = ax.contour(x, y, output, levels=filled.levels[::2], colors="white", linewidths=0.8)
        ax.clabel(lines, fontsize="small")
        ax.figure.colorbar(filled, ax=ax, label=self.names[2])
        ax.set(xlabel=self.names[0], ylabel=self.names[1])


def _range(terms: Mapping[str, Any]) -> tuple[float, float]:
    """Return what the terms span: corners, or three widths about a center."""
    points: list[float] = []
    for term in terms.values():
        center = getattr(term, "center", None)
        if center is None:
            points.extend(corner for corner in term.parameters if np.isfinite(corner))
        else:
            width = getattr(term, "width", None)
            reach = 3 * width if width is not None else 6 / abs(term.slope) if term.slope else 1.0
            points.extend((center - reach, center + reach))
    return min(points), max(points)
