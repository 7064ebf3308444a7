"""QuickShift against its definition, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

import vicinal as vc
from vicinal.models import KernelDensity, QuickShift


@pytest.fixture(scope="module")
def blobs():
    return make_blobs(300, n_features=3, centers=5, random_state=4)


def linked(X, density, limit):
    """Return the nearest denser row, itself if there is none near enough."""
    parents = np.arange(len(X))
    gaps = np.sqrt(((X[:, None] - X) ** 2).sum(axis=2))
    for i in range(len(X)):
        denser = np.flatnonzero(
            (density > density[i]) | ((density == density[i]) & (np.arange(len(X)) < i))
        )
        if denser.size:
            j = denser[gaps[i, denser].argmin()]
            parents[i] = j if gaps[i, j] <= limit else i
    return parents


@pytest.mark.parametrize("kernel", ["gaussian", "epanechnikov", "laplace"])
@pytest.mark.parametrize("limit", [None, 0.4, 3.0, np.inf])
def test_links_are_those_of_the_definition(blobs, kernel, limit):
    X, _ = blobs
    model = QuickShift(kernel=kernel, bandwidth=1.1, max_distance=limit).fit(X)
    density = vc.local_stats(X, X, kernel=kernel, bandwidth=1.1, statistics="log_mass").log_mass
    parents = linked(X, density, 2.2 if limit is None else limit)
    np.testing.assert_array_equal(model.parents_, parents)
    roots = parents
    for _ in range(len(X)):
        roots = parents[roots]
    expected = np.unique(roots)
    order = expected[np.argsort(-density[expected], kind="stable")]
    np.testing.assert_array_equal(model.cluster_centers_, X[order])
    np.testing.assert_array_equal(X[roots], model.cluster_centers_[model.labels_])
    lengths = np.sqrt(((X - X[parents]) ** 2).sum(axis=1))
    lengths[parents == np.arange(len(X))] = np.inf
    np.testing.assert_allclose(model.parent_distances_, lengths)
    assert np.isinf(model.parent_distances_).sum() == len(model.cluster_centers_)


def test_finds_blobs_and_their_density(blobs):
    X, y = blobs
    model = QuickShift(bandwidth=0.9).fit(X)
    assert adjusted_rand_score(y, model.labels_) > 0.95
    expected = KernelDensity(bandwidth=0.9).fit(X).score_samples(model.cluster_centers_)
    np.testing.assert_allclose(model.log_density_, expected, rtol=1e-12)
    assert np.all(np.diff(model.log_density_) <= 0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("bandwidth", [0.9, [0.7, 0.9, 1.1], vc.bandwidth.Abramson(0.9), None])
def test_predict_repeats_the_fit_row_by_row(blobs, path, bandwidth, dtype):
    X = blobs[0].astype(dtype)
    weights = np.random.default_rng(0).integers(0, 4, len(X))
    for weight in (None, weights):
        model = QuickShift(bandwidth=bandwidth).fit(X, sample_weight=weight)
        np.testing.assert_array_equal(model.predict(X), model.labels_)
        queries = X[::9] + dtype(0.3)
        whole = model.predict(queries)
        assert whole.tolist() == [model.predict(q[None])[0] for q in queries]
        model.save(path)
        np.testing.assert_array_equal(vc.load(path).set_params(n_jobs=3).predict(queries), whole)


def test_weights_count_equal_rows(blobs):
    X, _ = blobs
    counts = np.random.default_rng(1).integers(0, 4, len(X))
    weighted = QuickShift(bandwidth=0.9).fit(X, sample_weight=counts)
    repeated = QuickShift(bandwidth=0.9).fit(np.repeat(X, counts, axis=0))
    np.testing.assert_array_equal(np.repeat(weighted.labels_, counts), repeated.labels_)
    np.testing.assert_array_equal(weighted.cluster_centers_, repeated.cluster_centers_)
    assert np.all((weighted.parents_ == -1) == (counts == 0))


def test_a_new_row_follows_the_rule():
    model = QuickShift(bandwidth=0.5).fit([[0.0], [0.2], [0.3], [5.0], [5.4], [5.9]])
    assert model.predict([[0.1], [5.2], [9.0]]).tolist() == [0, 1, 1]


def test_ties_of_the_density_go_to_the_first_row():
    X = np.array([[0.0], [1.0]])
    model = QuickShift(bandwidth=1.0).fit(X)
    assert model.parents_.tolist() == [0, 0]
    assert model.cluster_centers_.tolist() == [[0.0]]


def test_estimated_bandwidth_of_zero():
    X = np.repeat([1.0, 2.0], [12, 10])[:, None]
    with pytest.warns(vc.LocalizationWarning, match="every one of the 2 distinct rows"):
        model = QuickShift().fit(X)
    assert model.cluster_centers_.ravel().tolist() == [1.0, 2.0]
    assert model.predict([[1.1], [1.9], [2.0]]).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_distance": -1.0}, "max_distance must be None or a number from 0 on, got -1.0"),
        ({"max_distance": "far"}, "max_distance must be None or a number from 0 on"),
        ({"kernel": "softmax"}, "kernel must weigh distances"),
        ({"bandwidth": -1.0}, "bandwidth must be None, a positive number"),
    ],
)
def test_bad_parameters_are_named(blobs, parameters, message):
    with pytest.raises(ValueError, match=message):
        QuickShift(**parameters).fit(blobs[0])
