"""Regression means where most pairs weigh nothing, and means over all keys in a radius."""

from dataclasses import replace

from peers import KEOPS, NUMPY, SKLEARN_RADIUS, TORCH_MATMUL, VICINAL_INDEXED
from problem import normal
from race import Case, Claim, Entrant

SHAPES = {2: 0.05, 3: 0.1}  # d: bandwidth, radius


def _mean(d):
    h = SHAPES[d]
    problem = normal(100_000, d, 1, h=h)
    peers = [Entrant(peer, problem) for peer in (KEOPS, TORCH_MATMUL, NUMPY)]
    return Case(
        f"mean-d{d}",
        f"Gaussian mean, d = {d}, h = {h}, m = n = 100,000",
        [
            Entrant(VICINAL_INDEXED, replace(problem, tol=1e-5)),
            Entrant(VICINAL_INDEXED, problem, "vicinal, tol = 0"),
            *peers,
        ],
        [Claim("vicinal", ("vicinal, tol = 0",), 1.0)],
    )


def _radius(d):
    problem = normal(100_000, d, 1, h=SHAPES[d], kernel="uniform")
    return Case(
        f"radius-d{d}",
        f"mean in a radius of {SHAPES[d]}, d = {d}, m = n = 100,000",
        [Entrant(contender, problem) for contender in (VICINAL_INDEXED, *SKLEARN_RADIUS)],
        [
            Claim("vicinal", ("scikit-learn regressor",), 20),
            Claim("vicinal", ("scikit-learn graph",), 1),
        ],
    )


def cases():
    for d in SHAPES:
        yield _mean(d)
    for d in SHAPES:
        yield _radius(d)
