"""PerKey(h, per_feature=True) against dense formulas in float64."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

import vicinal as vc
from vicinal.bandwidth import PerKey
from vicinal.kernels import Gaussian, Laplace, Product, Sum

N = 300
PROFILES = {
    "gaussian": lambda u: np.exp(-u * u / 2),
    "laplace": lambda u: np.exp(-u),
    "tricube": lambda u: np.maximum(1 - u**3, 0) ** 3,
    "uniform": lambda u: (u <= 1) * 1.0,
}
METRICS = {
    "euclidean": lambda t: np.sqrt((t**2).sum(-1)),
    "manhattan": lambda t: np.abs(t).sum(-1),
    "chebyshev": lambda t: np.abs(t).max(-1),
}


def scaled(q, x, h):
    q, x, h = (np.asarray(a, dtype=np.float64) for a in (q, x, h))
    return (q[:, None] - x[None]) / h


def check(got, w, y, atol):
    mass = w.sum(1)
    full = mass > 0
    expected = (w @ y)[full] / mass[full, None]
    np.testing.assert_allclose(got.mean[full], expected, atol=atol)
    solid = mass > 1e-6
    np.testing.assert_allclose(got.log_mass[solid], np.log(mass[solid]), atol=10 * atol)
    np.testing.assert_array_equal(np.isneginf(got.log_mass), ~full)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kernel", PROFILES)
@pytest.mark.parametrize("d", [1, 3, 11])
def test_every_way_that_keys_are_met(kernel, metric, d, rng, dtype):
    q, x = rng.normal(size=(2, N, d)).astype(dtype)
    y = rng.normal(size=(N, 2)).astype(dtype)
    h = np.exp(rng.normal(size=(N, d))).astype(dtype) * dtype.type(1 + d / 3)
    atol = 1e-12 if dtype == np.float64 else 2e-5
    u = METRICS[metric](scaled(q, x, h))
    w = PROFILES[kernel](u)
    options = {"kernel": kernel, "metric": metric, "bandwidth": PerKey(h, per_feature=True)}
    check(vc.local_stats(q, x, y, **options), w, y, atol)
    weights, mask = rng.random(N).astype(dtype), rng.random((N, N)) < 0.5
    got = vc.local_stats(q, x, y, weights=weights, mask=mask, **options)
    check(got, w * weights * mask, y, atol)
    edges = csr_array(rng.random((N, N)) < 0.1)
    got = vc.local_stats(q, x, y, neighbors=vc.Graph(edges, data="pattern"), **options)
    check(got, w * edges.toarray(), y, atol)
    got = vc.local_stats(q, x, y, neighbors=vc.KNearest(20), **options)
    used = np.zeros((N, N), bool)
    np.put_along_axis(used, np.argsort(u, 1)[:, :20], True, 1)
    check(got, w * used, y, atol)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("kernel", "tol"), [("gaussian", 1e-6), ("tricube", 0), ("uniform", 0)])
def test_a_tree_leaves_nothing_out_that_weighs(kernel, metric, tol, rng):
    x, y = rng.normal(size=(9000, 2)), rng.normal(size=(9000, 1))
    q = rng.normal(size=(200, 2))
    h = np.exp(0.5 * rng.normal(size=(9000, 2))) * [0.02, 0.1]
    h[:3] = [5.0, 0.01]  # a few reach far
    h[3:5, 1] = np.inf
    w = PROFILES[kernel](METRICS[metric](scaled(q, x, h)))
    rule = PerKey(h, per_feature=True)
    options = {"kernel": kernel, "metric": metric, "bandwidth": rule, "tol": tol}
    got = vc.local_stats(q, x, y, **options, statistics=("mean", "log_mass"))
    mass = w.sum(1)
    left_out = np.log(mass[mass > 0]) - got.log_mass[mass > 0]
    assert left_out.max() <= -np.log1p(-tol) + 1e-11
    assert left_out.min() >= -1e-11
    assert got.pairs_visited < 0.8 * 200 * 9000
    full = mass > 0
    moved = np.abs(got.mean[full] - (w @ y)[full] / mass[full, None])
    assert moved.max() <= tol * np.ptp(y) + 1e-10


def test_bits_depend_on_neither_batch_nor_threads(rng, dtype):
    x = rng.normal(size=(6000, 2)).astype(dtype)
    q, y = x[:300] + dtype.type(0.1), x[:, :1].copy()
    rule = PerKey(rng.uniform(0.05, 0.2, (6000, 2)).astype(dtype), per_feature=True)
    for kernel in ("gaussian", "tricube"):
        for metric in METRICS:
            options = {"kernel": kernel, "metric": metric, "bandwidth": rule}
            whole = vc.local_mean(q, x, y, num_threads=1, **options)
            assert whole.tobytes() == vc.local_mean(q, x, y, num_threads=3, **options).tobytes()
            for i in (0, 150, 299):
                one = vc.local_mean(q[i : i + 1], x, y, **options)
                assert one.tobytes() == whole[i : i + 1].tobytes()


def test_equal_bandwidths_are_those_of_a_key_or_a_feature(rng):
    x, y = rng.normal(size=(N, 3)), rng.normal(size=N)
    each = rng.uniform(0.5, 2, N)
    a = vc.local_mean(x, x, y, bandwidth=PerKey(each[:, None], per_feature=True))
    np.testing.assert_allclose(a, vc.local_mean(x, x, y, bandwidth=PerKey(each)), rtol=1e-11)
    b = vc.local_mean(x, x, y, bandwidth=PerKey([[0.5, 1.0, 2.0]], per_feature=True))
    np.testing.assert_allclose(b, vc.local_mean(x, x, y, bandwidth=[0.5, 1.0, 2.0]), rtol=1e-11)
    c = PerKey([[1.0, 2.0, 4.0]], per_feature=True, unit=0.5)
    np.testing.assert_array_equal(vc.local_mean(x, x, y, bandwidth=c), b)


def test_products_sums_and_columns(rng):
    x, y = rng.normal(size=(N, 3)), rng.normal(size=N)
    h = rng.uniform(0.5, 2, (N, 3))
    t = np.abs(scaled(x, x, h))
    rule = PerKey(h, per_feature=True)
    first, rest = np.exp(-0.5 * t[..., 2] ** 2), np.exp(-METRICS["euclidean"](t[..., :2]))
    parts = Gaussian(columns=2), Laplace(columns=[0, 1])
    for kernel, w in (
        (Product(*parts), first * rest),
        (Sum(*parts), first + rest),
        (parts[1], rest),
    ):
        got = vc.local_mean(x, x, y, kernel=kernel, bandwidth=rule)
        np.testing.assert_allclose(got, w @ y / w.sum(1), rtol=1e-11)


def test_leading_dimensions(rng):
    q, x = rng.normal(size=(2, 5, 2)), rng.normal(size=(7, 2))
    h, y = rng.uniform(0.5, 2, (3, 1, 7, 2)), rng.normal(size=(7, 1))
    got = vc.local_mean(q, x, y, bandwidth=PerKey(h, per_feature=True))
    assert got.shape == (3, 2, 5, 1)
    for i in range(3):
        for j in range(2):
            rule = PerKey(h[i, 0], per_feature=True)
            np.testing.assert_array_equal(got[i, j], vc.local_mean(q[j], x, y, bandwidth=rule))


@pytest.mark.parametrize("n", [40, 6000])
def test_an_empty_row_takes_the_key_that_is_nearest_in_its_bandwidths(n, rng):
    x, y = rng.normal(size=(n, 2)), rng.normal(size=n)
    h = rng.uniform(0.001, 0.1, (n, 2))
    q = 20 + rng.normal(size=(30, 2))
    rule = PerKey(h, per_feature=True)
    got = vc.local_mean(q, x, y, kernel="tricube", bandwidth=rule, empty="nearest")
    np.testing.assert_array_equal(got, y[METRICS["euclidean"](scaled(q, x, h)).argmin(1)])


X = np.arange(8.0).reshape(4, 2)
H = PerKey(np.ones((4, 2)), per_feature=True)
half = Product(Gaussian(columns=0, bandwidth=1.0), Gaussian(columns=1))
REFUSED = [
    (ValueError, r"must be \(..., n, d\)", lambda: PerKey(np.ones(4), per_feature=True)),
    (ValueError, "must be positive", lambda: PerKey(np.zeros((4, 2)), per_feature=True)),
    *(
        (ValueError, message, lambda options=options: vc.local_mean(X, X, X, **options))
        for message, options in (
            (r"must be \(..., 4, 2\)", {"bandwidth": PerKey(np.ones((4, 3)), per_feature=True)}),
            (r"must be \(..., 4, 2\)", {"bandwidth": PerKey(np.ones((3, 2)), per_feature=True)}),
            ("metric among euclidean", {"bandwidth": H, "metric": "haversine"}),
            ("metric among euclidean", {"bandwidth": H, "kernel": "softmax"}),
            ("metric among euclidean", {"bandwidth": H, "kernel": "von_mises_fisher"}),
            ("given twice", {"bandwidth": H, "kernel": half}),
        )
    ),
    (
        ValueError,
        "without per_feature",
        lambda: vc.LocalMeanAccumulator(X).update(X, X, bandwidth=H),
    ),
    (TypeError, "a kernel has one bandwidth", lambda: Gaussian(bandwidth=H)),
]


@pytest.mark.parametrize(("kind", "message", "call"), REFUSED)
def test_bad_bandwidths_are_refused(kind, message, call):
    with pytest.raises(kind, match=message):
        call()
