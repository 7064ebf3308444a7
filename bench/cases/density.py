"""Densities where most pairs weigh nothing: N(0, 1), narrow bandwidths, relative error to 1e-4."""

from peers import (
    KDEPY_DENSITY,
    KEOPS_DENSITY,
    MLPACK_DENSITY,
    SKLEARN_DENSITY,
    VICINAL_DENSITY,
    VICINAL_INDEXED_DENSITY,
)
from problem_density import normal_density
from race import Case, Claim, Entrant, Limit

# d: bandwidth, seconds of scikit-learn and of mlpack at m = n = 100,000 (performance.md)
SHAPES = {2: (0.05, 11, 5.9), 3: (0.1, 20, 7.2)}
MILLION = 20.0  # seconds that 10⁶ × 10⁶ may take, from arrays

CONTENDERS = [
    VICINAL_INDEXED_DENSITY,
    SKLEARN_DENSITY,
    *MLPACK_DENSITY,
    *KDEPY_DENSITY,
    KEOPS_DENSITY,
]


def _against_peers(d):
    h, sklearn, mlpack = SHAPES[d]
    problem = normal_density(100_000, d, h)
    rate = problem.pairs / 1e9
    return Case(
        f"density-d{d}",
        f"density, d = {d}, h = {h}, m = n = 100,000",
        [Entrant(contender, problem) for contender in CONTENDERS],
        [
            Claim("vicinal", ("mlpack",), 20),
            Claim("vicinal", ("scikit-learn",), 60),
        ],
        {"scikit-learn": rate / sklearn, "mlpack": rate / mlpack},
    )


def _million(d):
    h = SHAPES[d][0]
    return Case(
        f"density-d{d}-million",
        f"density, d = {d}, h = {h}, m = n = 1,000,000, from arrays",
        [Entrant(VICINAL_DENSITY, normal_density(1_000_000, d, h))],
        limits=[Limit("vicinal", MILLION)],
    )


def cases():
    for d in SHAPES:
        yield _against_peers(d)
    for d in SHAPES:
        yield _million(d)
