"""vicinal through its front door."""

import vicinal as vc

from .contender import Contender


def prepare(problem, threads):
    options = {"kernel": problem.kernel, "bandwidth": problem.bandwidth, "num_threads": threads}
    return lambda: vc.local_mean(problem.queries, problem.keys, problem.values, **options)


VICINAL = Contender("vicinal", prepare, "vicinal")
