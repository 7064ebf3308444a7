"""Sets of neighbors against dense formulas in float64: which pairs count, what becomes of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

import pages
import vicinal as vc
from set_cases import (
    ALL,
    SETS,
    M,
    N,
    dense_mean,
    distances,
)


@pytest.fixture
def points(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=(N, 2)), rng.normal(size=(N, 2))


@pytest.fixture(params=SETS, ids=str)
def case(request: pytest.FixtureRequest) -> tuple:
    return SETS[request.param]


def test_means_are_those_of_the_pairs_that_count(case, points, rng, dtype):
    q, x = (a.astype(dtype) for a in points)
    y = rng.normal(size=(N, 3)).astype(dtype)
    near, pairs = case
    d = distances(q, x)
    used = pairs(d, ALL)
    got = vc.local_mean(q, x, y, bandwidth=0.8, neighbors=near)
    np.testing.assert_allclose(
        got, dense_mean(used, d, y.astype(float), 0.8), atol=1e-13 if dtype == np.float64 else 2e-6
    )


def test_candidates_come_first(case, points, rng):
    # exclude_self, mask and keys of weight 0 cut before k nearest are taken
    q, x = points
    y = rng.normal(size=(N, 2))
    near, pairs = case
    d = distances(q, x)
    mask = rng.random((M, N)) < 0.7
    weights = rng.random(N) * (rng.random(N) < 0.8)
    for arguments, candidates in (
        ({"exclude_self": True}, ~np.eye(N, dtype=bool)),
        ({"weights": weights}, np.broadcast_to(weights > 0, (M, N))),
        (
            {"mask": mask, "weights": weights, "exclude_self": True},
            mask & (weights > 0) & ~np.eye(N, dtype=bool),
        ),
    ):
        used = pairs(d, candidates) & candidates
        prior = weights if "weights" in arguments else np.ones(N)
        got = vc.local_mean(q, x, y, bandwidth=0.8, neighbors=near, **arguments)
        w = np.where(used, np.exp(-0.5 * (d / 0.8) ** 2) * prior, 0)
        with np.errstate(invalid="ignore"):
            np.testing.assert_allclose(got, (w @ y) / w.sum(1)[:, None], atol=1e-13)


def test_every_statistic(case, points, rng):
    q, x = points
    y = rng.normal(size=(N, 2))
    near, pairs = case
    d = distances(q, x)
    used = pairs(d, ALL)
    w = np.where(used, np.exp(-0.5 * (d / 0.8) ** 2), 0)
    names = ("mean", "log_mass", "ess", "count", "variance", "covariance", "self_weight", "top_k")
    got = vc.local_stats(
        q, x, y, bandwidth=0.8, neighbors=near, statistics=names, k=3, empty="zero"
    )
    mass = w.sum(1)
    full = mass > 0
    share = w[full] / mass[full][:, None]
    mean = share @ y
    centered = y[None] - mean[:, None]
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(got.log_mass, np.log(mass), atol=1e-12)
    np.testing.assert_array_equal(got.count, used.sum(1))
    np.testing.assert_allclose(got.mean[full], mean, atol=1e-13)
    np.testing.assert_allclose(got.ess[full], 1 / (share**2).sum(1), rtol=1e-12)
    covariance = np.einsum("ij,ija,ijb->iab", share, centered, centered)
    np.testing.assert_allclose(got.covariance[full], covariance, atol=1e-13)
    np.testing.assert_allclose(got.variance[full], np.einsum("iaa->ia", covariance), atol=1e-13)
    np.testing.assert_allclose(
        got.self_weight[full], share[:, :][np.arange(full.sum()), np.flatnonzero(full)], atol=1e-13
    )
    assert got.empty_rows == (~full).sum()
    heaviest = np.argsort(-w, axis=1, kind="stable")[:, :3]
    found = np.take_along_axis(used, heaviest, 1)
    np.testing.assert_array_equal(got.top_k[0], np.where(found, heaviest, -1))


def test_weights_are_sparse(case, points):
    q, x = points
    near, pairs = case
    d = distances(q, x)
    w = np.where(pairs(d, ALL), np.exp(-0.5 * (d / 0.8) ** 2), 0)
    plain = vc.local_weights(q, x, bandwidth=0.8, neighbors=near, normalize=False)
    assert isinstance(plain, csr_array)
    assert plain.has_sorted_indices
    np.testing.assert_allclose(plain.toarray(), w, atol=1e-15)
    mass = w.sum(1)
    shares = vc.local_weights(q, x, bandwidth=0.8, neighbors=near).toarray()
    np.testing.assert_allclose(shares[mass > 0], (w / np.maximum(mass, 1e-300)[:, None])[mass > 0])
    assert not shares[mass == 0].any()


def test_bits_depend_on_neither_batch_nor_threads(case, points, dtype, rng):
    q, x = (a.astype(dtype) for a in points)
    y = rng.normal(size=(N, 2)).astype(dtype)
    near, _ = case
    one = vc.local_mean(q, x, y, bandwidth=0.5, neighbors=near, num_threads=1)
    for threads in (2, 3, 7):
        many = vc.local_mean(q, x, y, bandwidth=0.5, neighbors=near, num_threads=threads)
        assert many.tobytes() == one.tobytes()
    for number, row in enumerate((17, 18)):  # alone, where a set does not count row numbers
        if near in (SETS["nearest"][0], SETS["radius"][0], SETS["nearest within a radius"][0]):
            alone = vc.local_mean(q[row : row + 1], x, y, bandwidth=0.5, neighbors=near)
            assert alone.tobytes() == one[row : row + 1].tobytes(), number


def test_the_code_of_the_documentation():
    names = pages.run("neighbor-sets.md")
    np.testing.assert_allclose(
        vc.local_mean(None, None, names["values"], bandwidth=0.05, neighbors=names["graph"]),
        names["by_graph"],
        atol=1e-12,
    )
