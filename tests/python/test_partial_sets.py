"""Sets of neighbors over keys that come in pieces: the statistics of one call, in any order."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

import vicinal as vc
from accuracy import near as assert_near
from set_cases import ALL, EDGES, SETS, M, N, dense_mean, distances

PIECES = {name: case for name, case in SETS.items() if "KNearest" not in repr(case[0])}
CUTS = ([150], [1, 2, 77, 250], [0, 0, 299], range(40, 300, 40))


@pytest.fixture(params=PIECES, ids=str)
def case(request):
    """Return a set that pieces of keys can serve, and its pairs."""
    return PIECES[request.param]


@pytest.fixture
def points(rng, dtype):
    """Return queries, keys and values."""
    q, x = (rng.normal(size=(N, 2)).astype(dtype) for _ in range(2))
    return q, x, rng.normal(size=(N, 3)).astype(dtype)


def blocks(cuts):
    return [slice(a, b) for a, b in zip([0, *cuts], [*cuts, N], strict=True)]


def parts(q, x, y, cuts, **options):
    """Return an accumulator for each piece of the keys."""
    return [
        vc.LocalMeanAccumulator(q, **options).update(x[at], y[at], key_offset=at.start)
        for at in blocks(cuts)
    ]


def merged_mean(*arguments, **options):
    return vc.partial.merge_all(parts(*arguments, **options)).result().mean


@pytest.mark.parametrize("cuts", CUTS, ids=str)
def test_pieces_give_the_means_of_the_pairs_that_count(cuts, case, points, dtype):
    q, x, y = points
    near, pairs = case
    options = {"bandwidth": 0.8, "neighbors": near}
    d = distances(q, x)
    wanted = dense_mean(pairs(d, ALL), d, y.astype(float), 0.8)
    streamed = vc.LocalMeanAccumulator(q, **options)
    for at in blocks(cuts):
        streamed.update(x[at], y[at])
    backwards = vc.LocalMeanAccumulator(q, **options)
    for at in blocks(cuts)[::-1]:
        backwards.update(x[at], y[at], key_offset=at.start)
    tolerance = 1e-13 if dtype == np.float64 else 2e-6
    for got in (
        streamed.result().mean,
        backwards.result().mean,
        merged_mean(*points, cuts, **options),
    ):
        np.testing.assert_allclose(got, wanted, atol=tolerance)


def test_own_keys_of_later_pieces_are_left_out_of_balls(rng, dtype):
    x = rng.uniform(size=(M, 2)).astype(dtype)
    y = rng.normal(size=(M, 1)).astype(dtype)
    options = {"bandwidth": 0.1, "neighbors": vc.Radius(0.2) | vc.Window(1, 0)}
    d = np.sqrt(((x[:, None].astype(float) - x[None].astype(float)) ** 2).sum(-1))
    rows, columns = np.arange(M)[:, None], np.arange(M)[None]
    used = ((d <= 0.2) | (rows - columns == 1)) & (rows != columns)
    got = vc.LocalMeanAccumulator(x, exclude_self=True, **options)
    for at in blocks([130, 131, 270]):
        got.update(x[at], y[at])
    near = dense_mean(used, d, y.astype(float), 0.1)
    tolerance = 1e-13 if dtype == np.float64 else 2e-6
    np.testing.assert_allclose(got.result().mean, near, atol=tolerance)


def test_every_statistic(case, points, rng, dtype):
    q, x, y = points
    near, _ = case
    names = ("mean", "log_mass", "ess", "count", "variance", "covariance", "self_weight", "top_k")
    options = {"bandwidth": 0.8, "neighbors": near, "statistics": names, "k": 4, "empty": "zero"}
    weights = rng.uniform(0, 2, N).astype(dtype) * (rng.random(N) < 0.8)
    mask = rng.random((M, N)) < 0.8
    expected = vc.local_stats(q, x, y, weights=weights, mask=mask, exclude_self=True, **options)
    got = vc.LocalMeanAccumulator(q, exclude_self=True, **options)
    for at in blocks([130, 131, 270]):
        got.update(x[at], y[at], weights=weights[at], mask=mask[:, at])
    got = got.result()
    for name in ("mean", "log_mass", "variance", "covariance", "self_weight"):
        array = np.nan_to_num(getattr(expected, name), neginf=-99)
        assert_near(np.nan_to_num(getattr(got, name), neginf=-99), array, dtype, scale=1.0)
    assert_near(got.ess, expected.ess, dtype, scale=N)
    assert_array_equal(got.count, expected.count)
    assert_near(got.top_k[1], expected.top_k[1], dtype, scale=1.0)
    if dtype == np.float64:
        assert_array_equal(got.top_k[0], expected.top_k[0])
    assert got.empty_rows == expected.empty_rows


def test_bits_depend_on_the_pieces_of_the_keys_alone(case, points):
    near, _ = case
    q, x, y = points
    cuts, options = [97, 200], {"bandwidth": 0.8, "neighbors": near}
    whole = merged_mean(*points, cuts, **options, num_threads=2)
    travelled = [pickle.loads(pickle.dumps(part)) for part in parts(q, x, y, cuts, **options)]
    assert vc.partial.merge_all(travelled).result().mean.tobytes() == whole.tobytes()
    for rows in (slice(0, 31), slice(31, 200), slice(200, M)):
        part = merged_mean(q[rows], x, y, cuts, query_offset=rows.start, num_threads=1, **options)
        assert part.tobytes() == whole[rows].tobytes()


def test_many_keys_within_a_radius(rng, dtype):
    q, x = rng.uniform(size=(50, 2)).astype(dtype), rng.uniform(size=(20_000, 2)).astype(dtype)
    y = x[:, :1] + x[:, 1:]
    options = {"bandwidth": 0.1, "neighbors": vc.Radius(0.05)}
    got = vc.LocalMeanAccumulator(q, **options)
    for start in (0, 9_000):
        got.update(x[start : start + 9_000], y[start : start + 9_000])
    got.update(x[18_000:], y[18_000:])
    expected = vc.local_mean(q, x, y, **options)
    assert_near(got.result().mean, expected, dtype, scale=1.0)


@pytest.mark.parametrize("data", ["distance", "weight"])
@pytest.mark.parametrize("with_points", [False, True])
def test_graphs_of_numbers(data, with_points, points, rng, dtype):
    q, x, y = points if with_points else (None, None, points[2])
    numbers = np.where(EDGES, rng.uniform(0, 2, (M, N)), 0)
    if data == "weight":
        numbers *= np.sign(rng.normal(size=(M, N)) + 1)
        numbers[7] = 0  # two weights that cancel
        numbers[7, [3, 290]] = 1, -1
    graph = vc.Graph(csr_array(numbers.astype(dtype)), data=data)
    options = {"bandwidth": 0.8} if data == "distance" else {}
    near = graph & vc.Window(280, 285)
    got = vc.LocalMeanAccumulator(q, neighbors=near, **options)
    alone = vc.LocalMeanAccumulator(q, neighbors=near, **options)
    for at in blocks([100, 101, 250]):
        keys = None if x is None else x[at]
        got.update(keys, y[at])
        alone.merge(
            pickle.loads(
                pickle.dumps(
                    vc.LocalMeanAccumulator(q, neighbors=near, **options).update(
                        keys, y[at], key_offset=at.start
                    )
                )
            )
        )
    used = (numbers != 0) & (np.subtract.outer(np.arange(M), np.arange(N)) <= 280)
    used &= np.subtract.outer(np.arange(M), np.arange(N)) >= -285
    stored = numbers.astype(dtype).astype(float)
    w = np.where(used, np.exp(-0.5 * (stored / 0.8) ** 2) if data == "distance" else stored, 0)
    mass, size = w.sum(1), np.abs(w).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        wanted = w @ y.astype(float) / mass[:, None]
    empty = np.abs(mass) <= 64 * np.finfo(dtype).eps * size
    wanted[empty] = np.nan
    assert empty[7] == (data == "weight")
    unstable = np.where(empty, 1, size / np.where(mass == 0, 1, np.abs(mass)))[:, None]
    for result in (got.result(), alone.result()):
        error = np.abs(result.mean - wanted) / unstable
        assert np.array_equal(np.isnan(result.mean), np.isnan(wanted))
        assert np.nanmax(error) <= (1e-13 if dtype == np.float64 else 1e-5)
        assert result.empty_rows == empty.sum()
    expected = np.nan_to_num(vc.local_mean(q, x, y, neighbors=near, **options)) / unstable
    assert_near(np.nan_to_num(got.result().mean) / unstable, expected, dtype, scale=1.0)


def test_a_callable_bias_counts_from_the_offsets(points):
    q, x, y = points
    seen = []

    def bias(rows, cols):
        seen.append((rows[0], rows[-1], cols[0], cols[-1]))
        return np.sin(rows[:, None] - 0.1 * cols)

    near = vc.Window(20, 20)
    part = vc.LocalMeanAccumulator(q[100:150], neighbors=near, query_offset=100)
    for at in blocks([90, 200]):
        part.update(x[at], y[at], bias=bias)
    assert seen == [(100, 149, 0, 89), (100, 149, 90, 199), (100, 149, 200, 299)]
    expected = vc.local_mean(q, x, y, neighbors=near, bias=bias)[100:150]
    assert_near(part.result().mean, expected, y.dtype, scale=np.abs(y).max())


def test_own_keys_count_from_the_query_offset(points):
    _, x, y = points
    expected = vc.local_mean(x, x, y, bandwidth=0.5, exclude_self=True)[200:]
    part = vc.LocalMeanAccumulator(x[200:], bandwidth=0.5, exclude_self=True, query_offset=200)
    part.update(x[:120], y[:120])
    with pytest.raises(ValueError, match="self_indices must be given"):
        part.result()
    part.update(x[120:], y[120:])
    assert_near(part.result().mean, expected, y.dtype, scale=np.abs(y).max())


def test_batches_share_a_set(points):
    q, x, y = points
    queries, values = np.stack([q, q[::-1]]), np.stack([y, -y])
    got = vc.LocalMeanAccumulator(queries, neighbors=vc.Window(9, 0))
    for at in blocks([90, 200]):
        got.update(x[at], values[:, at])
    expected = vc.local_mean(queries, x, values, neighbors=vc.Window(9, 0))
    assert_near(got.result().mean, expected, y.dtype, scale=np.abs(y).max())


X = np.arange(12.0).reshape(6, 2)
Y = np.arange(6.0)
GRAPH = vc.Graph(csr_array(np.eye(6)), data="weight")


OF_KEYS = vc.bandwidth.PerKey(np.ones(6))


def accumulated(near, x=X, y=Y, queries=X, key_offset=0, of_keys=None, **options):
    return vc.LocalMeanAccumulator(queries, neighbors=near, **options).update(
        x, y, key_offset=key_offset, bandwidth=of_keys
    )


REFUSED = [
    (
        r"KNearest\(k=3\) needs all keys at once",
        lambda: vc.LocalMeanAccumulator(X, neighbors=vc.KNearest(3)),
    ),
    (r"all keys at once", lambda: accumulated(vc.Radius(1.0) | vc.KNearest(3))),
    (r"offset='end' .*pieces", lambda: accumulated(vc.Window(None, 0, offset="end"))),
    (
        r"graph is 6 queries × 6 keys.*6 queries and 7 keys",
        lambda: accumulated(GRAPH, key_offset=1),
    ),
    (r"graph is 6 queries × 6 keys.*8 queries", lambda: accumulated(GRAPH, query_offset=2)),
    (r"grid of shape \(2, 3\).*7 keys", lambda: accumulated(vc.Grid((2, 3), 1), key_offset=1)),
    (
        r"mask of blocks .*\(2, 3\)",
        lambda: accumulated(vc.BlockMask(np.ones((2, 2), bool), 3), key_offset=2),
    ),
    (r"query_offsets .*end with 6", lambda: accumulated(vc.Segments([0, 5], [0, 6]))),
    (r"key_offsets .*end with 7", lambda: accumulated(vc.Segments([0, 6], [0, 6]), key_offset=1)),
    (r"key_offset must not be negative", lambda: accumulated(None, key_offset=-1)),
    (r"query_offset must not be negative", lambda: accumulated(None, query_offset=-1)),
    (r"weights .*no kernel", lambda: accumulated(GRAPH, kernel="laplace")),
    (r"no kernel; drop bandwidth", lambda: accumulated(GRAPH, of_keys=OF_KEYS)),
    (r"keys must be given", lambda: accumulated(vc.Window(1, 1), x=None)),
    (r"keys must be given", lambda: accumulated(GRAPH & vc.Radius(1.0), x=None)),
    (r"queries and keys must be given", lambda: accumulated(GRAPH & vc.Radius(1.0), queries=None)),
    (r"bare sparse matrix", lambda: accumulated(csr_array(np.eye(6)))),
    (r"same neighbors", lambda: accumulated(vc.Window(1, 1)).merge(accumulated(vc.Window(1, 2)))),
    (r"same neighbors", lambda: accumulated(GRAPH).merge(accumulated(None, kernel="constant"))),
    (r"same query_offset", lambda: accumulated(None).merge(accumulated(None, query_offset=1))),
]


@pytest.mark.parametrize(("message", "call"), REFUSED, ids=[message for message, _ in REFUSED])
def test_what_does_not_fit_is_refused(message, call):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        call()
