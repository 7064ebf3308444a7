"""Range: rows near and far, values of any size, extreme bandwidths and exponents."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import reference_kernels as rk
import vicinal as vc
from accuracy import assert_accurate, near, ulps
from reference import local_stats, plain_log_space

Factor = rk.Factor
k = vc.kernels


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "logistic", "cauchy", "student_t"])
def test_rows_from_near_to_very_far(kernel, rng, dtype):
    """From dense rows through those done again with a peak to the limit: no jump anywhere."""
    x, y = rng.normal(size=(500, 2)).astype(dtype), rng.normal(size=(500, 3)).astype(dtype)
    q = np.stack([np.linspace(0, 70, 211), np.zeros(211)], axis=1).astype(dtype)
    factor = Factor(kernel, shape=3.0)
    exact, yardstick = local_stats(factor, q, x, y).mean, plain_log_space(factor, q, x, y)
    got = vc.local_mean(q, x, y, kernel=kernel)
    assert_accurate(
        got, exact, yardstick, scale=np.abs(y).max(), dtype=dtype, ordinary=False, label=kernel
    )


@pytest.mark.parametrize("absent", ["first", "last"])
def test_a_far_row_whose_keys_are_absent_in_a_whole_chunk(absent, rng, dtype):
    """Nothing merges from keys that are not there: their reference is no reference."""
    n = 9000  # three chunks
    x, y = rng.normal(size=(n, 2)).astype(dtype), rng.normal(size=n).astype(dtype)
    weights = np.ones(n, dtype)
    weights[:5000] = 0
    if absent == "last":
        weights = weights[::-1].copy()
    q = np.array([[90.0, 0.0]], dtype)  # log-weights near -4000
    present = weights > 0
    exact = local_stats(Factor("gaussian"), q, x[present], y[present])
    got = vc.local_stats(q, x, y, weights=weights)
    rounding = 4000 * np.finfo(dtype).eps  # of a log-weight this large
    assert_allclose(got.mean, np.ravel(exact.mean), rtol=8 * rounding, atol=8 * rounding)
    assert_allclose(got.log_mass, exact.log_mass, rtol=1e-6 if dtype == "float32" else 1e-14)


@pytest.mark.parametrize("power", [-140, -100, -30, 30, 100, 120])
def test_values_of_any_size(power, rng, dtype):
    """Values scale exactly by powers of two: neither 1e36 nor 1e-9 loses a bit."""
    x, y = rng.normal(size=(700, 3)).astype(dtype), rng.normal(size=(700, 2)).astype(dtype)
    scale = dtype.type(2.0**power) if power > -126 else 2.0**power
    scaled = (y * scale).astype(dtype)
    got = vc.local_mean(x[:30], x, scaled, bandwidth=0.3)
    if power > -110:
        assert (vc.local_mean(x[:30], x, y, bandwidth=0.3) * scale).tobytes() == got.tobytes()
    exact = local_stats(Factor("gaussian", 0.3), x[:30], x, scaled).mean
    smallest = float(np.finfo(dtype).smallest_subnormal)
    assert np.abs(got - exact).max() <= 8 * ulps(np.abs(scaled).max(), dtype) + 2 * smallest


def test_largest_values_do_not_overflow(dtype):
    top = np.finfo(dtype).max
    x = np.zeros((1000, 1), dtype)
    y = np.full((1000, 2), [top, -top], dtype)
    got = vc.local_mean(x[:2], x, y)
    assert_allclose(got, np.full((2, 2), [top, -top]), rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("h", [1e-30, 1e-10, 1e10, 1e30])
def test_extreme_bandwidths(h, rng, dtype):
    x = np.round(4 * rng.normal(size=(400, 3))).astype(dtype)
    y = rng.normal(size=(400, 2)).astype(dtype)
    q = np.round(4 * rng.normal(size=(20, 3))).astype(dtype)
    for name, shape in (("gaussian", 0), ("laplace", 0), ("matern", 1.5), ("logistic", 0)):
        kernel = vc.kernels.Matern(1.5) if name == "matern" else name
        exact = local_stats(Factor(name, h, shape=shape), q, x, y).mean
        near(vc.local_mean(q, x, y, kernel=kernel, bandwidth=h), exact, dtype, scale=4)


@pytest.mark.parametrize("share", [1e-20, 1e-10, 0.3, 1.0])
@pytest.mark.parametrize("signs", ["same", "mixed", "one feature"])
def test_keys_whose_squares_overflow_are_very_far(share, signs, rng, dtype):
    """One such key among many has no weight for others, and all of it for a query at its place."""
    x, q = (rng.normal(size=(n, 16)).astype(dtype) for n in (600, 40))
    y = rng.normal(size=(600, 2)).astype(dtype)
    far = np.full(16, share * float(np.finfo(dtype).max) / (1 if share < 1 else 1.01))
    if signs == "mixed":
        far *= rng.choice([-1, 1], size=16)
    if signs == "one feature":
        far[1:] = 0
    x[7] = far
    exact = local_stats(Factor("gaussian", 2.0), q, x, y).mean
    near(vc.local_mean(q, x, y, bandwidth=2.0), exact, dtype, scale=4)
    near(vc.local_mean(q[:1], x, y, bandwidth=2.0), exact[:1], dtype, scale=4)
    there = np.stack([q[0], x[7], q[1]])
    assert_allclose(vc.local_mean(there, x, y, bandwidth=2.0)[1], y[7], rtol=1e-6)
    found = vc.knn(there, x, 2)
    assert found.indices[1, 0] == 7
    assert found.distances[1, 0] == 0
    assert (found.indices[[0, 2]] != 7).all()


STEEP = {
    "polynomial": (k.Polynomial(60, 0.5), Factor("polynomial", 0.5, shape=60.0, offset=0.5), 0.5),
    "shepard": (k.InverseDistance(100), Factor("inverse_distance", 0.01, shape=100.0), 0.01),
    "student": (k.StudentT(500), Factor("student_t", 0.01, shape=500.0), 0.01),
    "rational": (k.RationalQuadratic(300), Factor("rational_quadratic", 0.01, shape=300.0), 0.01),
    "softmax": (k.Softmax(), Factor("softmax", 1e-3), 1e-3),
    "von_mises_fisher": (k.VonMisesFisher(), Factor("von_mises_fisher", 1e-4), 1e-4),
    "product": (
        k.Product(k.Gaussian(columns=[0]), k.Laplace(columns=[1]), k.Cauchy(columns=[2])),
        rk.product(
            Factor("gaussian", 0.003, columns=(0,)),
            Factor("laplace", 0.003, columns=(1,)),
            Factor("cauchy", 0.003, columns=(2,)),
        ),
        0.003,
    ),
}


@pytest.mark.parametrize("name", STEEP)
def test_exponents_beyond_the_type(name, rng, dtype):
    """Log parts carry what exponents cannot; an exponent E is rounded by |E| · eps."""
    kernel, spec, h = STEEP[name]
    q, x = (np.abs(rng.normal(size=(s, 3))).astype(dtype) for s in (20, 500))
    y = rng.normal(size=(500, 2)).astype(dtype)
    exact = local_stats(spec, q, x, y)
    largest = float(np.abs(exact.log_mass).max())
    assert largest > 60
    got = vc.local_stats(q, x, y, kernel=kernel, bandwidth=h)
    eps = np.finfo(dtype).eps
    assert np.abs(got.log_mass - exact.log_mass).max() <= 4 * eps * largest
    assert np.abs(got.mean - exact.mean).max() <= 8 * eps * largest * np.abs(y).max()
