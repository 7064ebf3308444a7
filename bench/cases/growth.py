"""Growth with n from 10³ to 10⁶ at 1,000 queries, d = 3, p = 1."""

from peers import NUMPY, SDPA, TORCH_MATMUL, VICINAL
from problem import normal
from race import Case, Entrant


def cases():
    for n in (1_000, 10_000, 100_000, 1_000_000):
        problem = normal(n, 3, 1, m=1000)
        yield Case(
            f"growth-n{n}",
            f"Gaussian, d = 3, p = 1, 1,000 queries, n = {n:,}",
            [Entrant(c, problem) for c in (VICINAL, SDPA[2], TORCH_MATMUL, NUMPY)],
        )
