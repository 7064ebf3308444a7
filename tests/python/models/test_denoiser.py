"""Denoiser against the formulas of a Gaussian mixture, in plain numpy and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from model_formulas import gaussian, mean
from scipy.special import logsumexp
from scipy.stats import ks_1samp, multivariate_normal, norm

import vicinal as vc
from vicinal.models import Denoiser, KernelDensity, LocalMeanRegressor, noise_levels

CLOSE = {"rtol": 1e-11, "atol": 1e-12}


def log_density(points, keys, sigma, shares):
    parts = [multivariate_normal(key, sigma**2).logpdf(points) for key in keys]
    return logsumexp(np.stack(parts, axis=-1), b=shares, axis=-1)


@pytest.mark.parametrize("sigma", [0.05, 0.4, 3.0, 50.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_formulas_at_any_sigma(problem, sigma, weighted):
    weights = problem.weights if weighted else None
    model = Denoiser(sigma=0.7).fit(problem.X, sample_weight=weights)
    queries, keys = problem.queries, problem.X
    counts = np.ones(60) if weights is None else weights
    w = gaussian(queries, keys, sigma) * counts
    w /= w.sum(1, keepdims=True)
    expected = mean(w, keys)
    np.testing.assert_allclose(model.predict(queries, sigma), expected, **CLOSE)
    score = (expected - queries) / sigma**2
    np.testing.assert_allclose(model.score_function(queries, sigma), score, rtol=1e-9, atol=1e-10)
    expected_log = log_density(queries, keys, sigma, counts / counts.sum())
    np.testing.assert_allclose(model.score_samples(queries, sigma), expected_log, rtol=1e-11)
    gaps = keys - expected[:, None]
    covariance = np.einsum("mn,mni,mnj->mij", w, gaps, gaps)
    np.testing.assert_allclose(model.covariance(queries, sigma), covariance, rtol=1e-8, atol=1e-11)
    diagonal = np.diagonal(covariance, axis1=1, axis2=2)
    variance = model.covariance(queries, sigma, diagonal=True)
    np.testing.assert_allclose(variance, diagonal, rtol=1e-8, atol=1e-11)


def test_sigma_of_each_row(problem):
    model = Denoiser().fit(problem.X)
    sigmas = np.linspace(0.1, 4, 25)
    for method in (model.predict, model.score_function, model.score_samples, model.covariance):
        rows = [
            method(row[None], sigma)[0] for row, sigma in zip(problem.queries, sigmas, strict=True)
        ]
        np.testing.assert_allclose(method(problem.queries, sigmas), rows, rtol=1e-9, atol=1e-11)


def test_it_is_the_mean_shift_of_a_density(problem):
    """Identity 3, and the density's own gradient."""
    model = Denoiser(sigma=0.6).fit(problem.X, sample_weight=problem.weights)
    density = KernelDensity(bandwidth=0.6).fit(problem.X, sample_weight=problem.weights)
    queries = problem.queries
    np.testing.assert_allclose(model.score_function(queries), density.gradient(queries), rtol=1e-9)
    np.testing.assert_allclose(model.score_samples(queries), density.score_samples(queries))
    assert model.score(queries) == pytest.approx(density.score(queries))
    assert model.loo_score() == pytest.approx(density.loo_score())
    others = gaussian(problem.X, problem.X, 0.6) * (1 - np.eye(60))
    model = Denoiser(sigma=0.6).fit(problem.X)
    np.testing.assert_allclose(model.loo_predict(), mean(others, problem.X), **CLOSE)


def test_covariance_is_the_slope_of_the_denoiser(problem):
    model, step = Denoiser(sigma=0.8).fit(problem.X), 1e-5
    slopes = [
        (model.predict(problem.queries + move) - model.predict(problem.queries - move)) / (2 * step)
        for move in step * np.eye(3)
    ]
    expected = 0.64 * np.stack(slopes, axis=-1)
    np.testing.assert_allclose(model.covariance(problem.queries), expected, rtol=1e-6, atol=1e-8)


