"""How rows divide into heads, and which heads share keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vicinal.arrays import Array, as_array, as_index

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.linear import Linear

__all__ = ["Heads"]


class Heads(NamedTuple):
    """Heads that ask, and heads that keep keys and values: groups of the former share one."""

    asked: int
    kept: int

    @classmethod
    def of(cls, n_heads: int, n_kv_heads: int | None) -> Heads:
        """Return checked counts."""
        asked = as_index(n_heads, "n_heads")
        kept = asked if n_kv_heads is None else as_index(n_kv_heads, "n_kv_heads")
        if asked < 1 or kept < 1 or asked % kept:
            raise ValueError(
                "n_heads must be at least 1 and n_kv_heads divide it, got "
                f"n_heads={asked} and n_kv_heads={kept}"
            )
        return cls(asked, kept)

    @property
    def of_group(self) -> int:
        """Heads that share keys and values."""
        return self.asked // self.kept

    def __str__(self) -> str:
        shared = f", n_kv_heads={self.kept}" if self.kept < self.asked else ""
        return f"n_heads={self.asked}{shared}"

    def split(self, rows: Array, of_group: int) -> Array:
        """Return (..., m, heads · width) as a view (..., groups, heads of a group, m, width)."""
        split = rows.reshape(*rows.shape[:-1], self.kept, of_group, -1)
        return np.moveaxis(split, -4, -2)

    def by_group(self, pairs: ArrayLike | None, name: str) -> Array | None:
        """Return (..., heads, m, n) as (..., groups, heads of a group, m, n)."""
        if pairs is None:
            return None
        array = as_array(pairs, name)
        if array.ndim < 3:
            return array
        *lead, heads, m, n = array.shape
        if heads not in (1, self.asked):
            raise ValueError(
                f"{name} must be (..., {self.asked} heads or 1, m, n), got shape {array.shape}; "
                f"write {name}[:, None] if the first axis is that of sequences"
            )
        groups = (1, 1) if heads == 1 else (self.kept, self.of_group)
        return array.reshape(*lead, *groups, m, n)

    def slopes(self, slopes: ArrayLike) -> Array:
        """Return a slope for each head by groups, (groups, heads of a group)."""
        array = as_array(slopes, "alibi_slopes")
        if array.shape != (self.asked,):
            raise ValueError(
                f"alibi_slopes must be one number for each of {self.asked} heads, got shape "
                f"{array.shape}"
            )
        return array.reshape(self.kept, -1)

    def check(self, queries: Linear, keys: Linear, values: Linear, output: Linear | None) -> None:
        """Refuse maps that do not divide into these heads."""
        for name, part, heads in (
            ("query_weight", queries, self.asked),
            ("key_weight", keys, self.kept),
            ("value_weight", values, self.kept),
        ):
            if part.outputs % heads:
                raise ValueError(
                    f"{name} must have a multiple of {heads} outputs, one part for each head, got "
                    f"shape {part.weight.shape}"
                )
        if queries.outputs // self.asked != keys.outputs // self.kept:
            raise ValueError(
                "queries and keys of a head must have one width, got "
                f"{queries.outputs} outputs of query_weight for {self.asked} heads and "
                f"{keys.outputs} of key_weight for {self.kept}"
            )
        means = self.of_group * values.outputs
        if output is not None and output.inputs != means:
            raise ValueError(
                f"output_weight must have {means} inputs, the means of {self.asked} heads side by "
                f"side, got shape {output.weight.shape}"
            )
