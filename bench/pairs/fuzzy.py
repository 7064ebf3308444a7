"""The same fuzzy rules in three packages, and rules that are learned from the same rows."""

import contextlib
import importlib
import io

import numpy as np
from sklearn.datasets import load_diabetes

import vicinal as vc
from vicinal.models import Mamdani, TakagiSugeno

from .pair import Contender, Pair
from .tuning import held_out, r2, squared, tuned

NAMES = ("bmi", "s5")
TERMS = ("low", "middle", "high")
# Progression is high where both are, low where both are: the output's term by the sum of ranks.
OUTPUT = ("lowest", "low", "middle", "high", "highest")
POINTS = 501  # of scikit-fuzzy's universes
CENTERS = (2, 3, 5, 8, 12)
REACH = 4.0  # standard deviations that a universe holds


def diabetes():
    data = load_diabetes(as_frame=True, scaled=False)
    folds = held_out(data.data[list(NAMES)].to_numpy(), data.target.to_numpy())
    return [type(f)(f.X, f.y, _inside(f.X_test), f.y_test) for f in folds]


def _inside(X):
    return np.clip(X, -REACH, REACH)


def corners(values, low, high, count):
    """Return triangles (a, b, c) on equal quantiles of the values, the outer ones held."""
    peaks = np.quantile(values, np.linspace(0.05, 0.95, count))
    edges = np.concatenate([[low], peaks, [high]])
    return [tuple(map(float, edges[t : t + 3])) for t in range(count)]


def _shapes(fold):
    """Return the corners of every input's terms and of the output's, from the training rows."""
    inputs = {n: corners(x, -REACH, REACH, 3) for n, x in zip(NAMES, fold.X.T, strict=True)}
    span = fold.y.min(), fold.y.max()
    return inputs, corners(fold.y, *span, 5), span


def _rules():
    """Yield (term of bmi, term of s5, term of the output): nine."""
    return [(a, b, a + b) for a in range(3) for b in range(3)]


def _texts(output):
    return [
        f"IF {NAMES[0]} IS {TERMS[a]} AND {NAMES[1]} IS {TERMS[b]} THEN y IS {output[c]}"
        for a, b, c in _rules()
    ]


def _triangles(names, shapes):
    return {n: vc.models.fuzzy.Triangle(*s) for n, s in zip(names, shapes, strict=True)}


def _mamdani(fold):
    inputs, output, _ = _shapes(fold)
    system = Mamdani(
        {name: _triangles(TERMS, shapes) for name, shapes in inputs.items()},
        {"y": _triangles(OUTPUT, output)},
        _texts(OUTPUT),
    )
    return system.infer(dict(zip(NAMES, fold.X_test.T, strict=True)))["y"]


def _scikit_fuzzy(fold):
    fuzz = importlib.import_module("skfuzzy")
    control = importlib.import_module("skfuzzy.control")
    inputs, output, span = _shapes(fold)
    before = {}
    for name, shapes in inputs.items():
        # Data may lie on the very corners; scikit-fuzzy interpolates between the points.
        knots = np.unique([*np.linspace(-REACH, REACH, POINTS), *np.ravel(shapes)])
        before[name] = control.Antecedent(knots, name)
        for term, shape in zip(TERMS, shapes, strict=True):
            before[name][term] = fuzz.trimf(knots, shape)
    knots = np.unique([*np.linspace(*span, POINTS), *np.ravel(output)])
    after = control.Consequent(knots, "y")
    for term, shape in zip(OUTPUT, output, strict=True):
        after[term] = fuzz.trimf(knots, shape)
    first, second = (before[name] for name in NAMES)
    rules = [
        control.Rule(first[TERMS[a]] & second[TERMS[b]], after[OUTPUT[c]]) for a, b, c in _rules()
    ]
    system = control.ControlSystemSimulation(control.ControlSystem(rules))
    answers = []
    for row in fold.X_test:
        for name, value in zip(NAMES, row, strict=True):
            system.input[name] = value
        system.compute()
        answers.append(system.output["y"])
    return np.array(answers)