def test_a_regression_on_noisy_pairs_tends_to_the_score():
    """The denoising autoencoder: (r(x) − x)/σ² of what was only shown noisy and clean rows."""
    rng = np.random.default_rng(0)
    keys, sigma = rng.choice([-1.0, 0.3, 1.5], size=(40, 1)), 0.4
    asked = np.linspace(-1.5, 2, 30)[:, None]
    score = Denoiser(sigma=sigma).fit(keys).score_function(asked)
    errors = []
    for n in (1_000, 10_000, 100_000):
        clean = keys[rng.integers(0, 40, n)]
        noisy = clean + sigma * rng.normal(size=clean.shape)
        learned = LocalMeanRegressor(kernel="epanechnikov", bandwidth="plugin").fit(noisy, clean)
        found = (learned.predict(asked) - asked) / sigma**2
        errors.append(np.sqrt(np.mean((found - score) ** 2)))
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.1 * np.sqrt(np.mean(score**2))


def transported(start, keys, sigmas):
    """Follow the flow in one dimension exactly: it keeps the distribution function."""
    above = norm.cdf(start, keys, sigmas[0]).mean(1)
    grid = np.linspace(keys.min() - 4, keys.max() + 4, 200_001)
    below = norm.cdf(grid[:, None], keys.ravel(), sigmas[-1]).mean(1)
    return np.interp(above, below, grid)


def test_the_flow_keeps_the_distribution_function():
    keys = np.array([[-1.0, 0.2, 0.5, 2.0]]).T
    start = np.linspace(-9, 9, 21)[:, None]
    model = Denoiser(sigma=0.3).fit(keys)
    errors = {}
    for solver in ("euler", "heun"):
        for steps in (160, 320):
            sigmas = noise_levels(steps, 0.3, 6.0)
            found = model.sample(sigmas=sigmas, solver=solver, start=start)[:, 0]
            gap = found - transported(start, keys.T, sigmas)
            errors[solver, steps] = np.abs(gap).max()
    assert 1.8 < errors["euler", 160] / errors["euler", 320] < 2.1  # first order
    assert 3.8 < errors["heun", 160] / errors["heun", 320] < 4.1  # second order
    assert errors["heun", 320] < 1e-4


@pytest.mark.parametrize("method", ["ode", "sde"])
def test_samples_have_the_density(method):
    keys = np.array([[-1.0], [0.5], [3.0]])
    shares = np.array([0.2, 0.5, 0.3])
    model = Denoiser(sigma=0.2).fit(keys, sample_weight=shares)
    found = model.sample(4_000, method=method, steps=100, random_state=1)[:, 0]
    distribution = ks_1samp(found, lambda x: norm.cdf(x[:, None], keys.T, 0.2) @ shares)
    assert distribution.pvalue > 0.01
    assert (model.sample(2, random_state=3) == model.sample(2, random_state=3)).all()


def test_the_last_level_zero_gives_training_rows(problem):
    model = Denoiser().fit(problem.X)
    sigmas = noise_levels(40, 0.0, 10.0)
    for method in ("ode", "sde"):
        found = model.sample(30, sigmas=sigmas, method=method, random_state=0)
        distance = vc.knn(found, problem.X, 1).distances
        assert np.median(distance) < 1e-8


def test_tolerance_bounds_a_step(problem):
    """One mean is off by at most mass_tol times the range, a step by that times its share."""
    start = 3 * problem.queries
    bound = 0.01 * np.ptp(problem.X, axis=0) * (1 + 1e-9)
    exact, cut = (Denoiser(mass_tol=tol).fit(problem.X) for tol in (0.0, 0.01))
    assert np.abs(cut.predict(start, 1.5) - exact.predict(start, 1.5)).max() > 0
    shares = {"euler": 1 - 1.0 / 1.5, "sde": 1 - (1.0 / 1.5) ** 2}
    for step, share in shares.items():
        how = {"method": "sde"} if step == "sde" else {"solver": "euler"}
        options = {"sigmas": [1.5, 1.0], "start": start, "random_state": 0, **how}
        gap = np.abs(cut.sample(**options) - exact.sample(**options))
        assert (gap <= share * bound).all()
    gap = np.abs(cut.predict(start, 1.5) - exact.predict(start, 1.5))
    assert (gap <= bound).all()


