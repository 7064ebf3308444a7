"""What is timed of a search: `build(keys, k, threads)` returns `find(queries)`, rows of keys."""

import numpy as np

from .contender import Contender, once


def built_before(name, build, family, patience=1.0):
    """Time the search alone."""
    build = once(build)

    def prepare(problem, threads):
        find = build(problem.keys, problem.k, threads)
        return lambda: find(problem.queries)

    return Contender(name, prepare, family, patience)


def built_inside(name, build, family, patience=1.0):
    """Time the building of the index, too."""

    def prepare(problem, threads):
        return lambda: build(problem.keys, problem.k, threads)(problem.queries)

    return Contender(name, prepare, family, patience)


def one_by_one(name, build, family, patience=1.0):
    """Time a call for every query, each on one thread."""
    build = once(build)

    def prepare(problem, threads):
        find = build(problem.keys, problem.k, 1)
        queries = [problem.queries[i : i + 1] for i in range(len(problem.queries))]
        return lambda: np.concatenate([find(query) for query in queries])

    return Contender(name, prepare, family, patience)
