"""A local mean and its gradients for queries, keys and values."""

from peers import KEOPS_GRADIENTS, TORCH_ATTENTION, TORCH_GRADIENTS, VICINAL_ATTENTION
from problem_attention import attention, points
from race import Case, Claim, Entrant

SHAPES = ((1, 12, 1024), (1, 12, 4096), (8, 12, 512))


def cases():
    for shape in SHAPES:
        title, name = f"({', '.join(map(str, shape))}, 64)", "x".join(map(str, shape))
        for prefix, word, rule in (("", "", {}), ("causal-", "causal ", {"after": 0})):
            problem = attention(*shape, 64, backward=True, **rule)
            yield Case(
                f"gradients-{prefix}{name}",
                f"{word}attention and its gradients {title}",
                [Entrant(c, problem) for c in (VICINAL_ATTENTION, *TORCH_ATTENTION)],
                [Claim("vicinal", ("torch SDPA",), 1.25)],
            )
    for kernel in ("gaussian", "laplace"):
        for d, p in ((3, 1), (16, 16)):
            problem = points(10_000, d, p, kernel)
            contenders = (VICINAL_ATTENTION, KEOPS_GRADIENTS, TORCH_GRADIENTS)
            yield Case(
                f"gradients-{kernel}-d{d}-p{p}",
                f"{kernel.title()} mean and its gradients, d = {d}, p = {p}, m = n = 10,000",
                [Entrant(c, problem) for c in contenders],
                [Claim("vicinal", ("KeOps",), 10.0)],
            )
