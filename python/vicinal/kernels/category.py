"""Kernels of category columns; several columns multiply, each with its own bandwidth if given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from vicinal.arrays import as_index
from vicinal.kernels.base import HINT, Bandwidth, ProfileKernel
from vicinal.kernels.metrics import Metric

__all__ = ["AitchisonAitken", "WangVanRyzin"]


class CategoryKernel(ProfileKernel):
    """A kernel that compares one category column at a time; its bandwidth is required."""

    metrics: ClassVar[tuple[str, ...]] = ("category",)
    infinite_bandwidth: ClassVar[bool] = False

    @property
    def default_bandwidth(self) -> float:
        raise ValueError(f"bandwidth is required by the kernel {self.profile}; {HINT}")

    def check_scale(self, bandwidth: Bandwidth, metric: Metric) -> None:
        """Accept one bandwidth per column: every column is a factor of its own."""


@dataclass(frozen=True, repr=False)
class AitchisonAitken(CategoryKernel):
    """Kernel of unordered categories: ``1 − h`` if equal, ``h/(levels − 1)`` else.

    Parameters
    ----------
    levels : int
        Number of categories, at least 2; categories are any distinct numbers.
    bandwidth : float or array_like
        Required, 0 ≤ h ≤ (levels − 1)/levels; 0 lets only equal categories in, the upper end
        ignores the column.
    metric, columns
        See `ProfileKernel`; the metric stays None.

    Raises
    ------
    ValueError
        If `levels` is smaller than 2 or the bandwidth is outside its range.

    Notes
    -----
    Aitchison and Aitken, 1976.

    Examples
    --------
    >>> import vicinal as vc
    >>> kernel = vc.kernels.AitchisonAitken(2, bandwidth=0.25)
    >>> vc.local_mean([[0.0]], [[0.0], [1.0]], [1.0, 5.0], kernel=kernel)
    array([2.])
    """

    levels: int

    profile: ClassVar[str] = "aitchison_aitken"

    def __post_init__(self) -> None:
        levels = as_index(self.levels, "levels")
        if levels < 2:
            raise ValueError(f"levels must be at least 2, got {levels}")
        object.__setattr__(self, "levels", levels)
        super().__post_init__()

    def check_number(self, h: float) -> None:
        """Refuse a bandwidth outside 0 … (levels − 1)/levels."""
        top = (self.levels - 1) / self.levels
        if not 0 <= h <= top:
            raise ValueError(
                f"bandwidth of aitchison_aitken with {self.levels} levels must be in [0, {top:g}], "
                f"got {h}"
            )

    def engine_parameters(self) -> dict[str, Any]:
        return {"shape": float(self.levels)}


class WangVanRyzin(CategoryKernel):
    """Kernel of ordered categories: ``1 − h`` if equal, ``½ (1 − h) h^|q − x|`` else.

    Parameters
    ----------
    bandwidth : float or array_like
        Required, 0 ≤ h < 1; 0 lets only equal categories in.
    metric, columns
        See `ProfileKernel`; the metric stays None.

    Raises
    ------
    ValueError
        If the bandwidth is outside its range.

    Notes
    -----
    Wang and van Ryzin, 1981; the categories are whole numbers.
    """

    profile: ClassVar[str] = "wang_van_ryzin"

    def check_number(self, h: float) -> None:
        """Refuse a bandwidth outside 0 ≤ h < 1."""
        if not 0 <= h < 1:
            raise ValueError(f"bandwidth of wang_van_ryzin must be in [0, 1), got {h}")
