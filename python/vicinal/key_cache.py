"""Keys and values of the tokens so far, for attention that decodes one token after the other."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from vicinal.arrays import Array, as_array, as_index, as_points, working_dtype

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from vicinal.arrays import ArrayLike

__all__ = ["KeyCache"]


class KeyCache:
    """Keys and values that grow token by token, in pages, for `vicinal.attention`.

    ``vicinal.attention(queries, cache=cache, causal=True)`` reads them where they stand: nothing is
    copied for a step, and the result has the bits of a call with the same keys as plain arrays.
    The sequences of a batch, along the first leading axis, may differ in length.

    Parameters
    ----------
    capacity : int, optional
        Most tokens of a sequence; None is no limit.
    page_size : int, optional
        Room is taken in pages of so many tokens, twice as many whenever it is used up.

    Attributes
    ----------
    keys, values : ndarray of shape (..., longest, d) and (..., longest, p)
        Views; of a shorter sequence what lies beyond its length is not meant.
    lengths : ndarray of int64 of shape (sequences,)
        Tokens of each sequence; one number if there are no leading dimensions.
    capacity, page_size : int
        As given.

    Raises
    ------
    ValueError
        If `capacity` or `page_size` is smaller than 1.

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
    """

    def __init__(self, capacity: int | None = None, *, page_size: int = 256) -> None:
        for name, size in (("capacity", capacity), ("page_size", page_size)):
            if size is not None and as_index(size, name) < 1:
                raise ValueError(f"{name} must be at least 1 token, got {size}")
        self.capacity = capacity
        self.page_size = page_size
        self._keys: Array | None = None  # (..., room, d)
        self._values: Array | None = None  # (..., room, p)
        self._lengths = np.zeros(0, np.int64)

    @property
    def keys(self) -> Array:
        return self._stored(self._keys)

    @property
    def values(self) -> Array:
        return self._stored(self._values)

    @property
    def lengths(self) -> Array:
        return self._lengths.copy()

    def __len__(self) -> int:
        return int(self._lengths.max(initial=0))

    def __repr__(self) -> str:
        limit = "" if self.capacity is None else f", capacity={self.capacity}"
        if self._keys is None or self._values is None:
            return f"KeyCache(empty{limit})"
        *lead, _, d = self._keys.shape
        shortest, longest = int(self._lengths.min()), len(self)
        tokens = str(longest) if shortest == longest else f"{shortest} to {longest}"
        size = " × ".join([*map(str, lead), tokens])
        widths = f"keys {d} wide, values {self._values.shape[-1]} wide"
        return f"KeyCache({size} tokens, {widths}, {self._keys.dtype}{limit})"

    def append(
        self, keys: ArrayLike, values: ArrayLike, *, lengths: ArrayLike | None = None
    ) -> Self:
        """Add the keys and values of the next tokens.

        Parameters
        ----------
        keys, values : array_like of shape (..., t, d) and (..., t, p)
            Of one shape but for the width; the first call fixes leading dimensions, widths and
            dtype.
        lengths : array_like of int of shape (sequences,), optional
            How many of the t tokens count in each sequence; None is all of them.

        Returns
        -------
        KeyCache
            Itself.

        Raises
        ------
        ValueError
            If shapes or dtype do not fit what is there, or a sequence would exceed the capacity;
            the cache is then as it was.
        """
        x, y = as_points(keys, "keys"), as_points(values, "values")
        if x.shape[:-1] != y.shape[:-1]:
            raise ValueError(
                f"keys and values must have one shape but for the width, got {x.shape} and "
                f"{y.shape}"
            )
        dtype = working_dtype(x, y)
        self._check(x, y, dtype)
        old = self._lengths if self._keys is not None else np.zeros(_sequences(x), np.int64)
        added = _as_lengths(lengths, _sequences(x), x.shape[-2])
        new = old + added
        if self.capacity is not None and int(new.max(initial=0)) > self.capacity:
            raise ValueError(
                f"the cache overflows: {int(new.max())} tokens, but capacity={self.capacity}; "
                "truncate or reset it, or make one with a larger capacity"
            )
        self._keys = self._with_room(self._keys, x, dtype, int(new.max(initial=0)))
        self._values = self._with_room(self._values, y, dtype, int(new.max(initial=0)))
        _put(self._keys, x, old, added)
        _put(self._values, y, old, added)
        self._lengths = new
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
        kept = as_array(lengths, "lengths")
        if kept.dtype.kind not in "iu" or kept.shape not in ((), self._lengths.shape):
            raise ValueError(
                f"lengths must be one whole number, or one for each of {self._lengths.size} "
                f"sequences, got {kept.dtype} of shape {kept.shape}"
            )
        if (kept < 0).any() or (kept > self._lengths).any():
            raise ValueError(
                f"lengths must be from 0 to what is there, {self._lengths.tolist()}, got "
                f"{kept.tolist()}"
            )
        self._lengths = np.zeros_like(self._lengths) + kept.astype(np.int64)
        return self

    def reset(self) -> Self:
        """Forget all tokens; room, widths and dtype stay.

        Returns
        -------
        KeyCache
            Itself.
        """
        return self.truncate(0)

    def select(self, sequences: ArrayLike) -> KeyCache:
        """Return a cache of some of the sequences, as often as they are named: beams of a search.

        Parameters
        ----------
        sequences : array_like of int of shape (s,)
            Along the first leading axis.

        Returns
        -------
        KeyCache
            With memory of its own.

        Raises
        ------
        ValueError
            If the cache has no leading dimension, or no such sequence.
        """
        chosen = as_array(sequences, "sequences")
        if self.keys.ndim < 3 or chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise ValueError(
                "sequences must be whole numbers in one dimension, for keys of shape (sequences, "
                f"..., n, d); got shape {chosen.shape} for keys {self.keys.shape}"
            )
        count = self._lengths.size
        if chosen.size and not (chosen.min() >= 0 and chosen.max() < count):
            raise ValueError(f"sequences must be from 0 to {count - 1}, got {chosen.tolist()}")
        twin = KeyCache(self.capacity, page_size=self.page_size)
        return twin.append(self.keys[chosen], self.values[chosen], lengths=self._lengths[chosen])

    @contextmanager
    def _as_it_was_if_refused(self) -> Iterator[None]:
        """Take back what was appended inside if that ends in an error."""
        before = self._keys, self._values, self._lengths
        try:
            yield
        except BaseException:
            self._keys, self._values, self._lengths = before
            raise

    def _stored(self, storage: Array | None) -> Array:
        if storage is None:
            raise ValueError("the cache is empty; append keys and values, whose widths it takes")
        return storage[..., : len(self), :]

    def _check(self, keys: Array, values: Array, dtype: np.dtype[np.float64]) -> None:
        for name, storage, new in (("keys", self._keys, keys), ("values", self._values, values)):
            if storage is None:
                continue
            wanted = (*storage.shape[:-2], new.shape[-2], storage.shape[-1])
            if new.shape != wanted:
                raise ValueError(f"{name} must be {wanted} to fit the cache, got {new.shape}")
            if dtype != storage.dtype:
                raise ValueError(
                    f"{name} are {dtype}, but the cache holds {storage.dtype}; convert them with "
                    f".astype({storage.dtype})"
                )

    def _with_room(
        self, storage: Array | None, new: Array, dtype: np.dtype[np.float64], tokens: int
    ) -> Array:
        """Return the storage, or one with pages enough that holds the same."""
        room = 0 if storage is None else storage.shape[-2]
        if storage is not None and tokens <= room:
            return storage
        pages = -(-max(tokens, 2 * room) // self.page_size)
        room = max(pages, 1) * self.page_size
        if self.capacity is not None:
            room = min(room, self.capacity)
        wider = np.empty((*new.shape[:-2], room, new.shape[-1]), dtype)
        if storage is not None:
            _put(wider, storage, np.zeros_like(self._lengths), self._lengths)
        return wider


def _sequences(keys: Array) -> int:
    return keys.shape[0] if keys.ndim > 2 else 1


def _as_lengths(lengths: ArrayLike | None, sequences: int, tokens: int) -> Array:
    if lengths is None:
        return np.full(sequences, tokens, np.int64)
    given = as_array(lengths, "lengths")
    if given.dtype.kind not in "iu" or given.shape != (sequences,):
        raise ValueError(
            f"lengths must be {sequences} whole numbers, one for each sequence, got {given.dtype} "
            f"of shape {given.shape}"
        )
    if (given < 0).any() or (given > tokens).any():
        raise ValueError(f"lengths must be from 0 to {tokens} tokens, got {given.tolist()}")
    return given.astype(np.int64)


def _put(storage: Array, new: Array, old: Array, added: Array) -> None:
    if new.ndim == 2 or ((old == old[:1]).all() and (added == added[:1]).all()):
        if old.size:
            storage[..., old[0] : old[0] + added[0], :] = new[..., : added[0], :]
        return
    for s, (start, count) in enumerate(zip(old.tolist(), added.tolist(), strict=True)):
        storage[s, ..., start : start + count, :] = new[s, ..., :count, :]
