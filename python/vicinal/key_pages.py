"""The pages of key caches: memory of one size, taken, shared and given back.

Pages lie in slabs that are never moved, so a cache grows without a copy of what it holds
(Kwon et al., 2023, "Efficient memory management for large language model serving with
PagedAttention").
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vicinal.arrays import Array

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["KeyPages", "PagePool"]

GROWTH = 4  # a new slab has a quarter of the pages that are there: few slabs, little to spare


class KeyPages(NamedTuple):
    """Where the keys and values of a problem stand, as the engine reads them."""

    keys: Array  # (..., pages) addresses of the first row of every page
    values: Array
    lengths: Array  # (..., 1) keys of each sequence
    rows: int  # of a page

    def at(self, index: Any) -> KeyPages:
        """Return the pages at an index of the leading dimensions."""
        keys, values, lengths = (a[index] for a in (self.keys, self.values, self.lengths))
        return KeyPages(keys, values, lengths, self.rows)

    def spread(self, lead: tuple[int, ...]) -> KeyPages:
        """Return the pages for leading dimensions that these broadcast to."""
        keys, values, lengths = (
            np.broadcast_to(a, (*lead, a.shape[-1])) for a in (self.keys, self.values, self.lengths)
        )
        return KeyPages(keys, values, lengths, self.rows)


class PagePool:
    """Pages of `rows` keys and values for each of the `heads`, counted by who holds them."""

    def __init__(
        self,
        heads: tuple[int, ...],
        widths: tuple[int, int],
        dtype: np.dtype[np.float64],
        rows: int,
        most: int | None,
    ) -> None:
        self.heads, self.widths, self.dtype, self.rows, self.most = heads, widths, dtype, rows, most
        self._slabs: list[tuple[Array, Array]] = []  # (pages, *heads, rows, width) of both
        self._place: list[tuple[int, int]] = []  # of a page: slab, and number in it
        self._addresses = np.zeros((2, 0), np.uintp)  # of a page's keys and values
        self._holders: list[int] = []
        self._free: list[int] = []

    def __len__(self) -> int:
        """Return how many pages hold something."""
        return len(self._holders) - len(self._free)

    @property
    def nbytes(self) -> int:
        """Memory of all pages, free ones too."""
        return sum(keys.nbytes + values.nbytes for keys, values in self._slabs)

    @property
    def left(self) -> int | None:
        """How many pages may still be taken; None is no limit."""
        return None if self.most is None else self.most - len(self)

    def is_shared(self, page: int) -> bool:
        """Tell whether more than one sequence holds a page."""
        return self._holders[page] > 1

    def take(self, count: int) -> list[int]:
        """Return pages that hold nothing yet, at most what is `left`."""
        if count > len(self._free):
            self._grow(count - len(self._free))
        taken = [self._free.pop() for _ in range(count)]
        for page in taken:
            self._holders[page] = 1
        return taken

    def hold(self, pages: Iterable[int]) -> None:
        """Count one more holder of each page."""
        for page in pages:
            self._holders[page] += 1

    def give(self, pages: Iterable[int]) -> None:
        """Count one holder of each page less; without any it is free."""
        for page in pages:
            self._holders[page] -= 1
            if not self._holders[page]:
                self._free.append(page)

    def copied(self, page: int) -> int:
        """Give a page that others hold back for a copy of it."""
        (own,) = self.take(1)
        for to, source in zip(self.page(own), self.page(page), strict=True):
            to[...] = source
        self.give([page])
        return own

    def page(self, number: int) -> tuple[Array, Array]:
        """Return the keys and values of a page, (*heads, rows, width), as views."""
        slab, at = self._place[number]
        keys, values = self._slabs[slab]
        return keys[at], values[at]

    def tables(self, pages: Array, lengths: Array) -> KeyPages:
        """Return where the pages (sequences, pages) stand for each head."""
        apart = np.arange(math.prod(self.heads), dtype=np.uintp).reshape(*self.heads, 1)
        first = np.expand_dims(self._addresses[:, pages], tuple(range(2, 2 + len(self.heads))))
        keys, values = (
            start + apart * np.uintp(self.rows * width * self.dtype.itemsize)
            for start, width in zip(first, self.widths, strict=True)
        )
        counts = lengths.reshape(-1, *(1,) * len(self.heads), 1)
        return KeyPages(keys, values, np.broadcast_to(counts, (*keys.shape[:-1], 1)), self.rows)

    def _grow(self, count: int) -> None:
        there = len(self._holders)
        size = max(count, there // GROWTH)
        if self.most is not None:
            size = min(size, self.most - there)
        keys, values = (
            np.empty((size, *self.heads, self.rows, width), self.dtype) for width in self.widths
        )
        starts = [
            a.ctypes.data + np.arange(size, dtype=np.uintp) * a.strides[0] for a in (keys, values)
        ]
        self._addresses = np.concatenate([self._addresses, np.array(starts, np.uintp)], axis=1)
        self._place += [(len(self._slabs), at) for at in range(size)]
        self._slabs.append((keys, values))
        self._holders += [0] * size
        self._free += range(there + size - 1, there - 1, -1)  # taken in order of memory
