"""Bandwidths that differ from key to key or from query to query, given as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vicinal.arrays import Array, as_array, converted, in_short

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


@dataclass(frozen=True, eq=False, repr=False)
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

    def __repr__(self) -> str:
        return f"{type(self).__name__}({in_short(as_array(self.h, 'bandwidth'))})"

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


@dataclass(frozen=True, eq=False, repr=False)
class PerKey(_Given):
    """A bandwidth for every key: ``w = profile(distance / h_j)``.

    Parameters
    ----------
    h : array_like, broadcast to (..., n)
        Positive; inf is no localization. With `per_feature` it is broadcast to (..., n, d).
    per_feature : bool
        Every key has a bandwidth for each feature: the distance is that of ``(q − x_j) / h_j``, for
        the metrics euclidean, manhattan and chebyshev. Sets of neighbors then count in h.
    unit : float or array_like of shape (d,)
        What `h` counts in, for all features or one each: key j has the bandwidth ``h[j] · unit``.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> keys = np.array([[0.0], [1.0]])
    >>> wide = vc.bandwidth.PerKey([1.0, 2.0])
    >>> vc.local_weights([[0.0]], keys, kernel="triangular", bandwidth=wide, normalize=False)
    array([[1. , 0.5]])

    >>> keys = np.array([[0.0, 0.0], [1.0, 1.0]])
    >>> wide = vc.bandwidth.PerKey([[1.0, 1.0], [4.0, np.inf]], per_feature=True)
    >>> vc.local_weights([[0.0, 0.0]], keys, kernel="triangular", bandwidth=wide, normalize=False)
    array([[1.  , 0.75]])
    """

    per_feature: bool = False
    unit: Any = 1.0
    of_keys = True

    def __post_init__(self) -> None:
        super().__post_init__()
        shape = as_array(self.h, "bandwidth").shape
        if self.per_feature and len(shape) < 2:
            raise ValueError(
                f"bandwidth must be (..., n, d) with per_feature=True, got shape {shape}"
            )

    def __repr__(self) -> str:
        unit = np.asarray(self.unit)
        parts = [in_short(as_array(self.h, "bandwidth"))]
        parts += ["per_feature=True"] if self.per_feature else []
        parts += [f"unit={in_short(unit)}"] if unit.ndim or unit != 1 else []
        return f"PerKey({', '.join(parts)})"

    @property
    def base(self) -> Any:
        return 1.0 if self.per_feature else self.unit

    def resolve(self, problem: Problem, kernel: Any, metric: Any) -> Bandwidths:
        return (None, None) if self.per_feature else super().resolve(problem, kernel, metric)

    def beside(self, queries: Array, keys: Array) -> tuple[Array, Array]:
        """Return queries and keys, (..., d), as a kernel of scaled keys reads them: (..., 2d).

        Inverse bandwidths stand beside the features of a key, and nothing beside those of a query.
        """
        from vicinal.problem import spread

        n, d = keys.shape[-2:]
        h = as_array(self.h, "bandwidth") * np.asarray(self.unit, dtype=np.float64)
        if h.shape[-2] not in (1, n) or h.shape[-1] not in (1, d):
            raise ValueError(
                f"bandwidth must be (..., {n}, {d}), one per key and feature, got shape {h.shape}"
            )
        most = np.finfo(keys.dtype).max
        inverse = np.minimum(1 / h, most).astype(keys.dtype)
        inverse = spread(inverse, keys.shape, "bandwidth")
        nothing = np.zeros(queries.shape[-2:], queries.dtype)
        return _joined(queries, np.broadcast_to(nothing, queries.shape)), _joined(keys, inverse)


def _joined(left: Array, right: Array) -> Array:
    # Of broadcast arrays numpy would choose another order in memory.
    return np.ascontiguousarray(np.concatenate([left, right], axis=-1))


@dataclass(frozen=True, eq=False, repr=False)
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
