"""Keys and values of a cache, as an attention call meets them: in their pages, or gathered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array, working_dtype
from vicinal.neighbor_sets import Both
from vicinal.problem import Problem, finds_bandwidths
from vicinal.row_sets import BlockMask, Window
from vicinal.sequences import cuts_nothing
from vicinal.strips import needs_strips

if TYPE_CHECKING:
    from vicinal.attention_terms import AttentionTerms
    from vicinal.neighbor_sets import NeighborSet
    from vicinal.paged_sequences import PagedSequences
    from vicinal.sequences import Sequence

__all__ = ["are_joined", "are_met_in_order", "stand_ins", "with_cached_keys"]


def stand_ins(stored: PagedSequences, queries: Array, laid_out: bool) -> tuple[Array, Array]:
    """Return arrays of the shape and dtype of keys and values; one row is their memory.

    `laid_out`: the queries of all sequences stand end to end, without an axis of sequences.
    """
    pool, longest = stored.opened, int(stored.lengths.max(initial=0))
    dtype = working_dtype(queries, np.zeros(0, pool.dtype))
    lead = pool.heads if laid_out else stored.lead
    keys, values = (
        np.broadcast_to(np.zeros(width, dtype), (*lead, longest, width)) for width in pool.widths
    )
    return keys, values


def are_met_in_order(terms: AttentionTerms) -> bool:
    """Tell whether the engine goes past the keys in order, so that they may stand in pages."""
    finds = finds_bandwidths(terms.bandwidth)
    return not (finds or terms.kernel.compact) and _cuts_by_row(terms.neighbors)


def are_joined(problem: Problem, terms: AttentionTerms, stored: PagedSequences) -> bool:
    """Tell whether sequences of several lengths are one call: each query sees its whole sequence.

    They have no positions then, and the engine reads each to its end.
    """
    by_key = (terms.position, problem.log_weights, problem.key_bandwidths)
    if stored.lengths.size == 0 or any(part is not None for part in by_key):
        return False
    if not _stay_in_pages(problem, stored, are_met_in_order(terms)):
        return False
    near, m = terms.neighbors, problem.m
    return near is None or all(
        cuts_nothing(near, length - m, m, length) for length in set(stored.lengths.tolist())
    )


def with_cached_keys(
    problem: Problem, sequence: Sequence, stored: PagedSequences, in_order: bool
) -> Problem:
    """Return the problem of some sequences, joined or of one length, with keys and values."""
    if problem.n == 0:
        return problem
    if _stay_in_pages(problem, stored, in_order):
        pages = stored.pages(sequence.stored)
        return problem._replace(
            pages=(pages.at((0,)) if sequence.is_one else pages).spread(problem.lead)
        )

    def spread(array: Array) -> Array:
        whole = (array[0] if sequence.is_one else array).astype(problem.dtype, copy=False)
        return np.broadcast_to(whole, (*problem.lead, *whole.shape[-2:]))

    keys, values = map(spread, stored.gathered(sequence.stored))
    return problem._replace(keys=keys, values=values)


def _stay_in_pages(problem: Problem, stored: PagedSequences, in_order: bool) -> bool:
    return in_order and stored.opened.dtype == problem.dtype and not needs_strips(problem)


def _cuts_by_row(near: NeighborSet | Any) -> bool:
    if isinstance(near, Both):
        return _cuts_by_row(near.a) and _cuts_by_row(near.b)
    if isinstance(near, Window):
        return near.on is None
    return near is None or isinstance(near, BlockMask)
