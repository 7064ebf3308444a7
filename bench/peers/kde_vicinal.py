"""vicinal's density, up to its factor; keys as an array, or in an index built before."""

import vicinal as vc

from .contender import WHOLE, Contender
from .vicinal_engine import from_array, from_index


def _call(problem, keys, threads):
    options = {"bandwidth": problem.bandwidth, "tol": problem.tol, "num_threads": threads}
    return lambda: vc.local_stats(problem.queries, keys, statistics="log_mass", **options)


VICINAL_DENSITY = Contender("vicinal", from_array(_call), "vicinal", WHOLE)
VICINAL_INDEXED_DENSITY = Contender("vicinal", from_index(_call), "vicinal", WHOLE)
