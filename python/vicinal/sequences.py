"""The sequences of an attention call: one for all, those of a cache, or those laid end to end.

Every sequence is computed as if it came alone: its keys are numbered from 0, so that its bits
depend neither on the other sequences nor on padding.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vicinal.arrays import Array
from vicinal.bandwidth.given import PerKey
from vicinal.neighbor_sets import Both, Either, KNearest, NeighborSet
from vicinal.problem import Problem, spread
from vicinal.row_sets import Segments, Window

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.bandwidth.given import AdaptiveBandwidth
    from vicinal.bias import PositionBias

__all__ = [
    "Sequence",
    "cached",
    "cached_end_to_end",
    "cuts_nothing",
    "end_to_end",
    "of_at_most",
    "part_of",
    "problem_of",
    "rule_of",
]


class Sequence(NamedTuple):
    """Where one sequence, or several of one length, stand in the arrays of a call."""

    rows: slice
    keys: slice
    first: int  # position of the first query among the keys
    axis: int = 0  # leading axis of the sequences …
    items: slice = slice(None)  # … and which of it
    is_part: bool = True  # of several, or of one that grows: it may have fewer keys than `KNearest`
    stored: range = range(0)  # their numbers in a cache
    is_one: bool = False  # the arrays have no axis for those


def cached(
    lengths: Array, axis: int, m: int, counts_positions: bool, is_one: bool, joined: bool
) -> list[Sequence]:
    """Return the sequences of a cache, neighbors of one length together; queries are at its end.

    `is_one`: the cache has one sequence and no axis of them. `joined`: lengths may differ.
    """
    if counts_positions:
        _check_ends(m, int(lengths.min(initial=m)))
    found, start = [], 0
    for length, run in groupby([int(lengths.max())] * lengths.size if joined else lengths.tolist()):
        stop = start + sum(1 for _ in run)
        items = slice(start, stop) if stop - start < len(lengths) else slice(None)
        first = max(length - m, 0)
        of = Sequence(slice(0, m), slice(0, length), first, axis, items, True, range(start, stop))
        found.append(of._replace(is_one=is_one))
        start = stop
    return found


def cached_end_to_end(
    query_offsets: ArrayLike, lengths: Array, m: int, counts_positions: bool
) -> list[Sequence]:
    """Return the sequences of a cache whose queries, laid end to end, are at the end of each."""
    n = int(lengths.max(initial=0))
    rows = Segments(query_offsets, query_offsets)
    rows.lower(m, m, np.dtype(np.float64))  # its checks
    at = np.asarray(rows.query_offsets).tolist()
    if len(at) != lengths.size + 1:
        raise ValueError(
            f"query_offsets are of {len(at) - 1} sequences, but the cache has {lengths.size}; give "
            "sequences + 1 offsets, two equal ones for a sequence without queries"
        )
    found = []
    for s, (a, b, length) in enumerate(zip(at[:-1], at[1:], lengths.tolist(), strict=True)):
        if a == b:
            continue
        if counts_positions:
            _check_ends(b - a, length)
        first = max(length - (b - a), 0)
        of = Sequence(slice(a, b), slice(0, length), first, stored=range(s, s + 1), is_one=True)
        found.append(of)
    return found or [Sequence(slice(0, 0), slice(0, n), 0)]


def _check_ends(queries: int, keys: int) -> None:
    if keys < queries:
        raise ValueError(
            f"the {queries} queries stand at the end of each cached sequence, but one holds {keys} "
            "keys only; append the keys of the queries first, or pass fewer queries"
        )


def end_to_end(
    query_offsets: ArrayLike | None, key_offsets: ArrayLike | None, m: int, n: int
) -> list[Sequence]:
    """Return the sequences between offsets, each counted from its own start; the whole if none."""
    if query_offsets is None:
        if key_offsets is not None:
            raise ValueError("key_offsets need query_offsets, which say whose keys they are")
        return [Sequence(slice(0, m), slice(0, n), 0, is_part=False)]
    if key_offsets is None and m != n:
        raise ValueError(
            f"key_offsets=None takes those of the {m} queries, but there are {n} keys; give "
            "key_offsets, from 0 to the number of keys"
        )
    segments = Segments(query_offsets, query_offsets if key_offsets is None else key_offsets)
    segments.lower(m, n, np.dtype(np.float64))  # its checks
    rows, keys = np.asarray(segments.query_offsets), np.asarray(segments.key_offsets)
    spans = zip(rows[:-1], rows[1:], keys[:-1], keys[1:], strict=True)
    asked = [Sequence(slice(a, b), slice(c, d), 0) for a, b, c, d in spans if a < b]
    return asked or [Sequence(slice(0, 0), slice(0, n), 0)]


def problem_of(
    sequence: Sequence, problem: Problem, near: NeighborSet | None, position: PositionBias | None
) -> Problem:
    """Return the problem of one sequence, as views, with its neighbors and its bias."""
    at = (*(slice(None),) * sequence.axis, sequence.items)
    is_cut = sequence.items != slice(None)
    lead = np.broadcast_to(0, problem.lead)[at].shape if is_cut else problem.lead
    rows, keys = sequence.rows, sequence.keys
    m, n = rows.stop - rows.start, keys.stop - keys.start

    def cut(array: Any, *last: Any) -> Any:
        if not isinstance(array, np.ndarray):
            return array
        return (array[at] if is_cut else array)[(Ellipsis, *last)]

    bias = cut(problem.bias, rows, keys)
    if position is not None:
        here = position if position.offset == "end" else position.shifted(sequence.first)
        _check_heads(position, problem.lead)
        full = np.broadcast_to(here.pairs(m, n, problem.dtype), (*problem.lead, m, n))
        pairs = full[at]
        bias = pairs if bias is None else bias + pairs
    features = slice(None)
    return problem._replace(
        queries=cut(problem.queries, rows, features),
        keys=cut(problem.keys, keys, features),
        values=cut(problem.values, keys, features),
        log_weights=cut(problem.log_weights, keys),
        bias=bias,
        mask=cut(problem.mask, rows, keys),
        key_bandwidths=cut(problem.key_bandwidths, keys),
        query_bandwidths=cut(problem.query_bandwidths, rows),
        lead=lead,
        neighbors=_lowered(near, sequence, m, n, problem.dtype),
        query_offset=sequence.first,
    )


def rule_of(sequence: Sequence, problem: Problem, rule: AdaptiveBandwidth) -> AdaptiveBandwidth:
    """Return the rule of bandwidths for one sequence; numbers of keys and features are cut."""
    if not isinstance(rule, PerKey):
        return rule
    shape = (*problem.lead, *problem.keys.shape[-2:])
    h = spread(np.asarray(rule.numbers()), shape, "bandwidth")
    own = h[(*(slice(None),) * sequence.axis, sequence.items)]
    return replace(rule, h=own[..., sequence.keys, :])


def _check_heads(position: PositionBias, lead: tuple[int, ...]) -> None:
    name, heads = position.numbers_name, position.lead
    fits = len(heads) <= len(lead) and all(
        size in (1, asked) for size, asked in zip(heads[::-1], lead[::-1], strict=False)
    )
    if not fits:
        raise ValueError(
            f"{name} for heads of shape {heads} must broadcast to the leading dimensions {lead}"
        )


def part_of(output: Array, sequence: Sequence, lead: int) -> Array:
    """Return the view of an output that belongs to one sequence."""
    at = [slice(None)] * (lead + 1)
    if lead:
        at[sequence.axis] = sequence.items
    at[lead] = sequence.rows
    return output[tuple(at)]


def _lowered(near: NeighborSet | None, sequence: Sequence, m: int, n: int, dtype: Any) -> Any:
    if near is None or n == 0 or cuts_nothing(near, sequence.first, m, n):
        return None
    near = of_at_most(near, n) if sequence.is_part else near
    return near.lower(sequence.first + m, n, dtype)


def cuts_nothing(near: NeighborSet, first: int, m: int, n: int) -> bool:
    """Tell whether a window holds every key for every query, as for one new token."""
    if not isinstance(near, Window) or near.on is not None:
        return False
    position = first + int(near.anchored(first + m, n).offset)
    sees_first = near.before is None or near.before >= position + m - 1
    return sees_first and (near.after is None or near.after >= n - 1 - position)


def of_at_most(near: NeighborSet, n: int) -> NeighborSet:
    """Return the set with k nearest of a sequence of n keys: all of them where they are fewer."""
    if isinstance(near, KNearest):
        return KNearest(min(near.k, n))
    if isinstance(near, Both | Either):
        return replace(near, a=of_at_most(near.a, n), b=of_at_most(near.b, n))
    return near
