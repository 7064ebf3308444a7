"""Time of a query as keys grow, on an index built before."""

from peers import VICINAL_INDEXED_DENSITY, VICINAL_SEARCH
from problem_density import normal_density
from problem_search import latent_search
from race import Case, Claim, Entrant

SIZES = (100_000, 1_000_000, 10_000_000)


def label(n):
    return f"n = {n:,}"


def _density():
    """As many expected keys in a bandwidth at every n: h = 0.05 √(100,000 / n)."""
    first, *_, last = SIZES
    return Case(
        "scale-density",
        "density at 100,000 of the keys, d = 2, h as 1/√n",
        [
            Entrant(
                VICINAL_INDEXED_DENSITY,
                normal_density(n, 2, 0.05 * (first / n) ** 0.5, m=first),
                label(n),
            )
            for n in SIZES
        ],
        [Claim(label(last), (label(first),), 1 / 3, "rows")],
    )


def _search():
    return Case(
        "scale-search",
        "16 nearest, d = 16 (8 hidden), 10,000 queries",
        [
            Entrant(VICINAL_SEARCH, latent_search(n, 16, m=10_000), label(n))
            for n in (10_000, 100_000, 1_000_000)
        ],
    )


def cases():
    yield _density()
    yield _search()
