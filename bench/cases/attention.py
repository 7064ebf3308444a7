"""The shapes of attention: softmax of (batch, heads, n, 64)."""

from peers import SDPA, TORCH_MATMUL, VICINAL
from problem import heads
from race import Case, Claim, Entrant

# torch's own rate, GFLOP/s (performance.md) → 10⁹ pairs/s at 4 · 64 flops a pair
SHAPES = {(1, 12, 1024): 189, (1, 12, 4096): 219, (8, 12, 512): 212}


def cases():
    for (batch, count, n), gflops in SHAPES.items():
        problem = heads(batch, count, n, 64)
        yield Case(
            f"attention-{batch}x{count}x{n}",
            f"attention ({batch}, {count}, {n}, 64)",
            [Entrant(c, problem) for c in (VICINAL, *SDPA, TORCH_MATMUL)],
            [Claim("vicinal", ("torch SDPA", "torch matmul"), 1.25)],
            {"torch SDPA": gflops / 256},
        )
