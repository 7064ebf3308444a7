"""Other kernels against the Gaussian, bandwidths such that most keys weigh something."""

from dataclasses import replace

from peers import VICINAL
from problem import normal
from race import Case, Claim, Entrant

CLAIMED = ["epanechnikov", "biweight", "triweight", "tricube", "uniform", "wendland_c2"]
RATIONAL = ["cauchy", "student_t"]
OTHERS = ["laplace", "matern"]  # a root and an exponential: reported, nothing claimed


def _case(d, dtype, at_least):
    base = normal(20_000, d, 1, dtype=dtype)
    entrants = [Entrant(VICINAL, base, "gaussian")]
    for kernel in CLAIMED + RATIONAL + OTHERS:
        h = base.bandwidth * (4 if kernel in CLAIMED else 1)
        entrants.append(Entrant(VICINAL, replace(base, kernel=kernel, bandwidth=h), kernel))
    claims = [Claim(kernel, ("gaussian",), at_least) for kernel in CLAIMED + RATIONAL]
    title = f"kernels against the Gaussian, {dtype}, d = {d}, p = 1, m = n = 20,000"
    return Case(f"kernels-{dtype}-d{d}", title, entrants, claims)


def cases():
    for d in (3, 16):
        yield _case(d, "float32", 1.0)
        yield _case(d, "float64", 0.7)
