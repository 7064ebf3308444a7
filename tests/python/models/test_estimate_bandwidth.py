"""The estimated bandwidth: scikit-learn's number, and how near it stays for many rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from sklearn import cluster
from sklearn.datasets import make_blobs

from vicinal.bandwidth.strata import representative_rows
from vicinal.key_index import KeyIndex
from vicinal.models import MeanShift, estimate_bandwidth

MANY = 24_000  # rows, more than are taken as a whole


@pytest.mark.parametrize("quantile", [0.0, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("n_samples", [None, 1, 150, 9999])
def test_estimate_is_theirs(quantile, n_samples):
    X = np.random.default_rng(0).normal(size=(300, 3))
    options = {"quantile": quantile, "n_samples": n_samples}
    expected = cluster.estimate_bandwidth(X, **options)
    assert estimate_bandwidth(X, **options) == pytest.approx(expected, rel=1e-12)


def test_estimate_counts_weights_as_equal_rows():
    rng = np.random.default_rng(1)
    X, counts = rng.normal(size=(200, 2)), rng.integers(0, 4, 200)
    expected = cluster.estimate_bandwidth(np.repeat(X, counts, axis=0))
    assert estimate_bandwidth(X, sample_weight=counts) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantile": 1.5}, "quantile must be a number from 0 to 1, got 1.5"),
        ({"n_samples": 0}, "n_samples must be a whole number from 1, got 0"),
    ],
)
def test_estimate_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        estimate_bandwidth([[0.0], [1.0]], **options)


def exact(X, quantile, weights=None):
    """Return the mean distance to the k-th nearest row, by sorting all distances."""
    weights = np.ones(len(X)) if weights is None else weights
    mass, distances = max(int(weights.sum() * quantile), 1), []
    for x in X:
        squares = np.square(X - x).sum(axis=1)
        order = np.argsort(squares)
        at = np.searchsorted(np.cumsum(weights[order]), mass)
        distances.append(np.sqrt(squares[order[at]]))
    return np.average(distances, weights=weights)


SHAPES = {
    "clusters": lambda rng, n: make_blobs(n, 2, centers=10, center_box=(-20, 20), random_state=3)[
        0
    ],
    "normal": lambda rng, n: rng.normal(size=(n, 3)),
    "outliers": lambda rng, n: np.exp(1.5 * rng.normal(size=(n, 3))),
}


@pytest.mark.parametrize(
    ("shape", "share"), [("clusters", 0.01), ("normal", 0.01), ("outliers", 0.04)]
)
@pytest.mark.parametrize("quantile", [0.02, 0.3])
def test_estimate_of_many_rows_is_near_the_exact_one(shape, share, quantile):
    X = SHAPES[shape](np.random.default_rng(0), MANY)
    X = X[np.lexsort(X.T)]  # no order of the rows may bias it
    whole = estimate_bandwidth(X, quantile=quantile, n_samples=len(X))
    assert estimate_bandwidth(X, quantile=quantile) == pytest.approx(whole, rel=share)


def test_all_rows_as_samples_are_exact_whatever_their_number():
    rng = np.random.default_rng(2)
    X = np.concatenate([rng.normal(size=(20_500, 2)), np.zeros((1, 2))])
    rows = rng.integers(0, len(X), 300)
    near = [np.sort(np.square(X - X[i]).sum(axis=1))[int(0.3 * len(X)) - 1] for i in rows]
    whole = estimate_bandwidth(X, n_samples=len(X))
    assert whole == pytest.approx(np.sqrt(near).mean(), rel=0.05)  # of 300 of the rows


@pytest.mark.parametrize("weighted", [False, True])
def test_estimate_is_the_sorted_one(weighted):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(1500, 4))
    weights = rng.integers(0, 3, len(X)).astype(float) if weighted else None
    expected = exact(X, 0.3, weights)
    assert estimate_bandwidth(X, sample_weight=weights) == pytest.approx(expected, rel=1e-12)


def test_weights_of_many_rows_count_equal_rows():
    rng = np.random.default_rng(4)
    X, counts = rng.normal(size=(MANY, 2)), rng.integers(1, 4, MANY)
    whole = estimate_bandwidth(np.repeat(X, counts, axis=0), n_samples=counts.sum())
    assert estimate_bandwidth(X, sample_weight=counts) == pytest.approx(whole, rel=0.01)


def test_estimate_of_many_rows_is_the_same_for_any_number_of_threads():
    X = np.random.default_rng(5).normal(size=(MANY, 3)).astype(np.float32)
    assert estimate_bandwidth(X, n_jobs=1) == estimate_bandwidth(X, n_jobs=3)


def test_coincident_rows_in_their_majority_give_zero():
    X = np.zeros((MANY, 2))
    X[:100] = np.random.default_rng(6).normal(size=(100, 2))
    assert estimate_bandwidth(X, quantile=0.001) < 0.02  # but for the rows that stand alone
    assert estimate_bandwidth(X[100:]) == 0


def test_rows_stand_for_all_mass():
    rng = np.random.default_rng(7)
    X, weights = rng.standard_t(1, size=(MANY, 2)), rng.uniform(0.1, 3, MANY)
    for own in (None, weights):
        rows, mass = representative_rows(KeyIndex(X), own, 500, np.random.RandomState(0))
        assert 400 <= len(rows) <= 700
        assert mass.sum() == pytest.approx(MANY if own is None else own.sum())
        assert (mass > 0).all()


def test_a_fit_without_a_bandwidth_takes_the_estimate():
    X, _ = make_blobs(30_000, 2, centers=4, center_box=(-30, 30), random_state=0)
    model = MeanShift(bin_seeding=True).fit(X)
    assert model.bandwidth_ == estimate_bandwidth(X)


@pytest.mark.parametrize("n", [300, 3000, MANY])
def test_weights_of_sum_one_reach_to_the_farthest_row(n):
    rng = np.random.default_rng(8)
    X, weights = rng.normal(size=(n, 2)), rng.lognormal(sigma=3, size=n)
    weights /= weights.sum()
    hull = X[ConvexHull(X).vertices]  # which the farthest row is one of
    farthest = [np.sqrt(np.square(hull - x).sum(axis=1).max()) for x in X]
    expected = np.average(farthest, weights=weights)
    found = estimate_bandwidth(X, sample_weight=weights)
    assert found == pytest.approx(expected, rel=1e-9 if n < MANY else 0.01)
