"""Products and sums of kernels, each part with its own columns, metric and bandwidth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vicinal.kernels.base import Kernel, ProfileKernel
from vicinal.kernels.dot import finite

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Product", "Sum"]

Terms = list[tuple[float, tuple[ProfileKernel, ...]]]

MAX_TERMS = 4096


@dataclass(frozen=True, init=False, repr=False)
class _Composite(Kernel):
    parts: tuple[Kernel, ...] = field()

    def __init__(self, *kernels: str | Kernel) -> None:
        from vicinal.kernels.names import as_kernel

        if not kernels:
            raise ValueError(f"{type(self).__name__} needs at least one kernel")
        object.__setattr__(self, "parts", tuple(as_kernel(kernel) for kernel in kernels))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.parts))})"

    def leaves(self) -> tuple[ProfileKernel, ...]:
        return tuple(leaf for part in self.parts for leaf in part.leaves())

    @property
    def signed(self) -> bool:
        return any(part.signed for part in self.parts)


class Product(_Composite):
    """Product of kernels, usually on different columns: position × content, space × colour.

    Parameters
    ----------
    *kernels : str or Kernel
        The factors, each with its own `columns`, `metric` and `bandwidth`; an argument
        `bandwidth=` or `metric=` of a primitive goes to the factors that left theirs None, and
        one bandwidth per feature is cut to the factor's columns.

    Raises
    ------
    ValueError
        If there is no factor.

    Examples
    --------
    >>> import vicinal as vc
    >>> space = vc.kernels.Gaussian(bandwidth=2.0, columns=(0, 1))
    >>> kind = vc.kernels.AitchisonAitken(3, bandwidth=0.1, columns=2)
    >>> kernel = vc.kernels.Product(space, kind)
    >>> vc.local_mean([[0, 0, 1]], [[0, 0, 1], [0, 0, 2]], [1.0, 2.0], kernel=kernel)
    array([1.05263158])
    """

    def rebuilt(self, change: Callable[[ProfileKernel], ProfileKernel]) -> Self:
        return type(self)(*(part.rebuilt(change) for part in self.parts))

    def terms(self) -> Terms:
        """Multiply the factors' normal forms out."""
        result: Terms = [(1.0, ())]
        for part in self.parts:
            factor = part.terms()
            if len(result) * len(factor) > MAX_TERMS:
                raise ValueError(f"the product of sums has more than {MAX_TERMS} terms")
            result = [(a * b, left + right) for a, left in result for b, right in factor]
        return result

    @property
    def compact(self) -> bool:
        """Whether some factor is zero beyond a finite distance."""
        return any(part.compact for part in self.parts)


@dataclass(frozen=True, init=False, repr=False)
class Sum(_Composite):
    """Weighted sum of kernels; negative coefficients make it signed, such as K₁ − K₂.

    Parameters
    ----------
    *kernels : str or Kernel
        The components, each with its own `columns`, `metric` and `bandwidth`.
    coefficients : sequence of float, optional
        One finite number per kernel; None is 1 for each.

    Raises
    ------
    ValueError
        If there is no component, or another number of coefficients.

    Examples
    --------
    >>> import vicinal as vc
    >>> wide, narrow = vc.kernels.Gaussian(bandwidth=2.0), vc.kernels.Gaussian(bandwidth=1.0)
    >>> vc.kernels.Sum(wide, narrow, coefficients=(1.0, -0.5)).signed
    True
    """

    coefficients: tuple[float, ...] = field()

    def __init__(self, *kernels: str | Kernel, coefficients: Sequence[float] | None = None) -> None:
        super().__init__(*kernels)
        numbers = [1.0] * len(kernels) if coefficients is None else list(coefficients)
        if len(numbers) != len(kernels):
            raise ValueError(
                f"coefficients must have one number per kernel, got {len(numbers)} for "
                f"{len(kernels)} kernels"
            )
        values = tuple(finite(number, "coefficients") for number in numbers)
        if not any(values):
            raise ValueError("coefficients are all zero; give at least one that is not")
        object.__setattr__(self, "coefficients", values)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, coefficients={self.coefficients})"

    def rebuilt(self, change: Callable[[ProfileKernel], ProfileKernel]) -> Self:
        parts = (part.rebuilt(change) for part in self.parts)
        return type(self)(*parts, coefficients=self.coefficients)

    def terms(self) -> Terms:
        """Concatenate the components' normal forms."""
        return [
            (coefficient * inner, factors)
            for coefficient, part in zip(self.coefficients, self.parts, strict=True)
            if coefficient != 0
            for inner, factors in part.terms()
        ]

    @property
    def signed(self) -> bool:
        """Whether a coefficient or a component is negative somewhere."""
        return super().signed or min(self.coefficients) < 0

    @property
    def compact(self) -> bool:
        """Whether every component is zero beyond a finite distance."""
        return all(part.compact for part in self.parts)
