"""KDEpy: a Fourier transform on a grid, interpolated between its points; and its tree."""

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from .contender import WHOLE, Contender, Unsuited, need

GRID = {1: 4096, 2: 1024, 3: 128}  # points per feature


def _fourier(problem, threads):
    if problem.d not in GRID:
        raise Unsuited("grids of more than three features")
    estimator = need("KDEpy").FFTKDE(kernel="gaussian", bw=problem.bandwidth)
    shape = (GRID[problem.d],) * problem.d

    def call():
        points, density = estimator.fit(problem.keys).evaluate(shape)
        axes = [np.unique(column) for column in points.T]
        at = RegularGridInterpolator(axes, density.reshape(shape), bounds_error=False)
        return np.log(np.maximum(at(problem.queries), np.finfo("float64").tiny))

    return call


def _tree(problem, threads):
    estimator = need("KDEpy").TreeKDE(kernel="gaussian", bw=problem.bandwidth)
    estimator.fit(problem.keys.astype("float64"))
    queries = problem.queries.astype("float64")
    return lambda: np.log(estimator.evaluate(queries, eps=1e-5))


KDEPY_DENSITY = [
    # The grid costs the same for any number of queries.
    Contender("KDEpy, Fourier", _fourier, "KDEpy, Fourier", WHOLE),
    Contender("KDEpy, tree", _tree, "KDEpy, tree"),
]
