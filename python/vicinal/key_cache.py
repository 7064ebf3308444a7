"""Keys and values of the tokens so far, for attention that decodes one token after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array, as_array, as_index
from vicinal.key_tokens import as_sequences, as_tokens
from vicinal.paged_sequences import PagedSequences

if TYPE_CHECKING:
    from typing import Self

    from vicinal.arrays import ArrayLike

__all__ = ["KeyCache"]


class KeyCache:
    """Keys and values that grow token by token, in pages, for `vicinal.attention`.

    ``vicinal.attention(queries, cache=cache, causal=True)`` reads them where they stand: nothing is
    copied for a step, and the result has the bits of a call with the same keys as plain arrays.
    The sequences of a batch, along the first leading axis, differ in length as they like, and
    share the pages of a common beginning.

    Parameters
    ----------
    capacity : int, optional
        Most tokens of a sequence; None is no limit.
    page_size : int, optional
        Tokens of a page. Multiples of 256 are read fastest; smaller pages leave less room unused.
    pages : int, optional
        Most pages of all sequences together, those of `select` and `fork` too; None is no limit.

    Attributes
    ----------
    keys, values : ndarray of shape (..., longest, d) and (..., longest, p)
        Copies in one piece; of a shorter sequence what lies beyond its length is 0.
    lengths : ndarray of int64 of shape (sequences,)
        Tokens of each sequence; one number if there are no leading dimensions.
    capacity, page_size, pages : int
        As given.
    pages_used, nbytes : int
        Pages that hold something, and the memory of all pages.

    Raises
    ------
    ValueError
        If `capacity`, `page_size` or `pages` is smaller than 1.

    See Also
    --------
    vicinal.attention : Takes it as `cache`.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> rng = np.random.default_rng(0)
    >>> cache = vc.KeyCache(capacity=1024)
    >>> for token in range(3):
    ...     q, k, v = rng.normal(size=(3, 2, 8, 1, 16))  # 2 sequences, 8 heads, one token
    ...     out = vc.attention(q, k, v, cache=cache, causal=True)
    >>> cache
    KeyCache(2 × 8 × 3 tokens, keys 16 wide, values 16 wide, float64, capacity=1024)

    A third sequence goes on from the first, whose page it shares until one of them writes:

    >>> cache.fork([0]), cache.pages_used
    (array([2]), 2)
    """

    def __init__(
        self, capacity: int | None = None, *, page_size: int = 256, pages: int | None = None
    ) -> None:
        limits = (("capacity", capacity, "token"), ("page_size", page_size, "token"))
        for name, size, what in (*limits, ("pages", pages, "page")):
            if size is not None and as_index(size, name) < 1:
                raise ValueError(f"{name} must be at least 1 {what}, got {size}")
        self.capacity, self.page_size, self.pages = capacity, page_size, pages
        self._stored = PagedSequences(min(page_size, capacity or page_size), pages)

    @property
    def keys(self) -> Array:
        return self._stored.in_one_piece()[0]

    @property
    def values(self) -> Array:
        return self._stored.in_one_piece()[1]

    @property
    def lengths(self) -> Array:
        return self._stored.lengths.copy()

    @property
    def pages_used(self) -> int:
        return 0 if self._stored.pool is None else len(self._stored.pool)

    @property
    def nbytes(self) -> int:
        return 0 if self._stored.pool is None else self._stored.pool.nbytes

    def __len__(self) -> int:
        return int(self._stored.lengths.max(initial=0))

    def __repr__(self) -> str:
        limits = {"capacity": self.capacity, "pages": self.pages}
        given = "".join(f", {name}={n}" for name, n in limits.items() if n is not None)
        return f"KeyCache({self._stored.size()}{given})"

    def __copy__(self) -> KeyCache:
        return self._twin(list(range(len(self._stored))))

    def __getstate__(self) -> tuple[Any, ...]:
        arrays = None if self._stored.pool is None else self._stored.in_one_piece()
        return (self.capacity, self.page_size, self.pages), self.lengths, arrays

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        (capacity, page_size, pages), lengths, arrays = state
        KeyCache.__init__(self, capacity, page_size=page_size, pages=pages)
        if arrays is None:
            self._stored.add(lengths.size)
        else:
            self.append(*arrays, lengths=lengths)

    def append(
        self,
        keys: ArrayLike,
        values: ArrayLike,
        *,
        lengths: ArrayLike | None = None,
        offsets: ArrayLike | None = None,
        sequences: ArrayLike | None = None,
    ) -> Self:
        """Add the keys and values of the next tokens.

        Parameters
        ----------
        keys, values : array_like of shape (..., t, d) and (..., t, p)
            Of one shape but for the width; the first call fixes leading dimensions, widths and
            dtype.
        lengths : array_like of int of shape (sequences,), optional
            How many of the t tokens count in each sequence; None is all of them.
        offsets : array_like of int of shape (sequences + 1,), optional
            The tokens are laid end to end, (heads, t, ·): where each sequence's begin.
        sequences : array_like of int of shape (s,), optional
            Which sequences these are of, each once; None is all, in order.

        Returns
        -------
        KeyCache
            Itself.

        Raises
        ------
        ValueError
            If shapes or dtype do not fit what is there, or a sequence would exceed the capacity or
            the pages; the cache is then as it was.
        """
        stored = self._stored
        chosen = None if sequences is None else as_sequences(sequences, len(stored))
        tokens = as_tokens(keys, values, lengths, offsets, chosen)
        numbers = list(range(tokens.counts.size)) if chosen is None else chosen.tolist()
        tokens.check(stored.pool, stored.is_single, len(stored if chosen is None else numbers))
        stored.check_room(numbers, tokens.counts.tolist(), self.capacity)
        if stored.pool is None:
            stored.open(tokens)
        for at, number in enumerate(numbers):
            stored.write(number, *tokens.of(at))
        return self

    def truncate(self, lengths: ArrayLike) -> Self:
        """Forget the tokens beyond a length: of guesses that were refused.

        Parameters
        ----------
        lengths : int or array_like of int of shape (sequences,)
            What each sequence keeps, at most what it has.

        Returns
        -------
        KeyCache
            Itself.

        Raises
        ------
        ValueError
            If a length is negative or more than the sequence has.
        """
        kept, there = as_array(lengths, "lengths"), self.lengths
        if kept.dtype.kind not in "iu" or kept.shape not in ((), there.shape):
            raise ValueError(
                f"lengths must be one whole number, or one for each of {there.size} sequences, got "
                f"{kept.dtype} of shape {kept.shape}"
            )
        if (kept < 0).any() or (kept > there).any():
            raise ValueError(
                f"lengths must be from 0 to what is there, {there.tolist()}, got {kept.tolist()}"
            )
        self._stored.keep(np.zeros_like(there) + kept.astype(np.int64))
        return self

    def reset(self) -> Self:
        """Forget all tokens; memory, widths and dtype stay.

        Returns
        -------
        KeyCache
            Itself.
        """
        return self.truncate(0)

    def free(self, sequences: ArrayLike) -> Self:
        """Forget all tokens of some sequences: their pages, where no other needs them, are free.

        Parameters
        ----------
        sequences : array_like of int of shape (s,)
            Their places stay, for new sequences; `select` leaves places out.

        Returns
        -------
        KeyCache
            Itself.
        """
        kept = self.lengths
        kept[as_sequences(sequences, kept.size)] = 0
        return self.truncate(kept)

    def add(self, count: int = 1) -> Array:
        """Add sequences without tokens.

        Parameters
        ----------
        count : int
            How many.

        Returns
        -------
        ndarray of int64 of shape (count,)
            Their numbers, for `append`.
        """
        if as_index(count, "count") < 0:
            raise ValueError(f"count must be at least 0, got {count}")
        self._check_axis()
        self._stored.add(count)
        return np.arange(len(self._stored) - count, len(self._stored))

    def fork(self, sequences: ArrayLike) -> Array:
        """Add sequences that begin as others, and share their pages.

        A page that several hold is copied when one of them writes into it: at most one for each.

        Parameters
        ----------
        sequences : array_like of int of shape (s,)
            Whose tokens the new ones have, as often as they are named.

        Returns
        -------
        ndarray of int64 of shape (s,)
            Numbers of the new sequences.
        """
        first = len(self._stored)
        chosen = as_sequences(sequences, first)
        self._check_axis()
        self._stored.share(self._stored, chosen.tolist())
        return np.arange(first, first + chosen.size)

    def select(self, sequences: ArrayLike) -> KeyCache:
        """Return a cache of some of the sequences, as often as they are named: beams of a search.

        Parameters
        ----------
        sequences : array_like of int of shape (s,)
            Along the first leading axis.

        Returns
        -------
        KeyCache
            What is appended to one of the two the other never sees, but they share pages as after
            `fork`, and the limit of them.
        """
        chosen = as_sequences(sequences, len(self._stored))
        self._check_axis()
        return self._twin(chosen.tolist())

    def _twin(self, sequences: list[int]) -> KeyCache:
        twin = KeyCache(self.capacity, page_size=self.page_size, pages=self.pages)
        twin._stored.join(self._stored)
        twin._stored.share(self._stored, sequences)
        return twin

    def _check_axis(self) -> None:
        if self._stored.is_single:
            raise ValueError(
                "the cache has one sequence and no axis of them; append keys (sequences, ..., n, d)"
            )
