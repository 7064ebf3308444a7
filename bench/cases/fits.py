"""Local fits: lines and loess, geographically weighted regression, localized logits."""

from peers import fits
from problem_fits import classes, geography, surface
from race import Case, Claim, Entrant


def _lines():
    problem = surface(2000, 2000, bandwidth=0.5 * 2**0.5)
    return Case(
        "fit-lines-n2000",
        "local lines, Gaussian, n = 2,000, d = 2, at all rows",
        [Entrant(fits.VICINAL_POLYNOMIALS, problem), Entrant(fits.KERNEL_REG, problem)],
        [Claim("vicinal", ("statsmodels",), 200)],
    )


def _loess(degree):
    problem = surface(20_000, 20_000, nearest=2000, degree=degree)
    return Case(
        f"fit-loess{degree}-n20000",
        f"loess of degree {degree}, span 0.1, n = 20,000, d = 2, at all rows",
        [Entrant(fits.VICINAL_POLYNOMIALS, problem), Entrant(fits.LOESS, problem)],
        [Claim("vicinal", ("skmisc",), 20)],
    )


def _geographic():
    problem = geography(10_000, 5, 500)
    return Case(
        "fit-gwr-n10000",
        "geographically weighted regression, 5 covariates, n = 10,000, 500 neighbors",
        [Entrant(fits.VICINAL_GEOGRAPHIC, problem), Entrant(fits.MGWR, problem)],
        [Claim("vicinal", ("mgwr",), 30)],
    )


def _localized():
    problem = classes(5000, 1000, 3, bandwidth=1.0)
    return Case(
        "fit-logits-n5000",
        "localized logistic regression, n = 5,000, d = 3, 1,000 queries",
        [
            Entrant(fits.VICINAL_LOCALIZED, problem),
            Entrant(fits.SKLEARN_LOOP, problem),
            Entrant(fits.SKLEARN_NEWTON, problem),
        ],
        [Claim("vicinal", ("scikit-learn",), 50), Claim("vicinal", ("its Newton",), 50)],
    )


def cases():
    yield _lines()
    yield _loess(1)
    yield _loess(2)
    yield _geographic()
    yield _localized()
