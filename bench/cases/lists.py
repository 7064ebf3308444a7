"""Means over the 16 or 64 nearest of 100,000 points: weights given, or from coordinates."""

from dataclasses import replace

import numpy as np
from peers import SCIPY_LISTS, TORCH_LISTS, VICINAL_LISTS
from problem_lists import Lists, gaussian_weights
from race import Case, Claim, Entrant

import vicinal as vc

N, BANDWIDTH = 100_000, 0.2
PEERS = ("torch embedding_bag", "torch sparse", "torch pipeline", "scipy")


def _case(problem, kind, title, ratio):
    _, k = problem.indices.shape
    return Case(
        f"lists-{kind}-k{k}-p{problem.p}",
        f"{title}, k = {k}, p = {problem.p}, m = n = {N:,}",
        [Entrant(c, problem) for c in (VICINAL_LISTS, *TORCH_LISTS, SCIPY_LISTS)],
        [Claim("vicinal", PEERS, ratio)],
    )


def cases():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(N, 3)).astype("float32")
    for k in (16, 64):
        indices = vc.knn(points, points, k).indices
        for p in (1, 16, 64):
            values = rng.normal(size=(N, p)).astype("float32")
            computed = Lists(points, points, values, indices, BANDWIDTH)
            given = replace(computed, weights=gaussian_weights(computed).astype("float32"))
            yield _case(given, "given", "mean over lists, weights given", 1.0)
            yield _case(computed, "computed", "mean over lists, Gaussian weights", 2.0)
