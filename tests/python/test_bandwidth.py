"""`vicinal.bandwidth`: the rules against their formulas, selections against plain numpy."""

import math
import re

import numpy as np
import pytest

import vicinal as vc
from vicinal import KeyIndex, _core
from vicinal.bandwidth import criteria, iterated, select
from vicinal.each_bandwidth import stats_of_each_bandwidth
from vicinal.kernels import Gaussian, Product
from vicinal.models import KernelDensity, LocalMeanRegressor

GRID = [0.2, 0.5, 1.0, 3.0]


@pytest.fixture
def sample():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 2)) * [1.0, 3.0]
    return X, np.sin(X[:, 0]) + 0.1 * rng.normal(size=120), rng.uniform(0.1, 1, 120)


def gaussian_weights(X, h):
    u = (X[:, None] - X[None]) / h
    return np.exp(-0.5 * (u**2).sum(-1))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("rule", "factor"), [("scott", 1.0), ("silverman", (2 + 2) / 4)])
def test_rules_are_their_formulas(sample, rule, factor, weighted):
    X, _, weights = sample
    weights = weights if weighted else np.ones(len(X))
    mean = np.average(X, axis=0, weights=weights)
    sigma = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weights))
    expected = sigma * (weights.sum() * factor) ** (-1 / 6)
    got = getattr(vc.bandwidth, rule)(X, sample_weight=weights if weighted else None)
    np.testing.assert_allclose(got, expected, rtol=1e-13)


def test_rules_are_scaled_to_the_variance_of_the_kernel(sample):
    X = sample[0][:, :1]
    gaussian = vc.bandwidth.scott(X)
    # Variances of the profiles as densities of one coordinate.
    for kernel, variance in [("epanechnikov", 1 / 5), ("uniform", 1 / 3), ("laplace", 2.0)]:
        got = vc.bandwidth.scott(X, kernel=kernel)
        np.testing.assert_allclose(got, gaussian / math.sqrt(variance), rtol=1e-9, err_msg=kernel)
    # Cauchy has none: half-widths at half maximum agree.
    got = vc.bandwidth.scott(X, kernel="cauchy")
    np.testing.assert_allclose(got, gaussian * math.sqrt(2 * math.log(2)), rtol=1e-9)


def test_constant_features_are_left_out():
    X = np.column_stack([np.arange(10.0), np.full(10, 4.0)])
    h = vc.bandwidth.scott(X)
    np.testing.assert_allclose(h[0], X[:, 0].std() * 10 ** (-1 / 5))
    assert h[1] == np.inf
    np.testing.assert_array_equal(vc.bandwidth.silverman(np.ones((5, 3))), np.ones(3))


@pytest.mark.parametrize("weighted", [False, True])
def test_leave_one_out_is_the_mean_squared_error_without_oneself(sample, weighted):
    X, y, weights = sample
    weights = weights if weighted else np.ones(len(X))
    expected = []
    for h in GRID:
        w = gaussian_weights(X, h) * weights
        np.fill_diagonal(w, 0)
        expected.append(np.average((y - w @ y / w.sum(1)) ** 2, weights=weights))
    got = vc.bandwidth.select(X, y, grid=GRID, sample_weight=weights if weighted else None)
    np.testing.assert_allclose(got.scores, expected, rtol=1e-10)
    np.testing.assert_array_equal(got.grid, GRID)
    assert got.bandwidth == GRID[np.argmin(expected)]


def test_generalised_cross_validation(sample):
    X, y, _ = sample
    expected = []
    for h in GRID:
        w = gaussian_weights(X, h)
        smoother = w / w.sum(1, keepdims=True)
        rest = 1 - np.trace(smoother) / len(X)
        error = np.mean((y - smoother @ y) ** 2) / rest**2
        expected.append(error if rest >= 0.01 else np.inf)
    got = vc.bandwidth.select(X, y, criterion="gcv", grid=GRID)
    np.testing.assert_allclose(got.scores, expected, rtol=1e-10)


