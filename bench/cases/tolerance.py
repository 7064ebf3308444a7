"""The measured error stays under tol; the time falls with it."""

from dataclasses import replace

from peers import VICINAL_INDEXED_DENSITY
from problem_density import normal_density
from race import Case, Entrant


def cases():
    base = normal_density(100_000, 2, 0.05, dtype="float64")
    entrants = []
    for exponent in range(3, 13):
        tol = 10.0**-exponent
        problem = replace(base, tol=tol, allowed=tol)
        entrants.append(Entrant(VICINAL_INDEXED_DENSITY, problem, f"tol = 1e-{exponent}"))
    title = "density in float64, d = 2, h = 0.05, m = n = 100,000, by tol"
    yield Case("tol-density", title, entrants)
