"""Models with a bandwidth of each key or query, against formulas in float64."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from scipy.stats import kstest
from sklearn.base import clone
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV

import vicinal as vc
from vicinal.bandwidth import Abramson, KthNeighbor, PerKey, Perplexity, PerQuery
from vicinal.models import KernelDensity, LocalMeanClassifier, LocalMeanRegressor

RULES = (KthNeighbor(9), Perplexity(6.5), Abramson(0.7), Abramson([0.5, 0.7, 0.9]))
# Profiles, and the logarithms of their integrals over three features.
PROFILES = {
    "gaussian": (lambda u: np.exp(-u * u / 2), 1.5 * np.log(2 * np.pi)),
    "epanechnikov": (lambda u: np.maximum(1 - u * u, 0), np.log(4 * np.pi * (1 / 3 - 1 / 5))),
    "laplace": (lambda u: np.exp(-u), np.log(8 * np.pi)),
}


def kth(d, counts, k):
    """Return the least distance within which the counts, (m, n), reach k."""
    order = np.argsort(d, axis=1, kind="stable")
    total = np.cumsum(np.take_along_axis(counts, order, 1), axis=1)
    at = np.argmax(total >= k - 1e-9, axis=1)[:, None]
    return np.take_along_axis(np.take_along_axis(d, order, 1), at, 1)[:, 0]


def of_entropy(d, counts, p):
    """Return h such that the Gaussian weights of the nearest 3p + 1 have entropy log p."""
    order = np.argsort(d, axis=1, kind="stable")
    d, counts = np.take_along_axis(d, order, 1), np.take_along_axis(counts, order, 1)
    beyond = np.cumsum(counts, axis=1) - counts
    counts = np.clip(np.ceil(3 * p) + 1 - beyond, 0, counts)
    low, high = np.full(len(d), -20.0), np.full(len(d), 20.0)
    for _ in range(80):
        middle = (low + high) / 2
        logs = np.where(counts > 0, -0.5 * (d / np.exp(middle)[:, None]) ** 2, -np.inf)
        share = np.exp(logs - logsumexp(logs, axis=1, b=counts)[:, None])
        entropy = -(counts * share * np.log(np.where(share > 0, share, 1))).sum(1)
        low = np.where(entropy < np.log(p), middle, low)
        high = np.where(entropy < np.log(p), high, middle)
    return np.exp((low + high) / 2)


def spread(rule, queries, keys, weights, profile, counts=None):
    """Return scaled distances u and log volumes, (m, n) or (m, 1): h^d of every pair."""
    d = cdist(queries, keys)
    counts = np.broadcast_to(weights, d.shape) if counts is None else counts
    if isinstance(rule, KthNeighbor):
        h = kth(d, counts, rule.k)[:, None]
    elif isinstance(rule, Perplexity):
        h = of_entropy(d, counts, rule.p)[:, None]
    else:
        pilot = np.broadcast_to(rule.pilot, keys.shape[1])
        density = profile(cdist(keys / pilot, keys / pilot)) @ weights
        present = weights > 0
        log_g = np.average(np.log(density[present]), weights=weights[present])
        multiple = np.exp(0.5 * (log_g - np.log(np.where(present, density, 1))))[None]
        return cdist(queries / pilot, keys / pilot) / multiple, np.log(pilot).sum() + keys.shape[
            1
        ] * np.log(multiple)
    return d / h, keys.shape[1] * np.log(h)


def fitted(model, problem, *, weights=None, **setting):
    y = problem.labels if model is LocalMeanClassifier else problem.y
    return model(**setting).fit(problem.X, y, sample_weight=weights)


def pairs():
    for rule in RULES:
        for kernel in PROFILES:
            if kernel == "gaussian" or not isinstance(rule, Perplexity):
                yield rule, kernel


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("rule", "kernel"), list(pairs()), ids=str)
def test_means_and_densities(problem, rule, kernel, weighted):
    weights = problem.weights if weighted else np.ones(60)
    given = problem.weights if weighted else None
    profile, log_integral = PROFILES[kernel]
    u, log_volume = spread(rule, problem.queries, problem.X, weights, profile)
    w = profile(u) * weights
    setting = {"kernel": kernel, "bandwidth": rule}
    mean = fitted(LocalMeanRegressor, problem, weights=given, **setting)
    full = w.sum(1) > 0
    with np.errstate(invalid="ignore"):
        expected = w @ problem.y / w.sum(1)
    got = mean.set_params(empty=-7.0).predict(problem.queries)
    np.testing.assert_allclose(got, np.where(full, expected, -7.0), rtol=1e-9)
    classes = fitted(LocalMeanClassifier, problem, weights=given, **setting)
    one_hot = problem.labels[:, None] == classes.classes_
    shares = classes.predict_proba(problem.queries[full])
    expected = (w @ one_hot)[full] / w[full].sum(1, keepdims=True)
    np.testing.assert_allclose(shares, expected, atol=1e-9)
    density = fitted(KernelDensity, problem, weights=given, empty=0.0, **setting)
    terms = (w * np.exp(-log_volume)).sum(1) / weights.sum() / np.exp(log_integral)
    np.testing.assert_allclose(np.exp(density.score_samples(problem.queries)), terms, rtol=1e-9)
    # explain: shares of the mean, and of the density
    for model, share in ((mean, w), (density, w * np.exp(-log_volume))):
        indices, top = model.explain(problem.queries[full], k=4)
        share = share[full] / share[full].sum(1, keepdims=True)
        np.testing.assert_allclose(top, -np.sort(-share, axis=1)[:, :4], atol=1e-9)
        found = np.take_along_axis(share, np.maximum(indices, 0), 1) * (indices >= 0)
        np.testing.assert_allclose(found, top, atol=1e-9)


@pytest.mark.parametrize("model", [LocalMeanRegressor, LocalMeanClassifier, KernelDensity])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_sample_weight_counts_equal_rows(problem, model, rule):
    y = problem.labels if model is LocalMeanClassifier else problem.y
    rows = np.repeat(np.arange(60), problem.counts)
    counted = model(bandwidth=rule).fit(problem.X, y, sample_weight=problem.counts)
    repeated = model(bandwidth=rule).fit(problem.X[rows], y[rows])
    answer = "predict_proba" if model is LocalMeanClassifier else "predict"
    answer = "score_samples" if model is KernelDensity else answer
    a, b = (getattr(m, answer)(problem.queries) for m in (counted, repeated))
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    a, b = counted.loo_predict()[rows], repeated.loo_predict()
    if model is LocalMeanClassifier:
        np.testing.assert_array_equal(a, b)
    else:
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    assert counted.loo_score() == pytest.approx(repeated.loo_score(), rel=1e-9)


@pytest.mark.parametrize("kernel", PROFILES)
@pytest.mark.parametrize("rule", [KthNeighbor(9), Perplexity(6.5)], ids=str)
def test_leave_one_out_is_a_fit_without_the_row(problem, rule, kernel):
    if kernel != "gaussian" and isinstance(rule, Perplexity):
        return
    setting = {"kernel": kernel, "bandwidth": rule}
    mean, density = (fitted(m, problem, **setting) for m in (LocalMeanRegressor, KernelDensity))
    expected, logs = [], []
    for i in range(60):
        X, y = np.delete(problem.X, i, axis=0), np.delete(problem.y, i)
        expected += [*LocalMeanRegressor(**setting).fit(X, y).predict(problem.X[i : i + 1])]
        logs += [*KernelDensity(**setting).fit(X).score_samples(problem.X[i : i + 1])]
    np.testing.assert_allclose(mean.loo_predict(), expected, rtol=1e-9)
    assert mean.loo_score() == pytest.approx(r2_score(problem.y, expected), rel=1e-9)
    np.testing.assert_allclose(density.loo_predict(), logs, rtol=1e-9)
    assert density.loo_score() == pytest.approx(np.sum(logs), rel=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_leave_one_out_keeps_the_bandwidths_of_keys(problem, weighted):
    weights = problem.weights if weighted else np.ones(60)
    given = problem.weights if weighted else None
    profile, log_integral = PROFILES["gaussian"]
    u, log_volume = spread(RULES[2], problem.X, problem.X, weights, profile)
    w = profile(u) * (weights - np.eye(60) * np.minimum(weights, 1))
    mean = fitted(LocalMeanRegressor, problem, weights=given, bandwidth=RULES[2])
    np.testing.assert_allclose(mean.loo_predict(), w @ problem.y / w.sum(1), rtol=1e-9)
    density = fitted(KernelDensity, problem, weights=given, bandwidth=RULES[2])
    left = weights.sum() - np.minimum(weights, 1)
    logs = np.log((w * np.exp(-log_volume)).sum(1) / left) - log_integral
    np.testing.assert_allclose(density.loo_predict(), logs, rtol=1e-9)


def test_missing_targets_do_not_move_the_bandwidth(problem):
    y = problem.Y.copy()
    y[::7, 0] = np.nan
    setting = {"bandwidth": KthNeighbor(9), "nan_policy": "omit"}
    model = LocalMeanRegressor(**setting).fit(problem.X, y)
    for X, got, own in (
        (problem.queries, model.predict(problem.queries), 0),
        (problem.X, model.loo_predict(), 1),
    ):
        d = cdist(X, problem.X)
        counts = np.ones_like(d) - own * np.eye(*d.shape)
        w = np.exp(-0.5 * (d / kth(d, counts, 9)[:, None]) ** 2) * counts
        for column in (0, 1):
            known = ~np.isnan(y[:, column])
            expected = w[:, known] @ y[known, column] / w[:, known].sum(1)
            np.testing.assert_allclose(got[:, column], expected, rtol=1e-9)


@pytest.mark.parametrize("metric", ["manhattan", "chebyshev", "mahalanobis"])
@pytest.mark.parametrize("rule", [KthNeighbor(5), Abramson(0.8)], ids=str)
def test_densities_of_other_metrics_integrate_or_agree(rule, metric, rng):
    X = rng.normal(size=(40, 2))
    components = np.array([[1.0, 0.5], [0.0, 2.0]])
    ours = vc.kernels.Mahalanobis(components) if metric == "mahalanobis" else metric
    model = KernelDensity(bandwidth=rule, metric=ours).fit(X)
    cell = 0.1
    axis = np.arange(-9, 9, cell)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    if isinstance(rule, Abramson):
        assert np.exp(model.score_samples(grid)).sum() * cell**2 == pytest.approx(1, abs=2e-3)
        return
    name = {"manhattan": "cityblock"}.get(metric, metric)
    d = cdist(grid @ components.T, X @ components.T) if name == "mahalanobis" else None
    d = cdist(grid, X, name) if d is None else d
    h = np.sort(d, axis=1)[:, 4]
    plane = (
        np.exp(
            -0.5
            * (
                cdist(grid[:1] * 0, grid, name)
                if name != "mahalanobis"
                else cdist(grid[:1] * 0, grid @ components.T)
            )
            ** 2
        ).sum()
        * cell**2
    )
    expected = np.exp(-0.5 * (d / h[:, None]) ** 2).mean(1) / h**2 / plane
    np.testing.assert_allclose(np.exp(model.score_samples(grid)), expected, rtol=2e-3)


@pytest.mark.parametrize("kernel", ["gaussian", "tricube", "student_t"])
def test_abramson_integrates_to_one(kernel, rng):
    X = np.concatenate([0.1 * rng.normal(size=80), 3 * rng.normal(size=40)])[:, None]
    weights = rng.uniform(0, 2, size=120)
    kernel = vc.kernels.StudentT(nu=5) if kernel == "student_t" else kernel
    model = KernelDensity(kernel=kernel, bandwidth=Abramson(0.4), empty=0.0)
    model.fit(X, sample_weight=weights)
    grid = np.linspace(-200, 200, 400_001)
    total = np.exp(model.score_samples(grid[:, None])).sum() * (grid[1] - grid[0])
    assert total == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("kernel", ["gaussian", "epanechnikov"])
def test_draws_of_abramson_have_its_distribution(kernel, rng):
    X = np.concatenate([0.1 * rng.normal(size=80), 3 * rng.normal(size=40)])[:, None]
    weights = rng.uniform(0, 2, size=120)
    model = KernelDensity(kernel=kernel, bandwidth=Abramson(0.4), empty=0.0)
    model.fit(X, sample_weight=weights)
    grid = np.linspace(-60, 60, 240_001)
    below = np.cumsum(np.exp(model.score_samples(grid[:, None]))) * (grid[1] - grid[0])
    draws = model.sample(20_000, random_state=0)[:, 0]
    assert kstest(draws, lambda x: np.interp(x, grid, below)).pvalue > 0.01
    fixed = KernelDensity(kernel=kernel, bandwidth=0.4).fit(X, sample_weight=weights)
    other = fixed.sample(20_000, random_state=0)[:, 0]
    assert kstest(other, lambda x: np.interp(x, grid, below)).pvalue < 1e-6


@pytest.mark.parametrize(
    "kernel", ["gaussian", "epanechnikov", "biweight", "student_t", "logistic", "cosine"]
)
@pytest.mark.parametrize("pilot", [0.8, (0.6, 0.8, 1.1)], ids=["one", "each"])
def test_gradient_of_abramson(problem, kernel, pilot):
    kernel = vc.kernels.StudentT(nu=5) if kernel == "student_t" else kernel
    model = KernelDensity(kernel=kernel, bandwidth=Abramson(pilot), empty=0.0)
    model.fit(problem.X, sample_weight=problem.weights)
    queries = problem.queries[np.isfinite(model.score_samples(problem.queries))]
    assert len(queries) > 15
    step, differences = 1e-5, np.empty(queries.shape)
    for j in range(3):
        move = step * np.eye(3)[j]
        up, down = model.score_samples(queries + move), model.score_samples(queries - move)
        differences[:, j] = (up - down) / (2 * step)
    got = model.gradient(queries)
    inside = np.isfinite(differences).all(axis=1)
    np.testing.assert_allclose(got[inside], differences[inside], rtol=1e-4, atol=1e-4)


def test_what_a_density_refuses(problem):
    for rule in (KthNeighbor(5), Perplexity(5)):
        model = KernelDensity(bandwidth=rule).fit(problem.X)
        with pytest.raises(ValueError, match="sample is not defined for a density with bandwidth="):
            model.sample()
        with pytest.raises(ValueError, match="gradient is not defined for a density"):
            model.gradient(problem.X)
    for kernel in ("laplace", "triangular", "wendland_c2"):
        model = KernelDensity(kernel=kernel, bandwidth=Abramson(2.0)).fit(problem.X)
        assert np.isfinite(model.score_samples(problem.X)).all()
        with pytest.raises(ValueError, match="gradient with a bandwidth of each key knows no"):
            model.gradient(problem.X)
    for rule in (KthNeighbor(5), Abramson(0.1)):
        with pytest.raises(ValueError, match="needs a metric among euclidean"):
            KernelDensity(bandwidth=rule, metric="haversine").fit(problem.X[:, :2] / 10)


def test_where_k_keys_coincide_the_density_is_infinite():
    model = KernelDensity(bandwidth=KthNeighbor(2)).fit([[0.0], [0.0], [1.0]])
    assert np.isposinf(model.score_samples([[0.0]])).all()
    mean = LocalMeanRegressor(bandwidth=KthNeighbor(2)).fit([[0.0], [0.0], [1.0]], [1.0, 2.0, 9.0])
    np.testing.assert_allclose(mean.predict([[0.0]]), [1.5])


X5 = np.arange(10.0).reshape(5, 2)
product = vc.kernels.Product(vc.kernels.Gaussian(columns=0), vc.kernels.Gaussian(columns=1))
REFUSED = [
    ("holds a number for each row of one data set", {"bandwidth": PerKey(np.ones(5))}),
    ("holds a number for each row of one data set", {"bandwidth": PerQuery(np.ones(5))}),
    ("number of keys \\(5\\), got 6.*n_samples=5", {"bandwidth": KthNeighbor(6)}),
    ("below the number of keys \\(5\\), got 5", {"bandwidth": Perplexity(5)}),
    ("is of the gaussian kernel", {"bandwidth": Perplexity(2), "kernel": "laplace"}),
    ("given twice", {"bandwidth": KthNeighbor(2), "kernel": vc.kernels.Gaussian(bandwidth=1.0)}),
    ("one distance or score", {"bandwidth": KthNeighbor(2), "kernel": product}),
    ("one distance or score", {"bandwidth": Abramson(1.0), "kernel": product}),
    ("finite weight at distance 0", {"bandwidth": Abramson(1.0), "kernel": "inverse_distance"}),
]


@pytest.mark.parametrize(("message", "setting"), REFUSED, ids=[str(s) for _, s in REFUSED])
def test_bad_settings_are_refused_by_fit(message, setting):
    with pytest.raises(ValueError, match=message):
        LocalMeanRegressor(**setting).fit(X5, X5[:, 0])


def test_leave_one_out_needs_a_key_more():
    model = LocalMeanRegressor(bandwidth=KthNeighbor(5)).fit(X5, X5[:, 0])
    with pytest.raises(ValueError, match=r"number of keys \(4\), got 5.*leave-one-out"):
        model.loo_predict()


@pytest.mark.parametrize("model", [LocalMeanRegressor, LocalMeanClassifier, KernelDensity])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_kept_in_files_pickles_and_clones(problem, tmp_path, model, rule):
    estimator = fitted(model, problem, weights=problem.weights, bandwidth=rule)
    answer = "score_samples" if model is KernelDensity else "predict"
    expected = getattr(estimator, answer)(problem.queries)
    estimator.save(tmp_path / "model.npz")
    loaded = vc.load(tmp_path / "model.npz")
    assert type(loaded.bandwidth) is type(rule)
    for twin in (loaded, pickle.loads(pickle.dumps(estimator))):
        assert np.array_equal(getattr(twin, answer)(problem.queries), expected)
        assert np.array_equal(twin.loo_predict(), estimator.loo_predict())
    fresh = clone(estimator)
    assert repr(fresh.get_params()["bandwidth"]) == repr(rule)
    y = problem.labels if model is LocalMeanClassifier else problem.y
    again = fresh.fit(problem.X, y, sample_weight=problem.weights)
    assert np.array_equal(getattr(again, answer)(problem.queries), expected)


@pytest.mark.parametrize("change", ["short", "unsettled"])
def test_a_bandwidth_that_does_not_fit_is_not_loaded(problem, tmp_path, change):
    model = fitted(LocalMeanRegressor, problem, bandwidth=Abramson(0.7))
    model.bandwidth_ = PerKey(np.ones(59)) if change == "short" else Abramson(0.7)
    model.save(tmp_path / "model.npz")
    with pytest.raises(ValueError, match="bandwidth_"):
        vc.load(tmp_path / "model.npz")


def test_frames_and_searches(problem):
    frame = pd.DataFrame(problem.X, columns=["a", "b", "c"])
    search = GridSearchCV(
        LocalMeanRegressor(), {"bandwidth": [KthNeighbor(5), KthNeighbor(15), Abramson(0.5)]}
    ).fit(frame, problem.y)
    assert search.best_params_["bandwidth"] in (KthNeighbor(5), KthNeighbor(15), Abramson(0.5))
    model = LocalMeanRegressor(bandwidth=KthNeighbor(5)).fit(frame, problem.y)
    other = LocalMeanRegressor(bandwidth=KthNeighbor(5)).fit(problem.X, problem.y)
    np.testing.assert_array_equal(model.predict(frame), other.predict(problem.X))


@pytest.mark.parametrize("rule", [KthNeighbor(40), Abramson(0.1)], ids=str)
def test_many_keys_through_a_tree(rule, rng):
    X = rng.normal(size=(6000, 2)) * np.exp(rng.normal(size=(6000, 1)))
    y = np.sin(X[:, 0])
    queries = rng.normal(size=(50, 2))
    profile = PROFILES["epanechnikov"][0]
    u, log_volume = spread(rule, queries, X, np.ones(6000), profile)
    w = profile(u)
    setting = {"kernel": "epanechnikov", "bandwidth": rule}
    mean = LocalMeanRegressor(**setting).fit(X, y)
    np.testing.assert_allclose(mean.predict(queries), w @ y / w.sum(1), rtol=1e-9, atol=1e-12)
    density = KernelDensity(**setting).fit(X)
    expected = (w * np.exp(-log_volume)).mean(1) / (np.pi / 2)
    np.testing.assert_allclose(np.exp(density.score_samples(queries)), expected, rtol=1e-9)
    # a refit looks among its own rows
    again = mean.fit(X[:5000], y[:5000]).predict(queries)
    fresh = LocalMeanRegressor(**setting).fit(X[:5000], y[:5000]).predict(queries)
    np.testing.assert_array_equal(again, fresh)


@pytest.mark.parametrize("rule", [KthNeighbor(9), Abramson(0.7)], ids=str)
def test_mass_tol_keeps_its_promise(problem, rule):
    exact = fitted(LocalMeanRegressor, problem, bandwidth=rule)
    cut = fitted(LocalMeanRegressor, problem, bandwidth=rule, mass_tol=1e-3)
    moved = np.abs(exact.predict(problem.queries) - cut.predict(problem.queries))
    assert moved.max() <= 1e-3 * np.ptp(problem.y) + 1e-12
    exact, cut = (
        fitted(KernelDensity, problem, bandwidth=rule, mass_tol=tol) for tol in (0.0, 1e-3)
    )
    lost = exact.score_samples(problem.queries) - cut.score_samples(problem.queries)
    assert (lost >= -1e-12).all()
    assert (lost <= -np.log1p(-1e-3) + 1e-12).all()
