"""Which keys a query sees: sets that every primitive takes as `neighbors`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal import _core
from vicinal.arrays import Array, as_array, as_index

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike

__all__ = ["BlockMask", "Grid", "KNearest", "NeighborSet", "Radius", "Segments", "Window"]


def frozen(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return a copy that cannot be written by any means: a set keeps what was checked."""
    return np.ndarray(array.shape, dtype, buffer=np.ascontiguousarray(array, dtype).tobytes())


def _same(a: ArrayLike, b: ArrayLike) -> bool:
    return np.array_equal(as_array(a, "a"), as_array(b, "b"))


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

    def anchored(self, m: int, n: int) -> NeighborSet:
        return replace(self, a=self.a.anchored(m, n), b=self.b.anchored(m, n))

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


@dataclass(frozen=True)
class Window(NeighborSet):
    """Keys at positions a − before … a + after, both ends included, of a query at position a.

    Parameters
    ----------
    before, after : float or None
        How far back and ahead, at least 0; None is unbounded. Causal is ``Window(None, 0)``.
    on : int, optional
        Positions are the values of this column of queries and keys, sorted or not; None: row
        numbers.
    offset : int or "end"
        Query i stands at row i + offset; "end" is (number of keys − number of queries), as of a
        key cache.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> x = np.arange(4.0)[:, None]
    >>> vc.local_mean(x, x, x[:, 0], kernel="constant", neighbors=vc.Window(1, 0))
    array([0. , 0.5, 1.5, 2.5])
    """

    before: float | None
    after: float | None
    on: int | None = None
    offset: int | str = 0

    def __post_init__(self) -> None:
        for name in ("before", "after"):
            if getattr(self, name) == math.inf:
                object.__setattr__(self, name, None)
        for name, value in (("before", self.before), ("after", self.after)):
            if value is not None and not float(value) >= 0:
                raise ValueError(f"{name} must be at least 0, or None (unbounded), got {value}")
            if self.on is None and value is not None and float(value) != int(float(value)):
                raise ValueError(f"{name} must be a whole number of rows, got {value}")
        if self.offset != "end":
            if isinstance(self.offset, str):
                raise ValueError(f"offset must be a whole number or 'end', got {self.offset!r}")
            if abs(as_index(self.offset, "offset")) >= 1 << 62:
                raise ValueError(f"offset must be a number of rows, got {self.offset}")
        if self.on is not None and (as_index(self.on, "on") < 0 or self.offset != 0):
            raise ValueError(
                f"on must be a column, and offset is of row numbers; got on={self.on}, "
                f"offset={self.offset}"
            )

    @property
    def needs_points(self) -> bool:
        return self.on is not None

    def lower(
        self, m: int, n: int, dtype: np.dtype[Any], *, piece: bool = False
    ) -> _core.NeighborSet:
        before = math.inf if self.before is None else float(self.before)
        after = math.inf if self.after is None else float(self.after)
        if self.on is not None:
            return _core.NeighborSet.column_window(int(self.on), before, after)
        if piece and self.offset == "end":
            raise ValueError(
                "offset='end' needs the number of all keys, but here they come in pieces; give "
                "offset=(number of keys) - (number of queries)"
            )
        near = self.anchored(m, n)
        return _core.NeighborSet.window(before, after, int(near.offset))

    def anchored(self, m: int, n: int) -> Window:
        return replace(self, offset=n - m) if self.offset == "end" else self


