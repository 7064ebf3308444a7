"""Kernels of a dot product or of the cosine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from vicinal.arrays import as_index
from vicinal.kernels.base import ProfileKernel, positive

__all__ = ["Polynomial", "Sigmoid", "Softmax", "VonMisesFisher"]


@dataclass(frozen=True, repr=False)
class Softmax(ProfileKernel):
    """Softmax kernel, ``exp(q·x / h)``; attention is h = √d.

    Parameters
    ----------
    softcap : float, optional
        Soft limit c of the logits: ``exp(c tanh(q·x / (h c)))``.
    bandwidth, metric, columns
        See `ProfileKernel`; the bandwidth is the temperature, the metric "dot" (or "cosine").

    Raises
    ------
    ValueError
        If `softcap` is not positive and finite.

    Examples
    --------
    >>> import vicinal as vc
    >>> vc.local_mean([[0.0]], [[-1.0], [1.0]], [1.0, 3.0], kernel=vc.kernels.Softmax())
    array([2.])
    """

    softcap: float | None = None

    profile: ClassVar[str] = "softmax"
    metrics: ClassVar[tuple[str, ...]] = ("dot", "cosine")
    density_condition: ClassVar[str] = "never"

    def __post_init__(self) -> None:
        if self.softcap is not None:
            object.__setattr__(self, "softcap", positive(self.softcap, "softcap"))
        super().__post_init__()

    def engine_parameters(self) -> dict[str, Any]:
        return {"shape": self.softcap or 0.0}


class VonMisesFisher(ProfileKernel):
    """Von Mises–Fisher kernel, ``exp(cos(q, x) / h)``, with concentration κ = 1/h.

    Parameters
    ----------
    bandwidth, metric, columns
        See `ProfileKernel`; the metric is "cosine".
    """

    profile: ClassVar[str] = "von_mises_fisher"
    metrics: ClassVar[tuple[str, ...]] = ("cosine",)


@dataclass(frozen=True, repr=False)
class Polynomial(ProfileKernel):
    """Polynomial kernel, ``(q·x / h + offset)^degree``; odd degrees may be negative.

    Parameters
    ----------
    degree : int
        At least 1.
    offset : float
        Added to the scaled dot product.
    rectified : bool
        Take negative sums as 0, so that no weight is negative.
    bandwidth, metric, columns
        See `ProfileKernel`; the metric is "dot" (or "cosine").

    Raises
    ------
    ValueError
        If `degree` is smaller than 1 or `offset` is not finite.

    Notes
    -----
    With a negative `offset` or odd degree rows whose weights cancel count as empty.
    """

    degree: int = 2
    offset: float = 1.0
    rectified: bool = False

    profile: ClassVar[str] = "polynomial"
    metrics: ClassVar[tuple[str, ...]] = ("dot", "cosine")
    infinite_bandwidth: ClassVar[bool] = False
    density_condition: ClassVar[str] = "never"

    def __post_init__(self) -> None:
        degree = as_index(self.degree, "degree")
        if degree < 1:
            raise ValueError(f"degree must be at least 1, got {degree}")
        object.__setattr__(self, "degree", degree)
        object.__setattr__(self, "offset", finite(self.offset, "offset"))
        object.__setattr__(self, "rectified", bool(self.rectified))
        super().__post_init__()

    @property
    def signed(self) -> bool:
        return not self.rectified and self.degree % 2 == 1

    def engine_parameters(self) -> dict[str, Any]:
        return {
            "shape": float(self.degree),
            "offset": self.offset,
            "rectified": self.rectified,
        }


@dataclass(frozen=True, repr=False)
class Sigmoid(ProfileKernel):
    """Sigmoid kernel, ``tanh(q·x / h + offset)``; may be negative.

    Parameters
    ----------
    offset : float
        Added to the scaled dot product.
    bandwidth, metric, columns
        See `ProfileKernel`; the metric is "dot" (or "cosine").

    Raises
    ------
    ValueError
        If `offset` is not finite.
    """

    offset: float = 0.0

    profile: ClassVar[str] = "sigmoid"
    metrics: ClassVar[tuple[str, ...]] = ("dot", "cosine")
    infinite_bandwidth: ClassVar[bool] = False
    density_condition: ClassVar[str] = "never"

    def __post_init__(self) -> None:
        object.__setattr__(self, "offset", finite(self.offset, "offset"))
        super().__post_init__()

    @property
    def signed(self) -> bool:
        return True

    def engine_parameters(self) -> dict[str, Any]:
        return {"offset": self.offset}


def finite(value: float, name: str) -> float:
    """Return a kernel parameter as a finite float."""
    number = float(value)
    if not abs(number) < float("inf"):
        raise ValueError(f"{name} must be finite, got {value!r}")
    return number
