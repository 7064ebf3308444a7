"""Every kernel and metric in both types against the oracle (figures: docs/reliability.md)."""

from __future__ import annotations

import numpy as np
import pytest

import reference_kernels as rk
import vicinal as vc
from accuracy import assert_accurate
from cases import (
    CONSTANT_CASE,
    DISTANCE_CASES,
    DOT_CASES,
    METRICS,
    Case,
    ordinary_bandwidth,
    sample,
    with_metric,
)
from reference import local_stats, plain

Factor = rk.Factor
FEATURES = (1, 2, 3, 8, 9, 16, 33, 64)
COLUMNS = (1, 2, 5, 16, 17, 64)
M, N = 7, 301  # a block of six rows and one more; one tile of 256 keys and a part


def check(case, argument, d, dtype, columns=COLUMNS, m=M, n=N, seed=0):
    """Compare the mean for every number of value columns with one oracle run."""
    q, x, y = sample(case, m, n, d, max(columns), dtype, seed)
    h = ordinary_bandwidth(case, q, x)
    exact = local_stats(case.at(h), q, x, y).mean
    yardstick = plain(case.at(h), q, x, y)
    metric = {} if argument is None else {"metric": argument}
    for p in columns:
        got = vc.local_mean(q, x, y[:, :p], kernel=case.make(), bandwidth=h, **metric)
        assert_accurate(
            got,
            exact[:, :p],
            yardstick[:, :p],
            scale=np.abs(y).max(),
            dtype=dtype,
            label=f"{case.name} d={d} p={p}",
        )
    single = vc.local_mean(q, x, y[:, 0], kernel=case.make(), bandwidth=h, **metric)
    assert single.shape == (m,)
    assert_accurate(
        single, exact[:, 0], yardstick[:, 0], scale=np.abs(y).max(), dtype=dtype, label=f"{d} flat"
    )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("case", DISTANCE_CASES, ids=lambda c: c.name)
def test_distance_kernels(case, metric, dtype):
    for d in FEATURES:
        variant, argument = with_metric(case, metric, d)
        check(variant, argument, d, dtype)


@pytest.mark.parametrize("case", DOT_CASES, ids=lambda c: c.name)
def test_dot_kernels(case, dtype):
    for d in FEATURES:
        check(case, None, d, dtype)


@pytest.mark.parametrize("case", DISTANCE_CASES, ids=lambda c: c.name)
def test_angular_metrics(case, dtype):
    for name, argument in (("haversine", "haversine"), ("great_circle", vc.kernels.GreatCircle())):
        variant = Case(case.name, case.make, Factor(**{**case.spec.__dict__, "metric": name}))
        check(variant, argument, 2, dtype)


@pytest.mark.parametrize("d", FEATURES)
def test_cosine_distance(d, dtype):
    spec = Factor("gaussian", metric="cosine")
    check(Case("gaussian", lambda: "gaussian", spec), "cosine", d, dtype)


def test_constant_is_the_plain_mean(dtype):
    for d in FEATURES:
        check(CONSTANT_CASE, None, d, dtype)


@pytest.mark.parametrize(
    "n", [1, 2, 15, 16, 17, 31, 33, 255, 256, 257, 511, 513, 2049, 8193, 20001]
)
@pytest.mark.parametrize("name", ["gaussian", "softmax", "epanechnikov"])
def test_tile_and_chunk_edges(name, n, dtype):
    case = Case(name, lambda: name, Factor(name))
    for d, p in ((3, 1), (16, 3)):
        q, x, y = sample(case, 3, n, d, p, dtype)
        h = max(ordinary_bandwidth(case, q, x), 3 * np.sqrt(d) if name == "epanechnikov" else 0.5)
        exact, yardstick = local_stats(case.at(h), q, x, y).mean, plain(case.at(h), q, x, y)
        got = vc.local_mean(q, x, y, kernel=name, bandwidth=h)
        assert_accurate(
            got, exact, yardstick, scale=np.abs(y).max(), dtype=dtype, label=f"n={n} d={d}"
        )


