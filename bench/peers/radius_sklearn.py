"""scikit-learn's mean of the keys in a radius: its regressor, and its graph times the values."""

import numpy as np
from sklearn.neighbors import NearestNeighbors, RadiusNeighborsRegressor

from .contender import Contender, Unsuited, once

OPTIONS = {"algorithm": "kd_tree"}


def _check(problem):
    if problem.kernel != "uniform" or problem.queries.ndim != 2:
        raise Unsuited("the mean in a radius only")


@once
def _fit(keys, radius, threads):
    return NearestNeighbors(radius=radius, n_jobs=threads, **OPTIONS).fit(keys)


def _regressor(problem, threads):
    _check(problem)
    model = RadiusNeighborsRegressor(radius=problem.bandwidth, n_jobs=threads, **OPTIONS)
    model.fit(problem.keys, problem.values)
    return lambda: model.predict(problem.queries)


def _graph(problem, threads):
    _check(problem)
    model = _fit(problem.keys, problem.bandwidth, threads)

    def call():
        graph = model.radius_neighbors_graph(problem.queries)
        return graph @ problem.values / np.diff(graph.indptr)[:, None]

    return call


SKLEARN_RADIUS = [
    Contender("scikit-learn regressor", _regressor, "scikit-learn regressor"),
    Contender("scikit-learn graph", _graph, "scikit-learn graph"),
]
