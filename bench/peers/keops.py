"""KeOps: a symbolic reduction, compiled on first use."""

import os

import numpy as np

from .contender import Contender, Missing, Unsuited
from .logits import with_ones

os.environ.setdefault("PYKEOPS_VERBOSE", "0")
try:
    from pykeops.numpy import LazyTensor
except Exception as reason:  # it starts a compiler on import, which can fail in many ways
    LazyTensor, REASON = None, f"{type(reason).__name__}: {reason}"


def _check():
    if LazyTensor is None:
        raise Missing(f"pip install pykeops ({REASON})")


def _gaussian(q, k, bandwidth):
    i, j = LazyTensor(q[..., :, None, :]), LazyTensor(k[..., None, :, :])
    return (((i - j) ** 2).sum(-1) * (-0.5 / bandwidth**2)).exp()


def _softmax(q, k, bandwidth):  # safe only for logits below 88, as here
    i, j = LazyTensor(q[..., :, None, :]), LazyTensor(k[..., None, :, :])
    return ((i * j).sum(-1) / bandwidth).exp()


def _mean(problem, threads):
    _check()
    weights_of = {"gaussian": _gaussian, "softmax": _softmax}.get(problem.kernel)
    if weights_of is None:
        raise Unsuited("only Gaussian and softmax are written here")
    values = with_ones(problem.values)

    def call():
        sums = weights_of(problem.queries, problem.keys, problem.bandwidth) @ values
        return sums[..., :-1] / sums[..., -1:]

    return call


def _density(problem, threads):
    _check()

    def call():
        masses = _gaussian(problem.queries, problem.keys, problem.bandwidth).sum(axis=1)
        return np.log(masses.ravel()) + problem.log_factor

    return call


KEOPS = Contender("KeOps", _mean, "KeOps")
KEOPS_DENSITY = Contender("KeOps", _density, "KeOps")
