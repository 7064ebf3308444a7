"""MeanShift in the place of scikit-learn's: their tests, their centers and labels."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from sklearn import cluster
from sklearn.datasets import make_blobs

from vicinal.models import MeanShift, estimate_bandwidth
from vicinal.models.seeding import binned_seeds

theirs = importlib.import_module("sklearn.cluster.tests.test_mean_shift")


def mean_shift(X, **parameters):
    model = MeanShift(**parameters).fit(X)
    return model.cluster_centers_, model.labels_


def cases(test):
    """Return the arguments that a test of theirs is run with, one dictionary each."""
    found = [{}]
    for mark in getattr(test, "pytestmark", ()):
        if mark.name == "parametrize":
            names = [name.strip() for name in mark.args[0].split(",")]
            rows = [row if len(names) > 1 else (row,) for row in mark.args[1]]
            found = [old | dict(zip(names, row, strict=True)) for old in found for row in rows]
    needed = test.__code__.co_varnames[: test.__code__.co_argcount]
    if "global_dtype" in needed:
        found = [old | {"global_dtype": kind} for old in found for kind in (np.float64, np.float32)]
    if "global_random_seed" in needed:
        found = [old | {"global_random_seed": seed} for old in found for seed in range(5)]
    return found


RUNS = [
    pytest.param(name, arguments, id=f"{name}-{i}")
    for name in sorted(vars(theirs))
    if name.startswith("test_")
    for i, arguments in enumerate(cases(getattr(theirs, name)))
]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("name", "arguments"), RUNS)
def test_their_test(monkeypatch, name, arguments):
    monkeypatch.setattr(theirs, "MeanShift", MeanShift)
    monkeypatch.setattr(theirs, "mean_shift", mean_shift)
    monkeypatch.setattr(theirs, "estimate_bandwidth", estimate_bandwidth)
    monkeypatch.setattr(theirs, "get_bin_seeds", binned_seeds)
    getattr(theirs, name)(**arguments)


def test_all_their_tests_are_run():
    assert len(RUNS) >= 20
    assert len({run.values[0] for run in RUNS}) >= 12


def test_constructor_is_theirs_and_more():
    ours, other = MeanShift().get_params(), cluster.MeanShift().get_params()
    assert {name: ours[name] for name in other} == other


@pytest.mark.filterwarnings("ignore:.*still moved:UserWarning")
@pytest.mark.filterwarnings("ignore:.*are dropped:UserWarning")
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"bin_seeding": True},
        {"bin_seeding": True, "min_bin_freq": 2},
        {"cluster_all": False},
        {"max_iter": 3},
        {"max_iter": 0},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("n", "d", "bandwidth"), [(500, 2, 1.0), (400, 3, 2.0), (90, 16, 12.0), (200, 2, 0.3)]
)
def test_equal_centers_labels_and_iterations(n, d, bandwidth, parameters):
    X, _ = make_blobs(n, n_features=d, centers=8, random_state=1)
    model = MeanShift(bandwidth=bandwidth, assign="nearest", **parameters).fit(X)
    other = cluster.MeanShift(bandwidth=bandwidth, **parameters).fit(X)
    np.testing.assert_allclose(model.cluster_centers_, other.cluster_centers_, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(model.labels_, other.labels_)
    assert model.n_iter_ == other.n_iter_


def test_closed_ball_on_a_grid():
    axis = np.arange(14.0)
    X = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    rng = np.random.default_rng(0)
    X = X[rng.uniform(size=len(X)) < 0.6]
    for bandwidth in (1.0, 2.0, 3.0):
        model = MeanShift(bandwidth=bandwidth, assign="nearest").fit(X)
        other = cluster.MeanShift(bandwidth=bandwidth).fit(X)
        np.testing.assert_allclose(model.cluster_centers_, other.cluster_centers_, atol=1e-12)


def test_float32_is_computed_in_double():
    X, _ = make_blobs(400, n_features=3, centers=5, random_state=3)
    X = X.astype(np.float32)
    model = MeanShift(bandwidth=2.0).fit(X)
    double = MeanShift(bandwidth=2.0).fit(X.astype(np.float64))
    assert model.cluster_centers_.dtype == np.float32
    np.testing.assert_array_equal(
        model.cluster_centers_, double.cluster_centers_.astype(np.float32)
    )
    np.testing.assert_array_equal(model.labels_, double.labels_)


@pytest.mark.parametrize("spread", [3, 1e5])  # a grid that is kept whole, one that is not
@pytest.mark.parametrize("d", [1, 2, 4])
def test_bins_are_met_in_the_order_of_the_rows(spread, d):
    rng = np.random.default_rng(d)
    X = spread * rng.normal(size=(3000, d))
    X = np.concatenate([X, X[:1000]])
    weights = rng.integers(0, 3, len(X))
    bins = [tuple(row) for row in np.round(X / 0.5)]
    held = dict.fromkeys(bins, 0)  # in the order of the rows
    for row, weight in zip(bins, weights, strict=True):
        held[row] += weight
    expected = 0.5 * np.array([row for row, weight in held.items() if weight >= 2])
    np.testing.assert_array_equal(binned_seeds(X, 0.5, 2, weights), expected)
