"""Local means of torch tensors, with gradients; needs torch, and no build against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from torch import Tensor
except ImportError as error:
    raise ImportError(
        "vicinal.torch needs torch: install it as https://pytorch.org/get-started says; the build "
        "for the CPU is enough"
    ) from error

from vicinal.torch_attention import attention
from vicinal.torch_call import PerKey, PerQuery, local_mean_of
from vicinal.torch_hierarchy import HierarchicalLocalModel
from vicinal.torch_layers import LocalAttention, LocalMean

if TYPE_CHECKING:
    from vicinal.bandwidth.given import AdaptiveBandwidth
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.problem import Bias, Neighborhood

__all__ = [
    "HierarchicalLocalModel",
    "LocalAttention",
    "LocalMean",
    "PerKey",
    "PerQuery",
    "attention",
    "local_mean",
]


def local_mean(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    *,
    kernel: str | Kernel = "gaussian",
    bandwidth: Tensor | PerKey | PerQuery | AdaptiveBandwidth | float | None = None,
    metric: Metric | None = None,
    neighbors: Neighborhood = None,
    weights: Tensor | None = None,
    log_weights: Tensor | None = None,
    bias: Tensor | Bias | None = None,
    mask: Tensor | None = None,
    exclude_self: bool = False,
    self_indices: Any = None,
    tol: float = 0.0,
    empty: str | float = "nan",
    nan_policy: str = "propagate",
    num_threads: int | None = None,
) -> Tensor:
    """Average the values of the keys near each query; every floating tensor gets its gradient.

    As `vicinal.local_mean`, whose bits it has.

    Parameters
    ----------
    queries : Tensor of shape (..., m, d)
        The points asked about, on the CPU.
    keys : Tensor of shape (..., n, d)
        The neighbors' positions.
    values : Tensor of shape (..., n, p) or (..., n)
        What is averaged.
    kernel : str or Kernel
        As in `vicinal.local_mean`.
    bandwidth : Tensor, PerKey, PerQuery, float or rule, optional
        A tensor of no dimension or of shape (d,), `PerKey` and `PerQuery` of this module have a
        gradient; numbers, arrays and rules of `vicinal.bandwidth` have none.
    metric, neighbors
        As in `vicinal.local_mean`.
    weights, log_weights : Tensor of shape (..., n), optional
        As in `vicinal.local_mean`; a weight of 0 is absent and has the gradient 0.
    bias : Tensor broadcastable to (..., m, n), or callable, optional
        As in `vicinal.local_mean`; a callable has no gradient.
    mask : Tensor of bool broadcastable to (..., m, n), optional
        True = the key is used.
    exclude_self, self_indices, tol, empty, nan_policy, num_threads
        As in `vicinal.local_mean`.

    Returns
    -------
    Tensor of shape (..., m, p) or (..., m)
        In the result type of the floating tensors among `queries`, `keys` and `values`; float16 and
        bfloat16 become float32.

    Raises
    ------
    TypeError
        For tensors on another device, and what is no tensor.
    ValueError, TypeError
        As `vicinal.local_mean`.
    ImportError
        On import of this module, if torch is not installed.

    Notes
    -----
    The gradient is that of `vicinal.local_mean_vjp`: sets of neighbors, rules for bandwidths and
    what `tol` leaves out are constants to it. `torch.func.grad`, `vjp`, `jacrev` and `vmap` do
    their work; forward mode and second derivatives are refused. `torch.compile` leaves the call as
    it is, between compiled parts.

    Examples
    --------
    >>> import torch
    >>> from vicinal.torch import local_mean
    >>> h = torch.tensor(1.0, requires_grad=True)
    >>> keys = torch.tensor([[0.0], [1.0], [3.0]])
    >>> mean = local_mean(keys, keys, keys[:, 0], bandwidth=h, exclude_self=True)
    >>> mean.sum().backward()
    >>> h.grad.shape
    torch.Size([])
    """
    return local_mean_of(
        queries,
        keys,
        values,
        kernel=kernel,
        bandwidth=bandwidth,
        metric=metric,
        neighbors=neighbors,
        weights=weights,
        log_weights=log_weights,
        bias=bias,
        mask=mask,
        exclude_self=exclude_self,
        self_indices=self_indices,
        tol=tol,
        empty=empty,
        nan_policy=nan_policy,
        num_threads=num_threads,
    )
