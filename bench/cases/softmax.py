"""Softmax over one long list of keys: a Hopfield memory, one attention head."""

from peers import PRODUCTS, SDPA, TORCH_MATMUL, VICINAL
from problem import normal
from race import Case, Claim, Entrant

PEERS = ("torch SDPA", "torch matmul")


def _case(d, p):
    problem = normal(20_000, d, p, kernel="softmax")
    entrants = [Entrant(c, problem) for c in (VICINAL, *SDPA, TORCH_MATMUL, *PRODUCTS)]
    claims = [
        Claim("vicinal", PEERS, 1.3),
        Claim("vicinal", ("matrix product",), 0.72, "flops"),
    ]
    title = f"softmax, d = {d}, p = {p}, m = n = 20,000"
    return Case(f"softmax-d{d}-p{p}", title, entrants, claims)


def cases():
    yield _case(64, 64)
    yield _case(128, 64)
