"""An attention layer: rows are projected to heads, averaged, and mapped back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array, as_array, as_index, as_points
from vicinal.attend import attention
from vicinal.attention_terms import attention_terms
from vicinal.engine import local_weights
from vicinal.key_cache import KeyCache
from vicinal.linear import Linear
from vicinal.models.attention_heads import Heads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vicinal.arrays import ArrayLike
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.problem import Neighborhood
    from vicinal.row_sets import Window

__all__ = ["LocalAttention"]


class LocalAttention:
    """Heads of local means between linear maps: multi-head attention, with any kernel.

    Weights are stored as torch's `nn.Linear` stores them, (outputs, inputs). A row's bits depend on
    neither the other rows, nor the batch, nor the number of threads.

    Parameters
    ----------
    query_weight : array_like of shape (n_heads · width, inputs)
        Projects rows to the queries of all heads, one head after the other.
    key_weight, value_weight : array_like of shape (n_kv_heads · width, inputs)
        The same for keys and values, whose widths may differ.
    output_weight : array_like of shape (outputs, n_heads · value width), optional
        Maps the heads' means, side by side; None returns these.
    query_bias, key_bias, value_bias, output_bias : array_like, optional
        Added to what the maps give.
    n_heads : int
        Number of heads.
    n_kv_heads : int, optional
        Heads of keys and values, a divisor of `n_heads`: consecutive heads share one. None is
        `n_heads`.
    kernel, scale, bandwidth, metric, causal, window
        As in `vicinal.attention`.
    alibi_slopes : array_like of shape (n_heads,), optional
        As in `vicinal.attention`.
    softcap, neighbors, num_threads
        As in `vicinal.attention`.

    Raises
    ------
    ValueError
        For head counts and shapes that do not divide or fit.

    See Also
    --------
    vicinal.attention : What it computes between the maps.
    vicinal.plotting.AttentionDisplay : Draws the weights of a head.

    Notes
    -----
    Vaswani et al., 2017; heads that share keys: Ainslie et al., 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import LocalAttention
    >>> rng = np.random.default_rng(0)
    >>> q, k, v, out = rng.normal(size=(4, 32, 32)) / 6
    >>> layer = LocalAttention(q, k, v, out, n_heads=4, causal=True)
    >>> layer(rng.normal(size=(2, 10, 32))).shape
    (2, 10, 32)
    """

    def __init__(
        self,
        query_weight: ArrayLike,
        key_weight: ArrayLike,
        value_weight: ArrayLike,
        output_weight: ArrayLike | None = None,
        *,
        query_bias: ArrayLike | None = None,
        key_bias: ArrayLike | None = None,
        value_bias: ArrayLike | None = None,
        output_bias: ArrayLike | None = None,
        n_heads: int,
        n_kv_heads: int | None = None,
        kernel: str | Kernel = "softmax",
        scale: float | None = None,
        bandwidth: ArrayLike | None = None,
        metric: Metric | None = None,
        causal: bool = False,
        window: Window | tuple[float | None, float | None] | None = None,
        alibi_slopes: ArrayLike | None = None,
        softcap: float | None = None,
        neighbors: Neighborhood = None,
        num_threads: int | None = None,
    ) -> None:
        self.queries = Linear(query_weight, query_bias)
        self.keys = Linear(key_weight, key_bias)
        self.values = Linear(value_weight, value_bias)
        self.output = None if output_weight is None else Linear(output_weight, output_bias)
        self.heads = Heads.of(n_heads, n_kv_heads)
        self.heads.check(self.queries, self.keys, self.values, self.output)
        self.alibi_slopes = None if alibi_slopes is None else self.heads.slopes(alibi_slopes)
        self.num_threads = num_threads
        self.options: dict[str, Any] = {
            "kernel": kernel,
            "scale": scale,
            "bandwidth": bandwidth,
            "metric": metric,
            "causal": causal,
            "window": window,
            "softcap": softcap,
            "neighbors": neighbors,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, ArrayLike], **options: Any) -> LocalAttention:
        """Take the weights of torch's `nn.MultiheadAttention`, by the names of its state.

        Parameters
        ----------
        arrays : mapping of str to array_like
            ``module.state_dict()``: ``in_proj_weight`` (or ``q_proj_weight``, ``k_proj_weight`` and
            ``v_proj_weight``), ``in_proj_bias``, ``out_proj.weight``, ``out_proj.bias``; what is
            missing is left out.
        **options : dict
            `n_heads` and the other parameters of the class.

        Returns
        -------
        LocalAttention

        Raises
        ------
        ValueError
            If there are no weights of these names.

        Examples
        --------
        >>> import numpy as np
        >>> from vicinal.models import LocalAttention
        >>> arrays = {"in_proj_weight": np.ones((24, 8)), "out_proj.weight": np.eye(8)}
        >>> LocalAttention.from_arrays(arrays, n_heads=2)
        LocalAttention(8 → 8, n_heads=2)
        """
        names = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
        if "in_proj_weight" in arrays:
            q, k, v = _thirds(arrays["in_proj_weight"], "in_proj_weight")
        elif all(name in arrays for name in names):
            q, k, v = (as_array(arrays[name], name) for name in names)
        else:
            raise ValueError(
                f"arrays must hold in_proj_weight, or {', '.join(names)}, got {sorted(arrays)}"
            )
        added: dict[str, Any] = {"output_bias": arrays.get("out_proj.bias")}
        if "in_proj_bias" in arrays:
            thirds = _thirds(arrays["in_proj_bias"], "in_proj_bias")
            added |= zip(("query_bias", "key_bias", "value_bias"), thirds, strict=True)
        return cls(q, k, v, arrays.get("out_proj.weight"), **added, **options)

    def __call__(
        self,
        x: ArrayLike,
        context: ArrayLike | None = None,
        *,
        mask: ArrayLike | None = None,
        bias: ArrayLike | None = None,
        query_offsets: ArrayLike | None = None,
        key_offsets: ArrayLike | None = None,
        cache: KeyCache | None = None,
    ) -> Array:
        """Map rows by what the rows they attend to say.

        Parameters
        ----------
        x : array_like of shape (..., m, inputs)
            The rows that ask.
        context : array_like of shape (..., n, inputs), optional
            The rows that answer; None is `x`.
        mask, bias : array_like broadcastable to (..., n_heads, m, n), optional
            As in `vicinal.attention`; of all heads alike, (..., 1, m, n).
        query_offsets, key_offsets, cache
            As in `vicinal.attention`. Keys and values of this call are appended to the cache.

        Returns
        -------
        ndarray of shape (..., m, outputs)

        Raises
        ------
        ValueError, TypeError
            As `vicinal.attention`.
        """
        q, (k, v) = self._heads_of(x), self._keys_and_values(x if context is None else context)
        means: Any = attention(
            q,
            k,
            v,
            mask=self.heads.by_group(mask, "mask"),
            bias=self.heads.by_group(bias, "bias"),
            alibi_slopes=self.alibi_slopes,
            query_offsets=query_offsets,
            key_offsets=key_offsets,
            cache=cache,
            num_threads=self.num_threads,
            **self.options,
        )
        rows = np.moveaxis(means, -2, -4)  # (..., m, groups, heads of a group, width)
        rows = np.ascontiguousarray(rows).reshape(*rows.shape[:-3], -1)
        return rows if self.output is None else self.output(rows, num_threads=self.num_threads)

    def new_cache(
        self, capacity: int | None = None, *, page_size: int = 256, pages: int | None = None
    ) -> KeyCache:
        """Return an empty cache for calls that decode.

        Parameters
        ----------
        capacity, page_size, pages : int, optional
            As of `vicinal.KeyCache`.

        Returns
        -------
        KeyCache
        """
        return KeyCache(capacity, page_size=page_size, pages=pages)

    def head_weights(
        self, x: ArrayLike, head: int = 0, *, context: ArrayLike | None = None
    ) -> Array:
        """Return how much each row counts for each, in one head.

        Parameters
        ----------
        x : array_like of shape (m, inputs)
            The rows of one sequence.
        head : int
            Which head.
        context : array_like of shape (n, inputs), optional
            As in a call.

        Returns
        -------
        ndarray of shape (m, n)
            Rows add up to 1, or are 0 where no key is seen.

        Raises
        ------
        ValueError
            If there is no such head or `x` is not one sequence.
        """
        if not 0 <= as_index(head, "head") < self.heads.asked:
            raise ValueError(f"head must be from 0 to {self.heads.asked - 1}, got {head}")
        if (shape := as_points(x, "x").shape)[:-2]:
            raise ValueError(f"x must be one sequence, (m, inputs), got shape {shape}")
        group, place = divmod(head, self.heads.of_group)
        q = self._heads_of(x)[group, place]
        k = self._keys_and_values(x if context is None else context)[0][group, 0]
        slopes = None if self.alibi_slopes is None else self.alibi_slopes[group, place]
        terms = attention_terms(q.shape[-1], alibi_slopes=slopes, **self.options)
        arguments = terms.for_local_mean(len(q), len(k), q.dtype)
        weights = local_weights(q, k, empty="zero", num_threads=self.num_threads, **arguments)
        return weights if isinstance(weights, np.ndarray) else np.asarray(weights.toarray())

    def __repr__(self) -> str:
        inputs, means = self.queries.inputs, self.heads.of_group * self.values.outputs
        widths = f"{inputs} → {means if self.output is None else self.output.outputs}"
        return f"LocalAttention({widths}, {self.heads})"

    def _heads_of(self, x: ArrayLike) -> Array:
        """Return the queries, (..., groups, heads of a group, m, width)."""
        rows = self.queries(x, num_threads=self.num_threads)
        return self.heads.split(rows, self.heads.of_group)

    def _keys_and_values(self, context: ArrayLike) -> tuple[Array, Array]:
        """Return keys and values, (..., groups, 1, n, width)."""
        k, v = (part(context, num_threads=self.num_threads) for part in (self.keys, self.values))
        return self.heads.split(k, 1), self.heads.split(v, 1)


def _thirds(array: ArrayLike, name: str) -> list[Array]:
    stacked = as_array(array, name)
    if stacked.ndim < 1 or len(stacked) % 3:
        raise ValueError(f"{name} must stack three parts of one length, got shape {stacked.shape}")
    return np.split(stacked, 3)
