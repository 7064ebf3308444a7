"""Variables and their terms: what a system is told, and the numbers that it is asked about."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from vicinal.arrays import Array, as_array, working_dtype
from vicinal.errors import did_you_mean
from vicinal.models.fuzzy.memberships import Membership

__all__ = ["Rows", "as_ranges", "as_terms", "as_variables", "one_of"]

Terms = dict[str, Membership]


def one_of(value: object, names: tuple[str, ...], argument: str) -> str:
    """Return a name that is one of `names`, or raise a ValueError."""
    if not isinstance(value, str) or value not in names:
        known = ", ".join(map(repr, names))
        raise ValueError(
            f"{argument} must be one of {known}, got {value!r}{did_you_mean(value, names)}"
        )
    return value


def as_terms(given: Any, argument: str) -> dict[str, Any]:
    """Return a mapping, or pairs, as a dict; at least one entry, names in text."""
    if not isinstance(given, Mapping | list | tuple):
        raise TypeError(f"{argument} must be a mapping of names, got {type(given).__name__}")
    found = dict(given)
    if not found:
        raise ValueError(f"{argument} is empty; name at least one")
    for name in found:
        if not isinstance(name, str) or not name.strip():
            raise TypeError(f"{argument} must have names in text, got {name!r}")
    return found


def as_variables(given: Any, argument: str) -> dict[str, Terms]:
    """Return the terms of every variable, checked."""
    variables = {
        name: as_terms(terms, f"{argument}[{name!r}]")
        for name, terms in as_terms(given, argument).items()
    }
    for name, terms in variables.items():
        for term, membership in terms.items():
            if not isinstance(membership, Membership):
                raise TypeError(
                    f"{argument}[{name!r}][{term!r}] must be a membership function such as "
                    f"Triangle(0, 1, 2), got {membership!r}"
                )
    return variables


def as_ranges(given: Any, outputs: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Return the ranges that were given, checked."""
    known = list(outputs)
    ranges: dict[str, tuple[float, float]] = {}
    for name, ends in as_terms(given, "ranges").items() if given else ():
        if name not in known:
            raise ValueError(f"ranges names {name!r}, which is no output; outputs are {known}")
        low, high = (float(end) for end in ends)
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"ranges[{name!r}] must be (low, high) with low < high, got {ends!r}")
        ranges[name] = low, high
    return ranges


class Rows:
    """Numbers of every input, of one shape.

    Parameters
    ----------
    values : mapping of str to array_like, or array_like of shape (rows, inputs)
        One array or number for each input; they broadcast.
    inputs : sequence of str
        The names that must be there.
    """

    def __init__(self, values: Any, inputs: Iterable[str]) -> None:
        names = list(inputs)
        arrays = self._by_name(values, names) if hasattr(values, "keys") else None
        if arrays is None:
            table = as_array(values, "values")
            if table.ndim != 2 or table.shape[1] != len(names):
                raise ValueError(
                    f"values must name the inputs, {{{names[0]!r}: …}}, or be (rows, {len(names)}) "
                    f"with a column for each of {names}, got shape {table.shape}"
                )
            arrays = list(table.T)
        self.dtype = working_dtype(*arrays)
        try:
            broadcast = np.broadcast_arrays(*arrays)
        except ValueError:
            shapes = {name: array.shape for name, array in zip(names, arrays, strict=True)}
            raise ValueError(f"values must be of one shape, got {shapes}") from None
        self.shape = broadcast[0].shape
        self.columns = [np.array(a, np.float64, order="C").ravel() for a in broadcast]

    def __len__(self) -> int:
        return self.columns[0].size

    def strip(self, rows: slice) -> Rows:
        """Return some of the rows."""
        part = copy.copy(self)
        part.columns = [column[rows] for column in self.columns]
        return part

    @property
    def missing(self) -> Array:
        """Whether a number of the row is NaN, (rows,)."""
        return np.asarray(np.any([np.isnan(column) for column in self.columns], axis=0))

    @staticmethod
    def _by_name(values: Any, names: list[str]) -> list[Array]:
        given = list(values.keys())
        for name in given:
            if name not in names:
                meant = did_you_mean(name, names) or f"; the inputs are {names}"
                raise ValueError(f"values names {name!r}, which is no input{meant}")
        if missing := [name for name in names if name not in given]:
            raise ValueError(f"values lacks {missing}; give a number or an array for each input")
        return [as_array(values[name], f"values[{name!r}]") for name in names]
