"""Sizes beyond int32: keys by zero stride, 2.5·10⁹ pairs. Nightly; a small twin runs always."""

from __future__ import annotations

import numpy as np
import pytest

import vicinal as vc
from accuracy import ulps

HUGE = 2**31 + 7


def repeated(n: int, dtype):
    """Return n keys and values that share one row of memory."""
    key, value = np.array([[0.5]], dtype), np.array([[3.0]], dtype)
    return np.broadcast_to(key, (n, 1)), np.broadcast_to(value, (n, 1))


def check_count(n: int, dtype) -> None:
    """Assert mass, count and mean of n equal keys."""
    x, y = repeated(n, dtype)
    got = vc.local_stats(np.array([[0.5]], dtype), x, y, statistics=("mean", "log_mass", "count"))
    assert got.count[0] == n
    assert got.pairs_visited == n
    assert got.mean[0, 0] == 3
    assert abs(float(got.log_mass[0]) - np.log(n)) <= 4 * ulps(np.log(n), dtype)


def check_last_key(n: int, dtype) -> None:
    """Assert that positions beyond int32 are told apart: only the last key is used."""
    x, y = repeated(n, dtype)
    prior = np.broadcast_to(np.zeros(1, dtype), n)
    own = np.array([n - 1])
    stats = vc.local_stats(
        np.array([[0.5]], dtype), x, y, self_indices=own, statistics=("self_weight", "count")
    )
    assert abs(float(stats.self_weight[0]) * n - 1) < 1e-5
    hollow = vc.local_stats(
        np.array([[0.5]], dtype),
        x,
        log_weights=prior,
        self_indices=own,
        exclude_self=True,
        statistics="count",
    )
    assert hollow.count[0] == n - 1


def test_a_million_keys(dtype):
    check_count(10**6 + 7, dtype)
    check_last_key(10**6 + 7, dtype)


@pytest.mark.nightly
def test_more_keys_than_int32(dtype):
    check_count(HUGE, dtype)
    check_last_key(HUGE, dtype)


@pytest.mark.nightly
def test_accumulator_offsets_beyond_int32(dtype):
    x, y = repeated(1000, dtype)
    q = np.array([[0.5]], dtype)
    accumulator = vc.LocalMeanAccumulator(q, statistics=("mean", "top_k"), k=3)
    accumulator.update(x[:5], y[:5], key_offset=2**40)
    assert (accumulator.result().top_k[0] == 2**40 + np.arange(3)).all()


@pytest.mark.nightly
def test_more_pairs_than_int32():
    """50,000 × 50,000 pairs; single rows have the same bits and are right."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50_000, 3)).astype(np.float32)
    y = rng.normal(size=50_000).astype(np.float32)
    got = vc.local_stats(x, x, y, bandwidth=0.5, statistics=("mean", "count"))
    assert got.pairs_visited == 2_500_000_000
    assert (got.count == 50_000).all()
    for i in (0, 31_337, 49_999):
        assert vc.local_mean(x[i : i + 1], x, y, bandwidth=0.5)[0] - got.mean[i] == 0
        w = np.exp(-((x[i].astype(float) - x.astype(float)) ** 2).sum(1) / 0.5)
        assert abs(got.mean[i] - w @ y / w.sum()) < 1e-5