def dense_aicc(X, Y, h, counts=None):
    """Hurvich, Simonoff and Tsai's formula with the whole matrix, every row repeated."""
    where = np.repeat(np.arange(len(X)), 1 if counts is None else counts)
    X, Y = X[where], Y[where].reshape(len(where), -1)
    w = gaussian_weights(X, h)
    smoother = w / w.sum(1, keepdims=True)
    n, trace = len(X), np.trace(smoother)
    variance = np.mean((Y - smoother @ Y) ** 2)
    return np.log(variance) + 1 + 2 * (trace + 1) / (n - trace - 2)


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("columns", [1, 3])
def test_corrected_akaike(sample, columns, counted):
    X, y, _ = sample
    Y = y if columns == 1 else np.column_stack([y, 3 * X[:, 1], y**2])
    counts = np.random.default_rng(1).integers(0, 4, len(X)) if counted else None
    got = vc.bandwidth.select(X, Y, criterion="aicc", grid=GRID, sample_weight=counts)
    expected = [dense_aicc(X, Y, h, counts) for h in GRID]
    np.testing.assert_allclose(got.scores, expected, rtol=1e-10)
    assert got.bandwidth == GRID[np.argmin(expected)]


def test_corrected_akaike_of_fractional_weights(sample):
    X, y, weights = sample
    w = gaussian_weights(X, 0.5) * weights
    smoother = w / w.sum(1, keepdims=True)
    n, trace = weights.sum(), np.trace(smoother)
    variance = np.average((y - smoother @ y) ** 2, weights=weights)
    expected = np.log(variance) + 1 + 2 * (trace + 1) / (n - trace - 2)
    got = vc.bandwidth.select(X, y, criterion="aicc", grid=[0.5], sample_weight=weights)
    np.testing.assert_allclose(got.scores, expected, rtol=1e-10)


def test_corrected_akaike_charges_interpolation_and_takes_perfect_fits(sample):
    X, y, _ = sample
    got = vc.bandwidth.select(X, y, criterion="aicc", grid=[1e-3, 0.5])
    assert got.scores[0] == np.inf  # n − tr S < 2
    assert got.bandwidth == 0.5
    # Nothing to fit: the fewest degrees of freedom; where they do not differ, the natural scale.
    flat = vc.bandwidth.select(X, np.zeros(120), criterion="aicc")
    assert np.isfinite(flat.scores[-1])
    assert np.all(flat.bandwidth > 4 * vc.bandwidth.scott(X))
    X, y = X.astype(np.float32), (1e20 * y).astype(np.float32)
    large = vc.bandwidth.select(X, y, criterion="aicc")
    small = vc.bandwidth.select(X, y / np.float32(2**80), criterion="aicc")
    np.testing.assert_allclose(large.bandwidth, small.bandwidth, rtol=1e-6)
    with pytest.raises(ValueError, match="no candidate of grid has a finite score"):
        vc.bandwidth.select(X[:3], y[:3], criterion="aicc", grid=[1.0])


def test_corrected_akaike_in_models(sample):
    X, y, weights = sample
    model = LocalMeanRegressor(bandwidth="aicc").fit(X, y, sample_weight=3 * weights)
    expected = vc.bandwidth.select(X, y, criterion="aicc", sample_weight=3 * weights)
    np.testing.assert_array_equal(model.bandwidth_, expected.bandwidth)
    with pytest.raises(ValueError, match='"aicc" needs y; for a density take "loo"'):
        KernelDensity(bandwidth="aicc").fit(X)


def test_likelihood_of_a_density(sample):
    X = sample[0]
    expected = []
    for h in GRID:
        w = gaussian_weights(X, h) / (2 * np.pi * h**2)
        np.fill_diagonal(w, 0)
        expected.append(-np.log(w.sum(1) / (len(X) - 1)).mean())
    got = vc.bandwidth.select(X, grid=GRID)
    np.testing.assert_allclose(got.scores, expected, rtol=1e-10)


def test_a_row_without_others_is_charged_the_mean_of_all_others():
    X = np.array([[0.0], [1.0], [2.0], [50.0]])
    y = np.array([1.0, 2.0, 3.0, 8.0])
    got = vc.bandwidth.select(X, y, kernel="uniform", grid=[1.1])
    fitted = np.array([2.0, 2.0, 2.0, 2.0])  # neighbors' means; the last row: that of the others
    np.testing.assert_allclose(got.scores, [np.mean((y - fitted) ** 2)])


