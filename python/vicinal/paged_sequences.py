"""Sequences of keys and values in the pages of a pool."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from vicinal.arrays import Array
from vicinal.key_pages import KeyPages, PagePool
from vicinal.key_tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["PagedSequences"]


class PagedSequences:
    """Sequences that hold just the pages they need.

    A page that several hold is full or, as the last of some, copied before one writes into it.
    """

    def __init__(self, rows: int, most: int | None) -> None:
        self.rows, self.most = rows, most  # of a page, and of pages
        self.lengths = np.zeros(0, np.int64)
        self.pool: PagePool | None = None  # the first tokens tell its shapes
        self.is_single = False  # without an axis of sequences
        self._tables: list[list[int]] = []  # the pages of each sequence

    def __del__(self) -> None:
        self.keep(np.zeros_like(self.lengths))

    def __len__(self) -> int:
        return len(self._tables)

    @property
    def opened(self) -> PagePool:
        """The pool; there must have been tokens."""
        if self.pool is None:
            raise ValueError("the cache is empty; append keys and values, whose widths it takes")
        return self.pool

    @property
    def lead(self) -> tuple[int, ...]:
        """Leading dimensions of all keys."""
        return () if self.is_single else (len(self), *self.opened.heads)

    def open(self, tokens: Tokens) -> None:
        """Take shapes and dtype of the first tokens."""
        widths = tokens.keys.shape[-1], tokens.values.shape[-1]
        self.pool = PagePool(tokens.heads, widths, tokens.dtype, self.rows, self.most)
        self.is_single = tokens.is_single
        self.add(tokens.counts.size - len(self))

    def join(self, source: PagedSequences) -> None:
        """Take pages from the pool of others, before there are any sequences."""
        self.pool, self.is_single = source.pool, source.is_single

    def add(self, count: int) -> None:
        """Add sequences without tokens."""
        self._tables += [[] for _ in range(count)]
        self.lengths = np.concatenate([self.lengths, np.zeros(count, np.int64)])

    def share(self, source: PagedSequences, numbers: list[int]) -> None:
        """Add sequences with the pages of some of `source`, of the same pool."""
        self.lengths = np.concatenate([self.lengths, source.lengths[numbers]])
        for number in numbers:
            table = list(source._tables[number])
            self._tables.append(table)
            if table:
                self.opened.hold(table)

    def keep(self, lengths: Array) -> None:
        """Give back what lies beyond a length of each sequence; sequences beyond these go."""
        kept = [self._pages(length) for length in lengths.tolist()]
        for table, pages in zip(self._tables, kept + [0] * len(self), strict=False):
            if self.pool is not None:
                self.pool.give(table[pages:])
            del table[pages:]
        del self._tables[lengths.size :]
        self.lengths = lengths

    def write(self, number: int, keys: Array, values: Array) -> None:
        """Add tokens, (*heads, count, width); the pool has room for them."""
        pool, table = self.opened, self._tables[number]
        count, at = keys.shape[-2], int(self.lengths[number])
        if count and self._must_copy(number):
            table[-1] = pool.copied(table[-1])
        table += pool.take(self._pages(at + count) - len(table))
        done = 0
        while done < count:
            page, inside = divmod(at + done, pool.rows)
            size = min(pool.rows - inside, count - done)
            for rows, new in zip(pool.page(table[page]), (keys, values), strict=True):
                rows[..., inside : inside + size, :] = new[..., done : done + size, :]
            done += size
        self.lengths[number] = at + count

    def gathered(self, numbers: Sequence[int]) -> tuple[Array, Array]:
        """Return copies in one piece, (sequences, *heads, longest, width), 0 behind the last."""
        pool, longest = self.opened, int(self.lengths[list(numbers)].max(initial=0))
        keys, values = (
            np.zeros((len(numbers), *pool.heads, longest, width), pool.dtype)
            for width in pool.widths
        )
        for i, number in enumerate(numbers):
            for at, page in enumerate(self._tables[number]):
                first = at * pool.rows
                size = min(pool.rows, int(self.lengths[number]) - first)
                for whole, part in zip((keys, values), pool.page(page), strict=True):
                    whole[i, ..., first : first + size, :] = part[..., :size, :]
        return keys, values

    def in_one_piece(self) -> tuple[Array, Array]:
        """Return copies of all, (*lead, longest, width)."""
        keys, values = self.gathered(range(len(self)))
        return (keys[0], values[0]) if self.is_single else (keys, values)

    def pages(self, numbers: Sequence[int]) -> KeyPages:
        """Return where sequences stand, (sequences, *heads, pages of the longest)."""
        tables = [self._tables[number] for number in numbers]
        pages = np.zeros((len(tables), max(map(len, tables))), np.int64)
        for row, table in zip(pages, tables, strict=True):
            row[: len(table)] = table
        return self.opened.tables(pages, self.lengths[list(numbers)])

    @contextmanager
    def as_they_were_if_refused(self) -> Iterator[None]:
        """Take back what was written inside if that ends in an error."""
        before = self.lengths.copy(), self.pool, self.is_single
        try:
            yield
        except BaseException:
            self.keep(before[0])
            _, self.pool, self.is_single = before
            raise

    def check_room(self, numbers: list[int], counts: list[int], capacity: int | None) -> None:
        """Refuse more tokens than a sequence, or the pages left, may hold; nothing changes yet."""
        left = most = self.most if self.pool is None else self.pool.left
        for number, count in zip(numbers, counts, strict=True):
            total = count + (int(self.lengths[number]) if number < len(self) else 0)
            if capacity is not None and total > capacity:
                raise ValueError(
                    f"the cache overflows: {total} tokens, but capacity={capacity}, in sequence "
                    f"{number}; truncate or free it, or make a cache with a larger capacity"
                )
            if left is None:
                continue
            needed = self._missing(number, count)
            if needed > left:
                raise ValueError(
                    f"the cache overflows: sequence {number} needs {needed} more pages of "
                    f"{self.rows} tokens, but {left} of {self.most} are left ({most} before this "
                    "call); truncate or free sequences, or make a cache of more pages"
                )
            left -= needed

    def size(self) -> str:
        """Return how much there is, in words."""
        if self.pool is None:
            return "empty"
        longest = int(self.lengths.max(initial=0))
        shortest = int(self.lengths.min(initial=longest))
        tokens = str(longest) if shortest == longest else f"{shortest} to {longest}"
        shape = " × ".join([*map(str, self.lead), tokens])
        d, p = self.pool.widths
        return f"{shape} tokens, keys {d} wide, values {p} wide, {self.pool.dtype}"

    def _pages(self, length: int) -> int:
        return -(-length // self.rows)

    def _missing(self, number: int, count: int) -> int:
        """Return how many pages so many more tokens of a sequence take."""
        if count == 0 or number >= len(self):
            return self._pages(count)
        needed = self._pages(int(self.lengths[number]) + count) - len(self._tables[number])
        return needed + self._must_copy(number)

    def _must_copy(self, number: int) -> bool:
        """Tell whether the next token falls into a page that others hold, too."""
        inside = int(self.lengths[number]) % self.rows
        return inside > 0 and self.opened.is_shared(self._tables[number][-1])
