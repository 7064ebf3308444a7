"""Mean shift of ten blobs: every point a seed, seeds from bins, and Gaussian ascents."""

from dataclasses import replace

from peers import (
    MLPACK_CLUSTERS,
    SKLEARN_CLUSTERS,
    SKLEARN_CLUSTERS_ALONE,
    VICINAL_CLUSTERS,
)
from problem_clusters import blobs
from race import Case, Claim, Entrant

FLAT = {2: 2.0, 3: 2.5, 16: 8.0}  # d: bandwidth that keeps the blobs apart
PEER = ("scikit-learn",)
SKLEARN = (SKLEARN_CLUSTERS, SKLEARN_CLUSTERS_ALONE)


def _every_point(n, d):
    problem = blobs(n, d, FLAT[d])
    return Case(
        f"meanshift-all-n{n}-d{d}",
        f"mean shift, flat kernel, every point a seed, n = {n:,}, d = {d}",
        [Entrant(c, problem) for c in (VICINAL_CLUSTERS, *SKLEARN)],
        [Claim("vicinal", PEER, 100)],
    )


def _binned(n, d):
    problem = blobs(n, d, FLAT[d], binned=True)
    contenders = (VICINAL_CLUSTERS, *SKLEARN, MLPACK_CLUSTERS)
    return Case(
        f"meanshift-binned-n{n}-d{d}",
        f"mean shift, flat kernel, binned seeds, n = {n:,}, d = {d}",
        [Entrant(contender, problem) for contender in contenders],
        [Claim("vicinal", PEER, 10), Claim("vicinal", ("mlpack",), 2.5)],
    )


def _gaussian(n):
    """As many points as are here take at most the time of scikit-learn's 20,000."""
    problem = blobs(n, 3, 0.5, kernel="gaussian", tol=1e-3, dtype="float32")
    slow = blobs(20_000, 3, FLAT[3])
    share = n / slow.rows
    return Case(
        f"meanshift-gaussian-n{n}",
        f"mean shift, Gaussian, every point a seed, h = 0.5, n = {n:,}, d = 3; "
        "scikit-learn: flat, n = 20,000",
        [
            Entrant(VICINAL_CLUSTERS, problem),
            Entrant(VICINAL_CLUSTERS, replace(problem, shared=False), "vicinal, unshared"),
            *(Entrant(contender, slow) for contender in SKLEARN),
        ],
        [
            Claim("vicinal", PEER, share, "rows"),
            Claim("vicinal, unshared", PEER, share / 3, "rows"),
        ],
        rounds=1,
    )


def cases():
    for n in (2_000, 10_000):
        for d in FLAT:
            yield _every_point(n, d)
    yield _binned(100_000, 3)
    yield _binned(1_000_000, 2)
    yield _binned(10_000, 16)
    yield _gaussian(1_000_000)