def test_one_bandwidth_per_feature(sample):
    X, y, _ = sample
    grid = np.array([[0.5, 1.0], [1.0, 2.0], [0.3, 9.0]])
    got = vc.bandwidth.select(X, y, grid=grid)
    for h, score in zip(grid, got.scores, strict=True):
        assert vc.bandwidth.select(X / h, y, grid=[1.0]).scores == pytest.approx(score, rel=1e-9)
    np.testing.assert_array_equal(got.bandwidth, grid[np.argmin(got.scores)])


def test_a_rule_is_a_selection_without_scores(sample):
    X, y, _ = sample
    got = vc.bandwidth.select(X, y, criterion="silverman")
    np.testing.assert_array_equal(got.bandwidth, vc.bandwidth.silverman(X))
    assert np.isnan(got.scores).all()


@pytest.mark.parametrize("y", [None, "values"])
def test_the_default_grid_finds_the_best_of_a_fine_one(sample, y):
    X, values, _ = sample
    y = None if y is None else values
    X = X[:, :1]
    got = vc.bandwidth.select(X, y)
    fine = vc.bandwidth.select(X, y, grid=np.geomspace(0.02, 5, 400))
    assert got.scores.min() <= fine.scores.min() + 0.01 * abs(fine.scores.min())
    assert (np.diff(got.grid[:, 0] if got.grid.ndim > 1 else got.grid) > 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_grid_takes_one_pass_with_the_bits_of_single_calls(sample, dtype, monkeypatch):
    X, y, _ = (a.astype(dtype) for a in sample)
    calls = []
    run = _core.run_each
    monkeypatch.setattr(_core, "run_each", lambda *a, **k: calls.append(1) or run(*a, **k))
    grid = np.geomspace(0.05, 5, 30)
    results = stats_of_each_bandwidth(
        X, X, y, list(grid), statistics=("mean", "log_mass"), exclude_self=True
    )
    for h, got in zip(grid, results, strict=True):
        alone = vc.local_stats(
            X, X, y, bandwidth=h, statistics=("mean", "log_mass"), exclude_self=True
        )
        assert got.mean.tobytes() == alone.mean.tobytes()
        assert got.log_mass.tobytes() == alone.log_mass.tobytes()
    assert len(calls) == 1
    vc.bandwidth.select(X, y, grid=grid)
    assert len(calls) == 2


def test_the_number_of_threads_changes_no_bit(sample):
    X, y, _ = sample
    one, three = (vc.bandwidth.select(X, y, num_threads=t) for t in (1, 3))
    assert one.scores.tobytes() == three.scores.tobytes()
    assert one.grid.tobytes() == three.grid.tobytes()


def test_results_that_do_not_fit_together_take_several_passes(sample, monkeypatch):
    X, y, _ = sample
    expected = vc.bandwidth.select(X, y, grid=GRID)
    monkeypatch.setattr("vicinal.each_bandwidth.NUMBERS", 1000)
    got = vc.bandwidth.select(X, y, grid=GRID)
    np.testing.assert_array_equal(got.scores, expected.scores)


def test_progress_rises_to_one(sample):
    X, y, _ = sample
    seen = []
    vc.bandwidth.select(X, y, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"criterion": "aic"}, ["criterion", "loo", "gcv", "plugin", "'aic'", "aicc"]),
        ({"kernel": "softmax", "criterion": "plugin"}, ["per coordinate", '"loo"']),
        ({"kernel": Gaussian(bandwidth=1.0)}, ["bandwidth already"]),
        ({"grid": [[1.0, 2.0, 3.0]]}, ["grid", "(1, 3)"]),
        ({"grid": []}, ["grid", "(0,)"]),
        ({"grid": [0.0]}, ["bandwidth"]),
        ({"y": np.ones(3)}, ["y must be (120,)", "(3,)"]),
        ({"y": np.full(120, np.nan)}, ["y holds NaN"]),
        ({"y": None, "criterion": "gcv"}, ["gcv", "needs y"]),
        ({"y": None, "kernel": "inverse_distance"}, ["inverse_distance"]),
        ({"kernel": "softmax", "criterion": "scott"}, ["per coordinate", '"loo"']),
        ({"sample_weight": -np.ones(120)}, ["sample_weight"]),
        ({"kernel": Product("gaussian", Gaussian(bandwidth=1.0), "softmax")}, ["grid"]),
    ],
)
def test_refusals(sample, arguments, words):
    X, y, _ = sample
    every_word = "".join(f"(?=.*{re.escape(word)})" for word in words)
    with pytest.raises(ValueError, match=every_word):
        vc.bandwidth.select(X, **{"y": y, **arguments})


