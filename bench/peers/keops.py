"""KeOps: a symbolic reduction, compiled on first use."""

import os

from .contender import Contender, Missing, Unsuited
from .logits import with_ones

os.environ.setdefault("PYKEOPS_VERBOSE", "0")
try:
    from pykeops.numpy import LazyTensor
except Exception as reason:  # it starts a compiler on import, which can fail in many ways
    LazyTensor, REASON = None, f"{type(reason).__name__}: {reason}"


def prepare(problem, threads):
    if LazyTensor is None:
        raise Missing(f"pip install pykeops ({REASON})")
    if problem.kernel not in ("gaussian", "softmax"):
        raise Unsuited("only Gaussian and softmax are written here")
    q, k = problem.queries, problem.keys
    values = with_ones(problem.values)

    def call():
        i, j = LazyTensor(q[..., :, None, :]), LazyTensor(k[..., None, :, :])
        if problem.kernel == "softmax":  # safe only for logits below 88, as here
            weights = ((i * j).sum(-1) / problem.bandwidth).exp()
        else:
            weights = (((i - j) ** 2).sum(-1) * (-0.5 / problem.bandwidth**2)).exp()
        sums = weights @ values
        return sums[..., :-1] / sums[..., -1:]

    return call


KEOPS = Contender("KeOps", prepare, "KeOps")
