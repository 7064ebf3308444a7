"""Attention of torch tensors, with gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from vicinal.arrays import check_points
from vicinal.attention_terms import AttentionTerms, attention_terms, check_heads
from vicinal.bandwidth import given
from vicinal.sequences import end_to_end, of_at_most
from vicinal.torch_call import PerKey, PerQuery, local_mean_of, mean_and_log_mass, on_cpu

if TYPE_CHECKING:
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.problem import Bias, Neighborhood
    from vicinal.row_sets import Window

__all__ = ["attention"]


def attention(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    *,
    scale: float | None = None,
    causal: bool = False,
    window: Window | tuple[float | None, float | None] | None = None,
    alibi_slopes: Any = None,
    softcap: float | None = None,
    bias: Tensor | Bias | None = None,
    mask: Tensor | None = None,
    query_offsets: Any = None,
    key_offsets: Any = None,
    kernel: str | Kernel = "softmax",
    bandwidth: Any = None,
    metric: Metric | None = None,
    neighbors: Neighborhood = None,
    log_weights: Tensor | None = None,
    empty: str | float = "zero",
    return_log_mass: bool = False,
    num_threads: int | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    """Average values by the similarity of queries and keys; every floating tensor has a gradient.

    As `vicinal.attention`, without a cache, which keeps no gradients.

    Parameters
    ----------
    queries : Tensor of shape (..., m, d)
        What each token asks for, on the CPU.
    keys, values : Tensor of shape (..., n, d) and (..., n, p)
        Leading dimensions broadcast: heads that share keys are queries (B, G, R, m, d) and keys
        (B, G, 1, n, d).
    scale, causal, window, alibi_slopes, softcap
        As in `vicinal.attention`.
    bias : Tensor broadcastable to (..., m, n), ALiBi, Relative or callable, optional
        A tensor has a gradient.
    mask : Tensor of bool broadcastable to (..., m, n), optional
        True = the key is used.
    query_offsets, key_offsets, kernel
        As in `vicinal.attention`.
    bandwidth : Tensor, PerKey, PerQuery, float or rule, optional
        As in `vicinal.torch.local_mean`, in place of `scale`: a temperature that is learned.
    metric, neighbors, log_weights
        As in `vicinal.attention`.
    empty : {"zero", "nan", "nearest", "raise"} or float
        What a query gets that sees no key; its gradient is zero.
    return_log_mass : bool
        Return ``log Σ w`` too, with its gradient.
    num_threads : int, optional
        As in `vicinal.attention`.

    Returns
    -------
    out : Tensor of shape (..., m, p)
        In the result type of the floating tensors; float16 and bfloat16 become float32.
    log_mass : Tensor of shape (..., m)
        With `return_log_mass`.

    Raises
    ------
    ValueError, TypeError
        As `vicinal.attention` and `vicinal.torch.local_mean`.

    Examples
    --------
    >>> import torch
    >>> from vicinal.torch import attention
    >>> q, k, v = torch.randn(3, 2, 4, 5, 8, requires_grad=True)  # 2 sequences, 4 heads, 5 tokens
    >>> attention(q, k, v, causal=True).shape
    torch.Size([2, 4, 5, 8])
    """
    for name, tensor in (("queries", queries), ("keys", keys)):
        check_points(tuple(on_cpu(tensor, name).shape), name)
    check_heads(queries.shape, keys.shape)
    terms = attention_terms(
        queries.shape[-1],
        scale=_number(scale, "scale"),
        causal=causal,
        window=window,
        alibi_slopes=alibi_slopes,
        softcap=_number(softcap, "softcap"),
        bias=bias,
        kernel=kernel,
        bandwidth=bandwidth,
        metric=metric,
        neighbors=neighbors,
    )
    options: dict[str, Any] = {
        "kernel": terms.kernel,
        "metric": metric,
        "empty": empty,
        "num_threads": num_threads,
    }
    given = queries, keys, values
    beside = {"bandwidth": bandwidth, "log_weights": log_weights, "mask": mask}
    if query_offsets is None and key_offsets is None:
        m, n = queries.shape[-2], keys.shape[-2]
        whole = _bias(terms, slice(0, m), slice(0, n), queries.dtype)
        options |= beside | {"neighbors": terms.neighbors, "bias": whole}
        if not return_log_mass:
            return local_mean_of(*given, **options)
        return mean_and_log_mass(*given, **options)
    offsets = query_offsets, key_offsets
    out, log_mass = _sequences(given, offsets, terms, beside, options)
    return (out, log_mass) if return_log_mass else out


def _sequences(
    given: tuple[Tensor, Tensor, Tensor],
    offsets: tuple[Any, Any],
    terms: AttentionTerms,
    beside: dict[str, Any],
    options: dict[str, Any],
) -> tuple[Tensor, Tensor]:
    """Return mean and log mass of sequences that lie end to end, each as if it came alone."""
    queries, keys, values = given
    rows, columns = _spans(*offsets, queries.shape[-2], keys.shape[-2])
    points = _cut(queries, rows, -2), _cut(keys, columns, -2), _cut(values, columns, -2)
    priors = _cut(beside["log_weights"], columns, -1)
    parts = []
    for number, (own, others) in enumerate(zip(rows, columns, strict=True)):
        q, k, v = (cast("Tensor", part[number]) for part in points)
        near = terms.neighbors
        here: dict[str, Any] = {
            "bandwidth": _bandwidth(beside["bandwidth"], own, others),
            "neighbors": None if near is None else of_at_most(near, k.shape[-2]),
            "log_weights": priors[number],
            "mask": _part(beside["mask"], own, others),
            "bias": _bias(terms, own, others, q.dtype),
        }
        parts.append(mean_and_log_mass(q, k, v, **here, **options))
    means, log_masses = zip(*parts, strict=True)
    return torch.cat(means, -2), torch.cat(log_masses, -1)


def _number(number: Any, name: str) -> Any:
    if not isinstance(number, Tensor):
        return number
    if number.requires_grad:
        raise TypeError(
            f"{name} requires grad and has none; a temperature that is learned is bandwidth="
            f"(1/scale of products, 1/√scale of distances), {name}.detach() a constant"
        )
    return number.item()


def _spans(query_offsets: Any, key_offsets: Any, m: int, n: int) -> tuple[list[slice], list[slice]]:
    """Return rows and columns of each sequence; each is computed as if it came alone."""
    sequences = end_to_end(query_offsets, key_offsets, m, n)
    return [sequence.rows for sequence in sequences], [sequence.keys for sequence in sequences]


def _cut(tensor: Tensor | None, spans: list[slice], axis: int) -> Sequence[Tensor | None]:
    """Return the parts of a tensor at spans that rise and do not overlap.

    They come from one split, whose gradient is one concatenation: that of a slice would be as long
    as the tensor, for every sequence.
    """
    if tensor is None or spans == [slice(0, tensor.shape[axis])]:
        return [tensor] * len(spans)
    sizes, at = [], 0
    for span in spans:
        sizes += [span.start - at, span.stop - span.start]
        at = span.stop
    parts: Sequence[Tensor] = tensor.split([*sizes, tensor.shape[axis] - at], axis)
    return parts[1::2]


def _bandwidth(bandwidth: Any, rows: slice, columns: slice) -> Any:
    """Return the bandwidths of one sequence, where queries or keys have their own."""
    if isinstance(bandwidth, PerQuery | given.PerQuery):
        span, axis = rows, -1
    elif isinstance(bandwidth, PerKey | given.PerKey):
        span, axis = columns, -2 if bandwidth.per_feature else -1
    else:
        return bandwidth
    h: Any = bandwidth.h
    if h.ndim < -axis or h.shape[axis] == 1:
        return bandwidth
    return replace(bandwidth, h=h[..., span] if axis == -1 else h[..., span, :])


def _part(pairs: Tensor | None, rows: slice, columns: slice) -> Tensor | None:
    """Return the rows and columns of an array by pairs, whose axes of size 1 stand for all."""
    if pairs is None or pairs.ndim == 0:
        return pairs
    part = pairs if pairs.shape[-1] == 1 else pairs[..., columns]
    return part if part.ndim == 1 or part.shape[-2] == 1 else part[..., rows, :]


def _bias(terms: AttentionTerms, rows: slice, columns: slice, dtype: torch.dtype) -> Any:
    """Return the bias of one sequence; positions count from its start."""
    position, pairs = terms.position, terms.pairs
    if not isinstance(pairs, Tensor):
        return pairs if position is None else position
    own = _part(pairs, rows, columns)
    if position is None:
        return own
    array = position.pairs(rows.stop - rows.start, columns.stop - columns.start)
    return own + torch.from_numpy(array.copy()).to(dtype)
