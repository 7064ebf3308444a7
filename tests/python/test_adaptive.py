"""Bandwidths per key and per query, against dense formulas in float64."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

import pages
import vicinal as vc
from adaptive_cases import PROFILES, N, check
from set_cases import distances
from vicinal.bandwidth import Abramson, KthNeighbor, PerKey, Perplexity, PerQuery
from vicinal.kernels import Gaussian, Product


@pytest.mark.parametrize("kernel", PROFILES)
@pytest.mark.parametrize("d", [2, 11])
def test_each_key_or_query_has_its_bandwidth(kernel, d, rng, dtype):
    q, x = rng.normal(size=(2, N, d)).astype(dtype)
    y = rng.normal(size=(N, 2)).astype(dtype)
    h = rng.uniform(0.5, 3.0, N).astype(dtype)
    u = distances(q, x)
    atol = 1e-12 if dtype == np.float64 else 2e-5
    weights = rng.random(N).astype(dtype)
    mask = rng.random((N, N)) < 0.5
    for rule, scaled in (
        (PerKey(h), u / h.astype(float)),
        (PerQuery(h), u / h.astype(float)[:, None]),
    ):
        w = PROFILES[kernel](scaled)
        check(vc.local_stats(q, x, y, kernel=kernel, bandwidth=rule), w, y, atol)
        got = vc.local_stats(q, x, y, kernel=kernel, bandwidth=rule, weights=weights, mask=mask)
        check(got, w * weights * mask, y, atol)
        got = vc.local_stats(q, x, y, kernel=kernel, bandwidth=rule, neighbors=vc.KNearest(20))
        used = np.zeros((N, N), bool)
        np.put_along_axis(used, np.argsort(u, 1)[:, :20], True, 1)
        check(got, w * used, y, atol)


def test_temperatures_of_heads(rng, dtype):
    q, k, v = rng.normal(size=(3, 4, 50, 8)).astype(dtype)
    tau = np.array([0.5, 1.0, 2.0, 4.0])[:, None]
    got = vc.local_mean(q, k, v, kernel="softmax", bandwidth=PerQuery(tau))
    for head in range(4):
        one = vc.local_mean(q[head], k[head], v[head], kernel="softmax", bandwidth=tau[head, 0])
        np.testing.assert_allclose(got[head], one, atol=1e-13 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("kernel", ["gaussian", "tricube", "laplace"])
@pytest.mark.parametrize("tol", [0.0, 1e-6])
def test_a_tree_leaves_nothing_out_that_weighs(kernel, tol, rng):
    x = rng.normal(size=(9000, 2))
    y = rng.normal(size=(9000, 1))
    q = rng.normal(size=(200, 2))
    h = np.exp(0.3 * rng.normal(size=9000)) * 0.02
    h[:3] = 5.0  # a few reach far
    u = distances(q, x)
    for rule, scaled in ((PerKey(h), u / h), (PerQuery(h[:200]), u / h[:200, None])):
        w = PROFILES[kernel](scaled)
        got = vc.local_stats(
            q, x, y, kernel=kernel, bandwidth=rule, tol=tol, statistics=("log_mass",)
        )
        mass = w.sum(1)
        left_out = np.log(mass[mass > 0]) - got.log_mass[mass > 0]
        assert left_out.max() <= -np.log1p(-tol) + 1e-11
        assert left_out.min() >= -1e-11
        if kernel == "tricube" or tol:
            assert got.pairs_visited < 0.8 * 200 * 9000


def test_bits_depend_on_neither_batch_nor_threads(rng, dtype):
    x = rng.normal(size=(6000, 2)).astype(dtype)
    q, y = x[:300] + dtype.type(0.1), x[:, :1].copy()
    h = rng.uniform(0.05, 0.2, 6000).astype(dtype)
    for kernel in ("gaussian", "tricube"):
        for rule, part in (
            (PerKey(h), lambda i: PerKey(h)),
            (PerQuery(h[:300]), lambda i: PerQuery(h[i : i + 1])),
            (KthNeighbor(9), lambda i: KthNeighbor(9)),
            (KthNeighbor(40), lambda i: KthNeighbor(40)),
        ):
            whole = vc.local_mean(q, x, y, kernel=kernel, bandwidth=rule, num_threads=1)
            again = vc.local_mean(q, x, y, kernel=kernel, bandwidth=rule, num_threads=3)
            assert whole.tobytes() == again.tobytes()
            for i in (0, 150, 299):
                one = vc.local_mean(q[i : i + 1], x, y, kernel=kernel, bandwidth=part(i))
                assert one.tobytes() == whole[i : i + 1].tobytes()


def test_kth_neighbor(rng, dtype):
    x = rng.normal(size=(N, 3)).astype(dtype)
    d = np.sort(distances(x, x), 1)
    for k in (1, 5, N):
        got = vc.local_stats(x, x, kernel="uniform", bandwidth=KthNeighbor(k)).count
        np.testing.assert_array_equal(got, np.full(N, max(k, 1)))
        h = PerQuery(np.maximum(d[:, k - 1], 1e-30))
        np.testing.assert_allclose(
            vc.local_mean(x, x, x, bandwidth=KthNeighbor(k)),
            vc.local_mean(x, x, x, bandwidth=h),
            atol=1e-12 if dtype == np.float64 else 1e-5,
        )
    hollow = vc.local_stats(x, x, kernel="uniform", bandwidth=KthNeighbor(4), exclude_self=True)
    np.testing.assert_array_equal(hollow.count, np.full(N, 4))


def test_coincident_keys_are_the_limit_of_a_bandwidth_of_zero(dtype):
    x = np.array([[0.0], [0.0], [0.0], [1.0]], dtype)
    y = np.array([1.0, 2.0, 6.0, 100.0], dtype)
    for kernel in ("gaussian", "laplace", "epanechnikov"):
        got = vc.local_mean(x[:1], x, y, kernel=kernel, bandwidth=KthNeighbor(3))
        np.testing.assert_allclose(got, [3.0])


def test_abramson(rng):
    x = np.concatenate([rng.normal(size=(150, 2)) * 0.2, rng.normal(size=(150, 2)) * 2])
    weights = rng.integers(0, 3, N).astype(float)
    d = distances(x, x)
    density = np.exp(-0.5 * (d / 0.4) ** 2) @ weights
    g = np.exp((weights * np.log(np.where(density > 0, density, 1))).sum() / weights.sum())
    h = 0.4 * np.sqrt(g / density)
    got = vc.local_stats(x, x, x, bandwidth=Abramson(0.4), weights=weights)
    check(got, np.exp(-0.5 * (d / h) ** 2) * weights, x, 1e-12)
    per_feature = vc.local_mean(x, x, x, bandwidth=Abramson([0.4, 0.4]), weights=weights)
    np.testing.assert_allclose(per_feature, got.mean, atol=1e-12)


@pytest.mark.parametrize("p", [2, 15.5, 40])
def test_perplexity(p, rng):
    x = rng.normal(size=(N, 4)) * np.exp(rng.normal(size=(N, 1)))
    near = vc.KNearest(int(np.ceil(3 * p)) + 1)
    weights = vc.local_weights(x, x, bandwidth=Perplexity(p), neighbors=near, exclude_self=False)
    w = weights.toarray()
    entropy = -(w * np.log(np.where(w > 0, w, 1))).sum(1)
    np.testing.assert_allclose(np.exp(entropy), p, rtol=1e-6)


@pytest.mark.parametrize("rule", [KthNeighbor(5), Perplexity(5), Abramson(0.5)], ids=str)
def test_rules_see_the_columns_of_the_kernel(rule, rng):
    x, y = rng.normal(size=(N, 3)), rng.normal(size=N)
    seen = vc.local_mean(x[:, 1:2], x[:, 1:2], y, bandwidth=rule)
    got = vc.local_mean(x, x, y, kernel=Gaussian(columns=1), bandwidth=rule)
    np.testing.assert_allclose(got, seen, rtol=1e-12)


@pytest.mark.parametrize("rule", [KthNeighbor(2), Perplexity(2)], ids=str)
def test_absent_keys_do_not_count(rule, rng):
    x, y = rng.normal(size=(N, 2)), rng.normal(size=N)
    weights = rng.random(N) * (rng.random(N) < 0.3)
    present = weights > 0
    expected = vc.local_mean(x, x[present], y[present], bandwidth=rule, weights=weights[present])
    got = vc.local_mean(x, x, y, bandwidth=rule, weights=weights)
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    with np.errstate(divide="ignore"):
        got = vc.local_mean(x, x, y, bandwidth=rule, log_weights=np.log(weights))
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_a_perplexity_among_coincident_keys_is_their_mean():
    y = np.arange(5.0)
    got = vc.local_mean(np.ones((1, 2)), np.ones((5, 2)), y, bandwidth=Perplexity(2))
    np.testing.assert_allclose(got, [2.0])


def test_keys_have_bandwidths_in_units(rng):
    x, y = rng.normal(size=(N, 2)), rng.normal(size=N)
    h, unit = rng.uniform(0.5, 3.0, N), np.array([0.5, 2.0])
    w = np.exp(-0.5 * (distances(x / unit, x / unit) / h) ** 2)
    got = vc.local_mean(x, x, y, bandwidth=PerKey(h, unit=unit))
    np.testing.assert_allclose(got, w @ y / w.sum(1), rtol=1e-10)


def test_an_abramson_density_integrates_to_one(rng):
    x = rng.normal(size=(200, 1))
    grid = np.linspace(-12, 12, 4001)[:, None]
    log_density = vc.local_stats(x, x, bandwidth=0.3, statistics=("log_mass",)).log_mass
    h = 0.3 * np.exp((log_density.mean() - log_density) / 2)
    log_mass = vc.local_stats(
        grid, x, bandwidth=Abramson(0.3), log_weights=-np.log(h), statistics=("log_mass",)
    ).log_mass
    # log-weights change the pilot too, so the bandwidths are given
    log_mass = vc.local_stats(
        grid, x, bandwidth=PerKey(h), log_weights=-np.log(h), statistics=("log_mass",)
    ).log_mass
    density = np.exp(log_mass - np.log(200 * np.sqrt(2 * np.pi)))
    assert abs(np.trapezoid(density, grid[:, 0]) - 1) < 1e-6
    direct = -0.5 * ((grid - x.T) / h) ** 2 - np.log(h)
    np.testing.assert_allclose(log_mass, logsumexp(direct, axis=1), atol=1e-12)


X = np.arange(8.0).reshape(4, 2)


def mean(bandwidth: object, **arguments: object) -> np.ndarray:
    return vc.local_mean(X, X, X, bandwidth=bandwidth, **arguments)


REFUSED = [
    ("bandwidth must be positive", lambda: PerKey([1.0, 0.0])),
    ("bandwidth must be positive", lambda: PerQuery([np.nan])),
    ("plain number", lambda: PerKey(1.0)),
    (
        "one per key, got shape \\(3,\\)",
        lambda: mean(PerKey([1, 2, 3])),
    ),
    ("one per query", lambda: mean(PerQuery([1, 2, 3]))),
    ("k must be at least 1", lambda: KthNeighbor(0)),
    ("number of keys", lambda: vc.local_mean(X, X, X, bandwidth=KthNeighbor(5))),
    ("at least 1", lambda: Perplexity(0.5)),
    ("below the number of keys", lambda: vc.local_mean(X, X, X, bandwidth=Perplexity(4))),
    (
        "gaussian kernel",
        lambda: vc.local_mean(X, X, X, kernel="laplace", bandwidth=Perplexity(2)),
    ),
    (
        "one distance or score",
        lambda: vc.local_mean(
            X,
            X,
            X,
            kernel=Product(Gaussian(columns=[0]), Gaussian(columns=[1])),
            bandwidth=PerKey(np.ones(4)),
        ),
    ),
    (
        "given twice",
        lambda: mean(PerKey(np.ones(4)), kernel=Gaussian(bandwidth=1.0)),
    ),
]


@pytest.mark.parametrize(("message", "call"), REFUSED, ids=[m for m, _ in REFUSED])
def test_bad_bandwidths_are_refused(message, call):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_page_runs():
    names = pages.run("bandwidth.md", after="## A bandwidth for every key or query")
    for name in ("nearest", "entropy", "abramson", "own"):
        np.testing.assert_allclose(names[name][0], np.log(0.5), atol=0.3)
    x = np.linspace(-6, 16, 4401)[:, None]
    truth = 0.5 * norm.pdf(x[:, 0], 0, 0.1) + 0.5 * norm.pdf(x[:, 0], 5, 2)
    off = [
        np.abs(np.exp(names[model].score_samples(x)) - truth).sum() * 0.005
        for model in ("fixed", "varying")
    ]
    assert off[1] < 0.6 * off[0]
