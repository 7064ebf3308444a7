"""KeOps with torch's autograd, and torch alone: distance kernels forward and backward."""

import os

from .contender import Contender, Missing, Unsuited, need
from .torch_matmul import torch

os.environ.setdefault("PYKEOPS_VERBOSE", "0")


def _tensors(problem, threads):
    if torch is None:
        raise Missing("pip install torch")
    if problem.kernel not in ("gaussian", "laplace"):
        raise Unsuited("only Gaussian and Laplace are written here")
    torch.set_num_threads(threads)
    arrays = (problem.queries, problem.keys, problem.values, problem.grad)
    q, k, v, grad = (torch.from_numpy(a) for a in arrays)
    return tuple(t.requires_grad_() for t in (q, k, v)), grad


def _with_gradients(mean, tensors, grad):
    def call():
        out = mean(*tensors)
        gradients = torch.autograd.grad(out, tensors, grad)
        return out.detach().numpy(), *(g.numpy() for g in gradients)

    return call


def _keops(problem, threads):
    tensors, grad = _tensors(problem, threads)
    try:
        lazy = need("pykeops.torch", "pykeops").LazyTensor
    except Missing:
        raise
    except Exception as reason:  # it starts a compiler on import, which can fail in many ways
        raise Missing(f"pykeops: {type(reason).__name__}: {reason}") from None
    h = problem.bandwidth

    def mean(q, k, v):
        squared = ((lazy(q[:, None, :]) - lazy(k[None, :, :])) ** 2).sum(-1) / h**2
        weights = (-squared / 2).exp() if problem.kernel == "gaussian" else (-squared.sqrt()).exp()
        ones = torch.ones_like(v[:, :1])
        sums = weights @ torch.cat([v, ones], 1)
        return sums[:, :-1] / sums[:, -1:]

    return _with_gradients(mean, tensors, grad)


def _dense(problem, threads):
    tensors, grad = _tensors(problem, threads)
    h = problem.bandwidth

    def mean(q, k, v):
        distances = torch.cdist(q, k) / h
        logs = -(distances**2) / 2 if problem.kernel == "gaussian" else -distances
        return torch.softmax(logs, -1) @ v

    return _with_gradients(mean, tensors, grad)


KEOPS_GRADIENTS = Contender("KeOps", _keops, "KeOps")
TORCH_GRADIENTS = Contender("torch, dense", _dense, "torch matmul")
