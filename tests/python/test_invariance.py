"""The same bits for any number of threads, any batch, any order of queries, any layout."""

from __future__ import annotations

import numpy as np
import pytest

import vicinal as vc
from cases import CONSTANT_CASE, DISTANCE_CASES, DOT_CASES, ordinary_bandwidth, sample

ALL = DISTANCE_CASES + DOT_CASES + [CONSTANT_CASE]
THREADS = (1, 2, 3, 4, 7, 8, 16)
STATISTICS = ("mean", "log_mass", "ess", "count", "variance", "covariance", "self_weight", "top_k")
FEW = [DISTANCE_CASES[0], DISTANCE_CASES[1], DISTANCE_CASES[11], DOT_CASES[0], DOT_CASES[3]]


def name(case):
    return case.name


def bits(stats, rows=slice(None)) -> bytes:
    """Return the bytes of every field of some rows, in a fixed order."""
    parts = []
    for field in STATISTICS:
        value = getattr(stats, field)
        for part in value if isinstance(value, tuple) else (value,):
            parts.append(np.ascontiguousarray(part[rows]).tobytes())
    return b"".join(parts)


@pytest.mark.parametrize("case", ALL, ids=name)
def test_threads(case, dtype):
    """Many queries × few keys and few queries × many keys are split differently over threads."""
    for m, n, d, p in ((700, 300, 3, 1), (2, 20_000, 3, 5), (40, 3000, 17, 16)):
        q, x, y = sample(case, m, n, d, p, dtype)
        h = ordinary_bandwidth(case, q[:20], x[:200])
        options = {"kernel": case.make(), "bandwidth": h}
        first = vc.local_mean(q, x, y, num_threads=1, **options).tobytes()
        for threads in THREADS[1:]:
            assert vc.local_mean(q, x, y, num_threads=threads, **options).tobytes() == first


@pytest.mark.parametrize("case", FEW, ids=name)
def test_threads_for_every_statistic(case, dtype):
    for m, n in ((600, 300), (2, 20_000)):
        q, x, y = sample(case, m, n, 3, 3, dtype)
        h = ordinary_bandwidth(case, q[:20], x[:200])
        own = np.arange(m) % n
        results = [
            bits(
                vc.local_stats(
                    q,
                    x,
                    y,
                    kernel=case.make(),
                    bandwidth=h,
                    statistics=STATISTICS,
                    self_indices=own,
                    num_threads=threads,
                )
            )
            for threads in THREADS
        ]
        assert len(set(results)) == 1


@pytest.mark.parametrize("case", FEW, ids=name)
@pytest.mark.parametrize("d", [2, 9])
def test_every_batch_size(case, d, dtype):
    """f(X)[:m] = f(X[:m]) for m = 1 … 300."""
    q, x, y = sample(case, 300, 530, d, 2, dtype)
    h = ordinary_bandwidth(case, q[:20], x[:200])
    whole = vc.local_mean(q, x, y, kernel=case.make(), bandwidth=h)
    for m in range(1, 301):
        part = vc.local_mean(q[300 - m :], x, y, kernel=case.make(), bandwidth=h)
        assert part.tobytes() == whole[300 - m :].tobytes(), m


@pytest.mark.parametrize("case", ALL, ids=name)
def test_single_rows_and_permutations(case, rng, dtype):
    """f(X)[i] = f(X[i:i+1]) = f(X[perm])[inverse][i], near and far queries alike."""
    for d, p in ((1, 1), (3, 1), (8, 3), (9, 1), (33, 17)):
        q, x, y = sample(case, 61, 530, d, p, dtype)
        h = ordinary_bandwidth(case, q[:20], x[:200])
        q[::7] *= 8
        options = {"kernel": case.make(), "bandwidth": h}
        whole = vc.local_mean(q, x, y, **options)
        order = rng.permutation(61)
        shuffled = vc.local_mean(q[order], x, y, **options)
        assert shuffled[np.argsort(order)].tobytes() == whole.tobytes()
        for i in range(61):
            assert vc.local_mean(q[i : i + 1], x, y, **options).tobytes() == whole[i].tobytes()


