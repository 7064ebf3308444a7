"""Accumulators: any split, any order, pickles, balanced merges, keys larger than memory."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import vicinal as vc
from accuracy import near
from cases import DISTANCE_CASES, DOT_CASES, ordinary_bandwidth, sample

STATISTICS = ("mean", "log_mass", "ess", "count", "variance", "covariance", "self_weight", "top_k")
M, N, P = 12, 900, 3


def same(got, expected, y, dtype):
    """Assert that two results agree to rounding."""
    near(got.mean, expected.mean, dtype, scale=np.abs(y).max())
    near(got.log_mass, expected.log_mass, dtype, scale=max(1, np.abs(expected.log_mass).max()))
    near(got.ess, expected.ess, dtype, scale=expected.ess.max())
    near(got.variance, expected.variance, dtype)
    near(got.covariance, expected.covariance, dtype)
    near(got.self_weight, expected.self_weight, dtype, scale=1.0)
    assert_array_equal(got.count, expected.count)
    assert_array_equal(got.top_k[0], expected.top_k[0])
    near(got.top_k[1], expected.top_k[1], dtype, scale=1.0)
    assert got.empty_rows == expected.empty_rows
    assert got.pairs_visited == expected.pairs_visited


def whole_and_options(case, dtype):
    q, x, y = sample(case, M, N, 3, P, dtype)
    h = ordinary_bandwidth(case, q, x)
    options = {"kernel": case.make(), "bandwidth": h, "statistics": STATISTICS, "k": 5}
    return q, x, y, options


@pytest.mark.parametrize("case", DISTANCE_CASES + DOT_CASES, ids=lambda c: c.name)
def test_any_split_gives_the_same(case, dtype):
    q, x, y, options = whole_and_options(case, dtype)
    own = {"self_indices": np.arange(M)}
    expected = vc.local_stats(q, x, y, **own, **options)
    for cuts in ([450], [1, 2, 3, 500], [0, 0, 300, 300, 899], range(100, 900, 100)):
        accumulator = vc.LocalMeanAccumulator(q, **own, **options)
        for start, stop in zip([0, *cuts], [*cuts, N], strict=True):
            accumulator.update(x[start:stop], y[start:stop])
        same(accumulator.result(), expected, y, dtype)


@pytest.mark.parametrize("case", [DISTANCE_CASES[0], DOT_CASES[0]], ids=lambda c: c.name)
def test_merge_pickle_and_key_offset(case, dtype):
    q, x, y, options = whole_and_options(case, dtype)
    own = {"self_indices": np.arange(M)}
    expected = vc.local_stats(q, x, y, **own, **options)
    parts = []
    for start in range(0, N, 250):
        part = vc.LocalMeanAccumulator(q, **own, **options)
        part.update(x[start : start + 250], y[start : start + 250], key_offset=start)
        parts.append(pickle.loads(pickle.dumps(part)))
    total = parts[0]
    for part in parts[1:]:
        assert total.merge(part) is total
    same(total.result(), expected, y, dtype)
    again = pickle.loads(pickle.dumps(total)).result()
    assert again.mean.tobytes() == total.result().mean.tobytes()


def test_update_returns_self_and_result_can_be_read_twice(rng, dtype):
    x = rng.normal(size=(50, 2)).astype(dtype)
    accumulator = vc.LocalMeanAccumulator(x)
    assert accumulator.update(x, x) is accumulator
    first = accumulator.result().mean
    assert accumulator.result().mean.tobytes() == first.tobytes()
    assert accumulator.update(x[:3] + 1, x[:3]).result().mean.tobytes() != first.tobytes()


def test_weights_masks_and_exclusion_per_update(rng, dtype):
    x, y = rng.normal(size=(500, 3)).astype(dtype), rng.normal(size=(500, 2)).astype(dtype)
    q = x[:20]
    prior, mask = rng.uniform(0, 2, 500).astype(dtype), rng.random((20, 500)) < 0.6
    expected = vc.local_mean(
        q, x, y, weights=prior, mask=mask, exclude_self=True, self_indices=np.arange(20)
    )
    accumulator = vc.LocalMeanAccumulator(q, exclude_self=True, self_indices=np.arange(20))
    for start in range(0, 500, 130):
        rows = slice(start, start + 130)
        accumulator.update(
            x[rows], y[rows], weights=prior[rows], mask=mask[:, rows], key_offset=start
        )
    near(accumulator.result().mean, expected, dtype, scale=np.abs(y).max())


def test_rows_of_tiny_mass_are_done_again_per_update(rng, dtype):
    """Their keys are gone when the next update comes."""
    x, y = rng.normal(size=(800, 2)).astype(dtype), rng.normal(size=(800, 2)).astype(dtype)
    q = (40 + rng.normal(size=(6, 2))).astype(dtype)
    order = np.argsort(-x.sum(1))  # the far keys come last, the near ones first, and reversed
    expected = vc.local_stats(q, x, y)
    for sequence in (order, order[::-1]):
        accumulator = vc.LocalMeanAccumulator(q, statistics=("mean", "log_mass"))
        for start in range(0, 800, 90):
            rows = sequence[start : start + 90]
            accumulator.update(x[rows], y[rows])
        got = accumulator.result()
        near(got.log_mass, expected.log_mass, dtype, scale=np.abs(expected.log_mass).max())
        # The exponents are near −1600: f32 distances move weights by 1600 · 2^-24.
        allowed = 1600 * np.finfo(dtype).eps * np.abs(y).max()
        assert np.abs(got.mean - expected.mean).max() <= allowed


def test_merge_all_is_a_fixed_tree(rng, dtype):
    x, y = rng.normal(size=(700, 3)).astype(dtype), rng.normal(size=700).astype(dtype)
    q = x[:9]

    def parts():
        return [
            vc.LocalMeanAccumulator(q).update(x[s : s + 100], y[s : s + 100], key_offset=s)
            for s in range(0, 700, 100)
        ]

    first = vc.partial.merge_all(parts()).result().mean
    loaded = [pickle.loads(pickle.dumps(part)) for part in parts()]
    assert vc.partial.merge_all(loaded).result().mean.tobytes() == first.tobytes()
    near(first, vc.local_mean(q, x, y), dtype, scale=np.abs(y).max())
    one = parts()[:1]
    assert vc.partial.merge_all(one).result().mean.tobytes() == one[0].result().mean.tobytes()
    with pytest.raises(ValueError, match="accumulator"):
        vc.partial.merge_all([])


def test_merge_all_leaves_its_inputs_alone(rng):
    x = rng.normal(size=(60, 2))
    parts = [
        vc.LocalMeanAccumulator(x[:5]).update(x[s : s + 20], x[s : s + 20]) for s in (0, 20, 40)
    ]
    before = [part.result().mean.tobytes() for part in parts]
    vc.partial.merge_all(parts)
    assert [part.result().mean.tobytes() for part in parts] == before


def test_no_keys_yet_is_empty(rng):
    got = vc.LocalMeanAccumulator(
        rng.normal(size=(4, 2)), statistics=("log_mass", "count")
    ).result()
    assert (got.log_mass == -np.inf).all()
    assert (got.count == 0).all()
    assert got.empty_rows == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda q: vc.LocalMeanAccumulator(q + 1), "queries"),
        (lambda q: vc.LocalMeanAccumulator(q, kernel="cauchy"), "kernel"),
        (lambda q: vc.LocalMeanAccumulator(q, bandwidth=2.0), "kernel|bandwidth"),
        (lambda q: vc.LocalMeanAccumulator(q, statistics=("mean", "ess")), "statistics"),
        (lambda q: vc.LocalMeanAccumulator(q.astype(np.float32)), "dtype|float32"),
    ],
)
def test_states_that_do_not_fit_are_refused(change, message, rng):
    q = rng.normal(size=(5, 2))
    x = rng.normal(size=(20, 2))
    left, right = vc.LocalMeanAccumulator(q).update(x, x), change(q)
    with pytest.raises(ValueError, match=message):
        left.merge(right)


def test_shapes_are_checked_on_update(rng):
    accumulator = vc.LocalMeanAccumulator(rng.normal(size=(5, 2)))
    with pytest.raises(ValueError, match=r"keys.*3.*2|features"):
        accumulator.update(np.zeros((4, 3)), np.zeros(4))
    accumulator.update(np.zeros((4, 2)), np.zeros((4, 2)))
    with pytest.raises(ValueError, match="values"):
        accumulator.update(np.zeros((4, 2)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match="values"):
        accumulator.update(np.zeros((4, 2)))


STREAM = """
import resource, sys
import numpy as np, vicinal as vc
path, rows, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
keys = np.memmap(path, np.float32, "r", shape=(rows, 16))
accumulator = vc.LocalMeanAccumulator(np.zeros((3, 16), np.float32), bandwidth=8.0)
used = int(open("/proc/self/status").read().split("VmData:")[1].split()[0]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (used + limit, used + limit))
for start in range(0, rows, 50_000):
    block = np.array(keys[start : start + 50_000])  # a block in memory, under the limit
    accumulator.update(block, block[:, :2], key_offset=start)
