"""One query against few keys: what a call costs before it computes anything."""

from peers import NUMPY, SDPA, TORCH_MATMUL, VICINAL
from problem import normal
from race import Case, Entrant


def cases():
    for n in (10, 1_000):
        problem = normal(n, 3, 1, m=1)
        yield Case(
            f"latency-n{n}",
            f"one call: m = 1, n = {n:,}, d = 3, p = 1",
            [Entrant(c, problem) for c in (VICINAL, SDPA[1], TORCH_MATMUL, NUMPY)],
            rounds=21,
        )
