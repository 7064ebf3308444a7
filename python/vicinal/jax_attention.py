"""Attention of jax arrays, with gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from vicinal.arrays import check_points
from vicinal.attention_terms import attention_terms, check_heads
from vicinal.jax_call import PerKey, PerQuery, mean_and_log_mass

if TYPE_CHECKING:
    from vicinal.bandwidth.given import AdaptiveBandwidth
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.problem import Bias, Neighborhood
    from vicinal.row_sets import Window

__all__ = ["attention"]


def attention(
    queries: jax.Array,
    keys: jax.Array,
    values: jax.Array,
    *,
    scale: float | None = None,
    causal: bool = False,
    window: Window | tuple[float | None, float | None] | None = None,
    alibi_slopes: Any = None,
    softcap: float | None = None,
    bias: jax.Array | Bias | None = None,
    mask: jax.Array | None = None,
    kernel: str | Kernel = "softmax",
    bandwidth: jax.Array | PerKey | PerQuery | AdaptiveBandwidth | float | None = None,
    metric: Metric | None = None,
    neighbors: Neighborhood = None,
    log_weights: jax.Array | None = None,
    empty: str | float = "zero",
    return_log_mass: bool = False,
    num_threads: int | None = None,
) -> jax.Array | tuple[jax.Array, jax.Array]:
    """Average values by the similarity of queries and keys; every floating array has a gradient.

    As `vicinal.attention`, without a cache and without offsets of sequences.

    Parameters
    ----------
    queries : jax.Array of shape (..., m, d)
        What each token asks for.
    keys, values : jax.Array of shape (..., n, d) and (..., n, p)
        Leading dimensions broadcast: heads that share keys are queries (B, G, R, m, d) and keys
        (B, G, 1, n, d).
    scale, causal, window, alibi_slopes, softcap
        As in `vicinal.attention`; known when a function is traced.
    bias : jax.Array broadcastable to (..., m, n), ALiBi, Relative or callable, optional
        An array has a gradient.
    mask : jax.Array of bool broadcastable to (..., m, n), optional
        True = the key is used.
    kernel : str or Kernel
        As in `vicinal.attention`.
    bandwidth : jax.Array, PerKey, PerQuery, float or rule, optional
        As in `vicinal.jax.local_mean`, in place of `scale`: a temperature that is learned.
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
    out : jax.Array of shape (..., m, p)
        In the result type of the floating arrays; float16 and bfloat16 become float32.
    log_mass : jax.Array of shape (..., m)
        With `return_log_mass`.

    Raises
    ------
    ValueError, TypeError
        As `vicinal.attention` and `vicinal.jax.local_mean`.

    Examples
    --------
    >>> import jax
    >>> from vicinal.jax import attention
    >>> q, k, v = jax.random.normal(jax.random.key(0), (3, 2, 4, 5, 8))
    >>> jax.jit(lambda q: attention(q, k, v, causal=True))(q).shape
    (2, 4, 5, 8)
    """
    for name, array in (("queries", queries), ("keys", keys)):
        if array is None:
            raise TypeError(f"{name} must be an array of numbers, got None")
        check_points(jnp.shape(array), name)
    shape, n = jnp.shape(queries), jnp.shape(keys)[-2]
    check_heads(shape, jnp.shape(keys))
    terms = attention_terms(
        shape[-1],
        scale=_known(scale, "scale"),
        causal=causal,
        window=window,
        alibi_slopes=alibi_slopes,
        softcap=_known(softcap, "softcap"),
        bias=bias,
        kernel=kernel,
        bandwidth=bandwidth,
        metric=metric,
        neighbors=neighbors,
    )
    pairs: Any = terms.pairs
    if terms.position is not None:
        position = terms.position
        if pairs is None:
            pairs = position
        else:
            pairs = pairs + position.pairs(shape[-2], n, np.dtype(jnp.asarray(pairs).dtype))
    out = mean_and_log_mass(
        queries,
        keys,
        values,
        kernel=terms.kernel,
        bandwidth=bandwidth,
        metric=metric,
        neighbors=terms.neighbors,
        log_weights=log_weights,
        bias=pairs,
        mask=mask,
        empty=empty,
        num_threads=num_threads,
        with_log_mass=return_log_mass,
    )
    return (out[0], out[1]) if return_log_mass else out[0]


def _known(number: Any, name: str) -> Any:
    if isinstance(number, jax.core.Tracer):
        raise TypeError(
            f"{name} is traced and has no gradient; a temperature that is learned is bandwidth="
            f"(1/scale of products, 1/√scale of distances)"
        )
    return number.item() if isinstance(number, jax.Array) else number
