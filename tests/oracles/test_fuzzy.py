"""The tipping problem in scikit-fuzzy and simpful, by the same rules."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import vicinal as vc

mf = vc.models.fuzzy
TERMS = {"quality": "service", "food": "food"}
INPUTS = {
    "service": {
        "poor": mf.Triangle(0, 0, 5),
        "fair": mf.Triangle(0, 5, 10),
        "good": mf.Triangle(5, 10, 10),
    },
    "food": {"bad": mf.Trapezoid(0, 0, 2, 6), "fine": mf.Trapezoid(2, 6, 10, 10)},
}
TIP = {
    "low": mf.Triangle(0, 0, 13),
    "medium": mf.Triangle(0, 13, 25),
    "high": mf.Triangle(13, 25, 25),
}
RULES = [
    "IF service IS poor OR food IS bad THEN tip IS low",
    "IF service IS fair THEN tip IS medium",
    "IF service IS good AND food IS NOT bad THEN tip IS high",
]
POINTS = [*itertools.product([0.3, 2.7, 4.1, 6.6, 9.8], [1.5, 4.9, 9.1])]


def of_skfuzzy(method):
    control = pytest.importorskip("skfuzzy.control")
    from skfuzzy import trapmf, trimf

    def variable(make, name, universe, terms, **options):
        made = make(universe, name, **options)
        for term, membership in terms.items():
            shape = trimf if isinstance(membership, mf.Triangle) else trapmf
            made[term] = shape(made.universe, membership.parameters)
        return made

    fine = np.linspace(0, 25, 20_001)  # it joins terms at the points of the universe alone
    service, food = (
        variable(control.Antecedent, name, np.arange(0, 10.5, 0.5), INPUTS[name]) for name in INPUTS
    )
    tip = variable(control.Consequent, "tip", fine, TIP, defuzzify_method=method)
    rules = [
        control.Rule(service["poor"] | food["bad"], tip["low"]),
        control.Rule(service["fair"], tip["medium"]),
        control.Rule(service["good"] & ~food["bad"], tip["high"]),
    ]
    simulation = control.ControlSystemSimulation(control.ControlSystem(rules))
    found = []
    for point in POINTS:
        simulation.inputs(dict(zip(INPUTS, point, strict=True)))
        simulation.compute()
        found.append(simulation.output["tip"])
    return np.array(found)


@pytest.mark.filterwarnings("ignore:Passing more than 2 positional:DeprecationWarning:skfuzzy")
@pytest.mark.parametrize(
    ("method", "ours", "tolerance"),
    [
        ("centroid", "centroid", 1e-6),
        ("bisector", "bisector", 1e-5),
        ("mom", "mean_of_maximum", 25 / 20_000),
        ("som", "smallest_of_maximum", 25 / 20_000),
        ("lom", "largest_of_maximum", 25 / 20_000),
    ],
)
def test_mamdani_as_scikit_fuzzy(method, ours, tolerance):
    tip = vc.models.Mamdani(INPUTS, {"tip": TIP}, RULES, defuzzification=ours)
    found = tip.infer(np.array(POINTS))["tip"]
    np.testing.assert_allclose(found, of_skfuzzy(method), atol=tolerance, rtol=0)


def of_simpful(outputs):
    simpful = pytest.importorskip("simpful")

    def variable(terms, low, high):
        sets = []
        for term, membership in terms.items():
            if isinstance(membership, mf.Triangle):
                sets.append(simpful.TriangleFuzzySet(*membership.parameters, term=term))
            else:
                sets.append(simpful.TrapezoidFuzzySet(*membership.parameters, term=term))
        return simpful.LinguisticVariable(sets, universe_of_discourse=[low, high])

    system = simpful.FuzzySystem(show_banner=False, verbose=False)
    for name, terms in INPUTS.items():
        system.add_linguistic_variable(name, variable(terms, 0, 10))
    outputs(system, variable)
    system.add_rules(
        [
            "IF (service IS poor) OR (food IS bad) THEN (tip IS low)",
            "IF (service IS fair) THEN (tip IS medium)",
            "IF (service IS good) AND (NOT (food IS bad)) THEN (tip IS high)",
        ]
    )
    return system


def test_takagi_sugeno_as_simpful():
    def outputs(system, _):
        system.set_crisp_output_value("low", 5)
        system.set_output_function("medium", "10 + 0.5 * service - 0.25 * food")
        system.set_crisp_output_value("high", 25)

    system = of_simpful(outputs)
    expected = []
    for point in POINTS:
        for name, value in zip(INPUTS, point, strict=True):
            system.set_variable(name, value)
        expected.append(system.Sugeno_inference(["tip"])["tip"])
    tip = {"low": 5.0, "medium": [10.0, 0.5, -0.25], "high": 25.0}
    model = vc.models.TakagiSugeno(INPUTS, {"tip": tip}, RULES, norm="min")
    found = model.infer(np.array(POINTS))["tip"]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_mamdani_as_simpful():
    """simpful sums over equal steps: its error halves with them, and is extrapolated away."""

    def outputs(system, variable):
        system.add_linguistic_variable("tip", variable(TIP, 0, 25))

    system = of_simpful(outputs)

    def at(point, steps):
        for name, value in zip(INPUTS, point, strict=True):
            system.set_variable(name, value)
        return system.Mamdani_inference(["tip"], subdivisions=steps)["tip"]

    points = POINTS[::2]
    expected = [2 * at(point, 8000) - at(point, 4000) for point in points]
    found = vc.models.Mamdani(INPUTS, {"tip": TIP}, RULES).infer(np.array(points))["tip"]
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=0)
