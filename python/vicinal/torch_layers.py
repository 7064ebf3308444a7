"""Layers of torch that are local means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from vicinal.kernels import Kernel

__all__ = ["LocalMean"]


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
    >>> layer(torch.zeros(3, 2))
    tensor([1., 1., 1.], grad_fn=<GeneratedBackwardFor_vicinal_local_mean_defaultBackward>)
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
        from vicinal.torch import local_mean

        x = self.keys if keys is None else keys
        y = self.values if values is None else values
        if x is None or y is None:
            raise ValueError("the layer keeps no keys or no values; pass both to the call")
        options = {"kernel": self.kernel, "bandwidth": self.bandwidth, **self.options, **call}
        return local_mean(queries, x, y, **options)

    def extra_repr(self) -> str:
        return f"kernel={self.kernel!r}"