@pytest.mark.parametrize("case", FEW, ids=name)
def test_batches_of_every_statistic(case, rng, dtype):
    q, x, y = sample(case, 50, 700, 9, 3, dtype)
    h = ordinary_bandwidth(case, q[:20], x[:200])
    bias, mask = rng.normal(size=(50, 700)).astype(dtype), rng.random((50, 700)) < 0.8
    own = rng.permutation(700)[:50]

    def call(rows):
        return vc.local_stats(
            q[rows],
            x,
            y,
            kernel=case.make(),
            bandwidth=h,
            statistics=STATISTICS,
            bias=bias[rows],
            mask=mask[rows],
            self_indices=own[rows],
            exclude_self=True,
        )

    whole = call(slice(None))
    for i in range(50):
        assert bits(call(slice(i, i + 1))) == bits(whole, slice(i, i + 1))
    order = rng.permutation(50)
    assert bits(call(order)) == bits(whole, order)


@pytest.mark.parametrize("extra", [1, 5, 300, 9000])
@pytest.mark.parametrize("case", ALL, ids=name)
def test_appended_keys_of_weight_zero(case, extra, rng, dtype):
    for d in (3, 17):
        q, x, y = sample(case, 8, 301, d, 3, dtype)
        h = ordinary_bandwidth(case, q, x)
        more_x = np.vstack([x, np.abs(rng.normal(size=(extra, d)) * 50)]).astype(dtype)
        more_y = np.vstack([y, rng.normal(size=(extra, 3)) * 1e6]).astype(dtype)
        prior = rng.uniform(0.5, 2, 301).astype(dtype)
        padded = np.concatenate([prior, np.zeros(extra, dtype)])
        options = {"kernel": case.make(), "bandwidth": h}
        alone = vc.local_mean(q, x, y, weights=prior, **options)
        got = vc.local_mean(q, more_x, more_y, weights=padded, **options)
        assert got.tobytes() == alone.tobytes()


@pytest.mark.parametrize("case", ALL, ids=name)
def test_appended_masked_keys(case, rng, dtype):
    """Masked keys may move a tile's center only, and there is none for d ≤ 8."""
    q, x, y = sample(case, 8, 301, 3, 3, dtype)
    h = ordinary_bandwidth(case, q, x)
    more_x = np.vstack([x, np.abs(rng.normal(size=(300, 3)) * 50)]).astype(dtype)
    more_y = np.vstack([y, rng.normal(size=(300, 3))]).astype(dtype)
    mask = np.broadcast_to(np.arange(601) < 301, (8, 601))
    options = {"kernel": case.make(), "bandwidth": h}
    alone = vc.local_mean(q, x, y, **options)
    assert vc.local_mean(q, more_x, more_y, mask=mask, **options).tobytes() == alone.tobytes()


@pytest.mark.parametrize("case", FEW, ids=name)
def test_layout_and_batch_dimensions(case, rng, dtype):
    q, x, y = (np.stack([a, a[::-1]]) for a in sample(case, 40, 600, 5, 2, dtype))
    h = ordinary_bandwidth(case, q[0, :20], x[0, :200])
    options = {"kernel": case.make(), "bandwidth": h}
    whole = vc.local_mean(q, x, y, **options)
    for b in range(2):
        assert vc.local_mean(q[b], x[b], y[b], **options).tobytes() == whole[b].tobytes()
    wide = np.zeros((2, 600, 9), dtype)
    wide[..., 2:7] = x
    for keys in (
        wide[..., 2:7],
        np.asfortranarray(x),
        np.ascontiguousarray(x[..., ::-1])[..., ::-1],
    ):
        assert vc.local_mean(q, keys, y, **options).tobytes() == whole.tobytes()
    out = np.empty_like(whole)
    assert vc.local_mean(q, x, y, out=out, **options) is out
    assert out.tobytes() == whole.tobytes()


