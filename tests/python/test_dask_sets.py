"""Dask arrays with sets of neighbors: rows are those of the whole arrays, for any chunks."""

from __future__ import annotations

import pickle

import dask.array as da
import numpy as np
import pytest
from scipy.sparse import csr_array

import vicinal as vc
from accuracy import near as assert_near
from dask_cases import by_hand, chunked
from set_cases import ALL, EDGES, SETS, M, N, dense_mean, distances

PIECES = {name: case for name, case in SETS.items() if "KNearest" not in repr(case[0])}
CHUNKS = [((M,), (100, 51, 149)), ((1, 133, 0, 166), (N,)), ((90, 210), (7, 0, 200, 93))]


@pytest.fixture
def points(rng, dtype):
    """Return queries, keys and values in memory."""
    q, x = (rng.normal(size=(N, 2)).astype(dtype) for _ in range(2))
    return q, x, rng.normal(size=(N, 3)).astype(dtype)


@pytest.mark.parametrize(("rows", "columns"), CHUNKS, ids=str)
@pytest.mark.parametrize("name", PIECES)
def test_means_and_bits(name, rows, columns, points, dtype):
    q, x, y = points
    near, pairs = PIECES[name]
    options = {"bandwidth": 0.8, "neighbors": near}
    got = vc.dask.local_mean(*chunked(*points, rows, columns), **options)
    assert got.chunks == (rows, (3,))
    got = got.compute(scheduler="synchronous")
    assert got.tobytes() == by_hand(*points, (M,), columns, **options).tobytes()
    d = distances(q.astype(float), x.astype(float))
    wanted = dense_mean(pairs(d, ALL), d, y.astype(float), 0.8)
    np.testing.assert_allclose(got, wanted, atol=1e-13 if dtype == np.float64 else 2e-6)


@pytest.mark.parametrize("name", ["graph", "grid", "union of unions", "causal radius"])
def test_same_bits_under_every_scheduler(name, points, scheduler):
    near, _ = PIECES[name]
    rows, columns = CHUNKS[2]
    options = {"kernel": "laplace", "neighbors": near, "exclude_self": True, "empty": "zero"}
    got = vc.dask.local_mean(*chunked(*points, rows, columns), **options)
    expected = by_hand(*points, rows, columns, own=np.arange(M), **options)
    assert got.compute(scheduler=scheduler).tobytes() == expected.tobytes()


@pytest.mark.parametrize("data", ["distance", "weight"])
def test_graphs_of_numbers_need_no_points(data, points, scheduler, rng, dtype):
    _, _, y = points
    graph = vc.Graph(csr_array(np.where(EDGES, rng.uniform(0.1, 2, (M, N)), 0)), data=data)
    near = graph & vc.Window(None, 10)
    options = {"neighbors": near, "empty": "zero"}
    options |= {"bandwidth": 0.8} if data == "distance" else {}
    columns = (100, 51, 149)
    for values in (y, y[:, 0]):
        lazy = da.from_array(values, (columns, *(-1,) * (values.ndim - 1)))
        result = vc.dask.local_mean(None, None, lazy, **options)
        assert result.chunks[0] == columns
        assert result.dtype == dtype
        got = result.compute(scheduler=scheduler)
        expected = vc.local_mean(None, None, values, **options)
        assert_near(got, expected, dtype, scale=np.abs(y).max())
        hand = by_hand(None, None, values, (M,), columns, **options)
        assert got.tobytes() == hand.tobytes()


def test_fewer_queries_than_keys_at_the_end(points, dtype):
    q, x, y = points
    for near in (vc.Window(30, 0, offset="end"), vc.Window(3, 0, offset="end") | vc.Radius(0.3)):
        got = vc.dask.local_mean(*chunked(q[:70], x, y, (50, 20), (120, 180)), neighbors=near)
        expected = vc.local_mean(q[:70], x, y, neighbors=near)
        assert_near(got.compute(scheduler="synchronous"), expected, dtype, scale=np.abs(y).max())


def test_a_callable_bias_counts_rows_of_the_whole_arrays(points, dtype):
    def bias(rows, cols):
        return np.sin(rows[:, None] - 0.1 * cols)

    options = {"neighbors": PIECES["graph"][0], "bias": bias}
    got = vc.dask.local_mean(*chunked(*points, *CHUNKS[2]), **options)
    expected = vc.local_mean(*points, **options)
    assert_near(got.compute(scheduler="threads"), expected, dtype, scale=np.abs(points[2]).max())


def test_a_set_does_not_travel_with_the_sums(points, monkeypatch):
    edges = csr_array(np.ones((M, N)))
    sizes = []

    def spy(accumulators):
        sizes.extend(len(pickle.dumps(one)) for one in accumulators)
        return vc.partial.merge_all(accumulators)

    monkeypatch.setattr(vc.dask, "merge_all", spy)
    near = vc.Graph(edges, data="pattern")
    result = vc.dask.local_mean(*chunked(*points, *CHUNKS[2]), neighbors=near)
    result.compute(scheduler="synchronous")
    assert sizes
    assert max(sizes) < near.indices.nbytes / 4


def test_the_same_set_has_the_same_name(points):
    arrays = chunked(*points, *CHUNKS[0])

    def name(near):
        return vc.dask.local_mean(*arrays, neighbors=near).name

    assert name(vc.Window(3, 1)) == name(vc.Window(3, 1)) != name(vc.Window(3, 2))
    graphs = [vc.Graph(csr_array(EDGES), data="pattern") for _ in range(2)]
    assert name(graphs[0]) == name(graphs[1]) != name(vc.Window(3, 1))


X = np.arange(12.0).reshape(6, 2)
XC, YC = da.from_array(X, (4, 2)), da.arange(6.0, chunks=4)
GRAPH = vc.Graph(csr_array(np.eye(6)), data="weight")
REFUSED = [
    (r"KNearest\(k=3\) needs all keys.*vicinal\.local_mean", {"neighbors": vc.KNearest(3)}),
    (r"all keys at once", {"neighbors": vc.Radius(1.0) & vc.KNearest(3)}),
    (r"graph is 5 queries", {"neighbors": vc.Graph(csr_array(np.eye(5)), data="pattern")}),
    (r"grid of shape \(2, 2\)", {"neighbors": vc.Grid((2, 2), 1)}),
    (r"key_offsets must .*end with 6", {"neighbors": vc.Segments([0, 6], [0, 7])}),
    (r"mask of blocks", {"neighbors": vc.BlockMask(np.eye(4, dtype=bool), block=2)}),
    (r"no kernel", {"neighbors": GRAPH, "kernel": "laplace"}),
    (r"bare sparse matrix", {"neighbors": csr_array(np.eye(6))}),
    (r"queries and keys must be given", {"queries": None, "neighbors": GRAPH & vc.Radius(1.0)}),
]


@pytest.mark.parametrize(("message", "options"), REFUSED, ids=[m for m, _ in REFUSED])
def test_what_does_not_fit_is_refused_at_once(message, options):
    given = {"queries": XC, "keys": XC, "values": YC} | options
    with pytest.raises(ValueError, match=message):
        vc.dask.local_mean(**given)