def test_an_error_grows_by_the_stated_factor(problem):
    model = Denoiser().fit(problem.X)
    diameter = np.linalg.norm(problem.X[:, None] - problem.X, axis=2).max()
    step = 1e-5 * problem.X[:25]
    for now, below in ((4.0, 2.0), (0.5, 0.3)):
        options = {"sigmas": [now, below], "solver": "euler"}
        apart = model.sample(start=problem.queries + step, **options) - model.sample(
            start=problem.queries, **options
        )
        share = below / now
        factor = share + (1 - share) * diameter**2 / (4 * now**2)
        growth = np.linalg.norm(apart, axis=1) / np.linalg.norm(step, axis=1)
        assert (growth <= factor * (1 + 1e-4)).all()


def test_callback_sees_every_level_and_may_stop(problem):
    model, seen = Denoiser().fit(problem.X), []

    def callback(step, sigma, rows):
        seen.append((step, sigma, rows.shape))
        return step == 2

    model.sample(5, sigmas=[4.0, 3.0, 2.0, 1.0], callback=callback, random_state=0)
    assert seen == [(1, 3.0, (5, 3)), (2, 2.0, (5, 3))]


def test_empty_rows_stay_as_they_are(problem):
    far = np.full((2, 3), 40.0)
    rows = np.concatenate([problem.X[:3], far])
    model = Denoiser(neighbors=vc.Radius(1.0)).fit(problem.X)
    with pytest.warns(vc.LocalizationWarning, match="2 of 5 rows"):
        found = model.predict(rows)
    np.testing.assert_array_equal(found[3:], far)
    with pytest.warns(vc.LocalizationWarning):
        assert not model.score_function(rows)[3:].any()
    assert np.isneginf(model.score_samples(rows)[3:]).all()
    zero = Denoiser(neighbors=vc.Radius(1.0), empty="zero").fit(problem.X).predict(rows)
    assert not zero[3:].any()
    with pytest.raises(ValueError, match="no key"):
        Denoiser(neighbors=vc.Radius(1.0), empty="raise").fit(problem.X).predict(rows)


def test_a_tiny_sigma_is_the_nearest_row(problem):
    model = Denoiser(sigma=1e-200).fit(problem.X)
    index = vc.knn(problem.queries, problem.X, 1).indices[:, 0]
    np.testing.assert_array_equal(model.predict(problem.queries), problem.X[index])
    np.testing.assert_array_equal(model.predict(problem.X), problem.X)


@pytest.mark.parametrize("sigma", [0.3, 30.0])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_bits_do_not_depend_on_threads_or_batch(problem, sigma, dtype):
    X, queries = problem.X.astype(dtype), problem.queries.astype(dtype)
    model = Denoiser(sigma, n_jobs=1).fit(X)

    def answers(model, rows):
        flow = model.sample(sigmas=[sigma, sigma / 2, sigma / 9], start=rows)
        return np.stack([model.predict(rows), model.score_function(rows), flow])

    whole = answers(model, queries)
    assert whole.dtype == dtype
    assert whole.tobytes() == answers(Denoiser(sigma, n_jobs=2).fit(X), queries).tobytes()
    alone = np.concatenate([answers(model, row[None]) for row in queries], axis=1)
    assert alone.tobytes() == whole.tobytes()


@pytest.mark.parametrize("offset", [0.0, 1e3])
@pytest.mark.parametrize("sigma", [1.0, 6.0, 40.0])
def test_single_precision_at_every_sigma(offset, sigma):
    rng = np.random.default_rng(5)
    X = (rng.normal(size=(300, 64)) + offset).astype("f4")
    queries = (X[:40] + sigma * rng.normal(size=(40, 64))).astype("f4")
    single = Denoiser(sigma).fit(X).predict(queries)
    double = Denoiser(sigma).fit(X.astype("f8")).predict(queries.astype("f8"))
    expected = mean(gaussian(queries.astype("f8"), X.astype("f8"), sigma), X.astype("f8"))
    np.testing.assert_allclose(double, expected, rtol=1e-11, atol=1e-11)
    assert np.abs(single - expected).max() < 2e-5 * max(1, 0.1 * offset)


