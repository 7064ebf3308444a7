"""The local mean as a function of torch's autograd, under the transforms of torch.func too."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch._C import _are_functorch_transforms_active  # what Function.apply asks, too
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from vicinal.torch_op import (
    DIFFERENTIABLE,
    Options,
    gradients,
    gradients_op,
    keep,
    local_mean_op,
    means,
    pulled,
    refuse_second_derivative,
    refuse_tangents,
)

__all__ = ["LocalMeanFunction", "is_constant"]

NAMES = (*DIFFERENTIABLE, "weights", "mask")


class _Function(torch.autograd.Function):  # type: ignore[misc]  # torch is not read
    """A function of autograd, whose calls go straight where torch.func is not at work."""

    @classmethod
    def apply(cls, *arguments: Any) -> Any:
        if _are_functorch_transforms_active():
            return super().apply(*arguments)
        return super(torch.autograd.Function, cls).apply(*arguments)


class LocalMeanFunction(_Function):
    """Mean and log mass of tensors, as the operator has them, without the way through it."""

    @staticmethod
    def forward(*arguments: Any) -> tuple[Tensor, ...]:
        *tensors, options = arguments
        if _is_traced(tensors):
            found: tuple[Tensor, Tensor] = local_mean_op(*tensors, options.number)
            return found
        return means(options, *tensors)

    setup_context = staticmethod(keep)

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, log_mass_grad: Tensor | None) -> Any:
        return pulled(ctx, _gradients, grad, log_mass_grad)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> None:
        refuse_tangents("an argument")

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *arguments: Any) -> Any:
        *tensors, options = arguments
        batch = _Batch(info.batch_size, options, dict(zip(NAMES, tensors, strict=True)), in_dims)
        if batch.is_apart(""):
            items = (LocalMeanFunction.apply(*one, options) for one in batch.items())
            return tuple(torch.stack(parts) for parts in zip(*items, strict=True)), (0, 0)
        return LocalMeanFunction.apply(*batch.together(()).values(), options), (0, 0)


class _Gradients(_Function):
    """The gradients of `LocalMeanFunction`, which have none themselves."""

    @staticmethod
    def forward(options: Options, wrt: str, *tensors: Any) -> tuple[Tensor, ...]:
        grad, log_mass_grad, mean, log_mass, *inputs = tensors
        found = gradients_op if _is_traced(inputs) else gradients
        return tuple(found(options, wrt, (grad, log_mass_grad), (mean, log_mass), *inputs))

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    backward = staticmethod(refuse_second_derivative)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> None:
        refuse_tangents("a gradient")

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *arguments: Any) -> Any:
        options, wrt, *tensors = arguments
        names = ("grad", "log_mass_grad", "mean", "log_mass", *NAMES)
        given = dict(zip(names, tensors, strict=True))
        batch = _Batch(info.batch_size, options, given, in_dims[2:])
        if batch.is_apart(wrt):
            items = (_Gradients.apply(options, wrt, *one) for one in batch.items())
            found = [torch.stack(parts) for parts in zip(*items, strict=True)]
        else:
            own = wrt.split(",")
            whole = batch.together((*own, "mean", "log_mass"))
            parts = _Gradients.apply(options, wrt, *whole.values())
            shapes = (batch.shape(name) for name in own)
            found = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        return tuple(found), (0,) * len(found)


def _gradients(
    options: Options,
    wrt: str,
    upstream: tuple[Tensor, Tensor | None],
    forward: tuple[Tensor, Tensor],
    *tensors: Tensor | None,
) -> tuple[Tensor, ...]:
    if not torch.is_grad_enabled() and not _are_functorch_transforms_active():
        return _Gradients.forward(options, wrt, *upstream, *forward, *tensors)
    found: tuple[Tensor, ...] = _Gradients.apply(options, wrt, *upstream, *forward, *tensors)
    return found


def is_constant(tensors: tuple[Tensor | None, ...]) -> bool:
    """Tell whether nobody will ask for a gradient or another transform."""
    if _are_functorch_transforms_active() or _is_traced(tensors):
        return False
    return not torch.is_grad_enabled() or not any(
        tensor is not None and tensor.requires_grad for tensor in tensors
    )


def _is_traced(tensors: Any) -> bool:
    """Tell whether tensors stand for others, so that only an operator is understood."""
    return is_in_torch_dispatch_mode() or not all(
        tensor is None or (type(tensor) in (Tensor, torch.nn.Parameter) and tensor.is_cpu)
        for tensor in tensors
    )


class _Batch:
    """The tensors of a call under `vmap`, some of which have a batch."""

    def __init__(
        self, size: int, options: Options, tensors: dict[str, Tensor | None], dims: tuple[Any, ...]
    ) -> None:
        self.size, self.options, self.tensors = size, options, tensors
        self.dims = dict(zip(tensors, dims, strict=False))
        ranks = {name: self.rank(name) for name, tensor in tensors.items() if tensor is not None}
        tails = dict.fromkeys(ranks, 2) | {"log_weights": 1, "weights": 1}
        tails |= {"log_mass": 1, "log_mass_grad": 1}
        if ranks["values"] == ranks["keys"] - 1:
            tails |= {"values": 1, "grad": 1, "mean": 1}
        if options.bandwidth_of != "all":
            tails["bandwidth"] = 2 if options.per_feature else 1
        self.tails = tails
        leads = (rank - tails[name] for name, rank in ranks.items() if not self.is_shared(name))
        self.lead = max(*leads, options.lead)

    def is_shared(self, name: str) -> bool:
        """Tell whether a tensor has no leading dimensions: one bandwidth for all items."""
        return name == "bandwidth" and self.options.bandwidth_of == "all"

    def rank(self, name: str) -> int:
        """Return the dimensions of one item."""
        tensor = self.tensors[name]
        assert tensor is not None
        return int(tensor.ndim) - (self.dims[name] is not None)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of all items of a tensor."""
        tensor, dim = self.tensors[name], self.dims[name]
        assert tensor is not None
        item = tensor.shape if dim is None else tensor.movedim(dim, 0).shape[1:]
        return self.size, *item

    def is_apart(self, wrt: str) -> bool:
        """Tell whether every item needs its own call, since bandwidths of items differ."""
        if self.tensors["bandwidth"] is None or not self.is_shared("bandwidth"):
            return False
        return self.dims["bandwidth"] is not None or "bandwidth" in wrt.split(",")

    def items(self) -> Any:
        """Give the tensors of one item after the other."""
        for i in range(self.size):
            yield [
                tensor if dim is None or tensor is None else tensor.select(dim, i)
                for tensor, dim in zip(self.tensors.values(), self.dims.values(), strict=True)
            ]

    def together(self, full: tuple[str, ...]) -> dict[str, Tensor | None]:
        """Return tensors with the batch as first of their leading dimensions, 1 where it is not.

        Those that `full` names have it at its size.
        """
        found: dict[str, Tensor | None] = {}
        for name, tensor in self.tensors.items():
            if tensor is None or self.is_shared(name):
                found[name] = tensor
                continue
            dim = self.dims[name]
            first = tensor[None] if dim is None else tensor.movedim(dim, 0)
            missing = self.lead + self.tails[name] - self.rank(name)
            ranked = first.reshape(first.shape[0], *(1,) * missing, *first.shape[1:])
            found[name] = ranked.expand(self.size, *ranked.shape[1:]) if name in full else ranked
        return found
