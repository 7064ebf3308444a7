"""The local mean as an operator of torch, with nothing built against torch.

`vicinal::local_mean` and its backward take tensors and the number of an `Options`, which holds what
is no tensor: kernels, sets of neighbors, policies.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast
from weakref import WeakValueDictionary

import numpy as np
import torch
from torch import Tensor

import vicinal
from vicinal.bandwidth.given import PerKey, PerQuery
from vicinal.results import LocalStats

__all__ = [
    "DIFFERENTIABLE",
    "Options",
    "gradients",
    "gradients_op",
    "keep",
    "local_mean_op",
    "means",
    "pulled",
    "refuse_second_derivative",
    "refuse_tangents",
]

_TENSORS = (
    "Tensor queries, Tensor keys, Tensor values, Tensor? bandwidth, Tensor? log_weights, "
    "Tensor? bias, Tensor? weights, Tensor? mask, int options"
)
_RESULTS = "Tensor grad, Tensor? log_mass_grad, Tensor mean, Tensor log_mass"
DIFFERENTIABLE = ("queries", "keys", "values", "bandwidth", "log_weights", "bias")
_count = itertools.count()
_options: WeakValueDictionary[int, Options] = WeakValueDictionary()


@dataclass(eq=False)
class Options:
    """What a call of the operator has beside tensors.

    The operator finds it by its number, as long as the caller or the graph of autograd holds it.
    """

    given: dict[str, Any]  # keyword arguments of `vicinal.local_mean`
    bandwidth_of: str = "all"  # what the tensor of bandwidths has: all, keys, queries
    per_feature: bool = False
    number: int = field(init=False)

    def __post_init__(self) -> None:
        self.number = next(_count)
        _options[self.number] = self

    @property
    def lead(self) -> int:
        """Leading dimensions of what is no tensor."""
        h: Any = self.given.get("bandwidth")
        bias = self.given.get("bias")
        own: Any = self.given.get("self_indices")
        leads = [0 if own is None else np.ndim(own) - 1, len(getattr(bias, "lead", ()))]
        if isinstance(h, PerKey | PerQuery):
            numbers: Any = h.h
            leads.append(np.ndim(numbers) - (2 if getattr(h, "per_feature", False) else 1))
        return max(leads)

    def arguments(self, bandwidth: Tensor | None, **tensors: Tensor | None) -> dict[str, Any]:
        """Return the keyword arguments of the primitives."""
        arrays = {name: _array(tensor) for name, tensor in tensors.items() if tensor is not None}
        if bandwidth is not None:
            h = _array(bandwidth)
            if self.bandwidth_of == "keys":
                arrays["bandwidth"] = PerKey(h, per_feature=self.per_feature)
            else:
                arrays["bandwidth"] = PerQuery(h) if self.bandwidth_of == "queries" else h
        return self.given | arrays


def _array(tensor: Tensor) -> Any:
    return tensor.detach().numpy()


def _tensor(gradient: Any, like: Tensor) -> Tensor:
    """Return a gradient in the shape and type of its tensor."""
    if not isinstance(gradient, np.ndarray):
        return torch.tensor(gradient, dtype=like.dtype).reshape(like.shape)
    numbers = torch.from_numpy(gradient if gradient.flags.writeable else gradient.copy())
    numbers = numbers if numbers.dtype == like.dtype else numbers.to(like.dtype)
    return numbers if numbers.shape == like.shape else numbers.reshape(like.shape)


def means(
    options: Options,
    *tensors: Tensor | None,
    statistics: tuple[str, ...] = ("mean", "log_mass"),
) -> tuple[Tensor, ...]:
    """Return mean and log mass of the tensors of a call."""
    queries, keys, values, bandwidth, log_weights, bias, weights, mask = tensors
    arguments = options.arguments(
        bandwidth, log_weights=log_weights, bias=bias, weights=weights, mask=mask
    )
    points = (_array(cast("Tensor", points)) for points in (queries, keys, values))
    stats = vicinal.local_stats(*points, statistics=statistics, **arguments)
    return tuple(torch.from_numpy(getattr(stats, name)) for name in statistics)


def gradients(
    options: Options,
    wrt: str,
    upstream: tuple[Tensor, Tensor | None],
    forward: tuple[Tensor, Tensor],
    *tensors: Tensor | None,
) -> list[Tensor]:
    """Return the gradients of the tensors that `wrt` names, parted by commas."""
    queries, keys, values, bandwidth, log_weights, bias, weights, mask = tensors
    arguments = options.arguments(
        bandwidth, log_weights=log_weights, bias=bias, weights=weights, mask=mask
    )
    names, (grad, log_mass_grad), (mean, log_mass) = wrt.split(","), upstream, forward
    points = (_array(cast("Tensor", points)) for points in (grad, queries, keys, values))
    gradient = vicinal.local_mean_vjp(
        *points,
        wrt=names,
        forward=LocalStats(mean=_array(mean), log_mass=_array(log_mass)),
        log_mass_grad=None if log_mass_grad is None else _array(log_mass_grad),
        **arguments,
    )
    given = dict(zip(DIFFERENTIABLE, tensors, strict=False))
    return [_tensor(getattr(gradient, name), cast("Tensor", given[name])) for name in names]


def _shapes(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    bandwidth: Tensor | None,
    log_weights: Tensor | None,
    bias: Tensor | None,
    weights: Tensor | None,
    mask: Tensor | None,
    options: int,
) -> tuple[Tensor, Tensor]:
    one_value = values.ndim == keys.ndim - 1
    shapes = [queries.shape[:-2], keys.shape[:-2], values.shape[: -1 if one_value else -2]]
    shapes += [pairs.shape[:-2] for pairs in (bias, mask) if pairs is not None]
    shapes += [vector.shape[:-1] for vector in (log_weights, weights) if vector is not None]
    if bandwidth is not None and (kind := _options[options]).bandwidth_of != "all":
        shapes.append(bandwidth.shape[: -2 if kind.per_feature else -1])
    rows = (*torch.broadcast_shapes(*shapes), queries.shape[-2])
    mean = queries.new_empty(rows if one_value else (*rows, values.shape[-1]))
    return mean, queries.new_empty(rows)


def _shapes_of_gradients(
    grad: Tensor,
    log_mass_grad: Tensor | None,
    mean: Tensor,
    log_mass: Tensor,
    wrt: str,
    *inputs: Tensor | None,
    options: int = 0,
) -> list[Tensor]:
    given = dict(zip(DIFFERENTIABLE, inputs, strict=False))
    return [torch.empty_like(cast("Tensor", given[name])).contiguous() for name in wrt.split(",")]


def keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    """Keep what the gradient needs: the tensors, the means and, of the rest, the options."""
    *tensors, options = inputs
    ctx.save_for_backward(*tensors, *output)
    ctx.set_materialize_grads(False)  # whoever uses the mean alone pays for it alone
    ctx.options = options if isinstance(options, Options) else _options[options]


def pulled(
    ctx: Any, found: Callable[..., Any], grad: Tensor | None, log_mass_grad: Tensor | None
) -> tuple[Tensor | None, ...]:
    """Return a gradient or None for every argument, from those `found` for the ones needed."""
    *tensors, mean, log_mass = ctx.saved_tensors
    given = torch.zeros_like(mean) if grad is None else grad
    wanted = zip(DIFFERENTIABLE, ctx.needs_input_grad, strict=False)
    names = [name for name, needed in wanted if needed]
    parts = found(ctx.options, ",".join(names), (given, log_mass_grad), (mean, log_mass), *tensors)
    by_name = dict(zip(names, parts, strict=True))
    return (*(by_name.get(name) for name in DIFFERENTIABLE), None, None, None)


def refuse_second_derivative(ctx: Any, *grads: Any) -> None:
    """Say that gradients have no gradient."""
    raise NotImplementedError(
        "gradients of vicinal.torch have no gradient themselves (create_graph=True, hessian, "
        "gradient penalties); vicinal.density_hessian_product has that of a density"
    )


def refuse_tangents(name: str) -> None:
    """Say that there is no forward mode."""
    raise NotImplementedError(
        f"{name} carries a forward-mode tangent (torch.func.jvp, hessian, dual numbers), which "
        "would be lost: vicinal has reverse-mode gradients alone; call backward() or "
        "torch.autograd.grad"
    )


def _means_of(*arguments: Any) -> tuple[Tensor, ...]:
    return means(_options[arguments[-1]], *arguments[:-1])


def _gradients_of(*arguments: Any) -> list[Tensor]:
    grad, log_mass_grad, mean, log_mass, wrt, *tensors, number = arguments
    return gradients(_options[number], wrt, (grad, log_mass_grad), (mean, log_mass), *tensors)


def gradients_op(
    options: Options,
    wrt: str,
    upstream: tuple[Tensor, Tensor | None],
    forward: tuple[Tensor, Tensor],
    *tensors: Tensor | None,
) -> list[Tensor]:
    """Return what `gradients` does, as a node of a graph that is being traced."""
    found: list[Tensor] = _backward_op(*upstream, *forward, wrt, *tensors, options.number)
    return found


def _backward(ctx: Any, grad: Tensor | None, log_mass_grad: Tensor | None) -> Any:
    return pulled(ctx, gradients_op, grad, log_mass_grad)


local_mean_op = torch.library.custom_op(
    "vicinal::local_mean",
    _means_of,
    mutates_args=(),
    schema=f"({_TENSORS}) -> (Tensor, Tensor)",
    device_types="cpu",
)
local_mean_op.register_fake(_shapes)
local_mean_op.register_autograd(_backward, setup_context=keep)

_backward_op = torch.library.custom_op(
    "vicinal::local_mean_backward",
    _gradients_of,
    mutates_args=(),
    schema=f"({_RESULTS}, str wrt, {_TENSORS}) -> Tensor[]",
    device_types="cpu",
)
_backward_op.register_fake(_shapes_of_gradients)
_backward_op.register_autograd(refuse_second_derivative)
