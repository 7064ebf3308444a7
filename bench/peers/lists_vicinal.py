"""vicinal over given lists: stored weights, or a kernel of the coordinates."""

import numpy as np
from scipy.sparse import csr_array

import vicinal as vc

from .contender import WHOLE, Contender, Missing


def as_csr(problem):
    """Return the given weights as a sparse matrix of shape (m, n)."""
    m, k = problem.indices.shape
    parts = (problem.weights.ravel(), problem.indices.ravel(), np.arange(0, m * k + 1, k))
    return csr_array(parts, shape=(m, len(problem.values)))


def prepare(problem, threads):
    if not hasattr(vc, "Graph"):
        raise Missing("this vicinal has no Graph yet")
    if problem.weights is not None:
        graph = vc.Graph(as_csr(problem), data="weight")
        options = {"neighbors": graph, "num_threads": threads}
        return lambda: vc.local_mean(None, None, problem.values, **options)
    graph = vc.Graph.from_indices(problem.indices, len(problem.keys))
    options = {"neighbors": graph, "bandwidth": problem.bandwidth, "num_threads": threads}
    return lambda: vc.local_mean(problem.queries, problem.keys, problem.values, **options)


VICINAL_LISTS = Contender("vicinal", prepare, "vicinal", WHOLE)
