"""statsmodels: kernel regression and density, with numbers and with categories (Li & Racine)."""

from __future__ import annotations

import numpy as np
from statsmodels.nonparametric.kernel_density import KDEMultivariate
from statsmodels.nonparametric.kernel_regression import KernelReg

import vicinal as vc

N = 400
LEVELS = 4


def mixed(rng):
    """Return two columns of numbers, one unordered and one ordered category, and a response."""
    numbers = rng.normal(size=(N, 2))
    unordered = np.concatenate([np.arange(LEVELS), rng.integers(0, LEVELS, N - LEVELS)])
    ordered = rng.integers(0, 6, size=N)
    response = np.sin(2 * numbers[:, 0]) + 0.3 * unordered + 0.1 * ordered
    return np.column_stack([numbers, unordered, ordered]), response + 0.1 * rng.normal(size=N)


def test_local_constant_regression(rng):
    points, response = mixed(rng)
    bandwidth = [0.4, 0.7]
    theirs = KernelReg(response, points[:, :2], "cc", reg_type="lc", bw=bandwidth, rng=rng)
    expected, _ = theirs.fit(points[:50, :2] + 0.1)
    got = vc.local_mean(points[:50, :2] + 0.1, points[:, :2], response, bandwidth=bandwidth)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_local_linear_regression(rng):
    points, response = mixed(rng)
    theirs = KernelReg(response, points[:, :2], "cc", reg_type="ll", bw=[0.4, 0.7], rng=rng)
    expected, _ = theirs.fit(points[:50, :2] + 0.1)
    got = vc.local_fit(points[:50, :2] + 0.1, points[:, :2], response, bandwidth=[0.4, 0.7])
    np.testing.assert_allclose(got.fitted, expected, rtol=1e-9, atol=1e-10)


def mixed_kernel():
    """Return the product that statsmodels writes as var_type="ccuo", bw=[0.4, 0.7, 0.2, 0.3]."""
    k = vc.kernels
    return k.Product(
        k.Gaussian(bandwidth=[0.4, 0.7], columns=[0, 1]),
        k.AitchisonAitken(LEVELS, bandwidth=0.2, columns=[2]),
        k.WangVanRyzin(bandwidth=0.3, columns=[3]),
    )


def test_regression_with_categories(rng):
    points, response = mixed(rng)
    theirs = KernelReg(response, points, "ccuo", reg_type="lc", bw=[0.4, 0.7, 0.2, 0.3], rng=rng)
    expected, _ = theirs.fit(points[:50])
    got = vc.local_mean(points[:50], points, response, kernel=mixed_kernel())
    np.testing.assert_allclose(got, expected, rtol=1e-11)


def test_density_of_numbers_and_categories(rng):
    points, _ = mixed(rng)
    theirs = KDEMultivariate(points, "ccuo", bw=[0.4, 0.7, 0.2, 0.3], rng=rng).pdf(points[:50])
    mass = vc.local_stats(points[:50], points, kernel=mixed_kernel()).log_mass
    log_density = mass + vc.kernels.Gaussian().log_normalizer([0.4, 0.7], 2) - np.log(N)
    np.testing.assert_allclose(log_density, np.log(theirs), rtol=1e-11)
