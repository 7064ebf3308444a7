"""vicinal through its front door."""

import vicinal as vc

from .contender import WHOLE, Contender


def prepare(problem, threads):
    options = {
        "kernel": problem.kernel,
        "bandwidth": problem.bandwidth,
        "tol": problem.tol,
        "num_threads": threads,
    }
    return lambda: vc.local_mean(problem.queries, problem.keys, problem.values, **options)


VICINAL = Contender("vicinal", prepare, "vicinal")
# Where most pairs are left out, a few queries cost more each: the tree is planted for them, too.
VICINAL_WHOLE = Contender("vicinal", prepare, "vicinal", WHOLE)
