"""Sentences of any length as packed tokens: those of one length stand together, without padding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from vicinal.arrays import Array, as_array

__all__ = [
    "Block",
    "Run",
    "as_sentences",
    "in_blocks",
    "means_of_sentences",
    "of_length_one",
]

BLOCK_TOKENS = 2048  # of one block: what a level writes stays near the cores


class Run(NamedTuple):
    """Sentences of one length, which stand one behind the other."""

    first: int  # row of the first token
    sentences: int
    length: int

    @property
    def rows(self) -> slice:
        """Rows of all its tokens."""
        return slice(self.first, self.first + self.sentences * self.length)


class Block(NamedTuple):
    """Tokens that pass all levels together."""

    ids: Array  # of all tokens
    order: list[int]  # which sentence each one is, in the order of the runs
    runs: list[Run]

    def slices(self) -> Iterator[tuple[int, slice]]:
        """Yield every sentence's number and the rows of its tokens."""
        numbers = iter(self.order)
        for run in self.runs:
            for i in range(run.sentences):
                first = run.first + i * run.length
                yield next(numbers), slice(first, first + run.length)


def as_sentences(
    token_ids: Any, attention_mask: Any, vocabulary: int, max_length: int
) -> tuple[list[Array], bool]:
    """Return one array of token numbers per sentence, and whether it was a single one.

    Parameters
    ----------
    token_ids : array_like of int, or list of such
        A sentence (n,), padded sentences (count, n), or a list of sentences of any lengths.
    attention_mask : array_like or None
        Of the shape of padded sentences: 1 for tokens, then 0 for padding.
    vocabulary, max_length : int
        What token numbers are below, and the most tokens of a sentence.
    """
    listed = isinstance(token_ids, list | tuple)
    if listed and not (token_ids and all(_is_number(token) for token in token_ids)):
        rows, single = [_as_numbers(row) for row in token_ids], False
    else:
        numbers = as_array(token_ids, "token_ids")
        single = numbers.ndim == 1
        if numbers.ndim not in (1, 2):
            raise ValueError(f"token_ids must be (n,) or (count, n), got shape {numbers.shape}")
        rows = [_as_numbers(row) for row in (numbers[None] if single else numbers)]
    if attention_mask is not None:
        rows = _without_padding(rows, attention_mask, single)
    for i, row in enumerate(rows):
        if not 1 <= len(row) <= max_length:
            raise ValueError(
                f"token_ids[{i}] has {len(row)} tokens, and a sentence has 1 to {max_length} of "
                "them; cut longer ones"
            )
        if row.min() < 0 or row.max() >= vocabulary:
            raise ValueError(
                f"token_ids[{i}] must be at least 0 and below the size of the vocabulary "
                f"({vocabulary}), got {row.min()} to {row.max()}"
            )
    return rows, single


def in_blocks(sentences: list[Array]) -> Iterator[Block]:
    """Yield the sentences in blocks, shortest first."""
    lengths = np.array([len(row) for row in sentences], np.int64)
    order = np.argsort(lengths, kind="stable")
    ends = np.cumsum(lengths[order])
    first = 0
    while first < len(order):
        before = ends[first] - lengths[order[first]]
        last = max(first + 1, int(np.searchsorted(ends, before + BLOCK_TOKENS, side="right")))
        taken = order[first:last]
        ids = np.concatenate([sentences[i] for i in taken])
        yield Block(ids, [int(i) for i in taken], _runs(lengths[taken]))
        first = last


def _runs(lengths: Array) -> list[Run]:
    """Return the runs of equal numbers in a rising sequence."""
    runs, row = [], 0
    for length, count in zip(*np.unique(lengths, return_counts=True), strict=True):
        runs.append(Run(row, int(count), int(length)))
        row += int(count) * int(length)
    return runs


def _is_number(token: Any) -> bool:
    return isinstance(token, int | np.integer)


def _as_numbers(row: Any) -> Array:
    numbers = as_array(row, "token_ids") if len(row) else np.zeros(0, np.int64)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise ValueError(
            f"token_ids must be whole numbers, a list of them per sentence, got {numbers.dtype} of "
            f"shape {numbers.shape}"
        )
    return numbers


def _without_padding(rows: list[Array], attention_mask: Any, single: bool) -> list[Array]:
    mask = as_array(attention_mask, "attention_mask")
    used = (mask[None] if single else mask) != 0
    if used.shape != (len(rows), len(rows[0]) if rows else 0):
        raise ValueError(
            f"attention_mask must have the shape of padded token_ids, got {mask.shape} for "
            f"{len(rows)} sentences; sentences of different lengths need none"
        )
    if np.any(used[:, 1:] & ~used[:, :-1]):
        raise ValueError("attention_mask must be 1 for the tokens of a row, then 0 for its padding")
    return [row[:count] for row, count in zip(rows, used.sum(axis=1), strict=True)]


def means_of_sentences(x: Array, block: Block, out: Array) -> None:
    """Average each sentence's tokens: a sum in double, token after token in every column."""
    where = iter(block.order)
    for run in block.runs:
        tokens = x[run.rows].reshape(run.sentences, run.length, -1)
        for mean in np.add.reduce(tokens, axis=1, dtype=np.float64) / run.length:
            out[next(where)] = mean


def of_length_one(rows: Array) -> Array:
    """Divide every row by its Euclidean length; a row of zeros stays."""
    squares = [np.add.reduce(np.square(row, dtype=np.float64)) for row in rows]
    lengths = np.sqrt(squares).reshape(len(rows), 1)
    return (rows / np.where(lengths == 0, 1, lengths)).astype(rows.dtype)
