"""Fuzzy rules: scikit-fuzzy's control systems, simpful's, and vicinal's."""

import numpy as np

from .contender import Contender, Unsuited, need

NAMES = [f"x{j}" for j in range(6)]
POINTS = 2001  # of scikit-fuzzy's universes, on which it interpolates memberships


def _skfuzzy(problem, threads):
    """Take memberships from scikit-fuzzy, each once a row, and join them rule by rule.

    Its `ControlSystem` cannot be raced: compiling it takes time quadratic in the rules (100 rules:
    11 s, 200: 41 s on two cores), days for 15,552.
    """
    if problem.norm == "lukasiewicz":
        raise Unsuited("product and min only")
    fuzz = need("skfuzzy", "scikit-fuzzy")
    join = np.fmin if problem.norm == "min" else np.multiply
    universe = np.linspace(0, 1, POINTS)
    shapes = [
        [fuzz.gaussmf(universe, center, width) for center in centers]
        for centers, width in zip(problem.centers, problem.widths, strict=True)
    ]

    def call():
        results = []
        for row in problem.rows_of:
            degrees = [
                [fuzz.interp_membership(universe, shape, x) for shape in of_input]
                for of_input, x in zip(shapes, row, strict=True)
            ]
            mass = total = 0.0
            for rule, value in zip(problem.table, problem.consequents, strict=True):
                firing = 1.0
                for of_input, term in zip(degrees, rule, strict=True):
                    firing = join(firing, of_input[term])
                mass, total = mass + firing, total + firing * value
            results.append(total / mass)
        return results

    return call


def _simpful(problem, threads):
    if problem.norm == "lukasiewicz":
        raise Unsuited("product and min only")
    simpful = need("simpful")
    conjunction = {"product": "AND_p", "min": "AND"}[problem.norm]
    system = simpful.FuzzySystem(show_banner=False, verbose=False)
    for name, centers, width in zip(NAMES, problem.centers, problem.widths, strict=True):
        sets = [simpful.GaussianFuzzySet(c, width, f"t{t}") for t, c in enumerate(centers)]
        system.add_linguistic_variable(
            name, simpful.LinguisticVariable(sets, universe_of_discourse=[0, 1])
        )
    rules = []
    for r, (rule, value) in enumerate(zip(problem.table, problem.consequents, strict=True)):
        system.set_crisp_output_value(f"c{r}", value)
        premise = f"({NAMES[0]} IS t{rule[0]})"
        for name, term in zip(NAMES[1:], rule[1:], strict=True):
            premise = f"({premise} {conjunction} ({name} IS t{term}))"
        rules.append(f"IF {premise} THEN (y IS c{r})")
    system.add_rules(rules)

    def call():
        results = []
        for row in problem.rows_of:
            for name, value in zip(NAMES, row, strict=True):
                system.set_variable(name, value)
            results.append(system.Sugeno_inference(["y"])["y"])
        return results

    return call


def _inputs(problem):
    from vicinal.models.fuzzy import Gauss

    return {
        name: {f"t{t}": Gauss(center, width) for t, center in enumerate(centers)}
        for name, centers, width in zip(NAMES, problem.centers, problem.widths, strict=True)
    }


def _vicinal(problem, threads):
    import vicinal as vc

    model = vc.models.TakagiSugeno(
        _inputs(problem),
        ["y"],
        problem.table,
        consequents=problem.consequents,
        norm=problem.norm,
        num_threads=threads,
    )
    return lambda: model.infer(problem.rows_of)["y"]


def _vicinal_mamdani(problem, threads):
    import vicinal as vc

    triangle = vc.models.fuzzy.Triangle
    terms = {f"t{t}": triangle(t - 1, t, t + 1) for t in range(1 + problem.consequents.max())}
    model = vc.models.Mamdani(
        _inputs(problem),
        {"y": terms},
        np.column_stack([problem.table, problem.consequents]),
        norm=problem.norm,
        ranges={"y": (0, len(terms) - 1)},
        num_threads=threads,
    )
    return lambda: model.infer(problem.rows_of)["y"]


SKFUZZY_RULES = Contender("scikit-fuzzy", _skfuzzy, "scikit-fuzzy", 10.0)
SIMPFUL_RULES = Contender("simpful", _simpful, "simpful", 10.0)
VICINAL_RULES = Contender("vicinal", _vicinal, "vicinal", 60.0)
VICINAL_MAMDANI = Contender("vicinal", _vicinal_mamdani, "vicinal", 60.0)