@pytest.mark.parametrize(("dtype", "close"), [("f4", 1e-5), ("f8", 1e-12)])
@pytest.mark.parametrize("weighted", [False, True])
def test_many_rows_at_every_sigma(dtype, close, weighted):
    """Some rows have their mass in the nearest few rows, others do not, at the same sigma."""
    rng = np.random.default_rng(2)
    X = rng.normal(size=(5_000, 12)).astype(dtype)
    X[:20] += 9  # a few far from the rest
    weights = rng.integers(0, 3, 5_000).astype(float) if weighted else None
    counts = np.ones(5_000) if weights is None else weights
    queries = X[::199] + rng.normal(size=(26, 12)).astype(dtype)
    queries[:4] = X[:4]
    model = Denoiser(mass_tol=0.0, n_jobs=1).fit(X, sample_weight=weights)
    for sigma in (1e-9, 0.05, 0.3, 1.0, 30.0, np.geomspace(0.02, 9, 26)):
        h = sigma if np.ndim(sigma) == 0 else sigma[:, None, None]
        gaps = (queries[:, None].astype("f8") - X.astype("f8")) / h
        logs = np.where(counts > 0, -0.5 * np.square(gaps).sum(-1), -np.inf)
        w = np.exp(logs - logs.max(1, keepdims=True)) * counts
        found = model.predict(queries, sigma)
        assert np.abs(found - mean(w, X.astype("f8"))).max() < close * 12
        levels = np.broadcast_to(np.ravel(h), 26)
        each = zip(queries, levels, strict=True)
        alone = np.stack([model.predict(row[None], level[None])[0] for row, level in each])
        if np.ndim(sigma):
            assert found.tobytes() == alone.tobytes()
        else:
            assert np.abs(found - alone).max() < close * 12


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.nan, np.inf, "one", True])
def test_refused_sigmas(problem, sigma):
    with pytest.raises(ValueError, match="sigma must be positive and finite"):
        Denoiser(sigma=sigma).fit(problem.X)
    if not isinstance(sigma, str | bool):
        with pytest.raises(ValueError, match=r"nearest row: vicinal\.knn"):
            Denoiser().fit(problem.X).predict(problem.queries, sigma)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sigmas": [1.0, 2.0]}, "sigmas must be two or more finite numbers that fall"),
        ({"sigmas": [1.0]}, "two or more"),
        ({"sigmas": [1.0, -1.0]}, "0 or more"),
        ({"method": "odes"}, "method must be one of 'ode', 'sde'"),
        ({"solver": "rk4"}, "solver must be one of"),
        ({"n_samples": 0}, "n_samples must be a whole number from 1"),
        ({"steps": 0}, "steps must be a whole number from 1"),
        ({"start": np.zeros((2, 5))}, "start must have the 3 features"),
    ],
)
def test_refused_walks(problem, options, words):
    with pytest.raises(ValueError, match=words):
        Denoiser().fit(problem.X).sample(**options)


def test_noise_levels():
    levels = noise_levels(18, 0.002, 80.0)
    i = np.arange(19) / 18
    expected = (80 ** (1 / 7) + i * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7
    np.testing.assert_allclose(levels, expected, rtol=1e-12)
    equal = noise_levels(5, 0.1, 10.0, spacing="geometric")
    np.testing.assert_allclose(equal[1:] / equal[:-1], 0.01**0.2)
    with pytest.raises(ValueError, match="take 'karras'"):
        noise_levels(5, 0.0, 1.0, spacing="geometric")
    with pytest.raises(ValueError, match="below high=1"):
        noise_levels(5, 2.0, 1)


def test_file(problem, path):
    model = Denoiser(0.5, neighbors=vc.KNearest(20)).fit(problem.X, sample_weight=problem.weights)
    model.save(path)
    again = vc.load(path)
    assert again.predict(problem.queries).tobytes() == model.predict(problem.queries).tobytes()
    drawn = (one.sample(3, random_state=0).tobytes() for one in (model, again))
    assert len(set(drawn)) == 1
    assert (model.explain(problem.queries)[0] == again.explain(problem.queries)[0]).all()
