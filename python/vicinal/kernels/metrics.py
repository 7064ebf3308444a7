"""Metrics: the names, and the two that carry parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array, as_array
from vicinal.errors import did_you_mean

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike

__all__ = ["GreatCircle", "Mahalanobis", "Metric", "as_metric", "metric_name"]

NAMES = ("euclidean", "manhattan", "chebyshev", "haversine", "dot", "cosine")
PER_COORDINATE = ("euclidean", "manhattan", "chebyshev")  # metrics that a (d,) bandwidth can scale

_EARTH_RADIUS_KM = 6371.0088  # mean radius, IUGG
_KILOMETRES = {"km": 1.0, "m": 0.001, "mi": 1.609344, "nmi": 1.852}


@dataclass(frozen=True)
class GreatCircle:
    """Great-circle distance on the earth: latitude and longitude in degrees, distance in `unit`.

    Parameters
    ----------
    unit : {"km", "m", "mi", "nmi"}
        Unit of the distance, and so of the bandwidth.

    Raises
    ------
    ValueError
        If `unit` is none of these.

    Notes
    -----
    The haversine formula on a sphere with the earth's mean radius of 6371.0088 km.

    Examples
    --------
    >>> import vicinal as vc
    >>> vc.kernels.GreatCircle(unit="mi").radius
    3958.76...
    """

    unit: str = "km"

    def __post_init__(self) -> None:
        if self.unit not in _KILOMETRES:
            raise ValueError(f"unit must be one of {', '.join(_KILOMETRES)}, got {self.unit!r}")

    @property
    def radius(self) -> float:
        """The earth's mean radius in `unit`."""
        return _EARTH_RADIUS_KM / _KILOMETRES[self.unit]


@dataclass(frozen=True, eq=False)
class Mahalanobis:
    """Distance after a linear map, ``‖components · (q − x)‖``.

    Parameters
    ----------
    components : array_like of shape (r, d)
        The map, as `components_` of scikit-learn's `NeighborhoodComponentsAnalysis`. For a
        covariance S take ``numpy.linalg.cholesky(numpy.linalg.inv(S)).T``.

    Raises
    ------
    ValueError
        If `components` is not a finite matrix.

    Examples
    --------
    >>> import vicinal as vc
    >>> metric = vc.kernels.Mahalanobis([[2.0, 0.0], [0.0, 1.0]])
    >>> vc.local_mean([[0.0, 0.0]], [[1.0, 0.0], [0.0, 2.0]], [1.0, 3.0], metric=metric)
    array([2.])
    """

    components: Array = field()

    def __init__(self, components: ArrayLike) -> None:
        matrix = np.array(as_array(components, "components"), dtype=np.float64, order="C")
        if matrix.ndim != 2 or matrix.size == 0 or not np.isfinite(matrix).all():
            raise ValueError(
                f"components must be a finite (r, d) matrix, got an array of shape {matrix.shape}"
            )
        matrix.setflags(write=False)
        object.__setattr__(self, "components", matrix)

    def _content(self) -> tuple[tuple[int, ...], bytes]:
        return self.components.shape, self.components.tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mahalanobis) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())

    def __reduce__(self) -> tuple[Any, ...]:
        return Mahalanobis, (self.components,)


Metric = str | GreatCircle | Mahalanobis


def as_metric(metric: Metric) -> Metric:
    """Return `metric` after a check of its name or type."""
    if isinstance(metric, GreatCircle | Mahalanobis):
        return metric
    if not isinstance(metric, str):
        raise TypeError(
            "metric must be a name, GreatCircle(...) or Mahalanobis(...), "
            f"got {type(metric).__name__}"
        )
    if metric not in NAMES:
        raise ValueError(
            f"metric must be one of {', '.join(NAMES)}, GreatCircle(unit) or "
            f"Mahalanobis(components), got {metric!r}{did_you_mean(metric, NAMES)}"
        )
    return metric


def metric_name(metric: Metric) -> str:
    """Return the engine's name of a metric."""
    if isinstance(metric, str):
        return metric
    return "great_circle" if isinstance(metric, GreatCircle) else "mahalanobis"


def check_features(metric: Metric, count: int) -> None:
    """Refuse a metric that does not fit points with `count` features."""
    if metric_name(metric) in ("haversine", "great_circle") and count != 2:
        raise ValueError(
            f"metric {metric_name(metric)!r} needs 2 features, latitude and longitude, got "
            f"{count}; choose them with columns= of the kernel"
        )
    if isinstance(metric, Mahalanobis) and metric.components.shape[1] != count:
        raise ValueError(
            f"Mahalanobis components have shape {metric.components.shape}, so they need "
            f"{metric.components.shape[1]} features, got {count}"
        )


def log_ball_volume(metric: Metric, d: int) -> float:
    """Return log volume of the metric's unit ball in R^d (closed forms)."""
    name = metric_name(metric)
    if name == "manhattan":
        return d * math.log(2) - math.lgamma(d + 1)
    if name == "chebyshev":
        return d * math.log(2)
    return 0.5 * d * math.log(math.pi) - math.lgamma(0.5 * d + 1)


def mean_square_coordinate(metric: Metric, d: int) -> float:
    """Return E s₁² for s on the metric's unit sphere under the cone measure.

    A radial kernel's point is r·s with r and s independent, so its variance per coordinate is
    E r² times this number.
    """
    name = metric_name(metric)
    if name == "manhattan":
        return 2 / (d * (d + 1))
    if name == "chebyshev":
        return (d + 2) / (3 * d)
    return 1 / d


def mapped(rows: Array, matrix: Array) -> Array:
    """Return rows · matrix, each row by itself: a row's bits do not depend on the others."""
    result = np.zeros((len(rows), matrix.shape[1]), rows.dtype)
    for column, line in zip(rows.T, matrix, strict=True):
        result += column[:, None] * line
    return result
