"""Mamdani systems against integrals on a fine grid, the additive model, silence and bits."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from fuzzy_cases import AND, INPUTS, OUTPUTS, RANGES, RULES, firing, sample

import vicinal as vc
from vicinal.models import Mamdani

mf = vc.models.fuzzy
ENDS = {"tip": (0, 25), "mood": (-2, 2)}
OF_TERM = {"tip": {"low": 0, "medium": 1, "high": 2}, "mood": {"down": 0, "up": 3}}  # rules


def curve(w, output, y, implication, aggregation="max"):
    """Return the joined curve at `y`, (rows, len(y)), from the degrees of the rules."""
    parts = []
    for term, rule in OF_TERM[output].items():
        degree, strength = OUTPUTS[output][term](y), w[:, rule, None]
        parts.append(np.minimum(strength, degree) if implication == "min" else strength * degree)
    return np.sum(parts, axis=0) if aggregation == "sum" else np.max(parts, axis=0)


def system(**options):
    return Mamdani(INPUTS, OUTPUTS, RULES, ranges=RANGES, **options)


def by_grid(f, y, method):
    """Integrals by the trapezoidal rule."""
    if method.endswith("maximum"):
        top = f >= f.max(axis=1)[:, None] - 1e-9
        first, last = y[top.argmax(axis=1)], y[::-1][top[:, ::-1].argmax(axis=1)]
        mean = (top * y).sum(axis=1) / top.sum(axis=1)
        return {"smallest": first, "largest": last, "mean": mean}[method.partition("_")[0]]
    area = (f[:, 1:] + f[:, :-1]) / 2
    middle = (y[1:] + y[:-1]) / 2
    if method == "centroid":
        return (area * middle).sum(axis=1) / area.sum(axis=1)
    share = np.cumsum(area, axis=1) / area.sum(axis=1)[:, None]
    return np.array([np.interp(0.5, row, y[1:]) for row in share])


@pytest.mark.parametrize("implication", ["min", "product"])
@pytest.mark.parametrize("method", vc.models.fuzzy.mamdani.METHODS)
def test_against_a_fine_grid(implication, method):
    values = sample(5)
    w = firing(values, "min")
    found = system(implication=implication, defuzzification=method).infer(values)
    for output, tolerance in (("tip", 1e-6), ("mood", 2e-4)):
        y = np.linspace(*ENDS[output], 400_001)
        expected = by_grid(curve(w, output, y, implication), y, method)
        if method.endswith("maximum"):
            tolerance = 2 * (y[1] - y[0]) if output == "tip" else 4 / 200
        np.testing.assert_allclose(found[output], expected, atol=tolerance, rtol=0)


@pytest.mark.parametrize("norm", AND)
def test_the_additive_model_is_a_local_mean(norm):
    r"""Σ w A c / Σ w A, with areas and centroids of the terms."""
    values = sample()
    w = firing(values, norm)[:, :3]
    area = np.array([13 / 2, (25 + 4) / 2, 12 / 2])
    trapezoid = 5 * (20 / 3) + 4 * 12 + 5.5 * (14 + 11 / 3)  # triangle, rectangle, triangle
    center = np.array([13 / 3, trapezoid / area[1], (13 + 25 + 25) / 3])
    found = system(norm=norm, implication="product", aggregation="sum").infer(values)["tip"]
    expected = (w * area * center).sum(1) / (w * area).sum(1)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


SHARED = [*RULES, "IF food IS fine THEN tip IS high WITH 0.6 IF food IS bad THEN tip IS low"]


@pytest.mark.parametrize("method", vc.models.fuzzy.mamdani.METHODS)
def test_sums_of_terms_that_are_cut_off(method, monkeypatch):
    """Every rule adds its own term, also two rules of one term; by bends, and on the grid."""
    values = sample(5)
    tip = OUTPUTS["tip"]
    y = np.linspace(0, 25, 400_001)
    strengths = firing(values, "min")[:, [0, 1, 2]]
    fine = 0.6 * INPUTS["food"]["fine"](values["food"])
    strengths = np.column_stack([strengths, fine, INPUTS["food"]["bad"](values["food"])])
    terms = [tip[name](y) for name in ("low", "medium", "high", "high", "low")]
    curves = sum(np.minimum(strengths[:, r, None], term) for r, term in enumerate(terms))
    options = {"aggregation": "sum", "defuzzification": method, "ranges": RANGES}
    model = Mamdani(INPUTS, OUTPUTS, SHARED, **options)
    found = model.infer(values)
    expected = by_grid(curves, y, method)
    tolerance = 2 * (y[1] - y[0]) if method.endswith("maximum") else 1e-6
    np.testing.assert_allclose(found["tip"], expected, atol=tolerance, rtol=0)
    np.testing.assert_allclose(model.aggregated(values, "tip", y[::1000]), curves[:, ::1000])
    monkeypatch.setattr(vc.models.fuzzy.defuzzify, "MOST_CUTS", 2)
    if not method.endswith("maximum"):
        by_pieces = Mamdani(INPUTS, OUTPUTS, SHARED, resolution=2000, **options).infer(values)
        np.testing.assert_allclose(by_pieces["tip"], expected, atol=1e-4, rtol=0)


def test_sums_of_cut_terms_take_rows_in_strips(monkeypatch):
    values = sample(40)
    model = system(aggregation="sum")
    whole = model.infer(values)
    monkeypatch.setattr(vc.models.fuzzy.mamdani, "NUMBERS_OF_A_STRIP", 15)
    assert all(np.array_equal(found, whole[name]) for name, found in model.infer(values).items())


def test_the_joined_curve():
    values = sample(5)
    y = np.linspace(0, 25, 11)
    found = system().aggregated(values, "tip", y)
    np.testing.assert_allclose(found, curve(firing(values, "min"), "tip", y, "min"), atol=1e-15)
    with pytest.raises(ValueError, match="output must be one of 'tip', 'mood'"):
        system().aggregated(values, "tips", y)


def test_sides_that_jump_inside_the_range():
    """Two rectangles of heights 1 and 1/2: the centroid is (1·1·0.5 + 2·0.5·3) / 2."""
    model = Mamdani(
        {"x": {"any": mf.Trapezoid(0, 0, 1, 1)}},
        {"y": {"a": mf.Trapezoid(0, 0, 1, 1), "b": mf.Trapezoid(2, 2, 4, 4)}},
        ["IF x IS any THEN y IS a", "IF x IS any THEN y IS b WITH 0.5"],
    )
    assert model.infer({"x": 0.5})["y"] == pytest.approx(1.75, abs=1e-12)
    for method, expected in (
        ("bisector", 1.0),
        ("mean_of_maximum", 0.5),
        ("smallest_of_maximum", 0.0),
        ("largest_of_maximum", 1.0),
    ):
        other = Mamdani(model.inputs, model.outputs, model.rules, defuzzification=method)
        assert other.infer({"x": 0.5})["y"] == pytest.approx(expected, abs=1e-9), method


def test_far_from_zero_no_digits_are_lost():
    near = Mamdani(
        {"x": {"any": mf.Triangle(0, 1, 2)}},
        {"y": {"a": mf.Triangle(0, 1, 4)}},
        ["IF x IS any THEN y IS a"],
    )
    outputs = {"y": {"a": mf.Triangle(2**20, 2**20 + 1, 2**20 + 4)}}
    far = Mamdani(near.inputs, outputs, near.rules)
    apart = far.infer({"x": 0.25})["y"] - near.infer({"x": 0.25})["y"] - 2**20
    assert abs(apart) < 1e-9


def test_where_no_rule_fires_the_middle_of_the_range_answers():
    inputs = {"x": {"a": mf.Triangle(0, 1, 2)}}
    model = Mamdani(inputs, {"y": {"low": mf.Triangle(0, 0, 13)}}, ["IF x IS a THEN y IS low"])
    with pytest.warns(vc.LocalizationWarning, match="no rule fires for 'y' at 1 of 2 rows") as told:
        found = model.infer({"x": [5.0, 1.0]})["y"]
    assert found[0] == 6.5
    assert len(told) == 1
    assert told[0].filename == __file__


@pytest.mark.parametrize("aggregation", ["max", "sum"])
def test_an_output_that_no_rule_concludes(aggregation):
    model = Mamdani(
        {"x": {"a": mf.Triangle(0, 1, 2)}},
        {"y": {"low": mf.Triangle(0, 0, 1)}, "z": {"low": mf.Triangle(0, 0, 4)}},
        ["IF x IS a THEN y IS low"],
        aggregation=aggregation,
    )
    with pytest.warns(vc.LocalizationWarning, match="'z' at 1 of 1"):
        assert model.infer({"x": [1.0]})["z"] == 2


def test_bits_depend_neither_on_the_batch_nor_on_threads():
    values = sample(3000)
    for method in vc.models.fuzzy.mamdani.METHODS:
        whole = system(defuzzification=method, num_threads=1).infer(values)
        model = system(defuzzification=method, num_threads=2)
        for first, count in ((0, 3000), (1020, 9), (2999, 1)):
            rows = slice(first, first + count)
            part = model.infer({name: column[rows] for name, column in values.items()})
            for output in whole:
                assert part[output].tobytes() == whole[output][rows].tobytes(), method


def test_nan_stays_in_its_row():
    values = sample()
    whole = system().infer(values)["tip"]
    values["food"][3] = np.nan
    found = system().infer(values)["tip"]
    assert np.isnan(found[3])
    assert np.array_equal(np.delete(found, 3), np.delete(whole, 3))


def test_rules_as_a_table():
    table = np.array([[0, -1, 0, 0], [2, 1, 2, 1], [1, 0, 1, -1]])
    text = [
        "IF service IS poor THEN tip IS low AND mood IS down",
        "IF service IS good AND food IS fine THEN tip IS high AND mood IS up",
        "IF service IS fair AND food IS bad THEN tip IS medium",
    ]
    values = sample()
    found = Mamdani(INPUTS, OUTPUTS, table, ranges=RANGES).infer(values)
    expected = Mamdani(INPUTS, OUTPUTS, text, ranges=RANGES).infer(values)
    assert all(np.array_equal(found[name], expected[name]) for name in OUTPUTS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ranges": None}, r"outputs\['mood'\] spans .* give ranges=\{'mood': \(low, high\)\}"),
        ({"implication": "max"}, "implication must be one of 'min', 'product'"),
        ({"defuzzification": "center"}, "defuzzification must be one of 'centroid'"),
        ({"resolution": 1}, "resolution must be at least 2"),
    ],
)
def test_wrong_arguments(change, message):
    with pytest.raises(ValueError, match=message):
        Mamdani(INPUTS, OUTPUTS, RULES, **{"ranges": RANGES, **change})


def test_files_and_pickles(tmp_path):
    names = {"float": {"tuple": mf.Triangle(0, 1, 2), 'a "b"': mf.Sigmoid(0, 1)}}
    odd = Mamdani(
        names,
        {"array": {"objects": mf.Triangle(0, 1, 2)}},
        ["IF float IS tuple OR float IS 'a \"b\"' THEN array IS objects"],
    )
    for model, values in ((system(norm="lukasiewicz"), sample()), (odd, {"float": [0.5, 1.5]})):
        model.save(tmp_path / "model.npz")
        expected = model.infer(values)
        for again in (vc.load(tmp_path / "model.npz"), pickle.loads(pickle.dumps(model))):
            assert repr(again) == repr(model)
            for name, found in again.infer(values).items():
                assert found.tobytes() == expected[name].tobytes()
