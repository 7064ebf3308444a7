"""Relaxation labeling against its formulas with dense matrices, and what theory promises of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

import vicinal as vc
from vicinal.models import RelaxationLabeling


@pytest.fixture
def rng():
    return np.random.default_rng(8)


def shares(K):
    return K / np.abs(K).sum(1, keepdims=True)


def rosenfeld(p, K, R):
    s = shares(K) @ p @ R.T
    raised = p * (1 + s)
    return raised / raised.sum(1, keepdims=True), s


@pytest.mark.parametrize("signed", [False, True])
def test_rosenfelds_updates_over_a_graph_of_weights(rng, signed):
    K = rng.uniform(-1 if signed else 0, 1, (12, 12)) * (rng.random((12, 12)) < 0.6)
    np.fill_diagonal(K, 0.5)
    R = rng.uniform(-1, 1, (3, 3))  # neither symmetric nor of one sign
    p = rng.dirichlet(np.ones(3), 12)
    model = RelaxationLabeling(R, max_iter=7, tol=0.0)
    found = model.run(4 * p, vc.Graph(csr_array(K), data="weight"))
    averages = []
    for _ in range(8):
        after, s = rosenfeld(p, K, R)
        averages.append((p * s).sum())
        last, p = p, after
    np.testing.assert_allclose(found.probabilities, last, atol=1e-12)
    np.testing.assert_allclose(found.support, s, atol=1e-12)
    np.testing.assert_allclose(found.consistency, averages, rtol=1e-10)
    np.testing.assert_allclose(found.gap, s.max(1) - (last * s).sum(1), atol=1e-12)
    assert found.n_iter == 7
    assert not found.converged


def test_any_set_and_any_kernel(rng):
    x, p = rng.normal(size=(20, 2)), rng.dirichlet(np.ones(3), 20)
    R = rng.uniform(-1, 1, (3, 3))
    K = np.exp(-((x[:, None] - x) ** 2).sum(2) / 2 / 0.7**2)
    alone = {"bandwidth": 0.7, "max_iter": 1}
    near = vc.knn(x, x, 4, exclude_self=True)
    listed = np.zeros_like(K)
    np.put_along_axis(listed, near.indices, np.take_along_axis(K, near.indices, 1), 1)
    hollow = K - np.diag(np.diag(K))
    for neighbors, options, weights in (
        (None, {}, hollow),
        (None, {"include_self": True}, K),
        (vc.KNearest(4), {}, listed),
        (near, {}, listed),
        (vc.Graph(near.to_csr(), data="pattern"), {}, listed),
    ):
        model = RelaxationLabeling(R, **alone, **options)
        found = model.run(p, neighbors, points=x)
        np.testing.assert_allclose(found.probabilities, rosenfeld(p, weights, R)[0], rtol=1e-10)
    distances = vc.Graph(near.to_csr(), data="distance")
    found = RelaxationLabeling(R, **alone).run(p, distances)
    np.testing.assert_allclose(found.probabilities, rosenfeld(p, listed, R)[0], rtol=1e-10)


def test_projected_updates_raise_the_consistency(rng):
    K = rng.uniform(size=(15, 15))
    K = K + K.T
    K = K / K.sum(1).max()  # the scaled weights of a row must stay symmetric
    np.fill_diagonal(K, K.diagonal() + 1 - K.sum(1))
    R = rng.uniform(-1, 1, (4, 4))
    R = R + R.T
    p = rng.dirichlet(np.ones(4), 15)
    model = RelaxationLabeling(R, update="projected", step=0.05, max_iter=5000, tol=1e-9)
    found = model.run(p, vc.Graph(csr_array(K), data="weight"))
    assert np.diff(found.consistency).min() >= -1e-12
    assert found.converged
    assert found.consistent
    assert found.gap.max() < 1e-5
    np.testing.assert_allclose(found.probabilities.sum(1), 1)
    nonnegative = RelaxationLabeling(np.abs(R) / 2, max_iter=5000, tol=1e-9)
    raised = nonnegative.run(p, vc.Graph(csr_array(K), data="weight"))
    assert np.diff(raised.consistency).min() >= -1e-12


def test_an_image_is_cleaned(rng):
    truth = np.zeros((24, 24), int)
    truth[6:18, 8:20] = 1
    noisy = truth ^ (rng.random(truth.shape) < 0.12)
    p0 = np.where(noisy.reshape(-1, 1) == [0, 1], 0.7, 0.3)
    pixels = np.argwhere(truth >= 0).astype(float)
    same = RelaxationLabeling([[1, -1], [-1, 1]], kernel="constant", max_iter=30)
    found = same.run(p0, vc.Grid((24, 24), 1), points=pixels)
    assert (found.labels == truth.ravel()).mean() > 0.97 > (noisy == truth).mean()


def test_contradictions_are_reported():
    pair = vc.Graph(csr_array([[0.0, 1.0], [1.0, 0.0]]), data="weight")
    against = RelaxationLabeling([[-1.0, -1.0], [-1.0, -1.0]])
    with pytest.warns(vc.LocalizationWarning, match="rule out every label of 2 of 2 points"):
        found = against.run([[0.5, 0.5], [0.2, 0.8]], pair)
    assert found.contradictions == 2
    np.testing.assert_allclose(found.probabilities, [[0.5, 0.5], [0.2, 0.8]])
    # One point wants what its neighbor is, which wants the opposite: no labeling is consistent.
    chase = csr_array([[0.0, 1.0], [-1.0, 0.0]])
    agree = np.array([[1.0, -1.0], [-1.0, 1.0]])
    model = RelaxationLabeling(agree, update="projected", step=0.3, max_iter=200)
    cycle = model.run([[0.9, 0.1], [0.6, 0.4]], vc.Graph(chase, data="weight"))
    assert not cycle.converged
    assert not cycle.consistent


def test_a_point_without_neighbors_keeps_its_vector():
    graph = vc.Graph(csr_array([[0.0, 1, 0], [1, 0, 0], [0, 0, 0]]), data="weight")
    found = RelaxationLabeling([[1.0, 0], [0, 1]]).run([[0.9, 0.1], [0.5, 0.5], [0.3, 0.7]], graph)
    np.testing.assert_allclose(found.probabilities[2], [0.3, 0.7])
    assert found.labels.tolist() == [0, 0, 1]


def test_threads_change_no_bit_and_a_callback_stops(rng):
    x, p = rng.normal(size=(300, 3)), rng.dirichlet(np.ones(3), 300)
    R = rng.uniform(-1, 1, (3, 3))
    ends = [RelaxationLabeling(R, num_threads=t).run(p, points=x).probabilities for t in (1, 2)]
    assert ends[0].tobytes() == ends[1].tobytes()
    model = RelaxationLabeling(R, callback=lambda iteration, *_: iteration == 3, tol=0.0)
    assert model.run(p, points=x).n_iter == 3


def test_bad_input(rng):
    for given, message in (
        ([[1.0, 0.0]], r"compatibility must be \(labels, labels\), got shape \(1, 2\)"),
        ([[np.nan]], "compatibility must be finite"),
        ([[2.0]], r"must lie in \[-1, 1\]"),
    ):
        with pytest.raises(ValueError, match=message):
            RelaxationLabeling(given)
    model = RelaxationLabeling(np.eye(2))
    with pytest.raises(ValueError, match=r"p0 must be \(n, 2\)"):
        model.run(np.ones((3, 3)))
    with pytest.raises(ValueError, match=r"got \[0\. 0\.\] in row 1"):
        model.run([[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match="points must be given unless"):
        model.run(np.ones((3, 2)), vc.KNearest(2))
    with pytest.raises(ValueError, match=r"points must be \(3, d\)"):
        model.run(np.ones((3, 2)), points=np.ones((2, 2)))
    with pytest.raises(ValueError, match="did you mean 'projected'"):
        RelaxationLabeling(np.eye(2), update="project")
