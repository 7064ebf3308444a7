"""Retrieval from a million patterns, and labels that spread over many rows."""

from dataclasses import replace

from peers.memory import SDPA_HOPFIELD, SKLEARN_LABELS, VICINAL_HOPFIELD, VICINAL_LABELS
from problem_memory import blobs, moons, stored
from race import Case, Claim, Entrant, Limit

NEAREST = 64
STEPS_OF_PEER = 200  # of 1,000, after which it has not converged: a lower bound of its time
GAMMA, MASS_TOL = 500.0, 1e-3  # moons of noise 0.1: bandwidth 0.032


def _retrieval():
    problem = stored(1_000_000, 1000, 64)
    cut = Entrant(VICINAL_HOPFIELD, replace(problem, nearest=NEAREST), "vicinal, nearest 64")
    return Case(
        "hopfield-n1000000-d64",
        "Hopfield retrieval, 10⁶ patterns × 64, 1,000 queries, one update",
        [Entrant(VICINAL_HOPFIELD, problem), Entrant(SDPA_HOPFIELD, problem), cut],
        [
            Claim("vicinal", ("torch SDPA",), 1.2),
            Claim("vicinal, nearest 64", ("vicinal",), 1.5),
        ],
    )


def _graph(alpha, name):
    problem = blobs(1_000_000, 1000, alpha=alpha, nearest=10)
    return Case(
        f"labels-{name}-n1000000",
        f"labels {name}, 10 nearest rows, n = 10⁶, d = 3, 10 classes",
        [Entrant(VICINAL_LABELS, problem)],
        limits=[Limit("vicinal", 120)],
        rounds=1,
    )


def _gaussian():
    problem = moons(20_000, 200, alpha=None, gamma=GAMMA, mass_tol=MASS_TOL)
    return Case(
        "labels-gaussian-n20000",
        f"labels held, Gaussian of γ = {GAMMA:g}, two moons, n = 20,000, mass_tol = {MASS_TOL:g}",
        [
            Entrant(VICINAL_LABELS, problem),
            Entrant(SKLEARN_LABELS, replace(problem, steps=STEPS_OF_PEER)),
        ],
        [Claim("vicinal", ("scikit-learn",), 20)],
        rounds=1,
    )


def cases():
    yield _retrieval()
    yield _graph(0.2, "pulled")
    yield _graph(None, "held")
    yield _gaussian()
