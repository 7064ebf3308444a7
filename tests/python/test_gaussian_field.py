"""Ascents under a Gaussian with mass_tol: one power series serves all points of a cell.

A step must stay within mass_tol of the keys' range of the float64 formula, lie among the keys, and
depend on nothing but its point.
"""

import copy
import pickle

import numpy as np
import pytest

from vicinal import KeyIndex, _core
from vicinal.ascent import ascend
from vicinal.problem import prepare

H = 0.4


def clusters(d, dtype, rows=12_000, seed=0):
    """Five clusters of different spread, and some rows between them."""
    rng = np.random.default_rng(seed)
    centers = rng.uniform(-4, 4, (5, d))
    spread = np.array([0.3, 0.5, 0.8, 1.0, 0.2])[:, None, None]
    points = centers[:, None] + spread * rng.normal(size=(5, rows // 5, d))
    points = np.concatenate([points.reshape(-1, d), rng.uniform(-5, 5, (rows // 20, d))])
    return points.astype(dtype)


def step(seeds, keys, **options):
    """Return where one step leads."""
    options = {"kernel": "gaussian", "bandwidth": H, "tol": 0.0, "max_iter": 1} | options
    return ascend(seeds, keys, **options).ends


def exact(seeds, keys, weights=None, h=H):
    seeds, keys = seeds.astype(float), keys.astype(float)
    means = np.empty_like(seeds)
    for i, q in enumerate(seeds):
        w = np.exp(-np.square(keys - q).sum(1) / (2 * h * h))
        w = w if weights is None else w * weights
        means[i] = w @ keys / w.sum()
    return means


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("mass_tol", [1e-1, 1e-3, 1e-6])
def test_a_step_keeps_to_the_formula(d, dtype, mass_tol):
    keys = clusters(d, dtype)
    seeds = keys[::41]
    rounding = 16 * np.finfo(dtype).eps * np.abs(keys).max()
    error = np.abs(step(seeds, keys, mass_tol=mass_tol) - exact(seeds, keys))
    assert (error <= mass_tol * np.ptp(keys, axis=0) + rounding).all()


def test_weights_are_those_of_the_keys():
    keys = clusters(2, "float64")
    weights = np.random.default_rng(1).gamma(0.5, size=len(keys))
    weights[::7] = 0
    seeds = keys[::41]
    error = np.abs(step(seeds, keys, weights=weights, mass_tol=1e-6) - exact(seeds, keys, weights))
    assert (error <= 1e-6 * np.ptp(keys, axis=0)).all()


def test_seeds_anywhere_step_among_the_keys():
    keys = clusters(3, "float64")
    seeds = np.random.default_rng(2).uniform(-6, 6, (500, 3))
    ends = step(seeds, keys, mass_tol=1e-2)
    assert (ends >= keys.min(axis=0)).all()
    assert (ends <= keys.max(axis=0)).all()
    assert (np.abs(ends - exact(seeds, keys)) <= 1e-2 * np.ptp(keys, axis=0)).all()


def test_keys_far_from_the_origin():
    keys = clusters(2, "float32") + np.float32(3000)
    seeds = keys[::41]
    error = np.abs(step(seeds, keys, mass_tol=1e-3) - exact(seeds, keys))
    assert (error <= 1e-3 * np.ptp(keys, axis=0)).all()


def told(seeds, keys, memory=None, **options):
    """Return the ends and how many pairs the engine says it met."""
    outputs = {
        "ends": np.empty_like(seeds),
        "n_iter": np.empty(len(seeds), np.int64),
        "status": np.empty(len(seeds), np.int8),
        "mode": np.empty(len(seeds), np.int64),
        "before": np.empty_like(seeds),
    }
    kernel = prepare(
        seeds, keys, None, kernel="gaussian", bandwidth=H, metric=None, weights=None
    ).kernel
    report = _core.mean_shift(
        kernel, seeds, keys, outputs=outputs, tol=1e-3 * H, max_iter=300, memory=memory, **options
    )
    return outputs["ends"], report["pairs_visited"]


def test_series_serve_many_points_and_a_memory_keeps_them():
    keys = clusters(2, "float64")
    _, exactly = told(keys, keys)
    memory = _core.MeanShiftMemory()
    ends, first = told(keys, keys, memory, mass_tol=1e-3)
    again, second = told(keys, keys, memory, mass_tol=1e-3)
    assert first < exactly / 100
    assert second < first  # the cells are there; what has none goes key by key
    np.testing.assert_array_equal(again, ends)
    np.testing.assert_array_equal(told(keys, keys, mass_tol=1e-3)[0], ends)


def test_series_serve_small_tolerances():
    """Cells shrink with mass_tol, so that their series still keep to it."""
    keys = np.random.default_rng(4).normal(size=(40_000, 2)) * 2
    seeds = keys[::20].copy()
    _, exactly = told(seeds, keys)
    for mass_tol in (1e-4, 1e-5, 1e-6):
        assert told(seeds, keys, mass_tol=mass_tol)[1] < exactly / 20


def test_series_serve_far_from_the_origin():
    """Where what fills up the last tile of keys, at 0, is very far from them all."""
    keys = clusters(2, "float64")
    assert len(keys) % 256
    _, near = told(keys, keys, mass_tol=1e-3)
    _, far = told(keys + 1e5, keys + 1e5, mass_tol=1e-3)
    assert far < 1.1 * near


def test_a_copied_memory_knows_nothing():
    keys = clusters(2, "float64")
    memory = _core.MeanShiftMemory()
    ends, first = told(keys[::3], keys, memory, mass_tol=1e-3)
    for other in (copy.deepcopy(memory), pickle.loads(pickle.dumps(memory))):
        anew, pairs = told(keys[::3], keys, other, mass_tol=1e-3)
        assert pairs == first
        np.testing.assert_array_equal(anew, ends)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("d", [1, 3])
def test_bits_depend_on_the_point_alone(d, dtype):
    keys = clusters(d, dtype)
    options = {
        "kernel": "gaussian",
        "bandwidth": H,
        "tol": 1e-3 * H,
        "max_iter": 300,
        "mass_tol": 1e-3,
    }
    together = ascend(keys, keys, num_threads=2, **options)
    some = np.random.default_rng(3).permutation(len(keys))[:60]
    for other in (
        ascend(keys[some], keys, num_threads=1, **options),
        ascend(keys[some], keys, index=KeyIndex(keys), **options),
    ):
        np.testing.assert_array_equal(other.ends, together.ends[some])
        np.testing.assert_array_equal(other.n_iter, together.n_iter[some])
    alone = ascend(keys[some[:1]], keys, **options)
    np.testing.assert_array_equal(alone.ends, together.ends[some[:1]])


def test_bandwidths_between_all_and_nothing():
    """Cells so small that none has a series, and so large that one holds all keys."""
    keys = clusters(2, "float64")
    seeds = keys[::97]
    for h in (1e-4, 1e-2, 30.0):
        error = np.abs(step(seeds, keys, bandwidth=h, mass_tol=1e-2) - exact(seeds, keys, h=h))
        assert (error <= 1e-2 * np.ptp(keys, axis=0)).all()


def test_a_stopped_call_leaves_a_memory_that_serves():
    keys = clusters(2, "float64")
    memory = _core.MeanShiftMemory()

    def stop(iteration, longest, pairs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        told(keys, keys, memory, mass_tol=1e-3, callback=stop)
    ends = told(keys, keys, memory, mass_tol=1e-3)[0]
    np.testing.assert_array_equal(ends, told(keys, keys, mass_tol=1e-3)[0])
