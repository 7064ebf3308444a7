"""Exact search of 16 neighbors against exact peers; approximate ones are shown beside."""

from peers import APPROXIMATE, BUILT_INSIDE, ONE_BY_ONE, PASSES, TREES, VICINAL_SEARCH
from problem_search import latent_search, normal_search
from race import Case, Claim, Entrant

EXACT = ("scipy", "scikit-learn", "mlpack", "faiss")


def _figures(seconds):
    """Turn seconds at m = n = 100,000 (performance.md) into 10⁹ pairs/s."""
    return {family: 10 / s for family, s in seconds.items()}


def _case(name, title, problem, contenders, at_least, seconds):
    return Case(
        name,
        title,
        [Entrant(contender, problem) for contender in contenders],
        [Claim("vicinal", EXACT, at_least)],
        _figures(seconds),
    )


def cases():
    low = normal_search(100_000, 3)
    title = "16 nearest, d = 3, m = n = 100,000"
    yield _case("knn-d3", title, low, [VICINAL_SEARCH, *TREES], 2, {"scipy": 0.22})
    inside = f"{title}, index built inside"
    yield _case("knn-d3-inside", inside, low, BUILT_INSIDE, 2, {})

    everything = [VICINAL_SEARCH, *TREES, *PASSES, *APPROXIMATE]
    hidden = latent_search(100_000, 16)
    title = "16 nearest, d = 16 (8 hidden), m = n = 100,000"
    yield _case("knn-d16", title, hidden, everything, 5, {"faiss": 11.4, "scipy": 13})

    wide = normal_search(100_000, 64)
    title = "16 nearest, d = 64, m = n = 100,000"
    yield _case("knn-d64", title, wide, everything, 3.5, {"scikit-learn": 22, "faiss": 38})

    many = normal_search(1_000_000, 3, m=1000)
    title = "16 nearest of 1,000,000 keys, d = 3, 1,000 queries one by one"
    yield _case("knn-single", title, many, ONE_BY_ONE, 1, {})
