"""What every kernel is: profiles of scaled similarities, with bandwidth, metric and columns."""

from __future__ import annotations

import copy
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vicinal.arrays import as_array
from vicinal.kernels.metrics import PER_COORDINATE, Metric, as_metric, check_features, metric_name

if TYPE_CHECKING:
    from typing import Self

    from vicinal.arrays import ArrayLike

__all__ = ["Kernel", "ProfileKernel"]

Bandwidth = float | tuple[float, ...]

DISTANCES = ("euclidean", "manhattan", "chebyshev", "haversine", "great_circle", "mahalanobis")
HINT = "estimate one with vicinal.bandwidth.select(X, y)"


class Kernel(ABC):
    """A weight for every pair of points; the base class of all kernels.

    Kernels are frozen, compared by content and picklable. One kernel owns `bandwidth`, `metric`
    and `columns`; the arguments `bandwidth=` and `metric=` of the primitives fill in what the
    kernel leaves None.
    """

    @abstractmethod
    def leaves(self) -> tuple[ProfileKernel, ...]:
        """Return the kernels of a single profile inside this one, in order."""

    @abstractmethod
    def rebuilt(self, change: Callable[[ProfileKernel], ProfileKernel]) -> Self:
        """Return this kernel with every leaf replaced by ``change(leaf)``."""

    @abstractmethod
    def terms(self) -> list[tuple[float, tuple[ProfileKernel, ...]]]:
        """Return the normal form, a sum of ``coefficient · product of leaves``."""

    @property
    @abstractmethod
    def signed(self) -> bool:
        """Whether a weight may be negative."""

    @property
    @abstractmethod
    def compact(self) -> bool:
        """Whether the weight is zero beyond a finite distance."""

    @property
    def needs_bandwidth(self) -> bool:
        """Whether some part has no bandwidth yet, so that `bandwidth=` is accepted."""
        return any(leaf.bandwidth is None for leaf in self.leaves())

    def log_normalizer(self, bandwidth: ArrayLike | None, d: int) -> float:
        """Return ``-log ∫ K``, which turns a log mass into a log density.

        ``log_mass + kernel.log_normalizer(bandwidth, d) - log(sum of weights)`` is the log density.

        Parameters
        ----------
        bandwidth : float, array_like of shape (d,) or None
            As for the primitives; None if the kernel has its own. Features with an infinite
            bandwidth are left out of the density.
        d : int
            Number of features.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If the integral is infinite, naming the condition: Cauchy needs d = 1, Student's t
            ``nu + 1 > d``, the rational quadratic ``2 alpha > d``; inverse distance, constant and
            dot-product kernels never have one.

        Notes
        -----
        For the kernel's own metric (None = Euclidean); with haversine, great-circle and cosine
        metrics the density is one per unit of area of the sphere.

        Examples
        --------
        >>> import math, vicinal as vc
        >>> vc.kernels.Gaussian().log_normalizer(1.0, 2) == -math.log(2 * math.pi)
        True
        """
        from vicinal.kernels.normalizer import log_normalizer

        return log_normalizer(self, bandwidth, d)


