"""A small system, and fuzzy logic by the book for comparison."""

from __future__ import annotations

import numpy as np

import vicinal as vc

mf = vc.models.fuzzy
INPUTS = {
    "service": {
        "poor": mf.Triangle(0, 0, 5),
        "fair": mf.Bell(2, 2, 5),
        "good": mf.Trapezoid(5, 8, 10, 10),
    },
    "food": {"bad": mf.Sigmoid(4, -2), "fine": mf.Gauss(9, 3)},
}
OUTPUTS = {
    "tip": {
        "low": mf.Triangle(0, 0, 13),
        "medium": mf.Trapezoid(0, 10, 14, 25),
        "high": mf.Triangle(13, 25, 25),
    },
    "mood": {"down": mf.Gauss(-1, 0.5), "up": mf.Gauss(1, 0.5)},
}
RANGES = {"mood": (-2, 2)}
RULES = [
    "IF service IS poor OR food IS bad THEN tip IS low AND mood IS down",
    "if service is fair then tip is medium with 0.75",
    "IF service IS good AND NOT (food IS bad OR service IS fair) THEN tip IS high",
    "IF (service IS NOT poor) AND food IS fine THEN mood IS up",
]
AND = {
    "product": lambda a, b: a * b,
    "min": np.minimum,
    "lukasiewicz": lambda a, b: np.maximum(a + b - 1, 0),
}


def sample(rows=50, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.uniform(0, 10, rows) for name in INPUTS}


def firing(values, norm):
    """Return the degrees of RULES, (rows, 4)."""

    def both(a, b):
        return AND[norm](a, b)

    def either(a, b):
        return 1 - AND[norm](1 - a, 1 - b)

    poor, fair, good = (INPUTS["service"][term](values["service"]) for term in INPUTS["service"])
    bad, fine = (INPUTS["food"][term](values["food"]) for term in INPUTS["food"])
    return np.stack(
        [
            either(poor, bad),
            0.75 * fair,
            both(good, 1 - either(bad, fair)),
            both(1 - poor, fine),
        ],
        axis=1,
    )