def test_nan_in_the_points_is_refused(sample):
    X = sample[0].copy()
    X[3, 1] = np.nan
    for call in (vc.bandwidth.scott, vc.bandwidth.silverman, vc.bandwidth.select):
        with pytest.raises(ValueError, match="X holds NaN"):
            call(X)


@pytest.mark.parametrize("criterion", ["loo", "gcv", "aicc"])
def test_a_weight_of_two_is_two_rows(sample, criterion):
    X, y, _ = sample
    counts = np.random.default_rng(1).integers(1, 4, len(X))
    twice = vc.bandwidth.select(
        np.repeat(X, counts, axis=0), np.repeat(y, counts), criterion=criterion, grid=GRID
    )
    weighted = vc.bandwidth.select(X, y, criterion=criterion, grid=GRID, sample_weight=counts)
    np.testing.assert_allclose(weighted.scores, twice.scores, rtol=1e-9)


def large(y_too=True):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(5000, 2))
    return x, np.sin(2 * x[:, 0]) + 0.1 * rng.normal(size=5000) if y_too else None


@pytest.mark.parametrize("kernel", ["gaussian", "tricube"])
@pytest.mark.parametrize("criterion", ["loo", "gcv", "aicc", "likelihood"])
def test_one_index_serves_all_candidates_and_changes_no_score(kernel, criterion, monkeypatch):
    x, y = large(criterion != "likelihood")
    arguments = {
        "kernel": kernel,
        "criterion": "loo" if y is None else criterion,
        "grid": [0.1, 0.2, 0.4, 0.8],
        "sample_weight": np.arange(5000) % 3,
        "tol": 1e-4,
    }
    built = []
    monkeypatch.setattr(criteria, "KeyIndex", lambda *a, **k: built.append(1) or KeyIndex(*a, **k))
    indexed = select(x, y, **arguments)
    assert len(built) == 1
    monkeypatch.setattr(criteria, "is_tree_sized", lambda _: False)
    np.testing.assert_array_equal(select(x, y, **arguments).scores, indexed.scores)
    assert len(built) == 1


def test_tol_keeps_its_promise():
    tol, grid = 1e-3, [0.1, 0.2, 0.4, 0.8]
    x, y = large()
    exact, cut = (select(x, y, grid=grid, tol=t).scores for t in (0.0, tol))
    moved = tol * np.ptp(y)  # of a mean; (e + Δ)² − e² = 2 e Δ + Δ²
    assert (np.abs(cut - exact) <= 2 * moved * np.sqrt(exact) + moved**2).all()
    assert (cut != exact).any()
    exact, cut = (select(x, grid=grid, tol=t).scores for t in (0.0, tol))
    assert (cut - exact >= -1e-12).all()
    assert (cut - exact <= -np.log1p(-tol)).all()
    compact = [select(x, y, kernel="tricube", grid=grid, tol=t).scores for t in (0.0, tol)]
    np.testing.assert_array_equal(*compact)
    with pytest.raises(ValueError, match="tol must be at least 0 and below 1"):
        select(x, y, tol=1.0)


def test_a_model_selects_with_its_mass_tol():
    x, y = large()
    model = LocalMeanRegressor(bandwidth="loo", mass_tol=1e-3).fit(x, y)
    assert model.bandwidth_.tolist() == select(x, y, tol=1e-3).bandwidth.tolist()


@pytest.mark.parametrize("d", [1, 2])
def test_the_plug_in_rule_leaves_out_nothing_that_counts(d, monkeypatch):
    x, y = large()
    h = vc.bandwidth.plugin(x[:, :d], y=y)
    monkeypatch.setattr(iterated, "NOTHING", 0.0)
    np.testing.assert_allclose(h, vc.bandwidth.plugin(x[:, :d], y=y), rtol=1e-9)
