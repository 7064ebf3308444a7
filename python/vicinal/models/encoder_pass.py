"""Tokens on their way through the levels, in buffers that every level uses again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vicinal.arrays import Array, as_array, working_dtype
from vicinal.models.encoder_level import Level, Norm, Workspace
from vicinal.models.head_means import Attention, HeadMeans
from vicinal.models.sentences import Block, Run

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike

__all__ = ["Embeddings", "as_embeddings", "pass_levels"]


class Embeddings(NamedTuple):
    """What a token is before the first level: its own row and that of its position."""

    tokens: Array  # (vocabulary, width)
    positions: Array  # (max_length, width)
    norm: Norm | None

    def __call__(self, block: Block, num_threads: int | None) -> Array:
        """Return the tokens of a block, (tokens, width)."""
        x = np.take(self.tokens, block.ids, axis=0)
        for run in block.runs:
            sentences = x[run.rows].reshape(run.sentences, run.length, -1)
            sentences += self.positions[: run.length]
        return x if self.norm is None else self.norm(x, x, num_threads)


def as_embeddings(tokens: ArrayLike, positions: ArrayLike) -> Embeddings:
    """Return checked embeddings, without a norm."""
    rows, places = as_array(tokens, "tokens"), as_array(positions, "positions")
    for name, array in (("tokens", rows), ("positions", places)):
        if array.ndim != 2 or 0 in array.shape:
            raise ValueError(f"{name} must be (rows, width), got shape {array.shape}")
    if rows.shape[1] != places.shape[1]:
        raise ValueError(
            f"tokens have width {rows.shape[1]} and positions {places.shape[1]}; both need the same"
        )
    dtype = working_dtype(rows, places)
    return Embeddings(rows.astype(dtype, copy=False), places.astype(dtype, copy=False), None)


def pass_levels(
    x: Array, levels: Sequence[Level], norm: str, runs: list[Run], attention: Attention
) -> Iterator[Array]:
    """Yield `x`, the tokens of all runs, before the first level and behind each.

    It is overwritten from level to level.
    """
    yield x
    works: dict[Any, Workspace] = {}
    for level in levels:
        sizes = level.heads, level.up.outputs
        if sizes not in works:
            works[sizes] = _workspace(x, level, runs, attention)
        (level.post_norm if norm == "post" else level.pre_norm)(works[sizes])
        yield x


def _workspace(x: Array, level: Level, runs: list[Run], attention: Attention) -> Workspace:
    heads = level.heads
    widths = x.shape[1], heads.columns, heads.n_heads * heads.value_width, level.up.outputs
    other, projected, means, wide = (np.empty((len(x), width), x.dtype) for width in widths)
    attend = HeadMeans(heads, projected, means, runs, attention)
    return Workspace(x, other, projected, means, wide, attend, attention.num_threads)
