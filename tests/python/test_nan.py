"""NaN and infinity in queries, keys, values, weights and biases: what they reach."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import vicinal as vc
from accuracy import near
from cases import COMPACT, DISTANCE_CASES, DOT_CASES

CASES = DISTANCE_CASES + DOT_CASES
M, N, D, P = 9, 300, 3, 2
BAD = [np.nan, np.inf, -np.inf]


@pytest.fixture
def data(rng, dtype):
    q = np.abs(rng.normal(size=(M, D))).astype(dtype)
    x = np.abs(rng.normal(size=(N, D))).astype(dtype)
    return q, x, rng.normal(size=(N, P)).astype(dtype)


def mean(case, q, x, y, **options):
    return vc.local_mean(q, x, y, kernel=case.make(), bandwidth=2.0, **options)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_nan_in_a_query_is_that_row_alone(case, data):
    q, x, y = data
    clean = mean(case, q, x, y)
    q[4, 1] = np.nan
    got = mean(case, q, x, y)
    assert np.isnan(got[4]).all()
    others = np.arange(M) != 4
    assert got[others].tobytes() == clean[others].tobytes()


@pytest.mark.parametrize("kernel", ["gaussian", "epanechnikov", "constant"])
def test_a_query_with_nan_counts_nothing(kernel, rng, dtype):
    """It stands nowhere: no key is counted and none is heaviest."""
    x = rng.normal(size=(300, 2)).astype(dtype)
    q = np.array([[0.0, np.nan], [0.0, 0.0]], dtype)
    names = ("log_mass", "ess", "count", "top_k")
    got = vc.local_stats(q, x, statistics=names, k=2, kernel=kernel, bandwidth=9.0)
    assert got.count.tolist() == [0, 300]
    indices, shares = got.top_k
    assert (indices[0] == -1).all()
    assert np.isnan(shares[0]).all()
    assert np.isnan([got.log_mass[0], got.ess[0]]).all()
    assert (indices[1] >= 0).all()
    assert got.empty_rows == 0


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("case", DISTANCE_CASES, ids=lambda c: c.name)
def test_infinite_query_is_an_empty_row(case, sign, data):
    q, x, y = data
    clean = mean(case, q, x, y)
    q[4, 1] = sign * np.inf
    got = vc.local_stats(
        q, x, y, kernel=case.make(), bandwidth=2.0, empty=-5.0, statistics=("mean", "log_mass")
    )
    assert_array_equal(got.mean[4], -5.0)
    assert got.log_mass[4] == -np.inf
    assert got.empty_rows == 1
    others = np.arange(M) != 4
    near(got.mean[others], clean[others], x.dtype, scale=np.abs(y).max())


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_nan_key_reaches_every_row_that_may_see_it(case, data):
    """A compact support does not save a row; a mask does."""
    q, x, y = data
    x[7] += 100 if case in DISTANCE_CASES else 0
    x[7, 0] = np.nan
    mask = np.ones((M, N), bool)
    mask[:3, 7] = False
    got = mean(case, q, x, y, mask=mask)
    assert not np.isnan(got[:3]).any()
    assert np.isnan(got[3:]).all()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("case", DISTANCE_CASES, ids=lambda c: c.name)
def test_infinite_key_is_infinitely_far(case, sign, data):
    q, x, y = data
    without = mean(case, q, np.delete(x, 7, 0), np.delete(y, 7, 0))
    x[7, 2] = sign * np.inf
    near(mean(case, q, x, y), without, x.dtype, scale=np.abs(y).max())


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_bad_value_reaches_its_column_only(case, bad, data):
    q, x, y = data
    clean = mean(case, q, x, y)
    q[0] = x[7]  # a weight that is certainly not zero
    y[7, 1] = bad
    got = mean(case, q, x, y)
    assert not np.isfinite(got[0, 1])
    assert got[1:, 0].tobytes() == clean[1:, 0].tobytes()
    assert np.isfinite(got[:, 0]).all()


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", sorted(COMPACT))
def test_bad_value_outside_the_support_has_no_effect(name, bad, data):
    q, x, y = data
    x[7] += 100
    options = {"kernel": name, "bandwidth": 2.0}
    clean = vc.local_mean(q, x, y, **options)
    y[7] = bad
    assert vc.local_mean(q, x, y, **options).tobytes() == clean.tobytes()


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_absent_and_masked_keys_may_hold_anything(case, bad, data):
    q, x, y = data
    gone = np.array([0, 7, 255, 256, 299])
    prior = np.ones(N, x.dtype)
    prior[gone] = 0
    mask = np.ones((M, N), bool)
    mask[:, gone] = False
    clean_weights = mean(case, q, x, y, weights=prior)
    clean_mask = mean(case, q, x, y, mask=mask)
    x[gone], y[gone] = bad, bad
    assert mean(case, q, x, y, weights=prior).tobytes() == clean_weights.tobytes()
    assert mean(case, q, x, y, mask=mask).tobytes() == clean_mask.tobytes()
    log_prior = np.where(prior == 0, -np.inf, 0).astype(x.dtype)
    with_log = mean(case, q, x, y, log_weights=log_prior)
    near(with_log, clean_weights, x.dtype, scale=np.abs(clean_weights).max())


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_all_statistics_ignore_absent_keys(case, data):
    q, x, y = data
    prior = np.ones(N, x.dtype)
    prior[[3, 280]] = 0
    names = ("mean", "log_mass", "ess", "count", "variance", "covariance", "top_k")
    options = {"kernel": case.make(), "bandwidth": 2.0, "weights": prior, "statistics": names}
    clean = vc.local_stats(q, x, y, **options)
    x[[3, 280]], y[[3, 280]] = np.nan, np.inf
    got = vc.local_stats(q, x, y, **options)
    for name in names:
        left, right = getattr(got, name), getattr(clean, name)
        assert_array_equal(np.asarray(left[-1]), np.asarray(right[-1]))
        assert_array_equal(np.asarray(left[0]), np.asarray(right[0]))


def test_bias_of_each_kind(data):
    q, x, y = data
    bias = np.zeros((M, N), x.dtype)
    bias[1, 5], bias[2, 5], bias[3, 5] = np.nan, np.inf, -np.inf
    bias[4] = -np.inf
    got = vc.local_mean(q, x, y, bias=bias)
    clean = vc.local_mean(q, x, y, bias=np.zeros((M, N), x.dtype))
    assert np.isnan(got[[1, 2, 4]]).all()
    without = vc.local_mean(q[3:4], np.delete(x, 5, 0), np.delete(y, 5, 0))[0]
    near(got[3], without, x.dtype, scale=np.abs(y).max())
    rest = [0, 5, 6, 7, 8]
    assert got[rest].tobytes() == clean[rest].tobytes()
    stats = vc.local_stats(q, x, y, bias=bias)
    assert stats.empty_rows == 1
    assert stats.log_mass[4] == -np.inf


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_bad_weights_are_refused_by_name(bad, data):
    q, x, y = data
    prior = np.ones(N, x.dtype)
    prior[17] = bad
    with pytest.raises(ValueError, match="weights"):
        vc.local_mean(q, x, y, weights=prior)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_log_weights_are_refused_by_name(bad, data):
    q, x, y = data
    prior = np.zeros(N, x.dtype)
    prior[17] = bad
    with pytest.raises(ValueError, match="log_weights"):
        vc.local_mean(q, x, y, log_weights=prior)


def test_nan_policy(data):
    q, x, y = data
    y[11, 0], y[12] = np.nan, np.nan
    with pytest.raises(ValueError, match=r"values.*NaN|NaN.*values"):
        vc.local_mean(q, x, y, nan_policy="raise")
    got = vc.local_mean(q, x, y, nan_policy="omit")
    for column in range(P):
        keep = ~np.isnan(y[:, column])
        expected = vc.local_mean(q, x[keep], y[keep][:, column])
        near(got[:, column], expected, x.dtype, scale=np.nanmax(np.abs(y)))
    assert np.isnan(vc.local_mean(q, x, y)).all()
    with pytest.raises(ValueError, match="nan_policy"):
        vc.local_mean(q, x, y, nan_policy="ignore")


def test_nan_policy_omit_of_everything_is_empty(data):
    q, x, y = data
    y[:, 1] = np.nan
    got = vc.local_mean(q, x, y, nan_policy="omit")
    assert np.isfinite(got[:, 0]).all()
    assert np.isnan(got[:, 1]).all()
