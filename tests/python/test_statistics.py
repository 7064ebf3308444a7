"""Every field of LocalStats, the weights, priors, masks and biases against the oracle."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import integrate, special

import reference_kernels as rk
import vicinal as vc
from accuracy import assert_accurate, near
from cases import COMPACT, CONSTANT_CASE, DISTANCE_CASES, DOT_CASES, ordinary_bandwidth, sample
from reference import local_stats, plain_stats

Factor = rk.Factor
ALL = DISTANCE_CASES + DOT_CASES + [CONSTANT_CASE]
EVERYTHING = (
    "mean",
    "log_mass",
    "ess",
    "count",
    "variance",
    "covariance",
    "self_weight",
    "top_k",
)
M, N, P = 13, 301, 5


@pytest.mark.parametrize("case", ALL, ids=lambda c: c.name)
@pytest.mark.parametrize("d", [3, 17])
def test_every_statistic(case, d, dtype):
    q, x, y = sample(case, M, N, d, P, dtype)
    h = ordinary_bandwidth(case, q, x)
    got = vc.local_stats(
        q, x, y, kernel=case.make(), bandwidth=h, statistics=EVERYTHING, self_indices=np.arange(M)
    )
    exact = local_stats(case.at(h), q, x, y)
    mean, log_mass, ess, variance = plain_stats(case.at(h), q, x, y)
    compare = {
        "mean": (mean, np.abs(y).max()),
        "log_mass": (log_mass, max(1.0, float(np.abs(exact.log_mass).max()))),
        "ess": (ess, N),
        # in one pass the variance is a difference of second moments about the mean of all values
        "variance": (variance, float((exact.variance + (exact.mean - y.mean(0)) ** 2).max())),
    }
    for name, (yardstick, scale) in compare.items():
        if name == "variance" and case.spec.profile == "inverse_distance":
            # one heavy key: second moments cancel, so the figure for ordinary data alone
            near(got.variance, exact.variance, dtype, scale=scale)
            continue
        assert_accurate(
            getattr(got, name),
            getattr(exact, name),
            yardstick,
            scale=scale,
            dtype=dtype,
            label=name,
        )
    near(got.covariance, exact.covariance, dtype)
    near(got.self_weight, exact.self_weight, dtype, scale=1.0)
    assert_array_equal(got.count, exact.count)
    assert got.count.dtype == np.int64
    near(got.top_k[1], exact.top_k[1], dtype, scale=1.0)
    assert got.top_k[0].dtype == np.int64
    assert got.empty_rows == 0
    assert got.pairs_visited == M * N


@pytest.mark.parametrize("k", [1, 2, 7, 40, 400])
def test_top_k_order(k, rng, dtype):
    """Keys on a grid, so that ties are exact and must come by index."""
    x = rng.integers(-3, 4, size=(N, 2)).astype(dtype)
    q = rng.integers(-3, 4, size=(M, 2)).astype(dtype)
    for kernel in ("gaussian", "cauchy", "epanechnikov"):
        exact = local_stats(Factor(kernel, 2.0), q, x, k=k)
        indices, best = vc.local_stats(
            q, x, kernel=kernel, bandwidth=2.0, statistics="top_k", k=k
        ).top_k
        assert indices.shape == best.shape == (M, k)
        assert_array_equal(indices, exact.top_k[0])
        near(best, exact.top_k[1], dtype, scale=1.0)


def test_top_k_far_away_is_ordered_by_log_weight(dtype):
    """Weights that all underflow still have an order."""
    x = np.arange(40, dtype=dtype)[::-1, None].copy()
    got = vc.local_stats(
        np.full((1, 1), -1000, dtype), x, kernel="gaussian", bandwidth=0.1, statistics="top_k", k=5
    )
    assert_array_equal(got.top_k[0], [[39, 38, 37, 36, 35]])


def test_top_k_uses_absolute_weights_of_signed_kernels(rng, dtype):
    """The bandwidth keeps tanh away from 1, where float32 sees ties."""
    x, q = rng.normal(size=(N, 2)).astype(dtype), rng.normal(size=(M, 2)).astype(dtype)
    options = {"kernel": vc.kernels.Sigmoid(), "bandwidth": 6.0}
    got = vc.local_stats(q, x, statistics="top_k", k=6, **options).top_k[0]
    expected = local_stats(Factor("sigmoid", 6.0), q, x, k=6)
    assert_array_equal(got, expected.top_k[0])
    chosen = np.take_along_axis(expected.weights, got, 1)
    assert (chosen.min(1) < 0).any()


def test_default_statistics_and_absent_fields(rng, dtype):
    x = rng.normal(size=(9, 2)).astype(dtype)
    density = vc.local_stats(x, x)
    assert density.mean is None
    assert density.variance is None
    assert density.log_mass.shape == density.ess.shape == density.count.shape == (9,)
    regression = vc.local_stats(x, x, x)
    assert regression.mean.shape == (9, 2)
    assert regression.top_k is None
    assert regression.covariance is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        regression.mean = None


def random_options(rng, dtype):
    """Return each way to weigh or drop keys, for the oracle and the engine alike."""
    prior = (rng.uniform(0, 2, N) * (rng.random(N) < 0.8)).astype(dtype)
    with np.errstate(divide="ignore"):
        log_prior = np.log(prior)
    bias = rng.normal(size=(M, N)).astype(dtype)
    mask = rng.random((M, N)) < 0.5
    own = rng.permutation(N)[:M]
    own[3] = -1
    return {
        "weights": {"weights": prior},
        "log_weights": {"log_weights": log_prior},
        "bias": {"bias": bias},
        "mask": {"mask": mask},
        "self": {"exclude_self": True, "self_indices": own},
        "all": {"log_weights": log_prior, "bias": bias, "mask": mask, "exclude_self": True}
        | {"self_indices": own},
    }


@pytest.mark.parametrize("option", ["weights", "log_weights", "bias", "mask", "self", "all"])
@pytest.mark.parametrize("case", ALL, ids=lambda c: c.name)
def test_options(case, option, rng, dtype):
    q, x, y = sample(case, M, N, 3, P, dtype)
    q[:2] = x[:2]
    h = ordinary_bandwidth(case, q, x)
    options = random_options(rng, dtype)[option]
    got = vc.local_stats(
        q,
        x,
        y,
        kernel=case.make(),
        bandwidth=h,
        statistics=EVERYTHING,
        k=4,
        **({"self_indices": np.arange(M)} | options),
    )
    exact = local_stats(case.at(h), q, x, y, k=4, **options)
    near(got.mean, exact.mean, dtype, scale=np.abs(y).max())
    near(got.variance, exact.variance, dtype)
    near(got.covariance, exact.covariance, dtype)
    near(got.self_weight, exact.self_weight, dtype, scale=1.0)
    finite = np.isfinite(np.float64(exact.log_mass))
    assert_array_equal(got.log_mass[~finite], np.float64(exact.log_mass)[~finite])
    near(got.log_mass[finite], exact.log_mass[finite], dtype, scale=10.0)
    near(got.ess, exact.ess, dtype, scale=N)
    assert_array_equal(got.count, exact.count)
    assert_array_equal(got.top_k[0][finite], exact.top_k[0][finite])


@pytest.mark.parametrize("case", ALL, ids=lambda c: c.name)
def test_local_weights(case, rng, dtype):
    q, x, y = sample(case, M, N, 3, P, dtype)
    h = ordinary_bandwidth(case, q, x)
    options = random_options(rng, dtype)["all"]
    normalized = vc.local_weights(q, x, kernel=case.make(), bandwidth=h, **options)
    exact = local_stats(case.at(h), q, x, y, **options)
    near(normalized, exact.weights, dtype, scale=1.0)
    raw = vc.local_weights(q, x, kernel=case.make(), bandwidth=h, normalize=False)
    expected = rk.weights(case.at(h), q.astype(rk.EXACT), x.astype(rk.EXACT))
    near(raw, expected, dtype)
    assert raw.dtype == dtype


def test_hollow_is_leave_one_out(rng, dtype):
    x, y = rng.normal(size=(60, 3)).astype(dtype), rng.normal(size=(60, 2)).astype(dtype)
    got = vc.local_mean(x, x, y, exclude_self=True)
    for i in range(60):
        rest = np.arange(60) != i
        exact = local_stats(Factor("gaussian"), x[i : i + 1], x[rest], y[rest]).mean[0]
        near(got[i], exact, dtype, scale=np.abs(y).max())


def test_variance_of_values_far_from_zero(rng, dtype):
    """Moments subtract a reference: mean / σ = 1e4 costs no digits."""
    q, x = rng.normal(size=(M, 2)).astype(dtype), rng.normal(size=(5000, 2)).astype(dtype)
    y = (1e4 + rng.normal(size=(5000, 2))).astype(dtype)
    got = vc.local_stats(q, x, y, statistics=("variance", "covariance"))
    exact = local_stats(Factor("gaussian"), q, x, y)
    near(got.variance, exact.variance, dtype)
    near(got.covariance, exact.covariance, dtype)


def test_count_ignores_how_small_a_weight_is(dtype):
    """Weights under 2^-100 of the largest count as 0 everywhere but in `count`."""
    x = np.arange(300.0, dtype=dtype)[:, None]
    for kernel in ("gaussian", "laplace", "softmax"):
        got = vc.local_stats(np.ones((1, 1), dtype), x, kernel=kernel, bandwidth=1e-3)
        assert got.count[0] == 300
        assert abs(got.ess[0] - 1) <= 4 * np.finfo(dtype).eps


def test_nan_policy_omit_of_every_statistic(rng, dtype):
    """Mean and variance leave a NaN out of its own column, masses and counts keep the key."""
    q, x, y = (rng.normal(size=s).astype(dtype) for s in ((M, 2), (N, 2), (N, 3)))
    clean = local_stats(Factor("gaussian"), q, x, y)
    y[5, 0], y[7, 1], y[8] = np.nan, np.nan, np.nan
    names = ("mean", "variance", "covariance", "log_mass", "ess", "count")
    got = vc.local_stats(q, x, y, statistics=names, nan_policy="omit")
    for column in range(3):
        keep = ~np.isnan(y[:, column])
        exact = local_stats(Factor("gaussian"), q, x[keep], y[keep][:, column])
        near(got.mean[:, column], exact.mean[:, 0], dtype, scale=np.nanmax(np.abs(y)))
        near(got.variance[:, column], exact.variance[:, 0], dtype)
    complete = ~np.isnan(y).any(1)
    near(
        got.covariance,
        local_stats(Factor("gaussian"), q, x[complete], y[complete]).covariance,
        dtype,
    )
    near(got.log_mass, clean.log_mass, dtype)
    near(got.ess, clean.ess, dtype)
    assert_array_equal(got.count, clean.count)


def test_callable_bias_is_the_array_bias(rng, dtype):
    q, x, y = (rng.normal(size=(k, 3)).astype(dtype) for k in (40, 700, 700))
    table = rng.normal(size=(40, 700)).astype(dtype)

    def bias(rows, cols):
        assert rows.dtype == cols.dtype == np.int64
        return table[np.ix_(rows, cols)]

    expected = local_stats(Factor("gaussian"), q, x, y, bias=table).mean
    near(vc.local_mean(q, x, y, bias=bias), expected, dtype, scale=np.abs(y).max())
    near(vc.local_mean(q, x, y, bias=table), expected, dtype, scale=np.abs(y).max())


NORMALIZED = {
    "gaussian": vc.kernels.Gaussian,
    "laplace": vc.kernels.Laplace,
    "logistic": vc.kernels.Logistic,
    "epanechnikov": vc.kernels.Epanechnikov,
    "biweight": vc.kernels.Biweight,
    "triweight": vc.kernels.Triweight,
    "tricube": vc.kernels.Tricube,
    "triangular": vc.kernels.Triangular,
    "cosine": vc.kernels.Cosine,
    "uniform": vc.kernels.Uniform,
    "wendland_c2": vc.kernels.Wendland,
    "matern": lambda: vc.kernels.Matern(1.5),
    "student_t": lambda: vc.kernels.StudentT(3),
    "rational_quadratic": lambda: vc.kernels.RationalQuadratic(2.5),
}
SHAPES = {"matern": 1.5, "student_t": 3.0, "rational_quadratic": 2.5}


@pytest.mark.parametrize("name", NORMALIZED)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_log_normalizer_is_the_integral(name, d):
    """The integral of k(‖x‖/h) is h^d · (surface of the unit sphere) · ∫ u^(d−1) k(u) du."""
    factor = Factor(name, shape=SHAPES.get(name, 0.0))

    def radial(u):
        with np.errstate(over="ignore"):
            return float(rk.WEIGHT[name](np.float64(u), factor)) * u ** (d - 1)

    edge = 1.0 if name in COMPACT else np.inf
    area = 2 * np.pi ** (d / 2) / special.gamma(d / 2)
    integral = 0.9**d * area * integrate.quad(radial, 0, edge, epsabs=1e-13, epsrel=1e-12)[0]
    expected = -np.log(integral)
    assert abs(NORMALIZED[name]().log_normalizer(0.9, d) - expected) < 1e-8


@pytest.mark.parametrize(
    ("kernel", "d"),
    [
        (vc.kernels.Cauchy(), 2),
        (vc.kernels.StudentT(2), 3),
        (vc.kernels.RationalQuadratic(1.0), 2),
        (vc.kernels.InverseDistance(), 1),
        (vc.kernels.Softmax(), 3),
    ],
)
def test_log_normalizer_needs_a_finite_integral(kernel, d):
    with pytest.raises(ValueError, match=r"integral|density|normali"):
        kernel.log_normalizer(1.0, d)
