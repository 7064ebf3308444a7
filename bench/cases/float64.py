"""Gaussian local means in double precision."""

from peers import NUMPY, PRODUCTS, SCIKIT_LEARN, SDPA, TORCH_MATMUL, VICINAL
from problem import normal
from race import Case, Claim, Entrant

TARGETS = {(3, 1): 2.3, (16, 1): 1.8, (64, 64): 1.1}
FAMILIES = ("torch SDPA", "torch matmul", "numpy", "scikit-learn")


def cases():
    for (d, p), at_least in TARGETS.items():
        problem = normal(20_000, d, p, dtype="float64")
        contenders = [VICINAL, *SDPA, TORCH_MATMUL, NUMPY, SCIKIT_LEARN]
        if p == 64:
            contenders += PRODUCTS
        yield Case(
            f"float64-d{d}-p{p}",
            f"Gaussian in float64, d = {d}, p = {p}, m = n = 20,000",
            [Entrant(contender, problem) for contender in contenders],
            [Claim("vicinal", FAMILIES, at_least)],
        )
