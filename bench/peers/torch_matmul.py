"""torch: matrix product, exp in place and matrix product over blocks of rows."""

import numpy as np

from .contender import Contender, Missing
from .logits import factors, with_ones

try:
    import torch
except ImportError:
    torch = None

BLOCK_BYTES = 8 << 20


def prepare(problem, threads):
    if torch is None:
        raise Missing("pip install torch")
    torch.set_num_threads(threads)
    left, right, unbounded = factors(problem)
    values = with_ones(problem.values)
    left, right, values = (torch.from_numpy(np.ascontiguousarray(a)) for a in (left, right, values))
    transposed = right.transpose(-1, -2)
    m, n = left.shape[-2], right.shape[-2]
    entries = max(1, left[..., 0, 0].numel())
    rows = int(np.clip(BLOCK_BYTES // (n * problem.dtype.itemsize * entries), 16, m))
    out = torch.empty((*left.shape[:-1], problem.p), dtype=left.dtype)

    def call():
        with torch.inference_mode():
            for a in range(0, m, rows):
                logits = left[..., a : a + rows, :] @ transposed
                if unbounded:
                    logits -= logits.amax(-1, keepdim=True)
                sums = logits.exp_() @ values
                out[..., a : a + rows, :] = sums[..., :-1] / sums[..., -1:]
        return out.numpy()

    return call


TORCH_MATMUL = Contender("torch matmul + exp", prepare, "torch matmul")
