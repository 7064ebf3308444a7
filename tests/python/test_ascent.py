"""The ascents of mean shift against a loop of numpy, one seed at a time."""

from __future__ import annotations

import numpy as np
import pytest

import vicinal as vc
from vicinal import ascent
from vicinal.ascent import ascend, distinct_rows

PROFILES = {
    "flat": lambda u: (u <= 1).astype(float),
    "gaussian": lambda u: np.exp(-0.5 * u**2),
    "epanechnikov": lambda u: np.maximum(1 - u**2, 0),
}


@pytest.fixture
def keys():
    rng = np.random.default_rng(5)
    return np.concatenate([rng.normal(c, 1, size=(60, 2)) for c in (0.0, 5.0, -4.0)])


def by_hand(seed, keys, profile, h, weights, alpha, tol, max_iter):
    """Return end, steps and status of one seed in float64."""
    q = seed.copy()
    for steps in range(max_iter):
        w = profile(np.sqrt(((q - keys) ** 2).sum(axis=1)) / h) * weights
        if w.sum() == 0:
            return q, steps, ascent.ORPHAN
        step = alpha * ((w[:, None] * keys).sum(axis=0) / w.sum() - q)
        q = q + step
        if np.sqrt((step**2).sum()) <= tol:
            return q, steps + 1, ascent.CONVERGED
    return q, max_iter, ascent.STOPPED


@pytest.mark.parametrize("kernel", PROFILES)
@pytest.mark.parametrize("alpha", [1.0, 0.6, 1.4])
@pytest.mark.parametrize("max_iter", [4, 400])
def test_against_a_loop(keys, kernel, alpha, max_iter):
    rng = np.random.default_rng(1)
    weights = rng.uniform(0.2, 2, len(keys))
    seeds = np.concatenate([keys[::7], [[40.0, 40.0]], keys[:3]])
    options = {"alpha": alpha, "tol": 1e-3, "max_iter": max_iter}
    found = ascend(seeds, keys, kernel=kernel, bandwidth=1.3, weights=weights, **options)
    far = kernel != "gaussian"  # whose weights at 40 underflow in the loop
    for i in range(len(seeds)):
        if not far and i == len(keys[::7]):
            continue
        end, steps, status = by_hand(
            seeds[i], keys, PROFILES[kernel], 1.3, weights, alpha, 1e-3, max_iter
        )
        np.testing.assert_allclose(found.ends[i], end, rtol=0, atol=1e-11)
        assert (found.n_iter[i], found.status[i]) == (steps, status)
    assert found.ends.shape == seeds.shape
    assert found.n_iter.dtype == np.int64
    assert found.status.dtype == np.int8
    assert found.mode.dtype == np.int64
    assert np.all(found.mode == -1)


@pytest.mark.parametrize("kernel", PROFILES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_bits_depend_on_no_other_seed_nor_on_threads(keys, kernel, dtype):
    keys = keys.astype(dtype)
    seeds = np.concatenate([keys, keys[:20], keys + dtype(0.25)])
    options = {"kernel": kernel, "bandwidth": 0.8, "tol": 1e-3, "max_iter": 50}
    options |= {"modes": keys[:3], "capture_radius": 0.1}
    whole = ascend(seeds, keys, **options)
    index = vc.KeyIndex(keys)
    for part in (slice(0, 1), slice(5, 12), slice(150, None, 3)):
        for threads in (1, 3):
            alone = ascend(seeds[part], keys, **options, num_threads=threads)
            for name in whole._fields:
                assert getattr(whole, name)[part].tobytes() == getattr(alone, name).tobytes()
    indexed = ascend(seeds, keys, **options, index=index)
    assert indexed.ends.tobytes() == whole.ends.tobytes()


def test_the_end_is_the_mean_before_it(keys):
    found = ascend(keys, keys, kernel="gaussian", bandwidth=0.9, tol=1e-3, max_iter=300)
    means = vc.local_mean(found.before, keys, keys, bandwidth=0.9)
    assert means.tobytes() == found.ends.tobytes()


def test_capture(keys):
    modes = ascend(keys[::60], keys, kernel="gaussian", bandwidth=1.0, tol=1e-9, max_iter=900).ends
    options = {"kernel": "gaussian", "bandwidth": 1.0, "tol": 1e-3, "max_iter": 300}
    plain = ascend(keys, keys, **options)
    caught = ascend(keys, keys, modes=modes, capture_radius=0.5, **options)
    distances = np.sqrt(((caught.ends[:, None] - modes) ** 2).sum(axis=2))
    inside = caught.status == ascent.CAPTURED
    assert inside.all()
    np.testing.assert_array_equal(caught.mode, distances.argmin(axis=1))
    assert np.all(distances.min(axis=1) <= 0.5)
    assert np.all(caught.n_iter < plain.n_iter)
    begins = np.sqrt(((keys[:, None] - modes) ** 2).sum(axis=2)).min(axis=1) <= 0.5
    np.testing.assert_array_equal(caught.n_iter == 0, begins)
    none = ascend(keys, keys, modes=modes[:0], capture_radius=0.5, **options)
    assert none.ends.tobytes() == plain.ends.tobytes()


def test_callback_sees_every_step_and_stops(keys):
    seen = []

    def look(iteration, error, now):
        seen.append((iteration, error, np.count_nonzero(now.status == ascent.MOVING)))
        return iteration == 3

    options = {"kernel": "gaussian", "bandwidth": 1.0, "tol": 1e-6, "max_iter": 300}
    found = ascend(keys, keys, **options, callback=look)
    assert [iteration for iteration, _, _ in seen] == [1, 2, 3]
    assert all(error > 0 for _, error, _ in seen)
    assert np.all(found.status[found.n_iter == 3] == ascent.STOPPED)
    short = ascend(keys, keys, **{**options, "max_iter": 3})
    assert short.ends.tobytes() == found.ends.tobytes()


def test_no_seed_and_no_step(keys):
    options = {"kernel": "flat", "bandwidth": 1.0, "tol": 1e-3}
    assert ascend(keys[:0], keys, max_iter=5, **options).ends.shape == (0, 2)
    found = ascend(keys, keys, max_iter=0, **options)
    assert np.all(found.status == ascent.STOPPED)
    np.testing.assert_array_equal(found.ends, keys)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_distinct_rows(dtype):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 3, size=(200, 3)).astype(dtype)
    rows[7] = -0.0
    first, inverse = distinct_rows(rows)
    assert rows[first[inverse]].tobytes() == rows.tobytes()
    assert len(first) == len({row.tobytes() for row in rows})
    assert np.all(np.diff(first) > 0)


def test_distinct_rows_whose_hashes_collide(monkeypatch):
    rows = np.random.default_rng(0).integers(0, 3, size=(50, 2)).astype(float)
    expected = distinct_rows(rows)
    monkeypatch.setattr(ascent, "_hashes", lambda words: words[:, 0] % np.uint64(2))
    for ours, theirs in zip(distinct_rows(rows), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