@dataclass(frozen=True, repr=False)
class ProfileKernel(Kernel):
    """A kernel of one profile: ``weight = profile(score / bandwidth)``.

    Parameters
    ----------
    bandwidth : float or array_like of shape (number of columns,), optional
        Scale of the distance or of the dot product; one number, or one per feature.
    metric : str, GreatCircle or Mahalanobis, optional
        See `vicinal.kernels`; None is the kernel's usual one.
    columns : int or sequence of int, optional
        The features this kernel looks at; None is all of them.
    """

    bandwidth: Bandwidth | None = field(default=None, kw_only=True)
    metric: Metric | None = field(default=None, kw_only=True)
    columns: tuple[int, ...] | None = field(default=None, kw_only=True)

    profile: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]] = (*DISTANCES, "cosine")
    infinite_bandwidth: ClassVar[bool] = True  # h = inf is the plain mean; False: it is refused
    density_condition: ClassVar[str] = ""  # when ∫ K is finite, in words, if not always

    def __post_init__(self) -> None:
        if self.metric is not None:
            object.__setattr__(self, "metric", self._checked_metric(self.metric))
        if self.columns is not None:
            object.__setattr__(self, "columns", _as_columns(self.columns))
        if self.bandwidth is not None:
            object.__setattr__(self, "bandwidth", self.checked_bandwidth(self.bandwidth))
            self.check_scale(self.bandwidth, self.metric or self.metrics[0])
        if isinstance(self.bandwidth, tuple) and self.columns is not None:
            self.check_count(len(self.columns))

    def __repr__(self) -> str:
        given = (
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if getattr(self, field.name) != field.default
        )
        return f"{type(self).__name__}({', '.join(given)})"

    def leaves(self) -> tuple[ProfileKernel, ...]:
        return (self,)

    def rebuilt(self, change: Callable[[ProfileKernel], ProfileKernel]) -> Self:
        return change(self)  # type: ignore[return-value]  # `change` keeps the class

    def terms(self) -> list[tuple[float, tuple[ProfileKernel, ...]]]:
        return [(1.0, (self,))]

    @property
    def signed(self) -> bool:
        return False

    @property
    def compact(self) -> bool:
        return False

    @property
    def default_bandwidth(self) -> float:
        """The bandwidth where nobody gives one."""
        return 1.0

    @property
    def half_width(self) -> float:
        """The u where the weight is half of that at 0; inf where there is none."""
        return math.inf

    def log_radial_integral(self, d: int) -> float:
        """Return log ∫ profile(u) u^(d−1) du over u > 0; inf where it diverges."""
        return math.inf

    def engine_parameters(self) -> dict[str, Any]:
        """Return the profile's own entries of an engine factor."""
        return {}

    def resolved_columns(self, d: int) -> tuple[int, ...]:
        """Return the columns as numbers in 0 … d − 1."""
        if self.columns is None:
            return tuple(range(d))
        resolved = tuple(column + d if column < 0 else column for column in self.columns)
        if min(resolved) < 0 or max(resolved) >= d or len(set(resolved)) < len(resolved):
            raise ValueError(
                f"columns must be different numbers in {-d} … {d - 1} for {d} features, "
                f"got {self.columns}"
            )
        return resolved

    def filled(self, **changes: Any) -> Self:
        """Return a copy with other fields, already checked (the constructor does not run)."""
        twin = copy.copy(self)
        for name, value in changes.items():
            object.__setattr__(twin, name, value)
        return twin

    def checked_bandwidth(self, bandwidth: ArrayLike) -> Bandwidth:
        """Return a bandwidth as float or tuple of floats after a check of every number."""
        if hasattr(bandwidth, "resolve"):
            raise TypeError(
                f"a kernel has one bandwidth, or one per feature, got {type(bandwidth).__name__}; "
                "leave it open and pass bandwidth= to local_mean, local_stats or local_weights"
            )
        numbers = np.asarray(as_array(bandwidth, "bandwidth"), dtype=np.float64)
        if numbers.ndim > 1 or numbers.size == 0:
            raise ValueError(
                f"bandwidth must be a number or one number per feature, got shape {numbers.shape}"
            )
        result = tuple(numbers.tolist()) if numbers.ndim else float(numbers)
        for h in result if isinstance(result, tuple) else (result,):
            self.check_number(h)
        return result

    def check_number(self, h: float) -> None:
        """Refuse a bandwidth that this profile has no meaning for."""
        if not h > 0:
            raise ValueError(f"bandwidth must be positive (inf: no localization), got {h}; {HINT}")
        if math.isinf(h) and not self.infinite_bandwidth:
            raise ValueError(
                f"bandwidth must be finite for the kernel {self.profile}, got {h}; {HINT}"
            )

    def check_scale(self, bandwidth: Bandwidth, metric: Metric) -> None:
        """Refuse one bandwidth per feature where the metric has no scale per feature."""
        if isinstance(bandwidth, tuple) and metric_name(metric) not in PER_COORDINATE:
            raise ValueError(
                f"bandwidth must be one number for metric {metric_name(metric)!r}, got "
                f"{len(bandwidth)} numbers; one per feature needs {', '.join(PER_COORDINATE)}"
            )

    def check_count(self, count: int) -> None:
        """Refuse points or bandwidths that do not fit `count` features."""
        if isinstance(self.bandwidth, tuple) and len(self.bandwidth) != count:
            raise ValueError(
                f"bandwidth has {len(self.bandwidth)} numbers for {count} features; give one "
                "number, or one per feature"
            )
        if self.metric is not None:
            check_features(self.metric, count)

    def _checked_metric(self, metric: Metric) -> Metric:
        metric = as_metric(metric)
        if metric_name(metric) not in self.metrics:
            raise ValueError(
                f"the kernel {self.profile} works with metric {' or '.join(self.metrics)}, "
                f"got {metric_name(metric)!r}"
            )
        return metric

    def accepts_metric(self, metric: Metric) -> bool:
        """Tell whether this kernel can work with `metric`."""
        return metric_name(metric) in self.metrics


def _as_columns(columns: int | Iterable[int]) -> tuple[int, ...]:
    try:
        numbers = tuple(columns) if isinstance(columns, Iterable) else (columns,)
        result = tuple(operator.index(number) for number in numbers)
    except TypeError as error:
        raise TypeError(f"columns must be whole numbers, got {columns!r}") from error
    if not result:
        raise ValueError("columns is empty; None means all features")
    return result


def positive(value: float, name: str) -> float:
    """Return a kernel parameter as a positive finite float."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {value!r}") from None
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be positive and finite, got {value!r}")
    return number
