"""Graphs whose numbers are distances or weights; sets keep what they were made of."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

import vicinal as vc
from set_cases import LISTED as N
from set_cases import random_lists


@pytest.fixture
def lists(rng):
    return random_lists(rng)


def mean(near: object) -> np.ndarray:
    x = np.zeros((4, 2))
    return vc.local_mean(x, x, x, neighbors=near)


def test_weights_of_a_graph_are_the_weights(lists, rng, dtype):
    _, used = lists
    w = np.where(used, rng.normal(size=(N, N)), 0).astype(dtype)
    y = rng.normal(size=(N, 20)).astype(dtype)
    graph = vc.Graph(csr_array(w), data="weight")
    got = vc.local_stats(None, None, y, neighbors=graph, statistics=["mean", "log_mass", "ess"])
    exact = w.astype(float)
    mass = exact.sum(1)
    rtol = 1e-11 if dtype == np.float64 else 1e-3
    np.testing.assert_allclose(got.mean, (exact @ y) / mass[:, None], rtol=rtol, atol=rtol)
    np.testing.assert_allclose(got.log_mass, np.log(np.abs(mass)), atol=rtol)
    np.testing.assert_allclose(got.ess, np.abs(exact).sum(1) ** 2 / (exact**2).sum(1), rtol=rtol)
    plain = vc.local_weights(None, None, neighbors=graph, normalize=False)
    np.testing.assert_array_equal(plain.toarray(), w)


@pytest.mark.parametrize("p", [1, 20])
def test_what_else_weighs_or_cuts_joins_the_weights_of_a_graph(p, lists, rng, dtype):
    _, used = lists
    w = np.where(used, rng.random((N, N)), 0).astype(dtype)
    y = rng.normal(size=(N, p)).astype(dtype)
    prior, bias = rng.random(N).astype(dtype), rng.normal(size=(N, N)).astype(dtype)
    mask = rng.random((N, N)) < 0.8
    graph = vc.Graph(csr_array(w), data="weight")
    for options, factor in (
        ({"weights": prior}, prior),
        ({"log_weights": np.log(prior)}, prior),
        ({"bias": bias}, np.exp(bias.astype(float))),
        ({"mask": mask}, mask),
        ({"exclude_self": True}, ~np.eye(N, dtype=bool)),
    ):
        exact = w.astype(float) * factor
        expected = (exact @ y.astype(float)) / exact.sum(1)[:, None]
        got = vc.local_mean(None, None, y, neighbors=graph, **options)
        rtol = 1e-12 if dtype == np.float64 else 1e-5
        np.testing.assert_allclose(got, expected, rtol=rtol, atol=rtol, err_msg=str(options))


@pytest.mark.parametrize("scale", [1e-37, 1e-12, 1e12, 1e37])
def test_weights_and_values_of_any_size(scale, lists, rng):
    _, used = lists
    w = np.where(used, rng.random((N, N)), 0)
    y = rng.normal(size=(N, 3))
    expected = (w @ y) / w.sum(1)[:, None]
    for a, b in ((scale, 1.0), (1.0, scale), (scale, 1 / scale)):
        graph = vc.Graph(csr_array((a * w).astype(np.float32)), data="weight")
        got = vc.local_mean(None, None, (b * y).astype(np.float32), neighbors=graph)
        np.testing.assert_allclose(got / b, expected, atol=2e-5)


def test_distances_of_a_graph_replace_those_of_points(lists, rng, dtype):
    _, used = lists
    d = np.where(used, rng.random((N, N)) + 0.01, 0).astype(dtype)
    y = rng.normal(size=(N, 2)).astype(dtype)
    graph = vc.Graph(csr_array(d), data="distance")
    w = np.where(used, np.exp(-0.5 * (d.astype(float) / 0.3) ** 2), 0)
    got = vc.local_mean(None, None, y, bandwidth=0.3, neighbors=graph)
    atol = 1e-13 if dtype == np.float64 else 2e-6
    np.testing.assert_allclose(got, (w @ y) / w.sum(1)[:, None], atol=atol)
    nearest = vc.local_mean(
        None, None, y, kernel="constant", neighbors=graph & vc.KNearest(3) & vc.Window(50, 50)
    )
    ranked = np.where(used & (np.abs(np.subtract.outer(np.arange(N), np.arange(N))) <= 50), d, 9)
    for i in range(N):
        three = np.argsort(ranked[i], kind="stable")[:3]
        three = three[ranked[i][three] < 9]
        if len(three):
            np.testing.assert_allclose(nearest[i], y[three].mean(0), atol=10 * atol)


def test_stored_zeros_are_edges():
    stored = csr_array((np.zeros(2), [0, 2], [0, 2]), shape=(1, 3))
    y = np.array([1.0, 100.0, 3.0])
    near = vc.Graph(stored, data="distance")
    assert vc.local_mean(None, None, y, neighbors=near) == 2.0
    stats = vc.local_stats(None, None, y, neighbors=vc.Graph(stored, data="weight"))
    assert np.isnan(stats.mean)
    assert stats.count == 0


def test_an_edge_of_a_pattern_counts_once_and_weights_add_up():
    twice = csr_array((np.ones(3), [2, 0, 2], [0, 3]), shape=(1, 3))
    x, y = np.zeros((3, 1)), np.array([1.0, 100.0, 4.0])
    pattern = vc.local_stats(x[:1], x, y, neighbors=vc.Graph(twice, data="pattern"))
    assert (pattern.mean, pattern.count) == (2.5, 2)
    assert vc.local_mean(None, None, y, neighbors=vc.Graph(twice, data="weight")) == 3.0
    assert twice.nnz == 3  # the caller's matrix is as it was


def test_what_a_search_returned_is_a_set(rng):
    x = rng.normal(size=(N, 3))
    expected = vc.local_mean(x, x, x, neighbors=vc.KNearest(5))
    np.testing.assert_allclose(
        vc.local_mean(x, x, x, neighbors=vc.knn(x, x, 5)), expected, atol=1e-14
    )
    by_radius = vc.radius_neighbors(x, x, 0.8)
    np.testing.assert_allclose(
        vc.local_mean(x, x, x, neighbors=by_radius),
        vc.local_mean(x, x, x, neighbors=vc.Radius(0.8)),
        atol=1e-14,
    )


def test_known_weights_beside_points_of_one_side(rng):
    w = np.abs(rng.normal(size=(3, 3))).astype(np.float32)
    graph = vc.Graph(csr_array(w), data="weight")
    y = np.arange(3.0, dtype=np.float32)
    expected = vc.local_mean(None, None, y, neighbors=graph)
    points = np.zeros((3, 2), np.float32)
    np.testing.assert_array_equal(vc.local_mean(None, points, y, neighbors=graph), expected)
    np.testing.assert_array_equal(vc.local_mean(points, None, y, neighbors=graph), expected)


def test_the_variance_of_a_signed_row_may_be_negative():
    graph = vc.Graph(csr_array(np.array([[-1.0, 3.0]])), data="weight")
    stats = vc.local_stats(None, None, [2.0, 4.0], neighbors=graph, statistics=("variance",))
    np.testing.assert_allclose(stats.variance, [-3.0])


def test_broken_graphs_are_refused_before_they_are_read():
    for name, at, value in (("indices", 0, 4), ("indices", 2, -1), ("indptr", 1, 9)):
        broken = csr_array(np.eye(4))
        getattr(broken, name)[at] = value
        with pytest.raises(ValueError, match=f"{name} of the graph"):
            vc.Graph(broken, data="pattern")
    graph = vc.Graph(csr_array(np.eye(4)), data="distance")
    for array in (graph.indices, graph.indptr, graph.edges):
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_sets_keep_what_they_were_made_of(dtype):
    matrix = csr_array(np.eye(4))
    matrix.indices, matrix.indptr = matrix.indices.astype(dtype), matrix.indptr.astype(dtype)
    mask, offsets = np.eye(2, dtype=bool), np.array([0, 2, 4])
    sets = [vc.Graph(matrix, data=data) for data in ("pattern", "distance", "weight")]
    sets += [vc.BlockMask(mask, block=2), vc.Segments(offsets, offsets)]
    before = [mean(near) for near in sets]
    matrix.indices[:], matrix.data[:], matrix.indptr[1:] = 10**6, -1.0, 0
    mask[:], offsets[:] = False, 9
    for near, expected in zip(sets, before, strict=True):
        assert_array_equal(mean(near), expected)
    for array in (sets[1].indices, sets[1].indptr, sets[1].edges, sets[3].mask):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_sets_are_equal_by_content():
    def made(i):
        edges = csr_array(np.eye(4)[:, : 4 - (i == 1)])
        return [
            vc.Graph(edges * (1 + (i == 2)), data="weight"),
            vc.Graph(edges, data="pattern" if i == 3 else "distance"),
            vc.Segments([0, 2, 4], [0, 1 + i, 4]),
            vc.BlockMask(np.eye(3, dtype=bool), block=2 + i),
            vc.Window(1, i) & vc.Segments([0, 4], [0, 4 + i]),
        ]

    for one, same in zip(made(0), pickle.loads(pickle.dumps(made(0))), strict=True):
        assert one == same
        assert hash(one) == hash(same)
        assert copy.deepcopy(one) is one
    for i, near in enumerate(made(0)):
        others = [made(other)[i] for other in (1, 2, 3)]
        assert any(near != other for other in others)
        assert near not in ("a set", vc.KNearest(1))
