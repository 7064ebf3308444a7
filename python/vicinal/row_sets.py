"""Sets of neighbors by row numbers: windows, grids, blocks, segments."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal import _core
from vicinal.arrays import as_array, as_index, in_short
from vicinal.columns import column_called
from vicinal.neighbor_sets import NeighborSet, frozen

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike

__all__ = ["BlockMask", "Grid", "Segments", "Window"]


def same_array(a: ArrayLike, b: ArrayLike) -> bool:
    return np.array_equal(as_array(a, "a"), as_array(b, "b"))


@dataclass(frozen=True)
class Window(NeighborSet):
    """Keys at positions a − before … a + after, both ends included, of a query at position a.

    Parameters
    ----------
    before, after : float or None
        How far back and ahead, at least 0; None is unbounded. Causal is ``Window(None, 0)``.
    on : int or str, optional
        Positions are the values of this column of queries and keys, sorted or not; a name where
        both are data frames. None: row numbers.
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
    on: int | str | None = None
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
        is_column = self.on is None or isinstance(self.on, str) or as_index(self.on, "on") >= 0
        if not is_column or (self.on is not None and self.offset != 0):
            raise ValueError(
                f"on must be a column, and offset is of row numbers; got on={self.on!r}, "
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
        if isinstance(self.on, str):
            column_called(self.on, {"queries and keys": None})
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

    def by_number(self, names: dict[str, list[Any] | None]) -> Window:
        return replace(self, on=column_called(self.on, names)) if isinstance(self.on, str) else self


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
            and same_array(self.mask, other.mask)
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
    window : Window, optional
        Of these keys those in a window of rows, which are counted from the beginning of their
        segment; ``offset="end"`` counts so that the last query of a segment stands at its last key.
        (``Segments(...) & Window(...)`` counts the rows of the whole arrays instead.)

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> x = np.arange(3.0)[:, None]
    >>> near = vc.Segments([0, 1, 3], [0, 1, 3])
    >>> vc.local_mean(x, x, x[:, 0], kernel="constant", neighbors=near)
    array([0. , 1.5, 1.5])

    Causal in every segment, whose last query stands at the last key:

    >>> near = vc.Segments([0, 1, 2], [0, 1, 3], vc.Window(None, 0, offset="end"))
    >>> vc.local_mean(x[:2], x, x[:, 0], kernel="constant", neighbors=near)
    array([0. , 1.5])
    """

    query_offsets: ArrayLike
    key_offsets: ArrayLike
    window: Window | None = None

    def __post_init__(self) -> None:
        for name in ("query_offsets", "key_offsets"):
            offsets = as_array(getattr(self, name), name)
            if offsets.ndim != 1 or offsets.dtype.kind not in "iu":
                raise ValueError(
                    f"{name} must be whole numbers in one dimension, got {offsets.dtype} of shape "
                    f"{offsets.shape}"
                )
            object.__setattr__(self, name, frozen(offsets, np.dtype(np.int64)))
        if self.window is not None and not isinstance(self.window, Window):
            raise TypeError(f"window must be a Window or None, got {type(self.window).__name__}")
        if self.window is not None and self.window.on is not None:
            raise ValueError(
                f"the window of segments counts rows, got a window on column {self.window.on!r}; "
                "join that with &"
            )

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Segments)
            and self.window == other.window
            and same_array(self.query_offsets, other.query_offsets)
            and same_array(self.key_offsets, other.key_offsets)
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
                raise ValueError(
                    f"{name}_offsets must begin with 0, never fall and end with {end}, got "
                    f"{in_short(array)}"
                )
        if offsets[0].size != offsets[1].size:
            raise ValueError(
                f"query_offsets and key_offsets must be of one length, got {offsets[0].size} and "
                f"{offsets[1].size}"
            )
        window = Window(None, None) if self.window is None else self.window
        at_end = window.offset == "end"
        queries, keys = offsets
        return _core.NeighborSet.segments(
            queries,
            keys,
            before=math.inf if window.before is None else float(window.before),
            after=math.inf if window.after is None else float(window.after),
            offset=0 if at_end else int(window.offset),
            at_end=at_end,
        )
