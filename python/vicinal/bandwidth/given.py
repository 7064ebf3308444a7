"""Bandwidths that differ from key to key or from query to query, given as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vicinal.arrays import Array, as_array, converted

if TYPE_CHECKING:
    from typing import Self

    from vicinal.arrays import ArrayLike
    from vicinal.problem import Problem

__all__ = ["AdaptiveBandwidth", "PerKey", "PerQuery"]

Bandwidths = tuple[Array | None, Array | None]  # of keys, of queries


class AdaptiveBandwidth:
    """A bandwidth of its own for every key or every query; weights stay the plain profile.

    A local mean needs no more. A density multiplies each weight by the normaliser of its bandwidth:
    the log-weights −d log h of the keys.
    """

    of_keys: ClassVar[bool] = False

    @property
    def base(self) -> Any:
        """The bandwidth of the kernel that all the others are multiples of."""
        return 1.0

    def numbers(self) -> Array | None:
        """Return the given bandwidths, (..., n) or (..., m), where there are any."""
        return None

    def of_rows(self, rows: Array) -> AdaptiveBandwidth:
        """Return the bandwidth of some of the queries."""
        return self

    def resolve(self, problem: Problem, kernel: Any, metric: Any) -> Bandwidths:
        """Return the bandwidths of the keys and of the queries, as multiples of `base`."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class _Given(AdaptiveBandwidth):
    h: ArrayLike

    def __post_init__(self) -> None:
        numbers = as_array(self.h, "bandwidth")
        if numbers.ndim == 0:
            raise ValueError("a bandwidth for all is a plain number, not PerKey or PerQuery")
        if numbers.size and not numbers.min() > 0:
            raise ValueError(
                f"bandwidth must be positive (inf: no localization), got {numbers.min()}"
            )
        object.__setattr__(self, "h", numbers)

    def numbers(self) -> Array | None:
        return as_array(self.h, "bandwidth")

    def resolve(self, problem: Problem, kernel: Any, metric: Any) -> Bandwidths:
        from vicinal.problem import spread

        count = problem.n if self.of_keys else problem.m
        array = as_array(self.h, "bandwidth")
        if array.shape[-1] not in (1, count):
            what = "key" if self.of_keys else "query"
            raise ValueError(
                f"bandwidth must be (..., {count}), one per {what}, got shape {array.shape}"
            )
        shape = (*problem.lead, count)
        array = np.ascontiguousarray(spread(converted(array, problem.dtype), shape, "bandwidth"))
        return (array, None) if self.of_keys else (None, array)


@dataclass(frozen=True, eq=False)
class PerKey(_Given):
    """A bandwidth for every key: ``w = profile(distance / h_j)``.

    Parameters
    ----------
    h : array_like, broadcast to (..., n)
        Positive; inf is no localization.
    per_feature : bool
        Not supported yet: one bandwidth for all features of a key.
    unit : float or array_like of shape (d,)
        What `h` counts in, for all features or one each: key j has the bandwidth ``h[j] · unit``.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> keys = np.array([[0.0], [1.0]])
    >>> wide = vc.bandwidth.PerKey([1.0, 2.0])
    >>> vc.local_weights([[0.0]], keys, kernel="triangular", bandwidth=wide, normalize=False)
    array([[1. , 0.5]])
    """

    per_feature: bool = False
    unit: Any = 1.0
    of_keys = True

    def __post_init__(self) -> None:
        if self.per_feature:
            raise NotImplementedError(
                "PerKey(h, per_feature=True) is not supported yet; scale the features, or give one "
                "bandwidth per key"
            )
        super().__post_init__()

    @property
    def base(self) -> Any:
        return self.unit


@dataclass(frozen=True, eq=False)
class PerQuery(_Given):
    """A bandwidth for every query: ``w = profile(distance / h_i)``; a temperature for softmax.

    Parameters
    ----------
    h : array_like, broadcast to (..., m)
        Positive; inf is no localization.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> keys = np.array([[0.0], [1.0]])
    >>> h = vc.bandwidth.PerQuery([2.0, 4.0])
    >>> vc.local_weights([[0.0], [0.0]], keys, kernel="triangular", bandwidth=h, normalize=False)
    array([[1.  , 0.5 ],
           [1.  , 0.75]])
    """

    def of_rows(self, rows: Array) -> PerQuery:
        return PerQuery.found(as_array(self.h, "bandwidth")[rows])

    @classmethod
    def found(cls, h: Array) -> Self:
        """Return what a rule found: a bandwidth of 0 is the limit h → 0."""
        result = cls.__new__(cls)
        object.__setattr__(result, "h", h)
        return result
