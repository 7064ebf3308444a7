"""Local means of torch tensors, with gradients; needs torch, and no build against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import as_array
from vicinal.bandwidth.given import AdaptiveBandwidth

try:
    import torch
    from torch import Tensor
except ImportError as error:
    raise ImportError(
        "vicinal.torch needs torch: install it as https://pytorch.org/get-started says; the build "
        "for the CPU is enough"
    ) from error

from vicinal.torch_layers import LocalMean
from vicinal.torch_op import Options, local_mean_op

if TYPE_CHECKING:
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.problem import Bias, Neighborhood

__all__ = ["LocalMean", "PerKey", "PerQuery", "local_mean"]


@dataclass(frozen=True, eq=False)
class PerKey:
    """A bandwidth for every key, as `vicinal.bandwidth.PerKey`, with a gradient.

    Parameters
    ----------
    h : Tensor, broadcast to (..., n)
        Positive. With `per_feature` it is broadcast to (..., n, d).
    per_feature : bool
        Every key has a bandwidth for each feature.
    """

    h: Tensor
    per_feature: bool = False


@dataclass(frozen=True, eq=False)
class PerQuery:
    """A bandwidth for every query, as `vicinal.bandwidth.PerQuery`, with a gradient.

    Parameters
    ----------
    h : Tensor, broadcast to (..., m)
        Positive: a temperature for each head is one of shape (heads, 1).
    """

    h: Tensor


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
    kernel, metric, neighbors
        As in `vicinal.local_mean`.
    bandwidth : Tensor, PerKey, PerQuery, float or rule, optional
        A tensor of no dimension or of shape (d,), `PerKey` and `PerQuery` of this module have a
        gradient; numbers, arrays and rules of `vicinal.bandwidth` have none.
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
    what `tol` leaves out are constants to it. There is no second derivative. `torch.compile`
    takes the operator as one node.

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
    q, x, y = _points(queries=queries, keys=keys, values=values)
    logs, counts = _priors(weights, log_weights, q.dtype)
    scale, kind, constant = _bandwidth(bandwidth)
    is_tensor = isinstance(bias, Tensor)
    options = Options(
        {
            "kernel": kernel,
            "metric": metric,
            "neighbors": neighbors,
            "exclude_self": exclude_self,
            "self_indices": None if self_indices is None else np.asarray(self_indices),
            "tol": tol,
            "empty": empty,
            "nan_policy": nan_policy,
            "num_threads": num_threads,
            **constant,
            **({} if is_tensor or bias is None else {"bias": bias}),
        },
        **kind,
    )
    pairs = _on_cpu(bias, "bias").to(q.dtype) if isinstance(bias, Tensor) else None
    used = None if mask is None else _on_cpu(mask, "mask")
    mean, _ = local_mean_op(q, x, y, scale, logs, pairs, counts, used, options.number)
    return mean


def _points(**tensors: Tensor) -> list[Tensor]:
    """Return tensors in their common type."""
    checked = [_on_cpu(tensor, name) for name, tensor in tensors.items()]
    floating = [tensor.dtype for tensor in checked if tensor.dtype.is_floating_point]
    wide = [torch.float64 if dtype == torch.float64 else torch.float32 for dtype in floating]
    dtype = torch.float64 if torch.float64 in wide or not wide else torch.float32
    return [tensor.to(dtype) for tensor in checked]


def _on_cpu(tensor: Any, name: str) -> Tensor:
    if not isinstance(tensor, Tensor):
        raise TypeError(
            f"{name} must be a tensor, got {type(tensor).__name__}; torch.as_tensor makes one, and "
            "vicinal.local_mean takes arrays"
        )
    if tensor.device.type not in ("cpu", "meta"):
        raise TypeError(
            f"{name} is on {tensor.device}, and vicinal computes on the CPU; move it with .cpu()"
        )
    if tensor.dtype.is_complex:
        raise TypeError(f"{name} is {tensor.dtype}; put real and imaginary parts side by side")
    return tensor


def _priors(
    weights: Tensor | None, log_weights: Tensor | None, dtype: torch.dtype
) -> tuple[Tensor | None, Tensor | None]:
    """Return logarithms of weights, which have a gradient, and weights, which have none."""
    if weights is not None and log_weights is not None:
        raise ValueError("weights and log_weights say the same; drop one of them")
    if log_weights is not None:
        return _on_cpu(log_weights, "log_weights").to(dtype), None
    if weights is None:
        return None, None
    counts = _on_cpu(weights, "weights").to(dtype)
    if not counts.requires_grad:
        return None, counts
    if not (torch.isfinite(counts) & (counts >= 0)).all():
        raise ValueError("weights must be finite and at least 0")
    present = counts > 0
    return torch.where(present, counts.where(present, 1.0).log(), -torch.inf), None


def _bandwidth(bandwidth: Any) -> tuple[Tensor | None, dict[str, Any], dict[str, Any]]:
    """Return the tensor of bandwidths, what it is of, and bandwidths that are no tensor."""
    if isinstance(bandwidth, Tensor):
        return _on_cpu(bandwidth, "bandwidth").to(torch.float64), {}, {}
    if isinstance(bandwidth, PerKey | PerQuery):
        of = "keys" if isinstance(bandwidth, PerKey) else "queries"
        kind = {"bandwidth_of": of, "per_feature": getattr(bandwidth, "per_feature", False)}
        return _on_cpu(bandwidth.h, "bandwidth").to(torch.float64), kind, {}
    if bandwidth is not None and not isinstance(bandwidth, AdaptiveBandwidth):
        as_array(bandwidth, "bandwidth")
    return None, {}, {"bandwidth": bandwidth}
