"""What rules of Takagi–Sugeno systems conclude: constants and affine functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from vicinal.arrays import Array, as_array
from vicinal.models.fuzzy.grammar import Rule

__all__ = ["affine", "as_function", "collect"]


def collect(
    rules: list[Rule], functions: dict[str, dict[str, Array]], count: int
) -> tuple[Array, Array]:
    """Return the functions of rules and outputs, and how often a rule concludes on each output."""
    number = {name: place for place, name in enumerate(functions)}
    total = np.zeros((len(rules), len(number), count))
    concluded = np.zeros((len(rules), len(number)), np.int64)
    for place, rule in enumerate(rules):
        for found in rule.conclusions:
            total[place, number[found.variable]] += functions[found.variable][found.term]
            concluded[place, number[found.variable]] += 1
    return (total if total[:, :, 1:].any() else total[:, :, :1]), concluded


def as_function(value: Any, name: str, term: str, count: int) -> Array:
    """Return a constant and slopes."""
    given = np.atleast_1d(as_array(value, f"outputs[{name!r}][{term!r}]")).astype(np.float64)
    if given.shape not in ((1,), (count,)):
        raise ValueError(
            f"outputs[{name!r}][{term!r}] must be a number, or a constant and {count - 1} slopes, "
            f"got shape {given.shape}"
        )
    return np.pad(given, (0, count - given.size))


def affine(functions: Array, columns: list[Array]) -> Array:
    """Return constant + Σ slope · input, of functions (1 or 1 + inputs, rows or 1)."""
    total = np.broadcast_to(functions[0], columns[0].shape).copy()
    for slope, column in zip(functions[1:], columns, strict=False):
        total += slope * column
    return total