@dataclass(frozen=True)
class Grid(NeighborSet):
    """Pixels near a pixel: queries and keys are the pixels of one n-d image, in C order.

    Parameters
    ----------
    shape : tuple of int
        Of the image; its product is the number of keys.
    radius : int or tuple of int
        How many pixels away along each axis; cut at the border.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> image = np.arange(6.0).reshape(2, 3)
    >>> color = image.reshape(-1, 1)
    >>> near = vc.Grid(image.shape, 1)
    >>> vc.local_mean(color, color, color, kernel="constant", neighbors=near).reshape(2, 3)
    array([[2. , 2.5, 3. ],
           [2. , 2.5, 3. ]])
    """

    shape: tuple[int, ...]
    radius: int | tuple[int, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.shape, Iterable):
            raise TypeError(f"shape must be the lengths of the image's axes, got {self.shape!r}")
        shape = tuple(as_index(length, "shape") for length in self.shape)
        reach = self.radius if isinstance(self.radius, Iterable) else (self.radius,) * len(shape)
        radius = tuple(as_index(r, "radius") for r in reach)
        if not shape or min(shape) < 1:
            raise ValueError(f"shape must have at least one pixel along each axis, got {shape}")
        if len(radius) != len(shape) or min(radius) < 0:
            raise ValueError(
                f"radius must be at least 0, one number or one for each of {len(shape)} axes, got "
                f"{self.radius}"
            )
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "radius", radius)

    def lower(
        self, m: int, n: int, dtype: np.dtype[Any], *, piece: bool = False
    ) -> _core.NeighborSet:
        pixels = math.prod(self.shape)
        if (m > pixels or n > pixels) if piece else (m != pixels or n != pixels):
            raise ValueError(
                f"a grid of shape {self.shape} has {pixels} pixels, but there are {m} queries and "
                f"{n} keys; both must be the pixels in C order"
            )
        return _core.NeighborSet.grid(list(self.shape), list(self.radius))  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class BlockMask(NeighborSet):
    """Query i sees key j where ``mask[i // block, j // block]``.

    Parameters
    ----------
    mask : array_like of bool of shape (⌈m / block⌉, ⌈n / block⌉)
        True = the block is used.
    block : int
        Rows and columns of a block.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> x = np.arange(4.0)[:, None]
    >>> near = vc.BlockMask(np.eye(2, dtype=bool), block=2)
    >>> vc.local_mean(x, x, x[:, 0], kernel="constant", neighbors=near)
    array([0.5, 0.5, 2.5, 2.5])
    """

    mask: ArrayLike
    block: int = 64

    def __post_init__(self) -> None:
        mask = as_array(self.mask, "mask")
        if mask.dtype != np.bool_ or mask.ndim != 2:
            raise ValueError(
                f"the mask of blocks must be boolean with two dimensions, got {mask.dtype} of "
                f"shape {mask.shape}"
            )
        if as_index(self.block, "block") < 1:
            raise ValueError(f"block must be at least 1, got {self.block}")
        object.__setattr__(self, "mask", frozen(mask, np.dtype(np.bool_)))

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, BlockMask)
            and self.block == other.block
            and _same(self.mask, other.mask)
        )

    def __hash__(self) -> int:
        return hash((as_array(self.mask, "mask").shape, self.block))

    def lower(
        self, m: int, n: int, dtype: np.dtype[Any], *, piece: bool = False
    ) -> _core.NeighborSet:
        mask = as_array(self.mask, "mask")
        wanted = (-(-m // self.block), -(-n // self.block))
        reaches = all(have >= need for have, need in zip(mask.shape, wanted, strict=True))
        if not (reaches if piece else mask.shape == wanted):
            raise ValueError(
                f"the mask of blocks of {self.block} must have shape {wanted} for {m} queries and "
                f"{n} keys, got {mask.shape}"
            )
        return _core.NeighborSet.blocks(mask, int(self.block))


@dataclass(frozen=True, eq=False)
class Segments(NeighborSet):
    """Sequences laid end to end: queries of segment s see the keys of segment s.

    Parameters
    ----------
    query_offsets, key_offsets : array_like of int of shape (segments + 1,)
        Where segments begin, from 0 to the number of queries and of keys.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> x = np.arange(3.0)[:, None]
    >>> near = vc.Segments([0, 1, 3], [0, 1, 3])
    >>> vc.local_mean(x, x, x[:, 0], kernel="constant", neighbors=near)
    array([0. , 1.5, 1.5])
    """

    query_offsets: ArrayLike
    key_offsets: ArrayLike

    def __post_init__(self) -> None:
        for name in ("query_offsets", "key_offsets"):
            offsets = as_array(getattr(self, name), name)
            if offsets.ndim != 1 or offsets.dtype.kind not in "iu":
                raise ValueError(
                    f"{name} must be whole numbers in one dimension, got {offsets.dtype} of shape "
                    f"{offsets.shape}"
                )
            object.__setattr__(self, name, frozen(offsets, np.dtype(np.int64)))

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Segments)
            and _same(self.query_offsets, other.query_offsets)
            and _same(self.key_offsets, other.key_offsets)
        )

    def __hash__(self) -> int:
        return hash(as_array(self.key_offsets, "key_offsets").tobytes())

    def lower(
        self, m: int, n: int, dtype: np.dtype[Any], *, piece: bool = False
    ) -> _core.NeighborSet:
        offsets = [as_array(a, "offsets") for a in (self.query_offsets, self.key_offsets)]
        for name, array, end in zip(("query", "key"), offsets, (m, n), strict=True):
            end = max(end, *array[-1:]) if piece else end
            if array.size == 0 or array[0] != 0 or array[-1] != end or (np.diff(array) < 0).any():
                raise ValueError(f"{name}_offsets must begin with 0, never fall and end with {end}")
        if offsets[0].size != offsets[1].size:
            raise ValueError(
                f"query_offsets and key_offsets must be of one length, got {offsets[0].size} and "
                f"{offsets[1].size}"
            )
        return _core.NeighborSet.segments(*offsets)


# What a model may hold: sets that know neither row numbers nor the number of rows.
SETS_BY_NAME: dict[Any, type[NeighborSet]] = {
    "Both": Both,
    "Either": Either,
    "KNearest": KNearest,
    "Radius": Radius,
    "Window": Window,
}


def check_neighbors(neighbors: object, rows: int) -> None:
    """Refuse a set that a model cannot hold for queries to come."""
    if neighbors is None:
        return
    if isinstance(neighbors, _Joined):
        check_neighbors(neighbors.a, rows)
        check_neighbors(neighbors.b, rows)
    elif isinstance(neighbors, KNearest) and neighbors.k > rows:
        raise ValueError(
            f"neighbors={neighbors} needs at least {neighbors.k} training rows, got "
            f"n_samples={rows}"
        )
    elif isinstance(neighbors, Window) and neighbors.on is None:
        raise ValueError(
            f"neighbors={neighbors} counts row numbers, which queries to come do not have; give a "
            "window on a column"
        )
    elif not isinstance(neighbors, KNearest | Radius | Window):
        raise ValueError(
            "neighbors must be None, KNearest, Radius, Window(on=column) or what & and | make of "
            f"them, got {neighbors!r}; graphs and grids are of local_mean"
        )
