"""numpy: matrix product, exp and matrix product over blocks of rows, one block per thread."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import ThreadpoolController

from .contender import Contender
from .logits import factors, with_ones

BLOCK_BYTES = 2 << 20  # of logits: they stay in the second-level cache


def prepare(problem, threads):
    left, right, unbounded = factors(problem)
    lead = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    transposed = np.swapaxes(right, -1, -2)
    values = with_ones(problem.values)
    m, n = left.shape[-2], right.shape[-2]
    rows = int(np.clip(BLOCK_BYTES // (n * problem.dtype.itemsize), 1, m))
    blocks = [(entry, a) for entry in np.ndindex(lead) for a in range(0, m, rows)]
    out = np.empty((*lead, m, problem.p), problem.dtype)

    def run(block):
        entry, a = block
        logits = left[entry][a : a + rows] @ transposed[entry]
        if unbounded:
            logits -= logits.max(-1, keepdims=True)
        np.exp(logits, out=logits)
        sums = logits @ values[entry]
        np.divide(sums[:, :-1], sums[:, -1:], out=out[entry][a : a + rows])

    if len(blocks) < threads:  # few queries: the matrix products' own threads
        return lambda: ([run(block) for block in blocks], out)[1]
    pool = ThreadPoolExecutor(threads)
    controller = ThreadpoolController()

    def call():
        with controller.limit(limits=1, user_api="blas"):
            list(pool.map(run, blocks))
        return out

    return call


NUMPY = Contender("numpy", prepare, "numpy")
