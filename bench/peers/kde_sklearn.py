"""scikit-learn's KernelDensity: one walk through a k-d tree per query, on one thread."""

from sklearn.neighbors import KernelDensity

from .contender import Contender, once

# Measured on N(0, 1), d = 2 and 3: the error is half of rtol, and leaves of 100 keys are the
# fastest. Threads do not help: the walk holds the interpreter lock.
OPTIONS = {"algorithm": "kd_tree", "leaf_size": 100, "rtol": 1.9e-4, "atol": 0.0}

_fit = once(lambda keys, bandwidth: KernelDensity(bandwidth=bandwidth, **OPTIONS).fit(keys))


def prepare(problem, threads):
    model = _fit(problem.keys, problem.bandwidth)
    return lambda: model.score_samples(problem.queries)


SKLEARN_DENSITY = Contender("scikit-learn KernelDensity", prepare, "scikit-learn")