try:
    np.array(keys)
except MemoryError:
    print(accumulator.result().mean.tobytes().hex())
"""


def test_memory_mapped_keys_larger_than_the_memory_limit(tmp_path):
    """128 MB of keys under a limit of 64 MB of data, where loading them whole fails."""
    rows = 2_000_000
    path = tmp_path / "keys.bin"
    keys = np.memmap(path, np.float32, "w+", shape=(rows, 16))
    for start in range(0, rows, 100_000):
        block = np.random.default_rng(start).normal(size=(100_000, 16))
        keys[start : start + 100_000] = block
    keys.flush()
    command = [sys.executable, "-c", STREAM, str(path), str(rows), str(64 << 20)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    got = np.frombuffer(bytes.fromhex(done.stdout.strip()), np.float32).reshape(3, 2)
    expected = vc.local_mean(np.zeros((3, 16), np.float32), keys, keys[:, :2], bandwidth=8.0)
    near(got, expected, np.float32, scale=np.abs(keys[:1000]).max())


def test_many_merges_keep_their_digits():
    """Merged sums are compensated: 4,000 equal pieces, where a plain sum is off by 100 ulp."""
    accumulator = vc.LocalMeanAccumulator([[0.0]], statistics=("mean", "log_mass"), kernel="cauchy")
    for _ in range(4000):
        accumulator.update([[0.7]], [0.1])
    result = accumulator.result()
    assert abs(result.mean[0] - 0.1) <= 2 * np.spacing(0.1)


def test_key_numbers_beyond_32_bits():
    first = 2**31 + 5
    accumulator = vc.LocalMeanAccumulator([[0.0]], statistics=("top_k",), k=2)
    accumulator.update([[3.0], [1.0], [2.0]], [1.0, 2.0, 3.0], key_offset=first)
    np.testing.assert_array_equal(accumulator.result().top_k[0], [[first + 1, first + 2]])
