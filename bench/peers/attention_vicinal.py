"""vicinal's attention, and the gradients of its local means."""

import vicinal as vc

from .contender import Contender


def neighbors_of(problem):
    """Return the set that the problem's rule is."""
    if problem.blocks is not None:
        return vc.BlockMask(problem.blocks, block=64)
    return None if problem.all_pairs else vc.Window(problem.before, problem.after)


def _prepare(problem, threads):
    q, k, v = problem.queries, problem.keys, problem.values
    options = {
        "kernel": problem.kernel,
        "bandwidth": problem.bandwidth,
        "neighbors": neighbors_of(problem),
        "num_threads": threads,
    }
    if problem.grad is None:
        return lambda: vc.local_mean(q, k, v, **options)

    def call():
        forward = vc.local_stats(q, k, v, statistics=("mean", "log_mass"), **options)
        wrt = ("queries", "keys", "values")
        back = vc.local_mean_vjp(problem.grad, q, k, v, wrt=wrt, forward=forward, **options)
        return forward.mean, back.queries, back.keys, back.values

    return call


VICINAL_ATTENTION = Contender("vicinal", _prepare, "vicinal")
