"""A map of a coefficient of a geographically weighted regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from vicinal.arrays import Array
from vicinal.plotting.axes import axes_or_new

if TYPE_CHECKING:
    from typing import Self

    from matplotlib.axes import Axes

__all__ = ["CoefficientMapDisplay"]


class CoefficientMapDisplay:
    """Show a coefficient at the places of the training rows.

    Places whose t-value is within ± `critical` are drawn hollow. Make it with `from_estimator`.

    Parameters
    ----------
    places : ndarray of shape (n, 2)
        Where the rows are.
    coefficient : ndarray of shape (n,)
        The coefficient there.
    significant : ndarray of bool, shape (n,)
        Which of them are filled.
    coefficient_name : str
        Label of the bar.
    coordinate_names : list of str
        Labels of the axes.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes drawn on.
    figure_ : matplotlib.figure.Figure
        Their figure.

    See Also
    --------
    vicinal.models.GeographicallyWeightedRegressor : The model.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import GeographicallyWeightedRegressor
    >>> from vicinal.plotting import CoefficientMapDisplay
    >>> X = np.random.default_rng(0).normal(size=(90, 3))
    >>> model = GeographicallyWeightedRegressor([0, 1], bandwidth=2.0).fit(X, X[:, 0] * X[:, 2])
    >>> display = CoefficientMapDisplay.from_estimator(model)
    >>> display.coefficient_name
    'slope of column 2'
    """

    def __init__(
        self,
        *,
        places: Array,
        coefficient: Array,
        significant: Array,
        coefficient_name: str,
        coordinate_names: list[str],
    ) -> None:
        self.places = places
        self.coefficient = coefficient
        self.significant = significant
        self.coefficient_name = coefficient_name
        self.coordinate_names = coordinate_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        coefficient: int = 1,
        *,
        critical: float = 1.96,
        ax: Axes | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw a coefficient of a fitted model.

        Parameters
        ----------
        estimator : GeographicallyWeightedRegressor
            Fitted, with two coordinates.
        coefficient : int, default=1
            0 is the constant, 1 the slope of the first covariate.
        critical : float, default=1.96
            A coefficient whose t-value is not beyond this is drawn hollow; 0 fills all.
        ax : matplotlib.axes.Axes, default=None
            Axes to draw on; None makes a new figure.
        **kwargs : dict
            Passed on to `plot`.

        Returns
        -------
        display : CoefficientMapDisplay
            The drawn display.

        Raises
        ------
        TypeError
            If the estimator is another.
        ValueError
            If it has not two coordinates, or no such coefficient.
        """
        from vicinal.models import GeographicallyWeightedRegressor

        if not isinstance(estimator, GeographicallyWeightedRegressor):
            raise TypeError(
                "estimator must be a GeographicallyWeightedRegressor of vicinal.models, got "
                f"{type(estimator).__name__}"
            )
        check_is_fitted(estimator)
        columns, count = estimator.coordinates_, estimator.coefficients_.shape[1]
        if len(columns) != 2:
            raise ValueError(f"estimator must have two coordinates to draw, got {len(columns)}")
        if not 0 <= coefficient < count:
            raise ValueError(f"coefficient must be 0 to {count - 1}, got {coefficient}")
        names = getattr(estimator, "feature_names_in_", None)
        if names is None:
            names = [f"column {column}" for column in range(estimator.n_features_in_)]
        rest = [c for c in range(estimator.n_features_in_) if c not in columns]
        rest = rest if estimator.coordinates is not None else list(range(len(names)))
        slope = f"slope of {names[rest[coefficient - 1]]}" if coefficient else "constant"
        display = cls(
            places=estimator.keys_,
            coefficient=estimator.coefficients_[:, coefficient],
            significant=np.abs(estimator.t_values_[:, coefficient]) >= critical,
            coefficient_name=slope,
            coordinate_names=[str(names[column]) for column in columns],
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
        self : CoefficientMapDisplay
            This display, with `ax_` and `figure_`.
        """
        self.ax_ = axes_or_new(ax)
        self.figure_ = self.ax_.figure
        low, high = np.nanmin(self.coefficient), np.nanmax(self.coefficient)
        style = {"cmap": "cividis", "s": 26, "vmin": low, "vmax": high, **kwargs}
        x, y = self.places.T
        self.ax_.scatter(x, y, s=style["s"], facecolors="none", edgecolors="0.4", linewidths=0.8)
        drawn = self.significant
        dots = self.ax_.scatter(x[drawn], y[drawn], c=self.coefficient[drawn], **style)
        self.figure_.colorbar(dots, ax=self.ax_, label=self.coefficient_name)
        self.ax_.set_xlabel(self.coordinate_names[0])
        self.ax_.set_ylabel(self.coordinate_names[1])
        return self
