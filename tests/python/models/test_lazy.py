"""Iteration of lazy maps, and regression that looks at the targets, against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from model_formulas import gaussian, mean
from sklearn.exceptions import ConvergenceWarning

import vicinal as vc
from vicinal.models import (
    KernelDensity,
    LocalMeanRegressor,
    MeanShift,
    SelfLocalRegressor,
    iterate_lazy_map,
)

CLOSE = {"rtol": 1e-10, "atol": 1e-11}


def test_fixed_points_are_modes(problem):
    """Of the local mean of the rows themselves: mean shift."""
    shift = LocalMeanRegressor(bandwidth=0.9).fit(problem.X, problem.X)
    found = iterate_lazy_map(shift, problem.X, tol=1e-10, max_iter=5_000)
    assert found.converged
    np.testing.assert_allclose(shift.predict(found.points), found.points, atol=1e-9)
    model = MeanShift(kernel="gaussian", bandwidth=0.9, tol=1e-9, max_iter=5_000, capture=0)
    model.fit(problem.X)
    centers = model.cluster_centers_[model.labels_]
    np.testing.assert_allclose(found.points, centers, atol=1e-5)
    slope = KernelDensity(bandwidth=0.9).fit(problem.X).gradient(found.points)
    assert np.abs(slope).max() < 1e-8


def test_fixed_points_are_harmonic_labels(problem):
    """Of the local mean of the labels, the known ones being put back: label propagation."""
    X, known = problem.X, np.arange(60) < 12
    labels = np.where(known, np.sign(problem.y), 0.0)[:, None]

    def clamp(scores):
        return np.where(known[:, None], labels, scores)

    found = iterate_lazy_map(
        lambda scores: vc.local_mean(X, X, scores, bandwidth=0.5),
        labels,
        clamp=clamp,
        rowwise=False,
        tol=1e-13,
        max_iter=20_000,
    )
    S = gaussian(X, X, 0.5)
    S /= S.sum(1, keepdims=True)
    free = ~known
    system = np.eye(free.sum()) - S[np.ix_(free, free)]
    expected = np.linalg.solve(system, S[np.ix_(free, known)] @ labels[known])
    np.testing.assert_allclose(found.points[free], expected, atol=1e-9)
    assert found.converged


def test_a_row_ends_where_it_would_alone(problem):
    shift = LocalMeanRegressor(bandwidth=0.9).fit(problem.X, problem.X)
    whole = iterate_lazy_map(shift, problem.queries, step=0.7)
    alone = [iterate_lazy_map(shift, row[None], step=0.7).points for row in problem.queries]
    assert np.concatenate(alone).tobytes() == whole.points.tobytes()
    assert whole.n_iter == len(whole.errors)


def test_what_does_not_stand_still_is_said(problem):
    with pytest.warns(ConvergenceWarning, match="25 of 25 rows still move after max_iter=3"):
        found = iterate_lazy_map(lambda rows: rows + 1, problem.queries, max_iter=3)
    assert not found.converged
    np.testing.assert_allclose(found.errors, np.sqrt(3))
    seen = []
    iterate_lazy_map(
        lambda rows: rows + 1,
        problem.queries,
        callback=lambda number, error, rows: seen.append(number) or number == 2,
    )
    assert seen == [1, 2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"step": 0.0}, "step must be above 0"),
        ({"tol": -1.0}, "tol must be finite and at least 0"),
        ({"max_iter": 0}, "max_iter must be a whole number from 1"),
        ({"clamp": np.tanh}, "takes rowwise=False"),
        ({"T": lambda rows: rows[:, :1]}, r"T made an array of shape \(25, 1\)"),
    ],
)
def test_refused_iterations(problem, options, words):
    options = {"T": np.tanh, **options}
    with pytest.raises(ValueError, match=words):
        iterate_lazy_map(X=problem.queries, **options)


def climbed(x, pilot, X, Y, h, h_y, steps, own=0.0):
    for _ in range(steps):
        w = gaussian(x, X, h) * gaussian(pilot, Y, h_y) * (1 - own)
        pilot = mean(w, Y)
    return pilot


@pytest.mark.parametrize("targets", ["y", "Y"])
def test_self_local_formula(problem, targets):
    y = getattr(problem, targets)
    Y = y.reshape(60, -1)
    model = SelfLocalRegressor(bandwidth=0.8, target_bandwidth=0.5, tol=1e-9, max_steps=2_000)
    model.fit(problem.X, y)
    start = mean(gaussian(problem.queries, problem.X, 0.8), Y)
    expected = climbed(problem.queries, start, problem.X, Y, 0.8, 0.5, 2_000)
    found = model.predict(problem.queries)
    assert found.shape == (25, *y.shape[1:])
    np.testing.assert_allclose(found.reshape(25, -1), expected, atol=1e-7)
    start = mean(gaussian(problem.X, problem.X, 0.8) * (1 - np.eye(60)), Y)
    expected = climbed(problem.X, start, problem.X, Y, 0.8, 0.5, 2_000, np.eye(60))
    np.testing.assert_allclose(model.loo_predict().reshape(60, -1), expected, atol=1e-7)


def test_one_step_from_the_own_target_is_the_bilateral_filter(problem):
    model = SelfLocalRegressor(bandwidth=0.8, target_bandwidth=0.5).fit(problem.X, problem.y)
    for steps in (1, 3):
        expected = climbed(
            problem.X, problem.y[:, None], problem.X, problem.y[:, None], 0.8, 0.5, steps
        )
        np.testing.assert_allclose(model.smooth(steps), expected[:, 0], **CLOSE)


def test_a_wide_target_kernel_is_the_local_mean(problem):
    model = SelfLocalRegressor(bandwidth=0.8, target_bandwidth=1e9).fit(problem.X, problem.y)
    plain = LocalMeanRegressor(bandwidth=0.8).fit(problem.X, problem.y)
    np.testing.assert_allclose(model.predict(problem.queries), plain.predict(problem.queries))


def test_the_density_of_targets_never_falls(problem):
    """Every step climbs p(y | x): mean shift in y."""
    model = SelfLocalRegressor(bandwidth=0.8, target_bandwidth=0.3).fit(problem.X, problem.y)
    previous, y = -np.inf, problem.y[:, None]
    for steps in (1, 2, 3, 5, 8, 13):
        found = model.smooth(steps)[:, None]
        density = (gaussian(problem.X, problem.X, 0.8) * gaussian(found, y, 0.3)).sum(1)
        assert (density >= previous - 1e-12).all()
        previous = density


def test_an_edge_stays():
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 1, (400, 1))
    edge = np.where(X[:, 0] < 0.5, 0.0, 1.0)
    y = edge + 0.1 * rng.normal(size=400)
    asked = np.concatenate([np.linspace(0.3, 0.47, 30), np.linspace(0.53, 0.7, 30)])[:, None]
    truth = np.where(asked[:, 0] < 0.5, 0.0, 1.0)
    model = SelfLocalRegressor(bandwidth=0.08).fit(X, y)
    plain = LocalMeanRegressor(bandwidth=0.08).fit(X, y)
    errors = [np.sqrt(np.mean((m.predict(asked) - truth) ** 2)) for m in (model, plain)]
    assert errors[0] < 0.4 * errors[1]


def test_explained_by_rows_of_the_same_side():
    X = np.linspace(0, 1, 101)[:, None]
    y = np.where(X[:, 0] < 0.5, 0.0, 1.0)
    model = SelfLocalRegressor(bandwidth=0.1, target_bandwidth=0.2).fit(X, y)
    rows, shares = model.explain([[0.47]], k=60)
    assert (y[rows[0][shares[0] > 1e-3]] == 0).all()


def test_bits_do_not_depend_on_threads_or_batch(problem):
    model = SelfLocalRegressor(bandwidth=0.8).fit(problem.X, problem.Y)
    whole = model.predict(problem.queries)
    alone = np.concatenate([model.predict(row[None]) for row in problem.queries])
    assert alone.tobytes() == whole.tobytes()
    other = SelfLocalRegressor(bandwidth=0.8, n_jobs=2).fit(problem.X, problem.Y)
    assert other.predict(problem.queries).tobytes() == whole.tobytes()


def test_empty_rows(problem):
    rows = np.concatenate([problem.X[:3], np.full((2, 3), 40.0)])
    model = SelfLocalRegressor(kernel="epanechnikov", bandwidth=2.0).fit(problem.X, problem.y)
    with pytest.warns(vc.LocalizationWarning, match="2 of 5 rows"):
        assert np.isnan(model.predict(rows)).tolist() == [False] * 3 + [True] * 2
    model.set_params(empty="nearest").fit(problem.X, problem.y)
    assert np.isfinite(model.predict(rows)).all()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"target_bandwidth": 0.0}, "target_bandwidth must be positive and finite"),
        ({"target_bandwidth": [1.0, 1.0]}, "one for all targets or"),
        ({"max_steps": 0}, "max_steps must be a whole number from 1"),
        ({"tol": -1}, "tol must be finite"),
        ({"bandwidth": vc.bandwidth.KthNeighbor(3)}, "bandwidth must be numbers"),
        ({"kernel": "sigmoid", "bandwidth": 1.0}, "weights that are not negative"),
    ],
)
def test_refusals(problem, parameters, words):
    with pytest.raises(ValueError, match=words):
        SelfLocalRegressor(**parameters).fit(problem.X, problem.y)


def test_file(problem, path):
    model = SelfLocalRegressor(bandwidth="loo").fit(problem.X, problem.Y, problem.weights)
    model.save(path)
    again = vc.load(path)
    assert again.predict(problem.queries).tobytes() == model.predict(problem.queries).tobytes()
    assert again.loo_score() == model.loo_score()
