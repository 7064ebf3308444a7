"""Which keys a query sees: sets that every primitive takes as `neighbors`."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from vicinal import _core
from vicinal.arrays import Array, as_index

__all__ = ["KNearest", "NeighborSet", "Radius"]


def frozen(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return a copy that cannot be written by any means: a set keeps what was checked."""
    return np.ndarray(array.shape, dtype, buffer=np.ascontiguousarray(array, dtype).tobytes())


class NeighborSet:
    """A set of keys for every query; sets join with ``a & b`` and ``a | b``.

    Candidates come first: mask, exclude_self, keys of weight 0 and every set but `KNearest` cut;
    then `KNearest` takes the k nearest of what is left. In ``a | b`` each side is evaluated alone
    on the candidates and the results are united; ``&`` cuts before `KNearest`.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> keys = np.arange(6.0)[:, None]
    >>> near = vc.KNearest(3) & vc.Radius(1.0)
    >>> vc.local_mean([[0.0], [4.0]], keys, keys[:, 0], kernel="constant", neighbors=near)
    array([0.5, 4. ])
    """

    def __and__(self, other: object) -> NeighborSet:
        return Both(self, other) if isinstance(other, NeighborSet) else NotImplemented

    def __or__(self, other: object) -> NeighborSet:
        return Either(self, other) if isinstance(other, NeighborSet) else NotImplemented

    @property
    def sizes(self) -> tuple[int, int] | None:
        """(queries, keys) where the set itself fixes them, else None."""
        return None

    @property
    def edge_data(self) -> str:
        """What its numbers are: "distance", "weight", or "pattern" where there are none."""
        return "pattern"

    @property
    def needs_points(self) -> bool:
        """Whether coordinates of queries and keys are read to know the set."""
        return False

    @property
    def is_search(self) -> bool:
        """Whether the k nearest keys are part of it."""
        return False

    def lower(
        self, m: int, n: int, dtype: np.dtype[Any], *, piece: bool = False
    ) -> _core.NeighborSet:
        """Return the engine's form for m queries and n keys.

        Where these are a `piece`, the set may know of more: they are the first of all.
        """
        raise NotImplementedError

    def anchored(self, m: int, n: int) -> NeighborSet:
        """Return the set with what counts from the end of m queries and n keys made numbers."""
        return self

    def by_number(self, names: dict[str, list[Any] | None]) -> NeighborSet:
        """Return the set with columns called by name made numbers; see `column_called`."""
        return self

    def __deepcopy__(self, memo: object) -> NeighborSet:
        return self


@dataclass(frozen=True)
class _Joined(NeighborSet):
    a: NeighborSet
    b: NeighborSet

    @property
    def sizes(self) -> tuple[int, int] | None:
        return self.a.sizes or self.b.sizes

    @property
    def edge_data(self) -> str:
        return self.b.edge_data if self.a.edge_data == "pattern" else self.a.edge_data

    @property
    def needs_points(self) -> bool:
        return self.a.needs_points or self.b.needs_points

    @property
    def is_search(self) -> bool:
        return self.a.is_search or self.b.is_search

    def anchored(self, m: int, n: int) -> NeighborSet:
        return replace(self, a=self.a.anchored(m, n), b=self.b.anchored(m, n))

    def by_number(self, names: dict[str, list[Any] | None]) -> NeighborSet:
        return replace(self, a=self.a.by_number(names), b=self.b.by_number(names))

    def _lowered(
        self, m: int, n: int, dtype: np.dtype[Any], piece: bool
    ) -> tuple[_core.NeighborSet, _core.NeighborSet]:
        a = self.a.lower(m, n, dtype, piece=piece)
        return a, self.b.lower(m, n, dtype, piece=piece)


@dataclass(frozen=True, repr=False)
class Both(_Joined):
    @property
    def needs_points(self) -> bool:
        # the k nearest of a graph of distances are known without coordinates
        known = self.edge_data == "distance"
        return any(
            part.needs_points and not (known and isinstance(part, KNearest))
            for part in (self.a, self.b)
        )

    def lower(
        self, m: int, n: int, dtype: np.dtype[Any], *, piece: bool = False
    ) -> _core.NeighborSet:
        return _core.NeighborSet.both(*self._lowered(m, n, dtype, piece))

    def __repr__(self) -> str:
        return f"({self.a} & {self.b})"


@dataclass(frozen=True, repr=False)
class Either(_Joined):
    def lower(
        self, m: int, n: int, dtype: np.dtype[Any], *, piece: bool = False
    ) -> _core.NeighborSet:
        return _core.NeighborSet.either(*self._lowered(m, n, dtype, piece))

    def __repr__(self) -> str:
        return f"({self.a} | {self.b})"


@dataclass(frozen=True)
class KNearest(NeighborSet):
    """The k nearest keys by the kernel's distance or score, exactly, ties by row.

    Parameters
    ----------
    k : int
        How many; all candidates where fewer are left.

    Examples
    --------
    >>> import vicinal as vc
    >>> keys, values = [[0.0], [1.0], [5.0]], [0.0, 2.0, 9.0]
    >>> vc.local_mean([[0.4]], keys, values, kernel="constant", neighbors=vc.KNearest(2))
    array([1.])
    """

    k: int

    def __post_init__(self) -> None:
        if as_index(self.k, "k") < 1:
            raise ValueError(f"k must be at least 1, got {self.k}")

    @property
    def needs_points(self) -> bool:
        return True

    @property
    def is_search(self) -> bool:
        return True

    def lower(
        self, m: int, n: int, dtype: np.dtype[Any], *, piece: bool = False
    ) -> _core.NeighborSet:
        if piece:
            raise ValueError(
                f"neighbors={self} needs all keys at once, but here they come in pieces; every "
                "other set works, and vicinal.local_mean takes this one for keys in memory"
            )
        if self.k > n:
            raise ValueError(f"k must be 1 to the number of keys ({n}), got {self.k}")
        return _core.NeighborSet.nearest(int(self.k))


@dataclass(frozen=True)
class Radius(NeighborSet):
    """Keys at most `r` away in the kernel's metric: a closed ball.

    Parameters
    ----------
    r : float
        In the units of the data; with a bandwidth for each of several features, in units of them.

    Examples
    --------
    >>> import vicinal as vc
    >>> keys, values = [[0.0], [1.0], [5.0]], [0.0, 2.0, 9.0]
    >>> vc.local_mean([[0.0]], keys, values, kernel="constant", neighbors=vc.Radius(1.0))
    array([1.])
    """

    r: float

    def __post_init__(self) -> None:
        r: Any = self.r
        if isinstance(r, bool) or not isinstance(r, Real):
            raise TypeError(f"the radius must be a number, got {r!r}")
        if math.isnan(r):
            raise ValueError("the radius must be a number, got NaN")

    @property
    def needs_points(self) -> bool:
        return True

    def lower(
        self, m: int, n: int, dtype: np.dtype[Any], *, piece: bool = False
    ) -> _core.NeighborSet:
        return _core.NeighborSet.radius(float(self.r))
