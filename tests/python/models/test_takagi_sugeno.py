"""Takagi–Sugeno systems: the identity with local means, affine rules, silence, learned rules."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from fuzzy_cases import AND, INPUTS, firing, sample

import vicinal as vc
from vicinal.models import TakagiSugeno

mf = vc.models.fuzzy
OUTPUTS = {
    "tip": {"low": 5.0, "medium": [10.0, 1.0, 0.5], "high": 25.0},
    "mood": {"down": -1, "up": [0.5, 0, 0.1]},
}
RULES = [
    "IF service IS poor OR food IS bad THEN tip IS low AND mood IS down",
    "IF service IS fair THEN tip IS medium WITH 0.75",
    "IF service IS good AND NOT (food IS bad OR service IS fair) THEN tip IS high",
    "IF service IS NOT poor AND food IS fine THEN mood IS up",
]


def gaussian_rules(rng, rules, inputs):
    """Return centers and widths, (rules, inputs), and the system that has a rule at each."""
    centers = rng.normal(size=(rules, inputs))
    widths = rng.uniform(0.5, 2, (rules, inputs))
    variables = {
        f"x{j}": {f"{r}": mf.Gauss(centers[r, j], widths[r, j]) for r in range(rules)}
        for j in range(inputs)
    }
    table = np.tile(np.arange(rules)[:, None], inputs)
    return centers, widths, variables, table


def test_order_0_is_a_gaussian_local_mean_on_the_centers_of_the_rules():
    rng = np.random.default_rng(0)
    centers, widths, variables, table = gaussian_rules(rng, 12, 3)
    values = rng.normal(size=(12, 2))
    X = rng.normal(size=(80, 3))
    found = TakagiSugeno(variables, ["a", "b"], table, consequents=values).infer(X)
    bandwidth = vc.bandwidth.PerKey(widths, per_feature=True)
    expected = vc.local_mean(X, centers, values, kernel="gaussian", bandwidth=bandwidth)
    np.testing.assert_allclose(np.stack([found["a"], found["b"]], 1), expected, rtol=1e-12)


@pytest.mark.parametrize("norm", AND)
def test_order_1_of_text(norm):
    values = sample()
    w = firing(values, norm)
    service, food = values["service"], values["food"]
    tip = [np.full(50, 5.0), 10 + service + 0.5 * food, np.full(50, 25.0)]
    mood = [np.full(50, -1.0), 0.5 + 0.1 * food]
    model = TakagiSugeno(INPUTS, OUTPUTS, RULES, norm=norm)
    assert model.order == 1
    found = model.infer(values)
    expected = sum(w[:, r] * tip[r] for r in range(3)) / w[:, :3].sum(1)
    np.testing.assert_allclose(found["tip"], expected, rtol=1e-12)
    expected = (w[:, 0] * mood[0] + w[:, 3] * mood[1]) / (w[:, 0] + w[:, 3])
    np.testing.assert_allclose(found["mood"], expected, rtol=1e-12)


def test_a_table_with_affine_consequents():
    rng = np.random.default_rng(1)
    centers, widths, variables, table = gaussian_rules(rng, 7, 2)
    functions = rng.normal(size=(7, 1, 3))
    X = rng.normal(size=(30, 2))
    w = np.exp(-0.5 * (((X[:, None] - centers) / widths) ** 2).sum(2))
    values = functions[:, 0, 0] + X @ functions[:, 0, 1:].T
    found = TakagiSugeno(variables, ["y"], table, consequents=functions).infer(X)["y"]
    np.testing.assert_allclose(found, (w * values).sum(1) / w.sum(1), rtol=1e-12)


def test_bits_depend_neither_on_the_batch_nor_on_threads():
    values = sample(20_000)
    whole = TakagiSugeno(INPUTS, OUTPUTS, RULES, num_threads=1).infer(values)["tip"]
    model = TakagiSugeno(INPUTS, OUTPUTS, RULES, num_threads=2)
    assert np.array_equal(model.infer(values)["tip"], whole)
    for first, count in ((0, 1), (16_380, 9), (19_999, 1), (3, 100)):
        rows = slice(first, first + count)
        part = model.infer({name: column[rows] for name, column in values.items()})["tip"]
        assert part.tobytes() == whole[rows].tobytes()
        strengths = model.firing_strengths({n: column[rows] for n, column in values.items()})
        assert strengths.tobytes() == model.firing_strengths(values)[rows].tobytes()


def test_shapes_and_dtypes():
    model = TakagiSugeno(INPUTS, OUTPUTS, RULES)
    assert model.infer({"service": 3, "food": 4})["tip"].shape == ()
    grid = {"service": np.linspace(0, 10, 4)[:, None], "food": np.linspace(0, 10, 5)}
    assert model.infer(grid)["tip"].shape == (4, 5)
    assert model.firing_strengths(grid).shape == (4, 5, 4)
    single = {name: column.astype("f4") for name, column in sample().items()}
    assert model.infer(single)["tip"].dtype == np.float32
    assert model.infer({"service": [], "food": []})["tip"].shape == (0,)
    by_name = model.infer(sample())["tip"]
    table = np.column_stack(list(sample().values()))
    assert np.array_equal(model.infer(table)["tip"], by_name)


def test_a_row_with_nan_is_nan_and_the_others_keep_their_bits():
    values = sample()
    model = TakagiSugeno(INPUTS, OUTPUTS, RULES)
    whole = model.infer(values)["tip"]
    values["food"][3] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = model.infer(values)["tip"]
    assert np.isnan(found[3])
    assert np.isnan(model.firing_strengths(values)[3]).all()
    assert np.array_equal(np.delete(found, 3), np.delete(whole, 3))


def test_where_no_rule_fires_the_middle_of_the_range_answers():
    inputs = {"x": {"a": mf.Triangle(0, 1, 2), "b": mf.Triangle(1, 2, 3)}}
    rules = ["IF x IS a THEN y IS low", "IF x IS b THEN y IS high"]
    outputs = {"y": {"low": [1.0, 1.0], "high": 5.0}}
    model = TakagiSugeno(inputs, outputs, rules)
    with pytest.warns(vc.LocalizationWarning, match="no rule fires for 'y' at 2 of 3 rows") as told:
        found = model.infer({"x": [-1.0, 1.0, 9.0]})["y"]
    np.testing.assert_allclose(found, [2.5, 2.0, 7.5])  # of the functions there: 0 and 5, 10 and 5
    assert len(told) == 1
    assert told[0].filename == __file__
    within = TakagiSugeno(inputs, outputs, rules, ranges={"y": (0, 20)})
    with pytest.warns(vc.LocalizationWarning):
        assert within.infer({"x": [-1.0]})["y"] == 10


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"outputs": {"tip": {"low": [1, 2]}}}, ValueError, "a number, or a constant and 2 slopes"),
        ({"outputs": {"tip": {"low": "x"}}}, TypeError, r"outputs\['tip'\]\['low'\] must hold"),
        ({"outputs": {"tip": {"low": np.nan}}}, ValueError, "consequents must be finite"),
        ({"ranges": {"tipp": (0, 1)}}, ValueError, "ranges names 'tipp', which is no output"),
        ({"ranges": {"tip": (1, 1)}}, ValueError, "low < high"),
        ({"consequents": [1.0]}, TypeError, "array of numbers of terms"),
        ({"rules": np.zeros((1, 3), int)}, ValueError, "need consequents="),
        (
            {"rules": np.zeros((2, 2), int), "consequents": [1.0], "outputs": ["y"]},
            ValueError,
            r"consequents must be \(2, 1\) or \(2, 1, 3\)",
        ),
    ],
)
def test_wrong_arguments(change, error, message):
    rules = ["IF service IS poor THEN tip IS low"]
    given = {"inputs": INPUTS, "outputs": {"tip": {"low": 1.0}}, "rules": rules, **change}
    with pytest.raises(error, match=message):
        TakagiSugeno(**given)


def curve(rows=120, seed=2):
    rng = np.random.default_rng(seed)
    X = rng.uniform(0, 6, (rows, 2))
    return X, np.sin(X[:, 0]) + 0.3 * X[:, 1] + rng.normal(0, 0.1, rows)


@pytest.mark.parametrize("order", [0, 1])
def test_learned_functions_are_local_fits_at_the_centers(order):
    X, y = curve()
    model = TakagiSugeno.learn(X, y, order=order, centers=6, width=0.8)
    centers, widths = model.learned_.centers, model.learned_.widths
    np.testing.assert_allclose(widths, 0.8 * X.std(axis=0))
    fit = vc.local_fit(centers, X, y, degree=order, bandwidth=widths)
    functions = model.learned_.functions[:, 0]
    at_center = functions[:, 0] + (functions[:, 1:] * centers).sum(1) if order else functions[:, 0]
    np.testing.assert_allclose(at_center, fit.fitted, rtol=1e-9)


@pytest.mark.parametrize("order", [0, 1])
def test_leave_one_out_errors_are_those_of_refits(order):
    X, y = curve(40)
    centers = X[::9]
    learned = TakagiSugeno.learn(X, y, order=order, centers=centers, width=[0.5, 1.0]).learned_
    spread = X.std(axis=0)
    for candidate, error in zip(learned.candidates, learned.errors, strict=True):
        h = candidate * spread
        missed = []
        for i in range(40):
            kept = np.arange(40) != i
            w = np.exp(-0.5 * (((X - centers[:, None]) / h) ** 2).sum(2))
            share = w[:, i] / w[:, i].sum()
            values = []
            for r in range(len(centers)):
                design = np.column_stack([np.ones(40), X][: 1 + order])
                root = np.sqrt(w[r, kept])
                beta = np.linalg.lstsq(root[:, None] * design[kept], root * y[kept])[0]
                values.append(design[i] @ beta)
            missed.append(y[i] - share @ values)
        np.testing.assert_allclose(error, np.mean(np.square(missed)), rtol=1e-9)
    assert learned.widths == pytest.approx(learned.candidates[learned.errors.argmin()] * spread)


def test_learned_from_data_predicts_what_it_has_not_seen():
    X, y = curve(400)
    fresh, truth = curve(200, seed=3)
    model = TakagiSugeno.learn(X, np.column_stack([y, -y]), centers=12, input_names=["a", "b"])
    assert repr(model) == "TakagiSugeno(a, b → y0, y1, 12 rules)"
    found = model.infer({"a": fresh[:, 0], "b": fresh[:, 1]})
    assert np.mean((found["y0"] - truth) ** 2) < 0.05 * truth.var()
    np.testing.assert_allclose(found["y1"], -found["y0"], rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.ones(3)}, r"X must be \(n, inputs\)"),
        ({"y": np.full(120, np.nan)}, "y must be finite"),
        ({"order": 2}, "order must be 0 or 1"),
        ({"centers": 0}, "centers must be from 1 to 120 rules"),
        ({"centers": np.ones((2, 3))}, r"centers must be \(rules, 2\)"),
        ({"width": -1.0}, "width must be positive"),
        ({"width": "best"}, "width must be 'loo'"),
        ({"input_names": ["a", "a"]}, "input_names must be 2 different names"),
    ],
)
def test_wrong_data(change, message):
    X, y = curve()
    with pytest.raises(ValueError, match=message):
        TakagiSugeno.learn(**{"X": X, "y": y, "centers": 3, "width": 1.0, **change})


def test_files_and_pickles(tmp_path):
    X, y = curve()
    learned = TakagiSugeno.learn(X, y, centers=3)
    for model, values in ((learned, X), (TakagiSugeno(INPUTS, OUTPUTS, RULES), sample())):
        model.save(tmp_path / "model.npz")
        expected = model.infer(values)
        for again in (vc.load(tmp_path / "model.npz"), pickle.loads(pickle.dumps(model))):
            assert repr(again) == repr(model)
            for name, found in again.infer(values).items():
                assert found.tobytes() == expected[name].tobytes()