def _simpful(mamdani):
    """Return the same rules in simpful, with triangles or with their peaks as numbers."""

    def answer(fold):
        simpful = importlib.import_module("simpful")
        inputs, output, span = _shapes(fold)
        system = simpful.FuzzySystem(show_banner=False, verbose=False)
        for name, shapes in inputs.items():
            sets = _sets(simpful, TERMS, shapes)
            system.add_linguistic_variable(
                name, simpful.LinguisticVariable(sets, universe_of_discourse=[-REACH, REACH])
            )
        if mamdani:
            sets = _sets(simpful, OUTPUT, output)
            system.add_linguistic_variable(
                "y", simpful.LinguisticVariable(sets, universe_of_discourse=list(span))
            )
        else:
            with contextlib.redirect_stdout(io.StringIO()):  # it tells what it detected
                for term, shape in zip(OUTPUT, output, strict=True):
                    system.set_crisp_output_value(term, shape[1])
        system.add_rules(
            [
                f"IF ({NAMES[0]} IS {TERMS[a]}) AND ({NAMES[1]} IS {TERMS[b]}) "
                f"THEN (y IS {OUTPUT[c]})"
                for a, b, c in _rules()
            ]
        )
        infer = system.Mamdani_inference if mamdani else system.Sugeno_inference
        answers = []
        for row in fold.X_test:
            for name, value in zip(NAMES, row, strict=True):
                system.set_variable(name, value)
            answers.append(infer(["y"])["y"])
        return np.array(answers)

    return answer


def _sets(simpful, terms, shapes):
    return [
        simpful.TriangleFuzzySet(*shape, term=term)
        for term, shape in zip(terms, shapes, strict=True)
    ]


def _same_numbers(fold):
    """Return the rules of `_simpful(mamdani=False)`: order 0, the smaller membership."""
    inputs, output, _ = _shapes(fold)
    system = TakagiSugeno(
        {name: _triangles(TERMS, shapes) for name, shapes in inputs.items()},
        ["y"],
        np.array([rule[:2] for rule in _rules()]),
        consequents=np.array([output[c][1] for _, _, c in _rules()]),
        norm="min",
    )
    return system.infer(dict(zip(NAMES, fold.X_test.T, strict=True)))["y"]


def _learned(setting, X, y, X_test):
    order, centers = setting
    model = TakagiSugeno.learn(X, y, order=order, centers=centers, input_names=list(NAMES))
    return next(iter(model.infer(dict(zip(NAMES, X_test.T, strict=True))).values()))


def pairs():
    about = "progression by bmi and s5, 442 patients (diabetes)"
    by_hand = "none: terms at quantiles of the training rows"
    yield Pair(
        "rules-mamdani",
        "Mamdani",
        f"{about}, the same nine rules",
        "R²",
        True,
        diabetes,
        r2,
        (
            Contender("vicinal", _mamdani),
            Contender("scikit-fuzzy", _scikit_fuzzy, ("skfuzzy", "skfuzzy.control")),
            Contender("simpful", _simpful(mamdani=True), ("simpful",)),
        ),
        by_hand,
        equal=True,
    )
    yield Pair(
        "rules-numbers",
        "TakagiSugeno",
        f"{about}, the same nine rules",
        "R²",
        True,
        diabetes,
        r2,
        (
            Contender("vicinal", _same_numbers),
            Contender("simpful", _simpful(mamdani=False), ("simpful",)),
        ),
        by_hand,
        equal=True,
    )
    settings = [(order, count) for order in (0, 1) for count in CENTERS]
    yield Pair(
        "rules-learned",
        "TakagiSugeno.learn",
        about,
        "R²",
        True,
        diabetes,
        r2,
        (
            Contender("vicinal", tuned(settings, _learned, squared)),
            Contender("scikit-fuzzy, nine rules by hand", _scikit_fuzzy, ("skfuzzy.control",)),
            Contender("simpful, nine rules by hand", _simpful(mamdani=False), ("simpful",)),
        ),
        "5 inner folds over the number of rules and their order; the others learn nothing",
    )
