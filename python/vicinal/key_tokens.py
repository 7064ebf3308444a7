"""The tokens that a call adds to a key cache, sequence by sequence; checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vicinal.arrays import Array, as_array, as_points, working_dtype

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.key_pages import PagePool

__all__ = ["Tokens", "as_sequences", "as_tokens"]


class Tokens(NamedTuple):
    """Keys and values of the next tokens of some sequences."""

    keys: Array
    values: Array
    sequences: Array | None  # numbers of them; None: all, in order
    starts: Array | None  # of each among tokens laid end to end; None: along the first axis
    counts: Array  # of tokens

    @property
    def heads(self) -> tuple[int, ...]:
        """Leading dimensions of one sequence."""
        shape: tuple[int, ...] = self.keys.shape
        return shape[:-2] if self.starts is not None else shape[1:-2]

    @property
    def is_single(self) -> bool:
        """Whether there is one sequence, without an axis for it."""
        return self.starts is None and self.keys.ndim == 2

    @property
    def dtype(self) -> np.dtype[np.float64]:
        """What they are stored in."""
        return working_dtype(self.keys, self.values)

    def check(self, pool: PagePool | None, is_single: bool, sequences: int) -> None:
        """Refuse tokens that do not fit a cache of so many sequences, or of 0 and no pool yet."""
        if pool is None:
            if sequences and (self.is_single or self.counts.size != sequences):
                raise ValueError(
                    f"keys must be of {sequences} sequences, those of the cache, got "
                    f"{self.keys.shape}"
                )
            return
        lead = pool.heads if self.starts is not None or is_single else (sequences, *pool.heads)
        for name, new, width in zip(
            ("keys", "values"), (self.keys, self.values), pool.widths, strict=True
        ):
            wanted = (*lead, new.shape[-2], width)
            if new.shape != wanted:
                raise ValueError(f"{name} must be {wanted} to fit the cache, got {new.shape}")
            if self.dtype != pool.dtype:
                raise ValueError(
                    f"{name} are {self.dtype}, but the cache holds {pool.dtype}; convert them with "
                    f".astype({pool.dtype})"
                )
        if self.counts.size != sequences:
            raise ValueError(f"offsets must be of {sequences} sequences, got {self.counts.size}")

    def of(self, at: int) -> tuple[Array, Array]:
        """Return keys and values, (*heads, count, width), of the sequence in that place."""
        first = 0 if self.starts is None else int(self.starts[at])
        tokens = slice(first, first + int(self.counts[at]))

        def cut(array: Array) -> Array:
            whole = array if self.is_single or self.starts is not None else array[at]
            return whole[..., tokens, :]

        return cut(self.keys), cut(self.values)


def as_tokens(
    keys: ArrayLike,
    values: ArrayLike,
    lengths: ArrayLike | None,
    offsets: ArrayLike | None,
    sequences: Array | None,
) -> Tokens:
    """Return checked tokens; `sequences` are checked numbers."""
    x, y = as_points(keys, "keys"), as_points(values, "values")
    if x.shape[:-1] != y.shape[:-1]:
        raise ValueError(
            f"keys and values must have one shape but for the width, got {x.shape} and {y.shape}"
        )
    if offsets is None:
        count = x.shape[0] if x.ndim > 2 else 1
        tokens = Tokens(x, y, sequences, None, _as_lengths(lengths, count, x.shape[-2]))
    elif lengths is None:
        at = _as_offsets(offsets, x.shape[-2])
        tokens = Tokens(x, y, sequences, at[:-1], np.diff(at))
    else:
        raise ValueError("offsets say how long the sequences are; drop lengths")
    if sequences is None:
        return tokens
    if np.unique(sequences).size < sequences.size:
        raise ValueError(f"sequences must differ from each other, got {sequences.tolist()}")
    if sequences.size != tokens.counts.size:
        raise ValueError(
            f"sequences must name {tokens.counts.size} sequences, those of keys {x.shape}, got "
            f"{sequences.size}"
        )
    return tokens


def as_sequences(sequences: ArrayLike, count: int) -> Array:
    """Return numbers of some of `count` sequences."""
    chosen = as_array(sequences, "sequences")
    if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "iu"):
        raise ValueError(
            f"sequences must be whole numbers in one dimension, got {chosen.dtype} of shape "
            f"{chosen.shape}"
        )
    chosen = chosen.astype(np.int64)
    if chosen.size and not (chosen.min() >= 0 and chosen.max() < count):
        raise ValueError(f"sequences must be from 0 to {count - 1}, got {chosen.tolist()}")
    return chosen


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


def _as_offsets(offsets: ArrayLike, tokens: int) -> Array:
    from vicinal.row_sets import Segments

    segments = Segments(offsets, offsets)
    segments.lower(tokens, tokens, np.dtype(np.float64))  # its checks
    return np.asarray(segments.query_offsets)
