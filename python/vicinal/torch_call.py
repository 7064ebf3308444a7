"""Calls of the operator: tensors are checked and brought to one type, the rest goes beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.forward_ad import unpack_dual

from vicinal.arrays import as_array
from vicinal.bandwidth.given import AdaptiveBandwidth
from vicinal.torch_function import LocalMeanFunction, is_constant
from vicinal.torch_op import Options, means, refuse_tangents

__all__ = ["PerKey", "PerQuery", "local_mean_of", "mean_and_log_mass", "on_cpu"]


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


def local_mean_of(queries: Tensor, keys: Tensor, values: Tensor, **given: Any) -> Tensor:
    """Return the local mean; where nothing has a gradient, nothing but it is computed."""
    return _called(queries, keys, values, alone=True, **given)[0]


def mean_and_log_mass(
    queries: Tensor, keys: Tensor, values: Tensor, **given: Any
) -> tuple[Tensor, Tensor]:
    """Return the local mean, which has a gradient, and the log mass; see `local_mean`."""
    mean, log_mass = _called(queries, keys, values, alone=False, **given)
    return mean, log_mass


@torch.compiler.disable  # type: ignore[untyped-decorator]  # kernels are no matter of a graph
def _called(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    *,
    alone: bool,
    bandwidth: Any = None,
    weights: Tensor | None = None,
    log_weights: Tensor | None = None,
    bias: Any = None,
    mask: Tensor | None = None,
    self_indices: Any = None,
    **options: Any,
) -> tuple[Tensor, ...]:
    q, x, y = _points(queries=queries, keys=keys, values=values)
    logs, counts = _priors(weights, log_weights, q.dtype)
    scale, kind, constant = _bandwidth(bandwidth)
    pairs = on_cpu(bias, "bias").to(q.dtype) if isinstance(bias, Tensor) else None
    if bias is not None and pairs is None:
        constant["bias"] = bias
    if self_indices is not None:
        constant["self_indices"] = np.asarray(self_indices)
    used = None if mask is None else on_cpu(mask, "mask")
    beside = Options(options | constant, **kind)
    tensors = q, x, y, scale, logs, pairs, counts, used
    if alone and is_constant(tensors):
        return means(beside, *tensors, statistics=("mean",))
    found: tuple[Tensor, Tensor] = LocalMeanFunction.apply(*tensors, beside)
    return found


def _points(**tensors: Tensor) -> list[Tensor]:
    """Return tensors in their common type."""
    checked = [on_cpu(tensor, name) for name, tensor in tensors.items()]
    floating = [tensor.dtype for tensor in checked if tensor.dtype.is_floating_point]
    wide = [torch.float64 if dtype == torch.float64 else torch.float32 for dtype in floating]
    dtype = torch.float64 if torch.float64 in wide or not wide else torch.float32
    return [tensor.to(dtype) for tensor in checked]


def on_cpu(tensor: Any, name: str) -> Tensor:
    """Return a tensor that is one, of real numbers and on the CPU."""
    if not isinstance(tensor, Tensor):
        raise TypeError(
            f"{name} must be a tensor, got {type(tensor).__name__}; torch.as_tensor makes one, and "
            "vicinal.local_mean takes arrays"
        )
    if tensor.device.type not in ("cpu", "meta"):
        raise TypeError(
            f"{name} is on {tensor.device}, and vicinal computes on the CPU; move it with .cpu()"
        )
    if unpack_dual(tensor).tangent is not None:
        refuse_tangents(name)
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
        return on_cpu(log_weights, "log_weights").to(dtype), None
    if weights is None:
        return None, None
    counts = on_cpu(weights, "weights").to(dtype)
    if not counts.requires_grad:
        return None, counts
    if not (torch.isfinite(counts) & (counts >= 0)).all():
        raise ValueError("weights must be finite and at least 0")
    present = counts > 0
    return torch.where(present, counts.where(present, 1.0).log(), -torch.inf), None


def _bandwidth(bandwidth: Any) -> tuple[Tensor | None, dict[str, Any], dict[str, Any]]:
    """Return the tensor of bandwidths, what it is of, and bandwidths that are no tensor."""
    if isinstance(bandwidth, Tensor):
        return on_cpu(bandwidth, "bandwidth").to(torch.float64), {}, {}
    if isinstance(bandwidth, PerKey | PerQuery):
        of = "keys" if isinstance(bandwidth, PerKey) else "queries"
        kind = {"bandwidth_of": of, "per_feature": getattr(bandwidth, "per_feature", False)}
        return on_cpu(bandwidth.h, "bandwidth").to(torch.float64), kind, {}
    if bandwidth is not None and not isinstance(bandwidth, AdaptiveBandwidth):
        as_array(bandwidth, "bandwidth")
    return None, {}, {"bandwidth": bandwidth}
