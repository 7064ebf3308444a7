"""Layers of torch that are local means."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vicinal.models.attention_heads import Heads
from vicinal.torch_attention import attention
from vicinal.torch_call import PerQuery, local_mean_of

if TYPE_CHECKING:
    from vicinal.kernels import Kernel

__all__ = ["LocalAttention", "LocalMean"]


class LocalMean(nn.Module):  # type: ignore[misc]  # torch is not read by the type checker
    """A local mean as a layer, with a bandwidth that is learned.

    Parameters
    ----------
    kernel : str or Kernel
        A name or an object of `vicinal.kernels` without a bandwidth.
    bandwidth : float or Tensor of shape (d,)
        Where learning starts: one bandwidth, or one per feature.
    keys : Tensor of shape (n, d), optional
        Positions that the layer keeps; None: they come with each call.
    values : Tensor of shape (n, p) or (n,), optional
        Values that the layer keeps; None: they come with each call.
    learn : sequence of str
        Which of "bandwidth", "keys" and "values" are parameters; the others are buffers.
    **options
        Of `local_mean`: metric, neighbors, exclude_self, tol, empty, num_threads.

    Attributes
    ----------
    log_bandwidth, keys, values : Parameter or Tensor
        The logarithm keeps the bandwidth positive whatever an optimizer does.

    Raises
    ------
    ValueError
        For a bandwidth that is not positive, and names in `learn` that are not kept.

    Examples
    --------
    >>> import torch
    >>> from vicinal.torch import LocalMean
    >>> layer = LocalMean(bandwidth=0.5, keys=torch.zeros(4, 2), values=torch.ones(4))
    >>> layer(torch.zeros(3, 2)).detach()
    tensor([1., 1., 1.])
    """

    def __init__(
        self,
        kernel: str | Kernel = "gaussian",
        bandwidth: float | Tensor = 1.0,
        *,
        keys: Tensor | None = None,
        values: Tensor | None = None,
        learn: tuple[str, ...] = ("bandwidth",),
        **options: Any,
    ) -> None:
        super().__init__()
        start = torch.as_tensor(bandwidth)
        start = start if start.dtype.is_floating_point else start.to(torch.get_default_dtype())
        if not (start > 0).all():
            raise ValueError(f"bandwidth must be positive, got {bandwidth!r}")
        kept = {"bandwidth": start.log(), "keys": keys, "values": values}
        unknown = [name for name in learn if kept.get(name) is None]
        if unknown:
            raise ValueError(
                f"learn={tuple(learn)!r} names {unknown[0]!r}, which the layer does not keep; it "
                "keeps the bandwidth, and keys and values that are given"
            )
        self.kernel = kernel
        self.options = options
        for name, tensor in kept.items():
            own = "log_bandwidth" if name == "bandwidth" else name
            if name in learn:
                assert tensor is not None
                self.register_parameter(own, nn.Parameter(tensor.detach().clone()))
            else:
                self.register_buffer(own, None if tensor is None else tensor.detach().clone())

    @property
    def bandwidth(self) -> Tensor:
        """The bandwidth, of no dimension or (d,)."""
        return self.log_bandwidth.exp()

    def forward(
        self, queries: Tensor, keys: Tensor | None = None, values: Tensor | None = None, **call: Any
    ) -> Tensor:
        """Average the values near each query.

        Parameters
        ----------
        queries : Tensor of shape (..., m, d)
            The points asked about.
        keys, values : Tensor, optional
            In place of those of the layer.
        **call
            Of `local_mean`, for this call: mask, bias, weights, log_weights, self_indices …

        Returns
        -------
        Tensor of shape (..., m, p) or (..., m)
        """
        x = self.keys if keys is None else keys
        y = self.values if values is None else values
        if x is None or y is None:
            raise ValueError("the layer keeps no keys or no values; pass both to the call")
        options = {"kernel": self.kernel, "bandwidth": self.bandwidth, **self.options, **call}
        return local_mean_of(queries, x, y, **options)

    def extra_repr(self) -> str:
        return f"kernel={self.kernel!r}"


class LocalAttention(nn.Module):  # type: ignore[misc]  # torch is not read by the type checker
    """Heads of local means between linear maps, with every weight learned.

    Parameters
    ----------
    width : int
        Columns of the rows that come and go.
    n_heads : int
        Number of heads, a divisor of `width`.
    n_kv_heads : int, optional
        Heads of keys and values, a divisor of `n_heads`; None is `n_heads`.
    bandwidth : float, optional
        Where one bandwidth per head starts to be learned, the temperature of a softmax; None keeps
        the scale 1/√(width of a head) of `vicinal.attention`.
    bias : bool
        Whether the linear maps add one.
    **options
        Of `vicinal.torch.attention`: kernel, causal, window, alibi_slopes, softcap, neighbors …

    Attributes
    ----------
    queries, keys, values, output : nn.Linear
        The projections, and the map of the heads' means.
    log_bandwidth : Parameter of shape (n_heads,) or None
        The logarithm keeps the bandwidths positive.

    Raises
    ------
    ValueError
        For head counts that do not divide.

    See Also
    --------
    vicinal.models.LocalAttention : The layer for arrays, with caches.

    Examples
    --------
    >>> import torch
    >>> from vicinal.torch import LocalAttention
    >>> layer = LocalAttention(32, n_heads=4, kernel="laplace", causal=True)
    >>> layer(torch.randn(2, 10, 32)).shape
    torch.Size([2, 10, 32])
    """

    def __init__(
        self,
        width: int,
        n_heads: int,
        *,
        n_kv_heads: int | None = None,
        bandwidth: float | None = None,
        bias: bool = True,
        **options: Any,
    ) -> None:
        super().__init__()
        heads = self.heads = Heads.of(n_heads, n_kv_heads)
        if width % heads.asked:
            raise ValueError(f"n_heads={heads.asked} must divide width={width}")
        kept = width // heads.asked * heads.kept
        self.queries, self.output = (nn.Linear(width, width, bias=bias) for _ in range(2))
        self.keys, self.values = (nn.Linear(width, kept, bias=bias) for _ in range(2))
        if "alibi_slopes" in options:
            options["alibi_slopes"] = heads.slopes(options["alibi_slopes"])
        self.options = options
        start = None if bandwidth is None else torch.full((heads.asked,), math.log(bandwidth))
        self.log_bandwidth = None if start is None else nn.Parameter(start)

    def forward(self, x: Tensor, context: Tensor | None = None, **call: Any) -> Tensor:
        """Map rows by what the rows they attend to say.

        Parameters
        ----------
        x : Tensor of shape (..., m, width)
            The rows that ask.
        context : Tensor of shape (..., n, width), optional
            The rows that answer; None is `x`.
        **call
            Of `vicinal.torch.attention`, for this call: mask, bias and query_offsets; arrays by
            pairs are (..., groups, heads of a group, m, n).

        Returns
        -------
        Tensor of shape (..., m, width)
        """
        rows = x if context is None else context
        q = self._split(self.queries(x), self.heads.of_group)
        k, v = (self._split(part(rows), 1) for part in (self.keys, self.values))
        options = {**self.options, **call}
        if self.log_bandwidth is not None:
            h = self.log_bandwidth.exp().reshape(self.heads.kept, self.heads.of_group, 1)
            options["bandwidth"] = PerQuery(h)
        means: Any = attention(q, k, v, **options)
        return self.output(means.movedim(-2, -4).flatten(-3))

    def _split(self, rows: Tensor, of_group: int) -> Tensor:
        """Return (..., m, heads · width) as a view (..., groups, heads of a group, m, width)."""
        return rows.unflatten(-1, (self.heads.kept, of_group, -1)).movedim(-4, -2)

    def extra_repr(self) -> str:
        return str(self.heads)
