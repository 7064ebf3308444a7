"""Small bandwidths: no cliff of subnormal weights; fresh queries may be computed twice."""

from dataclasses import replace

from peers import SDPA, TORCH_MATMUL, VICINAL
from problem import normal
from race import Case, Claim, Entrant

SHARES = (1.0, 0.3, 0.1, 0.03, 0.01)  # of the spread √d


def _case(name, title, base, at_least):
    spread = base.d**0.5
    entrants = [
        Entrant(VICINAL, replace(base, bandwidth=share * spread), f"h = {share}")
        for share in SHARES
    ]
    small = replace(base, bandwidth=0.1 * spread)
    for peer in (SDPA[3], TORCH_MATMUL):
        entrants.append(Entrant(peer, small, f"{peer.name}, h = 0.1"))
    claims = [Claim(f"h = {share}", ("h = 1.0",), at_least) for share in SHARES[1:]]
    return Case(name, title, entrants, claims)


def cases():
    for d, p in ((3, 1), (16, 16)):
        shape = f"d = {d}, p = {p}, n = 20,000, h in spreads"
        same = normal(20_000, d, p)
        fresh = replace(same, queries=normal(20_000, d, p, seed=1).keys)
        yield _case(f"bandwidth-same-d{d}", f"queries = keys, {shape}", same, 0.8)
        yield _case(f"bandwidth-fresh-d{d}", f"fresh queries, {shape}", fresh, 0.45)
