"""Gaussian local means by (d, p): kernel regression, density, smoothing of embeddings."""

from peers import PEERS, PRODUCTS, VICINAL
from problem import latent, normal
from race import Case, Claim, Entrant

# (d, p): target over the best peer, share of the matrix product's rate, 10⁹ pairs/s of the peers
# (torch SDPA, torch matmul, numpy, KeOps, scikit-learn) at m = n = 20,000
TARGETS = {
    (3, 1): (3.3, None, (2.6, 1.4, 0.83, 0.24, 0.22)),
    (16, 1): (2.2, None, (2.3, 1.4, 0.9, 0.15, 0.2)),
    (16, 16): (1.7, None, (2.1, 1.2, 0.74, 0.11, 0.18)),
    (64, 1): (2.0, None, (0.9, 0.86, 0.6, 0.06, 0.14)),
    (128, 1): (1.4, None, ()),
    (64, 64): (1.3, 0.72, (0.9, 0.71, 0.57, 0.05, 0.13)),
    (128, 64): (1.3, 0.72, (0.55, 0.56, 0.44, 0.01, 0.14)),
}
FAMILIES = ("torch SDPA", "torch matmul", "numpy", "KeOps", "scikit-learn")


def _case(d, p, n, name="gaussian"):
    at_least, share, figures = TARGETS[d, p]
    problem = normal(n, d, p)
    entrants = [Entrant(contender, problem) for contender in (VICINAL, *PEERS)]
    claims = [Claim("vicinal", FAMILIES, at_least)]
    if share:
        entrants += [Entrant(product, problem) for product in PRODUCTS]
        claims.append(Claim("vicinal", ("matrix product",), share, "flops"))
    return Case(
        f"{name}-d{d}-p{p}-n{n}",
        f"Gaussian, d = {d}, p = {p}, m = n = {n:,}",
        entrants,
        claims,
        dict(zip(FAMILIES, figures, strict=False)),
    )


def _latent(d, p):
    """Few hidden dimensions: more pairs need their distance twice (numerics)."""
    entrants = [
        Entrant(VICINAL, normal(20_000, d, p), "normal data"),
        Entrant(VICINAL, latent(20_000, d, p), "latent data"),
    ]
    return Case(
        f"latent-d{d}-p{p}", f"Gaussian on data of 8 hidden dimensions, d = {d}, p = {p}", entrants
    )


def cases():
    for d, p in TARGETS:
        yield _case(d, p, 20_000)
    yield _case(3, 1, 100_000)
    yield _latent(16, 1)
    yield _latent(64, 64)
