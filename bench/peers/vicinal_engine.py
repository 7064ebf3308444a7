"""vicinal through its front door, keys as an array or in an index built before."""

import vicinal as vc

from .contender import WHOLE, Contender, once

_index = once(lambda keys, threads: vc.KeyIndex(keys, num_threads=threads))


def from_array(call):
    return lambda problem, threads: call(problem, problem.keys, threads)


def from_index(call):
    return lambda problem, threads: call(problem, _index(problem.keys, threads), threads)


def _call(problem, keys, threads):
    options = {
        "kernel": problem.kernel,
        "bandwidth": problem.bandwidth,
        "tol": problem.tol,
        "num_threads": threads,
    }
    return lambda: vc.local_mean(problem.queries, keys, problem.values, **options)


VICINAL = Contender("vicinal", from_array(_call), "vicinal")
VICINAL_INDEXED = Contender("vicinal", from_index(_call), "vicinal", WHOLE)
