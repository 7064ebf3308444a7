"""Lines of the edge-case table: empty rows, far rows, bandwidths, coincident points."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import reference_kernels as rk
import vicinal as vc
from cases import COMPACT, DISTANCE_CASES, DOT_CASES
from reference import local_stats

Factor = rk.Factor
k = vc.kernels
X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [5.0, 5.0]])
Y = np.array([1.0, 2.0, 4.0, 8.0])
FAR = np.array([[0.25, 0.25], [30.0, 30.0], [-9.0, 0.5]])
DECAYING = ["gaussian", "laplace", "logistic", k.Matern(0.5), k.Matern(1.5), k.Matern(2.5)]


def eps(dtype):
    return np.finfo(dtype).eps


class TestEmptyRows:
    """No key in the support, all masked, or all weights 0."""

    @pytest.mark.parametrize("name", sorted(COMPACT))
    def test_policies_outside_the_support(self, name, dtype):
        q, x, y = FAR.astype(dtype), X.astype(dtype), Y.astype(dtype)
        options = {"kernel": name, "bandwidth": 1.5}
        inside = local_stats(Factor(name, 1.5), q[:1], x, y).mean[0, 0]
        for empty, far in {
            "nan": [np.nan] * 2,
            "zero": [0, 0],
            "nearest": [8, 1],
            2.5: [2.5] * 2,
        }.items():
            got = vc.local_mean(q, x, y, empty=empty, **options)
            assert_allclose(got[0], float(inside), rtol=8 * eps(dtype))
            assert_array_equal(got[1:], far)
        with pytest.raises(ValueError, match="empty"):
            vc.local_mean(q, x, y, empty="raise", **options)
        assert vc.local_mean(q[:1], x, y, empty="raise", **options).shape == (1,)

    def test_statistics_of_empty_rows(self, dtype):
        got = vc.local_stats(
            FAR.astype(dtype),
            X.astype(dtype),
            Y.astype(dtype),
            kernel="uniform",
            bandwidth=1.5,
            statistics=("mean", "log_mass", "count", "top_k"),
            k=3,
        )
        assert got.empty_rows == 2
        assert_array_equal(got.log_mass[1:], -np.inf)
        assert_array_equal(got.count, [3, 0, 0])
        assert_array_equal(got.top_k[0], [[0, 1, 2], [-1] * 3, [-1] * 3])
        assert_array_equal(got.top_k[1][1:], 0)

    @pytest.mark.parametrize("case", DISTANCE_CASES + DOT_CASES, ids=lambda c: c.name)
    def test_masked_or_weightless_rows_are_empty(self, case, dtype):
        q, x, y = X[:2].astype(dtype) + 0.5, X.astype(dtype) + 0.5, Y.astype(dtype)
        mask = np.array([[True] * 4, [False] * 4])
        got = vc.local_stats(q, x, y, kernel=case.make(), bandwidth=9.0, mask=mask, empty="nearest")
        assert got.empty_rows == 1
        assert_array_equal(np.isnan(got.mean), [False, True])  # no candidate left: NaN
        assert_array_equal(got.log_mass[1:], -np.inf)
        assert got.count[1] == 0
        nothing = vc.local_stats(
            q, x, y, kernel=case.make(), bandwidth=9.0, weights=np.zeros(4, dtype)
        )
        assert nothing.empty_rows == 2
        assert np.isnan(nothing.mean).all()

    def test_nearest_among_the_candidates_only(self, dtype):
        q, x, y = FAR[1:2].astype(dtype), X.astype(dtype), Y.astype(dtype)
        options = {"kernel": "epanechnikov", "bandwidth": 1.0, "empty": "nearest"}
        masked = vc.local_mean(q, x, y, mask=[[True, True, True, False]], **options)
        assert_array_equal(masked, [2.0])  # keys 1 and 2 are equally near: the smaller index
        weightless = vc.local_mean(q, x, y, weights=np.array([1, 0, 1, 0], dtype), **options)
        assert_array_equal(weightless, [4.0])
        hollow = vc.local_mean(q, x, y, exclude_self=True, self_indices=[3], **options)
        assert_array_equal(hollow, [2.0])

    def test_nearest_of_a_product_is_the_smallest_largest_u(self, dtype):
        kernel = k.Product(
            k.Triangular(bandwidth=1.0, columns=[0]), k.Triangular(bandwidth=2.0, columns=[1])
        )
        x = np.array([[4.0, 0.0], [3.0, 6.2], [2.0, 7.0]], dtype)  # largest u: 4, 3.1, 3.5
        got = vc.local_mean(
            np.zeros((1, 2), dtype), x, Y[:3].astype(dtype), kernel=kernel, empty="nearest"
        )
        assert_array_equal(got, [2.0])

    def test_nearest_is_exact_in_float32(self, rng):
        """Distances that float32 cannot tell apart in expanded form are ordered exactly."""
        x = (1000 + rng.normal(size=(3000, 16))).astype(np.float32)
        q = (x[:50] + rng.normal(size=(50, 16)) * 0.3).astype(np.float32)
        y = np.arange(3000.0, dtype=np.float32)
        got = vc.local_mean(q, x, y, kernel="uniform", bandwidth=1e-3, empty="nearest")
        gap = q[:, None].astype(float) - x[None].astype(float)
        assert_array_equal(got, np.argmin((gap * gap).sum(-1), axis=1))


class TestFarAndTiny:
    """Log space keeps the largest weight 1; the limit is the nearest neighbor, ties averaged."""

    @pytest.mark.parametrize("kernel", DECAYING, ids=str)
    @pytest.mark.parametrize("h", [1e-3, 1e-8, 1e-20, 1e-30])
    def test_nearest_neighbor_with_ties(self, kernel, h, dtype):
        q = np.array([[0.5, 0.0], [100.0, 100.0], [3.0, 0.0]], dtype)
        got = vc.local_mean(q, X.astype(dtype), Y.astype(dtype), kernel=kernel, bandwidth=h)
        assert_allclose(got, [1.5, 8.0, 2.0], rtol=8 * eps(dtype))

    @pytest.mark.parametrize("name", ["cauchy", "student_t", "rational_quadratic"])
    def test_heavy_tails_tend_to_shepard(self, name, dtype):
        power = {"cauchy": 2.0, "student_t": 4.0, "rational_quadratic": 2.0}[name]
        exact = local_stats(Factor("inverse_distance", 1.0, shape=power), FAR, X, Y).mean[:, 0]
        for h in (1e-12, 1e-25):
            got = vc.local_mean(
                FAR.astype(dtype), X.astype(dtype), Y.astype(dtype), kernel=name, bandwidth=h
            )
            assert_allclose(got, np.float64(exact), rtol=30 * eps(dtype))

    def test_softmax_at_zero_temperature(self, dtype):
        q = np.array([[1.0, 2.0], [-1.0, -1.0]], dtype)
        got = vc.local_mean(q, X.astype(dtype), Y.astype(dtype), kernel="softmax", bandwidth=1e-30)
        assert_allclose(got, [8.0, 1.0], rtol=8 * eps(dtype))

    def test_log_mass_adds_the_shift_back(self, dtype):
        got = vc.local_stats(np.full((1, 1), 300.0, dtype), np.zeros((3, 1), dtype), bandwidth=2.0)
        assert_allclose(got.log_mass, [-(150.0**2) / 2 + np.log(3)], rtol=4 * eps(dtype))
        assert_array_equal(got.count, [3])
        assert_allclose(got.ess, [3.0], rtol=4 * eps(dtype))


class TestBandwidth:
    """h ≤ 0 or NaN is refused by name; h = inf is the plain weighted mean."""

    @pytest.mark.parametrize("h", [0.0, -1.0, np.nan])
    @pytest.mark.parametrize("kernel", ["gaussian", "softmax", "epanechnikov", "inverse_distance"])
    def test_refused(self, h, kernel):
        with pytest.raises(ValueError, match=f"bandwidth must be positive.*{h}"):
            vc.local_mean(X, X, Y, kernel=kernel, bandwidth=h)

    def test_per_feature(self):
        with pytest.raises(ValueError, match="bandwidth"):
            vc.local_mean(X, X, Y, bandwidth=[1.0, 0.0])
        with pytest.raises(ValueError, match=r"bandwidth.*3.*2"):
            vc.local_mean(X, X, Y, bandwidth=[1.0, 1.0, 1.0])
        got = vc.local_mean(X, X, Y, bandwidth=[1.0, np.inf])
        assert_allclose(got, vc.local_mean(X[:, :1], X[:, :1], Y), rtol=1e-15)

    @pytest.mark.parametrize("case", DISTANCE_CASES + DOT_CASES[:3], ids=lambda c: c.name)
    def test_infinite_is_the_weighted_mean(self, case, rng, dtype):
        x, y = rng.normal(size=(300, 3)).astype(dtype), rng.normal(size=300).astype(dtype)
        w = rng.uniform(0, 2, 300).astype(dtype)
        if case.spec.profile == "inverse_distance":
            with pytest.raises(ValueError, match="bandwidth"):
                vc.local_mean(x[:4], x, y, kernel=case.make(), bandwidth=np.inf)
            return
        got = vc.local_mean(x[:4], x, y, kernel=case.make(), bandwidth=np.inf, weights=w)
        expected = np.average(y.astype(float), weights=w.astype(float))
        assert_allclose(got, expected, atol=8 * eps(dtype) * np.abs(y).max())

    @pytest.mark.parametrize(
        "kernel", [k.Polynomial(), k.Sigmoid(), k.WangVanRyzin(), k.AitchisonAitken(3)]
    )
    def test_infinite_is_refused_where_it_has_no_meaning(self, kernel):
        with pytest.raises(ValueError, match="bandwidth"):
            vc.local_mean(X, X, Y, kernel=kernel, bandwidth=np.inf)

    def test_category_kernels_need_one_in_range(self):
        for kernel, bad in ((k.AitchisonAitken(4), 0.76), (k.WangVanRyzin(), 1.0)):
            for h in (bad, -0.1, np.nan):
                with pytest.raises(ValueError, match="bandwidth"):
                    vc.local_mean(X[:, :1], X[:, :1], Y, kernel=kernel, bandwidth=h)
            with pytest.raises(ValueError, match="bandwidth"):
                vc.local_mean(X[:, :1], X[:, :1], Y, kernel=kernel)


class TestCoincidence:
    """Zero distance with inverse-distance weights: the mean of the coincident keys."""

    @pytest.mark.parametrize("power", [1, 2, 3.5])
    def test_mean_of_the_coincident_keys(self, power, dtype):
        x = np.vstack([X, X[1:2], X[1:2]]).astype(dtype)
        y = np.array([1, 2, 4, 8, 6, 10], dtype)
        q = np.array([[1.0, 0.0], [5.0, 5.0], [0.5, 0.5]], dtype)
        kernel = k.InverseDistance(power=power)
        got = vc.local_stats(q, x, y, kernel=kernel, statistics=("mean", "ess", "variance"))
        exact = local_stats(Factor("inverse_distance", shape=power), q, x, y)
        assert_allclose(got.mean, np.float64(exact.mean[:, 0]), rtol=16 * eps(dtype))
        assert_allclose(got.mean[:2], [6.0, 8.0], rtol=8 * eps(dtype))
        assert_allclose(got.ess, np.float64(exact.ess), rtol=16 * eps(dtype))
        weighted = vc.local_mean(
            q[:1], x, y, kernel=kernel, weights=np.array([1, 1, 1, 1, 0, 3], dtype)
        )
        assert_allclose(weighted, [8.0], rtol=8 * eps(dtype))
        hollow = vc.local_mean(x, x, y, kernel=kernel, exclude_self=True)
        assert_allclose(hollow[[1, 4, 5]], [8.0, 6.0, 4.0], rtol=8 * eps(dtype))


class TestSigned:
    """A row with |Σw| ≤ 64 ε Σ|w| is empty; log_mass is log |Σw|."""

    def test_cancelled_weights_are_an_empty_row(self, dtype):
        x = np.array([[1.0, 2.0], [-1.0, -2.0], [0.5, 0.0], [-0.5, 0.0]], dtype)
        q = np.array([[0.3, 0.7], [0.0, 0.0]], dtype)
        got = vc.local_stats(q, x, Y.astype(dtype), kernel=k.Sigmoid(), empty=-1.0)
        assert got.empty_rows == 2
        assert_array_equal(got.mean, -1)
        assert_array_equal(got.log_mass, -np.inf)

    def test_a_negative_sum_has_a_mean_and_a_mass(self, dtype):
        x, y = np.array([[1.0], [2.0]], dtype), np.array([3.0, 5.0], dtype)
        got = vc.local_stats(np.array([[-0.5]], dtype), x, y, kernel=k.Sigmoid())
        w = np.tanh([-0.5, -1.0])
        assert_allclose(got.mean, w @ [3, 5] / w.sum(), rtol=8 * eps(dtype))
        assert_allclose(got.log_mass, np.log(-w.sum()), rtol=8 * eps(dtype))
        assert got.empty_rows == 0
