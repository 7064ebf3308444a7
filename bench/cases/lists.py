"""Means over the 16 or 64 nearest of 100,000 points: weights given, or from coordinates; points
numbered at random, or by a tree."""

from dataclasses import replace

import numpy as np
from peers import SCIPY_LISTS, TORCH_LISTS, VICINAL_LISTS
from problem_lists import Lists, gaussian_weights
from race import Case, Claim, Entrant

import vicinal as vc

N, BANDWIDTH = 100_000, 0.2
BAG = ("torch embedding_bag",)
AS_FAST_AS_BAG = Claim("vicinal", BAG, 1.0)
TWICE_THE_BEST = Claim("vicinal", (*BAG, "torch sparse", "torch pipeline", "scipy"), 2.0)


def _case(problem, kind, title, claim):
    _, k = problem.indices.shape
    return Case(
        f"lists-{kind}-k{k}-p{problem.p}",
        f"{title}, k = {k}, p = {problem.p}, m = n = {N:,}",
        [Entrant(c, problem) for c in (VICINAL_LISTS, *TORCH_LISTS, SCIPY_LISTS)],
        [claim],
    )


def _ordered(problem, order):
    """Race points numbered by a tree against embedding_bag on points as they come."""
    _, k = problem.indices.shape
    bag, *_ = TORCH_LISTS
    ours = Entrant(VICINAL_LISTS, problem.in_order(order))
    return Case(
        f"lists-ordered-k{k}-p{problem.p}",
        f"mean over lists, weights given, vicinal's points in order, k = {k}, p = {problem.p}, "
        f"m = n = {N:,}",
        [ours, Entrant(bag, problem)],
        [Claim("vicinal", BAG, 1.5)],
    )


def cases():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(N, 3)).astype("float32")
    order = vc.KeyIndex(points).order
    for k in (16, 64):
        indices = vc.knn(points, points, k).indices
        for p in (1, 16, 64):
            values = rng.normal(size=(N, p)).astype("float32")
            computed = Lists(points, points, values, indices, BANDWIDTH)
            given = replace(computed, weights=gaussian_weights(computed).astype("float32"))
            yield _case(given, "given", "mean over lists, weights given", AS_FAST_AS_BAG)
            yield _case(computed, "computed", "mean over lists, Gaussian weights", TWICE_THE_BEST)
            yield _ordered(given, order)
