"""Attention: local means of values by the dot product of queries and keys, or by any kernel."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vicinal.arrays import Array, as_points
from vicinal.attention_terms import AttentionTerms, attention_terms, check_heads
from vicinal.cached_keys import are_joined, are_met_in_order, stand_ins, with_cached_keys
from vicinal.evaluate import Request, allocate, evaluate
from vicinal.key_cache import KeyCache
from vicinal.problem import Problem, finds_bandwidths, prepare, resolved
from vicinal.sequences import (
    Sequence,
    cached,
    cached_end_to_end,
    end_to_end,
    part_of,
    problem_of,
    rule_of,
)
from vicinal.shared_keys import with_rows_of_shared_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vicinal.arrays import ArrayLike
    from vicinal.bandwidth.given import AdaptiveBandwidth
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.problem import Bias, Neighborhood
    from vicinal.row_sets import Window

__all__ = ["attention"]


def attention(
    queries: ArrayLike,
    keys: ArrayLike | None = None,
    values: ArrayLike | None = None,
    *,
    scale: float | None = None,
    causal: bool = False,
    window: Window | tuple[float | None, float | None] | None = None,
    alibi_slopes: ArrayLike | None = None,
    softcap: float | None = None,
    bias: ArrayLike | Bias | None = None,
    mask: ArrayLike | None = None,
    query_offsets: ArrayLike | None = None,
    key_offsets: ArrayLike | None = None,
    cache: KeyCache | None = None,
    kernel: str | Kernel = "softmax",
    bandwidth: ArrayLike | AdaptiveBandwidth | None = None,
    metric: Metric | None = None,
    neighbors: Neighborhood = None,
    log_weights: ArrayLike | None = None,
    empty: str | float = "zero",
    return_log_mass: bool = False,
    num_threads: int | None = None,
) -> Array | tuple[Array, Array]:
    """Average values by the similarity of queries and keys: scaled dot-product attention.

    ``out = Σ w v / Σ w`` with ``w = exp(scale · q·k + bias)`` over the keys that a query sees; with
    another `kernel`, ``w = K(q, k) · exp(bias)``. Leading dimensions are batches and heads.

    Parameters
    ----------
    queries : array_like of shape (..., m, d)
        What each token asks for.
    keys, values : array_like of shape (..., n, d) and (..., n, p)
        Leading dimensions broadcast as in numpy, without copies: heads that share keys are queries
        (B, G, R, m, d) and keys (B, G, 1, n, d). With a `cache` they are appended to it first; None
        appends nothing.
    scale : float, optional
        Factor of q·k; None is 1/√d. For kernels of a distance the bandwidth is 1/√scale.
    causal : bool
        A query sees the keys up to its own position, which is its row number; with a `cache` the
        queries stand at the end of each sequence.
    window : (before, after) or Window, optional
        How many positions back and ahead a query sees, None = unbounded. ``Window(None, 0,
        offset="end")`` is causal with the last query at the last key.
    alibi_slopes : array_like of shape (...), optional
        Slopes of the heads, `vicinal.bias.ALiBi`: ``−slope · |difference of positions|``.
    softcap : float, optional
        Limit c of the logits: ``c tanh(scale · q·k / c)``.
    bias : array_like broadcastable to (..., m, n), ALiBi, Relative or callable, optional
        Added to the log-weights; a callable gets positions of queries and of keys.
    mask : array_like of bool broadcastable to (..., m, n), optional
        True = the key is used, as in torch's ``scaled_dot_product_attention``.
    query_offsets, key_offsets : array_like of int of shape (sequences + 1,), optional
        Sequences of several lengths laid end to end: where each begins, from 0 to m and to n. Each
        sees itself alone, and positions count from its own start. None for `key_offsets` takes
        those of the queries. With a `cache` they are one more than its sequences; two equal ones
        leave a sequence out.
    cache : KeyCache, optional
        Keys and values of earlier tokens. Masks, biases and priors reach to its longest sequence.
    kernel : str or Kernel
        A name or an object of `vicinal.kernels`.
    bandwidth, metric, neighbors, log_weights
        As in `local_mean`; `bandwidth` takes the place of `scale`, and a rule of bandwidths looks
        at the keys of each sequence alone. `neighbors` are joined with `causal` and `window`.
    empty : {"zero", "nan", "nearest", "raise"} or float
        What a query gets that sees no key.
    return_log_mass : bool
        Return ``log Σ w`` too.
    num_threads : int, optional
        As in `local_mean`.

    Returns
    -------
    out : ndarray of shape (..., m, p)
        In the result type of the floating arrays among `queries`, `keys` and `values`.
    log_mass : ndarray of shape (..., m)
        With `return_log_mass`: the log-sum-exp of the logits, −inf where no key is seen.

    Raises
    ------
    ValueError
        For shapes and heads that do not fit, offsets that do not fit, a cache that overflows or
        holds fewer keys than there are queries, and as `local_mean`.
    TypeError
        As `local_mean`.

    See Also
    --------
    KeyCache : Keys and values of the tokens so far.
    vicinal.bias : Biases by position.

    Notes
    -----
    Vaswani et al., 2017. A sequence's bits depend neither on the other sequences of the call nor on
    the number of threads, and nothing of size m × n is kept.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> rng = np.random.default_rng(0)
    >>> q, k, v = rng.normal(size=(3, 2, 4, 5, 8))  # 2 sequences, 4 heads, 5 tokens
    >>> vc.attention(q, k, v, causal=True).shape
    (2, 4, 5, 8)
    """
    q = as_points(queries, "queries")
    terms = attention_terms(
        q.shape[-1],
        scale=scale,
        causal=causal,
        window=window,
        alibi_slopes=alibi_slopes,
        softcap=softcap,
        bias=bias,
        kernel=kernel,
        bandwidth=bandwidth,
        metric=metric,
        neighbors=neighbors,
    )
    request = Request(empty=empty, num_threads=num_threads)
    names = ("mean", "log_mass") if return_log_mass else ("mean",)
    with _keys_and_values(cache, q, keys, values, query_offsets, key_offsets) as (x, y):
        check_heads(q.shape, as_points(x, "keys").shape)
        problem = prepare(
            q,
            x,
            y,
            kernel=terms.kernel,
            bandwidth=bandwidth,
            metric=metric,
            bias=terms.pairs,
            mask=mask,
            log_weights=log_weights,
            resolves=not finds_bandwidths(bandwidth),
        )
        sequences = _sequences(problem, terms, cache, query_offsets, key_offsets)
        parts = [_part(one, problem, terms, cache) for one in sequences]
        outputs = _evaluated(parts, sequences, problem, request, names)
    out = outputs["mean"][..., 0] if problem.one_value else outputs["mean"]
    return (out, outputs["log_mass"]) if return_log_mass else out


def _part(
    sequence: Sequence, problem: Problem, terms: AttentionTerms, cache: KeyCache | None
) -> Problem:
    """Return the problem of one sequence, complete and checked."""
    part = problem_of(sequence, problem, terms.neighbors, terms.position)
    if cache is not None:
        part = with_cached_keys(part, sequence, cache._stored, are_met_in_order(terms))
    if part.n == 0 or not finds_bandwidths(terms.bandwidth):
        return part
    rule = rule_of(sequence, problem, terms.bandwidth)
    return resolved(part, rule, terms.kernel, terms.metric)


def _evaluated(
    parts: list[Problem],
    sequences: list[Sequence],
    problem: Problem,
    request: Request,
    names: tuple[str, ...],
) -> dict[str, Array]:
    outputs = allocate(problem.lead, problem.sizes, problem.dtype, names)
    for one, part in zip(sequences, parts, strict=True):
        views = {name: part_of(out, one, len(problem.lead)) for name, out in outputs.items()}
        part, views = with_rows_of_shared_keys(part, views)
        evaluate(part, request, views)
    return outputs


@contextmanager
def _keys_and_values(
    cache: KeyCache | None,
    queries: Array,
    keys: Any,
    values: Any,
    query_offsets: ArrayLike | None,
    key_offsets: ArrayLike | None,
) -> Iterator[tuple[ArrayLike, ArrayLike]]:
    """Give all keys and values; what was appended to the cache goes if an argument is refused."""
    if (keys is None) != (values is None):
        raise TypeError("keys and values come together: one of them is None")
    if cache is None:
        if keys is None:
            raise TypeError("keys must be an array, got None; only a cache= stands in for them")
        yield keys, values
        return
    if not isinstance(cache, KeyCache):
        raise TypeError(f"cache must be a KeyCache, got {type(cache).__name__}")
    if key_offsets is not None and (keys is None or query_offsets is None):
        raise ValueError("key_offsets are of keys laid end to end, beside query_offsets; drop them")
    with cache._stored.as_they_were_if_refused():
        if keys is not None:
            cache.append(
                keys, values, offsets=query_offsets if key_offsets is None else key_offsets
            )
        yield stand_ins(cache._stored, queries, query_offsets is not None)


def _sequences(
    problem: Problem,
    terms: AttentionTerms,
    cache: KeyCache | None,
    query_offsets: ArrayLike | None,
    key_offsets: ArrayLike | None,
) -> list[Sequence]:
    m, n = problem.m, problem.n
    if cache is None:
        return end_to_end(query_offsets, key_offsets, m, n)
    stored = cache._stored
    if query_offsets is not None:
        return cached_end_to_end(query_offsets, stored.lengths, m, terms.counts_positions)
    axis = max(len(problem.lead) - len(stored.lead), 0)
    joined = are_joined(problem, terms, stored)
    counts = terms.counts_positions
    return cached(stored.lengths, axis, m, counts, stored.is_single, joined)
