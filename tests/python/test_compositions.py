"""Products, sums, category kernels and custom profiles against the oracle."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from scipy import LowLevelCallable

import reference_kernels as rk
import vicinal as vc
from accuracy import assert_accurate, near
from reference import local_stats, plain

Factor = rk.Factor
k = vc.kernels
M, N, D, P = 13, 301, 5, 3


def mixed_data(rng, dtype, levels=4):
    """Return data whose columns 0–2 are numbers and 3–4 are categories."""
    arrays = []
    for rows in (M, N):
        numbers = rng.normal(size=(rows, 3)) * (0.5 if rows == M else 1)
        arrays.append(np.hstack([numbers, rng.integers(0, levels, size=(rows, 2))]).astype(dtype))
    return (*arrays, rng.normal(size=(N, P)).astype(dtype))


def compare(kernel, spec, q, x, y, dtype, **options):
    """Assert that mean and log-mass are those of the oracle."""
    got = vc.local_stats(q, x, y, kernel=kernel, statistics=("mean", "log_mass"), **options)
    exact, yardstick = local_stats(spec, q, x, y, **options), plain(spec, q, x, y)
    assert_accurate(got.mean, exact.mean, yardstick, scale=np.abs(y).max(), dtype=dtype)
    reach = max(1.0, float(np.abs(exact.log_mass).max()))
    plain_log = np.log(rk.weights(spec, q, x).sum(1))
    assert_accurate(got.log_mass, exact.log_mass, plain_log, scale=reach, dtype=dtype)


def test_product_on_column_groups(rng, dtype):
    q, x, y = mixed_data(rng, dtype)
    kernel = k.Product(
        k.Gaussian(bandwidth=0.8, columns=[0, 2]),
        k.Laplace(bandwidth=1.5, columns=[1], metric="manhattan"),
        k.AitchisonAitken(4, bandwidth=0.3, columns=[3]),
        k.WangVanRyzin(bandwidth=0.4, columns=[4]),
    )
    spec = rk.product(
        Factor("gaussian", 0.8, columns=(0, 2)),
        Factor("laplace", 1.5, columns=(1,), metric="manhattan"),
        Factor("aitchison_aitken", 0.3, columns=(3,), shape=4.0),
        Factor("wang_van_ryzin", 0.4, columns=(4,)),
    )
    compare(kernel, spec, q, x, y, dtype)


def test_product_of_compact_and_unbounded(rng, dtype):
    q, x, y = (a[:, :3] for a in mixed_data(rng, dtype))
    kernel = k.Product(k.Softmax(bandwidth=1.7, columns=[0, 1]), k.Triweight(bandwidth=4.0))
    spec = rk.product(Factor("softmax", 1.7, columns=(0, 1)), Factor("triweight", 4.0))
    compare(kernel, spec, q, x, y, dtype)


def test_sum_with_coefficients(rng, dtype):
    q, x, y = (a[:, :3] for a in mixed_data(rng, dtype))
    kernel = k.Sum(
        k.Gaussian(bandwidth=0.6),
        k.Cauchy(bandwidth=2.0),
        k.Constant(),
        coefficients=[2.0, 0.5, 0.01],
    )
    spec = rk.sum_of(
        Factor("gaussian", 0.6),
        Factor("cauchy", 2.0),
        Factor("constant"),
        coefficients=(2, 0.5, 0.01),
    )
    compare(kernel, spec, q, x, y, dtype)


def test_sum_of_products(rng, dtype):
    q, x, y = (a[:, :3] for a in mixed_data(rng, dtype))
    first = k.Product(
        k.Gaussian(bandwidth=0.6, columns=[0]), k.Gaussian(bandwidth=1.1, columns=[1])
    )
    kernel = k.Sum(first, k.Laplace(bandwidth=1.0))
    pair = (Factor("gaussian", 0.6, columns=(0,)), Factor("gaussian", 1.1, columns=(1,)))
    spec = rk.Terms(((1.0, pair), (1.0, (Factor("laplace", 1.0),))))
    compare(kernel, spec, q, x, y, dtype)


def test_sum_far_away_keeps_one_reference(rng, dtype):
    x, y = rng.normal(size=(N, 2)).astype(dtype), rng.normal(size=(N, P)).astype(dtype)
    q = (rng.normal(size=(M, 2)) + 40).astype(dtype)
    kernel = k.Sum(k.Gaussian(bandwidth=0.5), k.Laplace(bandwidth=0.1), coefficients=[1.0, 1e-3])
    spec = rk.sum_of(Factor("gaussian", 0.5), Factor("laplace", 0.1), coefficients=(1, 1e-3))
    exact = local_stats(spec, q, x, y)
    got = vc.local_stats(q, x, y, kernel=kernel)
    # The exponent is near −550, so a rounding of u by 1 part in 2^24 moves a weight by 550 ulp.
    factor = 600 * np.finfo(dtype).eps
    assert np.abs(got.mean - np.float64(exact.mean)).max() <= factor * np.abs(y).max() * 4
    assert np.abs(got.log_mass / np.float64(exact.log_mass) - 1).max() <= 4 * np.finfo(dtype).eps


def test_signed_sum_within_its_condition(rng, dtype):
    q, x, y = (a[:, :3] for a in mixed_data(rng, dtype))
    kernel = k.Sum(k.Gaussian(bandwidth=1.0), k.Gaussian(bandwidth=0.5), coefficients=[1.0, -1.6])
    spec = rk.sum_of(Factor("gaussian", 1.0), Factor("gaussian", 0.5), coefficients=(1, -1.6))
    exact, got = local_stats(spec, q, x, y), vc.local_stats(q, x, y, kernel=kernel)
    scale = max(np.abs(y).max(), float(np.abs(exact.mean).max()))
    assert_accurate(
        got.mean,
        exact.mean,
        plain(spec, q, x, y),
        scale=scale,
        dtype=dtype,
        condition=float(exact.condition.max()),
    )
    absolute = np.abs(rk.weights(spec, q.astype(rk.EXACT), x.astype(rk.EXACT)))
    ess = absolute.sum(1) ** 2 / (absolute**2).sum(1)
    near(got.ess, ess, dtype)


@pytest.mark.parametrize("h", [0.0, 0.1, 0.75])
def test_aitchison_aitken_range(h, rng, dtype):
    q, x, y = mixed_data(rng, dtype)
    q, x = q[:, 3:4], x[:, 3:4]
    kernel = k.AitchisonAitken(4)
    exact = local_stats(Factor("aitchison_aitken", h, shape=4.0), q, x, y)
    got = vc.local_stats(q, x, y, kernel=kernel, bandwidth=h)
    np.testing.assert_allclose(got.mean, np.float64(exact.mean), atol=20 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(got.count, exact.count)


@pytest.mark.parametrize("h", [0.0, 0.1, 0.9])
def test_wang_van_ryzin_range(h, rng, dtype):
    q, x, y = mixed_data(rng, dtype, levels=9)
    q, x = q[:, 3:4], x[:, 3:4]
    exact = local_stats(Factor("wang_van_ryzin", h), q, x, y)
    got = vc.local_stats(q, x, y, kernel="wang_van_ryzin", bandwidth=h)
    np.testing.assert_allclose(got.mean, np.float64(exact.mean), atol=20 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(got.count, exact.count)


def log_profile(u):
    return -np.log1p(u**3) - 0.1 * u


def bump(u):
    return np.where(u < 0.5, 1 - u, np.where(u < 1, 2 * (1 - u) ** 2, 0))


CUSTOM = {
    "log": (lambda: k.Custom(log_profile, log=True), log_profile, True, 0.7),
    "compact": (lambda: k.Custom(bump, support=1.0, breakpoints=(0.5,)), bump, False, 2.5),
    "smooth": (
        lambda: k.Custom(lambda u: np.cos(np.minimum(u, 1) * np.pi / 2) ** 2, support=1.0),
        lambda u: np.where(u < 1, np.cos(u * np.pi / 2) ** 2, 0 * u),
        False,
        2.5,
    ),
}


@pytest.mark.parametrize("name", CUSTOM)
def test_custom_profiles(name, rng, dtype):
    make, function, log, h = CUSTOM[name]
    q, x, y = (a[:, :3] for a in mixed_data(rng, dtype))
    spec = Factor("custom", h, function=function, log=log)
    exact, yardstick = local_stats(spec, q, x, y), plain(spec, q, x, y)
    got = vc.local_mean(q, x, y, kernel=make(), bandwidth=h)
    assert_accurate(got, exact.mean, yardstick, scale=np.abs(y).max(), dtype=dtype)


def test_custom_is_called_at_construction_only(rng):
    calls = []

    def profile(u):
        calls.append(np.size(u))
        return -u

    kernel = k.Custom(profile, log=True)
    before = len(calls)
    assert before > 0
    x = rng.normal(size=(50, 2))
    vc.local_mean(x, x, x, kernel=kernel)
    assert len(calls) == before


def test_low_level_callable(rng, dtype):
    signature = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)
    function = signature(lambda u: 1.0 / (1.0 + u * u * u))
    q, x, y = (a[:, :3] for a in mixed_data(rng, dtype))
    got = vc.local_mean(q, x, y, kernel=k.Custom(LowLevelCallable(function)), bandwidth=0.7)
    spec = Factor("custom", 0.7, function=lambda u: 1 / (1 + u * u * u))
    exact, yardstick = local_stats(spec, q, x, y), plain(spec, q, x, y)
    assert_accurate(got, exact.mean, yardstick, scale=np.abs(y).max(), dtype=dtype)


def test_custom_refuses_what_it_cannot_fit():
    rough = np.random.default_rng(0)
    with pytest.raises(ValueError, match="fn"):
        k.Custom(lambda u: rough.random(np.shape(u)), support=1.0)
    with pytest.raises(ValueError, match="log=True"):
        k.Custom(lambda u: np.exp(-u))