@pytest.mark.parametrize("m", [1, 2, 5, 6, 7, 12, 511, 512, 513])
def test_row_blocks(m, dtype):
    case = DISTANCE_CASES[0]
    check(case, None, 3, dtype, columns=(1, 16), m=m, n=70)
    check(case, None, 17, dtype, columns=(1, 16), m=m, n=70)


@pytest.mark.parametrize("case", [DISTANCE_CASES[0], DISTANCE_CASES[1]], ids=lambda c: c.name)
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
def test_bandwidth_per_feature(case, metric, dtype):
    for d in FEATURES:
        variant, argument = with_metric(case, metric, d)
        q, x, y = sample(variant, M, N, d, 2, dtype)
        scales = np.exp(np.random.default_rng(d).uniform(-0.5, 1, d))
        scales *= ordinary_bandwidth(variant, q, x)
        exact = local_stats(variant.at(tuple(scales)), q, x, y).mean
        yardstick = plain(variant.at(tuple(scales)), q, x, y)
        got = vc.local_mean(q, x, y, kernel=case.make(), bandwidth=scales, metric=argument)
        assert_accurate(got, exact, yardstick, scale=np.abs(y).max(), dtype=dtype, label=f"{d}")


def test_signed_kernels_within_their_condition(dtype):
    kernels = {
        "polynomial": (
            vc.kernels.Polynomial(3, 0.2),
            Factor("polynomial", 1.5, shape=3, offset=0.2),
        ),
        "sigmoid": (vc.kernels.Sigmoid(0.4), Factor("sigmoid", 1.5, offset=0.4)),
    }
    for d in FEATURES:
        for name, (kernel, spec) in kernels.items():
            q, x, y = sample(Case("signed", lambda: None, spec), M, N, d, 3, dtype)
            exact = local_stats(spec, q, x, y)
            got = vc.local_mean(q, x, y, kernel=kernel, bandwidth=1.5)
            for i in range(M):
                assert_accurate(
                    got[i],
                    exact.mean[i],
                    plain(spec, q, x, y)[i],
                    scale=max(np.abs(y).max(), float(np.abs(exact.mean[i]).max())),
                    dtype=dtype,
                    condition=float(exact.condition[i]),
                    label=f"{name} d={d} row {i}",
                )


@pytest.mark.parametrize("h", [0.1, 0.5, 3.0])
@pytest.mark.parametrize("d", [1, 3, 12])
def test_the_edge_of_a_uniform_support_belongs_to_it(h, d, dtype):
    h = float(dtype.type(h))
    keys = np.zeros((4, d), dtype)
    keys[:, -1] = [h, -h, np.nextafter(dtype.type(h), dtype.type(9)), 0]
    stats = vc.local_stats(np.zeros((1, d), dtype), keys, kernel="uniform", bandwidth=h)
    assert stats.count[0] == 3
    assert stats.log_mass[0] == pytest.approx(np.log(3))


def test_a_signed_row_that_cancels_to_rounding_is_empty(dtype):
    """|Σw| ≤ 64 ε Σ|w|: two keys of opposite weight, a few ε apart."""
    eps = float(np.finfo(dtype).eps)
    kernel = vc.kernels.Polynomial(degree=1, offset=0)
    one, values = np.ones((1, 1), dtype), np.array([3.0, 5.0], dtype)
    for rest, empty in [(0, True), (16 * eps, True), (96 * eps, True), (1024 * eps, False)]:
        keys = np.array([[1.0], [rest - 1]], dtype)
        stats = vc.local_stats(one, keys, values, kernel=kernel, statistics=("mean", "log_mass"))
        assert (stats.empty_rows == 1) is empty, rest
        assert np.isnan(stats.mean[0]) == empty
        assert np.isneginf(stats.log_mass[0]) == empty
