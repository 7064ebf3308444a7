"""Biases by the distance of positions, computed tile by tile: as an array of them, and by torch."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

import vicinal as vc
from accuracy import near
from vicinal import _core
from vicinal.problem import prepare

H, M, N, D = 3, 300, 700, 8


@pytest.fixture
def heads(rng: np.random.Generator, dtype: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    q = rng.normal(size=(H, M, D)).astype(dtype)
    x, y = (rng.normal(size=(H, N, D)).astype(dtype) for _ in range(2))
    return q, x, y


def run(q, x, y, *, threads=1, rows=slice(None), neighbors=None, **options):
    """The engine's own call, whose Python classes of biases come on top."""
    problem = prepare(
        q[:, rows], x, y, kernel="softmax", bandwidth=2.0, metric=None, neighbors=neighbors
    )
    mean, count = np.empty_like(q[:, rows]), np.empty(q[:, rows].shape[:-1], np.int64)
    first = rows.start or 0
    _core.run(
        *(problem.kernel, problem.queries, problem.keys, problem.values),
        outputs={"mean": mean, "count": count},
        query_offset=first,
        neighbors=problem.neighbors,
        num_threads=threads,
        **options,
    )
    return mean, count


def apart(offset: int) -> np.ndarray:
    return np.arange(N) - (np.arange(M)[:, None] + offset)


def expected(q, x, y, bias, used=True):
    scores = np.einsum("hmd,hnd->hmn", q.astype(float), x.astype(float)) / 2 + bias
    scores = np.where(used, scores, -np.inf)
    w = np.exp(scores - scores.max(-1, keepdims=True))
    return np.einsum("hmn,hnp->hmp", w / w.sum(-1, keepdims=True), y.astype(float))


@pytest.mark.parametrize("offset", [0, N - M, -40])
def test_a_slope_per_head(heads, dtype, offset):
    q, x, y = heads
    slopes = np.array([[0.5], [0.0625], [0.0]], dtype)
    got, count = run(q, x, y, alibi_slopes=slopes, position_offset=offset)
    bias = -slopes[..., None].astype(float) * np.abs(apart(offset))
    near(got, expected(q, x, y, bias), dtype, scale=np.abs(y).max())
    assert (count == N).all()


@pytest.mark.parametrize("reach", [0, 3, 1000])
def test_a_table_of_differences(heads, dtype, reach, rng):
    q, x, y = heads
    table = rng.normal(size=(H, 2 * reach + 1)).astype(dtype)
    if reach == 3:
        table[0, 2] = -np.inf
    got, _ = run(q, x, y, relative_bias=table, position_offset=5)
    bias = table[:, np.clip(apart(5), -reach, reach) + reach].astype(float)
    near(got, expected(q, x, y, bias), dtype, scale=np.abs(y).max())


def test_both_beside_an_array_and_a_window(heads, dtype, rng):
    q, x, y = heads
    slopes, table = np.full((H, 1), 0.125, dtype), rng.normal(size=(H, 9)).astype(dtype)
    array = rng.normal(size=(H, M, N)).astype(dtype)
    window = vc.Window(50, 20, offset=100)
    got, count = run(
        *(q, x, y),
        neighbors=window,
        bias=array,
        alibi_slopes=slopes,
        relative_bias=table,
        position_offset=100,
    )
    far = apart(100)
    used = (far >= -50) & (far <= 20)
    bias = array - 0.125 * np.abs(far) + table[:, np.clip(far, -4, 4) + 4]
    near(got, expected(q, x, y, bias, used), dtype, scale=np.abs(y).max())
    np.testing.assert_array_equal(count, np.broadcast_to(used.sum(1), (H, M)))


def test_a_distance_is_that_of_an_array_bit_for_bit(heads, dtype):
    q, x, y = heads
    slopes = np.array([[0.3], [0.7], [0.0]], dtype)
    far = np.abs(apart(0)).astype(dtype)
    array = -(slopes[..., None] * far)
    whole, _ = run(q, x, y, alibi_slopes=slopes)
    np.testing.assert_array_equal(whole, run(q, x, y, bias=array)[0])
    np.testing.assert_array_equal(whole, run(q, x, y, threads=3, alibi_slopes=slopes)[0])
    for rows in (slice(0, 1), slice(7, 60), slice(299, 300)):
        part, _ = run(q, x, y, rows=rows, alibi_slopes=slopes)
        np.testing.assert_array_equal(part, whole[:, rows])


def test_listed_neighbors_take_it_too(heads, dtype):
    q, x, y = (a[:1, :40] for a in heads)
    slopes = np.array([[0.25]], dtype)
    edges = np.array([i * 40 + j for i in range(40) for j in range(40) if abs(i - j) < 9])
    graph = csr_array((np.ones(edges.size), (edges // 40, edges % 40)), shape=(40, 40))
    far = np.arange(40) - np.arange(40)[:, None]
    got = run(q, x, y, neighbors=vc.Graph(graph, data="pattern"), alibi_slopes=slopes)[0]
    want = expected(q, x, y, -0.25 * np.abs(far), np.abs(far) < 9)
    near(got, want, dtype, scale=np.abs(y).max())


@pytest.mark.parametrize(
    ("option", "number", "message"),
    [
        ("alibi_slopes", np.full((H, 1), np.nan), "slope of position_bias must be finite"),
        ("relative_bias", np.zeros((H, 4)), r"must have 2 r \+ 1 numbers, got 4"),
        ("alibi_slopes", np.zeros((H, 2)), "alibi_slopes must hold one slope"),
    ],
)
def test_what_does_not_fit_is_refused(heads, dtype, option, number, message):
    with pytest.raises(ValueError, match=message):
        run(*heads, **{option: number.astype(dtype)})
