"""vicinal's density, up to its factor; with keys as an array, or in an index built before."""

import vicinal as vc

from .contender import WHOLE, Contender, once

_index = once(lambda keys, threads: vc.KeyIndex(keys, num_threads=threads))


def _call(problem, keys, threads):
    options = {"bandwidth": problem.bandwidth, "tol": problem.tol, "num_threads": threads}
    return lambda: vc.local_stats(problem.queries, keys, statistics="log_mass", **options)


def _from_array(problem, threads):
    return _call(problem, problem.keys, threads)


def _from_index(problem, threads):
    return _call(problem, _index(problem.keys, threads), threads)


VICINAL_DENSITY = Contender("vicinal", _from_array, "vicinal", WHOLE)
VICINAL_INDEXED_DENSITY = Contender("vicinal, KeyIndex", _from_index, "vicinal", WHOLE)
