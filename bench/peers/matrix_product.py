"""The ceiling of matrix products: 4096³ in torch and in numpy, the larger of which counts."""

import numpy as np

from .contender import Contender, Missing
from .torch_matmul import torch

SIZE = 4096
FLOPS = 2 * SIZE**3


def _square(dtype):
    return np.random.default_rng(0).normal(size=(SIZE, SIZE)).astype(dtype)


def _numpy(problem, threads):
    a, out = _square(problem.dtype), np.empty((SIZE, SIZE), problem.dtype)
    return lambda: np.matmul(a, a, out=out)


def _torch(problem, threads):
    if torch is None:
        raise Missing("pip install torch")
    torch.set_num_threads(threads)
    a = torch.from_numpy(_square(problem.dtype))
    out = torch.empty_like(a)
    return lambda: torch.matmul(a, a, out=out)


PRODUCTS = [
    Contender("matrix product, torch", _torch, "matrix product"),
    Contender("matrix product, numpy", _numpy, "matrix product"),
]