def test_small_bandwidths_do_not_depend_on_the_batch(rng, dtype):
    """Rows of tiny mass are done again with a peak: a property of the row, not of its block."""
    x, y = rng.normal(size=(900, 3)).astype(dtype), rng.normal(size=900).astype(dtype)
    q = rng.normal(size=(200, 3)).astype(dtype)
    q[::3] = x[:67]
    for h in (0.3, 0.05, 0.01, 1e-3):
        whole = vc.local_mean(q, x, y, bandwidth=h)
        for i in range(0, 200, 7):
            assert vc.local_mean(q[i : i + 1], x, y, bandwidth=h).tobytes() == whole[i].tobytes()


@pytest.mark.parametrize("kernel", ["gaussian", "softmax"])
def test_threads_that_share_the_chunks_of_wide_keys(rng, dtype, kernel):
    q, x, y = (rng.normal(size=(rows, 64)).astype(dtype) for rows in (300, 20_000, 20_000))
    options = {"kernel": kernel, "bandwidth": 8.0}
    first = vc.local_mean(q, x, y, num_threads=1, **options).tobytes()
    for threads in (2, 3, 5):
        assert vc.local_mean(q, x, y, num_threads=threads, **options).tobytes() == first


@pytest.mark.parametrize("columns", [1, 16, 64])
@pytest.mark.parametrize("size", [1e-30, 1e-9, 1e36])
def test_batches_of_values_far_from_one(rng, dtype, columns, size):
    """Single rows stream through the keys; a chunk whose values must be scaled cannot."""
    q, x = rng.normal(size=(60, 5)).astype(dtype), rng.normal(size=(9000, 5)).astype(dtype)
    y = rng.normal(size=(9000, columns)).astype(dtype)
    y[4000:4500] *= y.dtype.type(size)
    y[8500:] *= y.dtype.type(size)
    whole = vc.local_mean(q, x, y, bandwidth=0.7)
    for rows in (slice(7, 8), slice(3, 20), slice(0, 24)):
        assert vc.local_mean(q[rows], x, y, bandwidth=0.7).tobytes() == whole[rows].tobytes()


@pytest.mark.parametrize("columns", [1, 3, 12])
def test_moments_of_an_item_depend_on_its_own_values_alone(rng, dtype, columns):
    """Far from zero, a center of other values would leave no digit of a variance."""
    q, x = rng.normal(size=(9, 2)).astype(dtype), rng.normal(size=(3, 700, 2)).astype(dtype)
    y = rng.normal(size=(3, 700, columns)) + np.array([0.0, 1e6, -1e4])[:, None, None]
    y = y.astype(dtype)
    wanted = ("variance", "covariance")
    together = vc.local_stats(q, x, y, statistics=wanted)
    gathered = vc.LocalMeanAccumulator(q[None].repeat(3, 0), statistics=wanted)
    gathered.update(x[:, :300], y[:, :300]).update(x[:, 300:], y[:, 300:])
    in_pieces = gathered.result()
    for i in range(3):
        alone = vc.local_stats(q, x[i], y[i], statistics=wanted)
        piece = vc.LocalMeanAccumulator(q, statistics=wanted)
        piece.update(x[i, :300], y[i, :300]).update(x[i, 300:], y[i, 300:])
        one = piece.result()
        for name in wanted:
            assert np.array_equal(getattr(together, name)[i], getattr(alone, name))
            assert np.array_equal(getattr(in_pieces, name)[i], getattr(one, name))
        u2 = ((q[:, None].astype(float) - x[i].astype(float)) ** 2).sum(-1)
        w = np.exp(-u2 / 2)
        w /= w.sum(1, keepdims=True)
        z = y[i].astype(float) - y[i].astype(float).mean(0)
        exact = w @ z**2 - (w @ z) ** 2
        np.testing.assert_allclose(
            in_pieces.variance[i], exact, rtol=1e-9 if dtype == np.float64 else 1e-4
        )
