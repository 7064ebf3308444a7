"""The shapes of attention: softmax of (batch, heads, n, 64), all pairs or causal."""

from peers import TORCH_ATTENTION, TORCH_MATMUL, VICINAL_ATTENTION
from problem_attention import attention
from race import Case, Claim, Entrant

# torch's own rate, GFLOP/s (performance.md) → 10⁹ pairs/s at 4 · 64 flops a pair
SHAPES = {(1, 12, 1024): 189, (1, 12, 4096): 219, (8, 12, 512): 212}
CAUSAL = {(1, 12, 1024): 1.7, (1, 12, 4096): 1.4, (8, 12, 512): 1.9}
FAMILIES = ("torch SDPA", "torch matmul")


def cases():
    for shape, gflops in SHAPES.items():
        title, name = f"({', '.join(map(str, shape))}, 64)", "x".join(map(str, shape))
        problem = attention(*shape, 64)
        yield Case(
            f"attention-{name}",
            f"attention {title}",
            [Entrant(c, problem) for c in (VICINAL_ATTENTION, *TORCH_ATTENTION, TORCH_MATMUL)],
            [Claim("vicinal", FAMILIES, 1.3)],
            {"torch SDPA": gflops / 256},
        )
        causal = attention(*shape, 64, after=0)
        yield Case(
            f"attention-causal-{name}",
            f"causal attention {title}",
            [Entrant(c, causal) for c in (VICINAL_ATTENTION, *TORCH_ATTENTION)],
            [Claim("vicinal", FAMILIES, CAUSAL[shape])],
        )
    double = attention(1, 12, 1024, 64, dtype="float64")
    yield Case(
        "attention-float64",
        "attention (1, 12, 1024, 64), float64",
        [Entrant(c, double) for c in (VICINAL_ATTENTION, *TORCH_ATTENTION, TORCH_MATMUL)],
        [Claim("vicinal", FAMILIES, 1.25)],
    )
