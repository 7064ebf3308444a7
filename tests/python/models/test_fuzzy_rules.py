"""Rules as text and as tables: degrees, what rules share, and errors in the user's words."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from fuzzy_cases import AND, INPUTS, OUTPUTS, RANGES, RULES, firing, sample

import vicinal as vc

mf = vc.models.fuzzy


def system(rules=RULES, **options):
    return vc.models.Mamdani(INPUTS, OUTPUTS, rules, ranges=RANGES, **options)


@pytest.mark.parametrize("norm", AND)
def test_firing_strengths_of_text(norm):
    values = sample()
    found = system(norm=norm).firing_strengths(values)
    np.testing.assert_allclose(found, firing(values, norm), rtol=1e-13, atol=1e-15)


def test_one_text_of_several_rules_with_comments_and_quotes():
    inputs = {"room temperature": {"very cold": mf.Gauss(10, 5), 'not "warm"': mf.Gauss(15, 5)}}
    text = """
    # the only rules
    IF "room temperature" IS 'very cold'  # a comment
       THEN heat IS on
    IF 'room temperature' IS NOT 'not "warm"' THEN heat IS off WITH .5
    """
    model = vc.models.TakagiSugeno(inputs, {"heat": {"on": 1, "off": 0}}, text)
    expected = [np.exp(-0.5 * 2**2), 0.5 * (1 - np.exp(-0.5))]
    np.testing.assert_allclose(model.firing_strengths([[20.0]]), [expected], rtol=1e-14)


def test_and_binds_closer_than_or_and_words_take_any_case():
    by_hand = system(["IF service IS poor OR (service IS good AND food IS bad) THEN tip IS low"])
    found = system(["if service is poor or service IS good And food IS bad then tip is low"])
    values = sample()
    assert np.array_equal(found.firing_strengths(values), by_hand.firing_strengths(values))


@pytest.mark.parametrize("norm", AND)
def test_hedges(norm):
    """Degrees are squared by very, rooted by somewhat; NOT is outside of both."""
    inputs = {"a": {"big": mf.Gauss(1, 1), "very": mf.Gauss(0, 1)}, "b": {"big": mf.Bell(1, 2, 3)}}
    rules = [
        "IF a IS very big AND b IS NOT Somewhat big THEN y IS one",
        "IF a IS VERY very big THEN y IS one",
        "IF b IS very somewhat big AND a IS very THEN y IS one",
        "IF a IS very very THEN y IS one",
        "IF a IS big THEN y IS one",
    ]
    model = vc.models.TakagiSugeno(inputs, {"y": {"one": 1}}, rules, norm=norm)
    x = np.random.default_rng(0).uniform(-2, 4, (40, 2))
    big, zero = (inputs["a"][term](x[:, 0]) for term in ("big", "very"))
    other, both = inputs["b"]["big"](x[:, 1]), AND[norm]
    expected = [both(big**2, 1 - np.sqrt(other)), big**4, both(other, zero), zero**2, big]
    found = model.firing_strengths(x)
    np.testing.assert_allclose(found, np.transpose(expected), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("norm", AND)
def test_a_grid_of_rules(norm):
    """Every combination of terms, and some left out, against a loop over rules."""
    sizes = {"a": 3, "b": 2, "c": 4}
    inputs = {
        name: {f"t{t}": mf.Gauss(t, 0.8) for t in range(size)} for name, size in sizes.items()
    }
    table = np.array(list(itertools.product(*(range(-1, size) for size in sizes.values())))[1:])
    np.random.default_rng(0).shuffle(table)
    model = vc.models.TakagiSugeno(
        inputs, ["y"], table, consequents=np.arange(len(table)), norm=norm
    )
    X = np.random.default_rng(1).uniform(0, 3, (40, 3))
    expected = np.ones((40, len(table)))
    for r, rule in enumerate(table):
        for j, term in enumerate(rule):
            if term >= 0:
                degree = np.exp(-0.5 * ((X[:, j] - term) / 0.8) ** 2)
                expected[:, r] = AND[norm](expected[:, r], degree)
    np.testing.assert_allclose(model.firing_strengths(X), expected, rtol=1e-13, atol=1e-15)


def test_shared_premises_are_computed_once():
    sizes = (6, 3, 4)
    inputs = {f"x{j}": {f"t{t}": mf.Gauss(t, 1) for t in range(k)} for j, k in enumerate(sizes)}
    table = np.array(list(itertools.product(*map(range, sizes))))
    model = vc.models.TakagiSugeno(inputs, ["y"], table, consequents=np.ones(len(table)))
    conjunctions = np.count_nonzero(model._program.steps[:, 0] == 0)
    assert conjunctions == 3 * 4 + 3 * 4 * 6  # inputs of few terms come first
    assert model._program.registers <= sum(sizes) + 4


@pytest.mark.parametrize(
    ("rule", "line", "column", "message"),
    [
        ("IF srvice IS good THEN tip IS low", 1, 4, "did you mean 'service'"),
        ("IF service IS god THEN tip IS low", 1, 15, "did you mean 'good'"),
        ("IF xyz IS good THEN tip IS low", 1, 4, "the inputs are 'service', 'food'"),
        ("IF service IS good THEN tipp IS low", 1, 25, "did you mean 'tip'"),
        ("IF service IS good\nTHEN tip IS hihg", 2, 13, "did you mean 'high'"),
        ("service IS good THEN tip IS low", 1, 1, "expected IF, got 'service'"),
        ("IF service good THEN tip IS low", 1, 12, "expected IS, got 'good'"),
        ("IF service IS THEN tip IS low", 1, 15, "expected a term, got 'THEN'"),
        ("IF service IS good", 1, 19, "expected THEN, got the end"),
        ("IF (service IS good THEN tip IS low", 1, 21, r"expected \), got 'THEN'"),
        ("IF service IS good THEN tip IS NOT low", 1, 25, "not what is not"),
        ("IF service IS very THEN tip IS low", 1, 15, "'very' is not among the terms"),
        ("IF service IS very god THEN tip IS low", 1, 20, "did you mean 'good'"),
        ("IF service IS good THEN tip IS very low", 1, 25, "leave out 'very' and 'somewhat'"),
        ("IF service IS good THEN tip IS low WITH 2", 1, 41, "weight from 0 to 1, got '2'"),
        ("IF service IS good; THEN tip IS low", 1, 19, "';' has no meaning"),
        ("IF service IS good THEN tip IS low OR tip IS high", 1, 36, "expected IF, got 'OR'"),
    ],
)
def test_errors_say_where(rule, line, column, message):
    with pytest.raises(ValueError, match=rf"rules\[1\], line {line}, column {column}: .*{message}"):
        system([RULES[0], rule])


def test_the_line_is_shown_with_a_mark():
    with pytest.raises(ValueError, match=r"\n  IF food IS bed THEN tip IS low\n {13}\^"):
        system(["IF food IS bed THEN tip IS low"])


@pytest.mark.parametrize("rules", [[], "", "  # nothing\n", np.empty((0, 4), int)])
def test_an_empty_rule_base(rules):
    with pytest.raises(ValueError, match="rules is empty; a system needs at least one rule"):
        system(rules)


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ([[0, 0, 0]], ValueError, r"rules must be \(rules, 4\)"),
        ([[3, 0, 0, 0]], ValueError, r"rules\[0\] names term of 'service' number 3; there are 3"),
        ([[0, 0, 0, 0], [0, 0, 0, -2]], ValueError, r"rules\[1\] names term of 'mood' number -2"),
        ([[-1, -1, 0, 0]], ValueError, r"rules\[0\] has no premise"),
        ([[0.0, 0, 0, 0]], TypeError, "whole numbers"),
    ],
)
def test_wrong_tables(table, error, message):
    with pytest.raises(error, match=message):
        system(np.array(table))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"inputs": {}}, ValueError, "inputs is empty"),
        ({"inputs": {"service": {}}}, ValueError, r"inputs\['service'\] is empty"),
        ({"inputs": {"service": {"good": 3}}}, TypeError, "must be a membership function"),
        ({"inputs": "service"}, TypeError, "inputs must be a mapping"),
        ({"norm": "minimum"}, ValueError, "norm must be one of .* did you mean 'min'"),
        ({"rules": [3]}, TypeError, r"rules\[0\] must be text"),
        ({"num_threads": 0}, ValueError, "num_threads must be at least 1"),
    ],
)
def test_wrong_arguments(change, error, message):
    given = {"inputs": INPUTS, "outputs": OUTPUTS, "rules": RULES, "ranges": RANGES, **change}
    with pytest.raises(error, match=message):
        vc.models.Mamdani(**given)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"service": [1.0]}, ValueError, r"values lacks \['food'\]"),
        ({"service": 1, "food": 1, "fod": 2}, ValueError, "'fod', which is no input; did you mean"),
        ({"service": [1, 2], "food": [1, 2, 3]}, ValueError, "values must be of one shape"),
        (np.ones((3, 3)), ValueError, r"be \(rows, 2\)"),
        ({"service": ["a"], "food": [1]}, TypeError, r"values\['service'\] must hold real"),
    ],
)
def test_wrong_values(values, error, message):
    with pytest.raises(error, match=message):
        system().infer(values)
