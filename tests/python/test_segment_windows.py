"""Windows inside segments, and lanes that whole groups of rows leave out: the bits of masks."""

from __future__ import annotations

import numpy as np
import pytest

import vicinal as vc

QUERIES, KEYS = [0, 5, 5, 300, 301, 420], [0, 9, 40, 300, 700, 760]
M, N = QUERIES[-1], KEYS[-1]


def used_by(window: vc.Window | None) -> np.ndarray:
    used = np.zeros((M, N), bool)
    for s in range(len(QUERIES) - 1):
        m, n = QUERIES[s + 1] - QUERIES[s], KEYS[s + 1] - KEYS[s]
        i, j = np.arange(m)[:, None], np.arange(n)
        inside = np.ones((m, n), bool)
        if window is not None:
            at = i + (n - m if window.offset == "end" else window.offset)
            before = np.inf if window.before is None else window.before
            after = np.inf if window.after is None else window.after
            inside = (j >= at - before) & (j <= at + after)
        used[QUERIES[s] : QUERIES[s + 1], KEYS[s] : KEYS[s + 1]] = inside
    return used


WINDOWS = [
    None,
    vc.Window(None, None),
    vc.Window(None, 0),
    vc.Window(None, 0, offset="end"),
    vc.Window(20, 3, offset=2),
    vc.Window(0, None, offset=-1),
    vc.Window(64, 0, offset="end"),
]


@pytest.fixture
def points(rng: np.random.Generator, dtype: str) -> tuple[np.ndarray, ...]:
    return tuple(rng.normal(size=(2, rows, 32)).astype(dtype) for rows in (M, N, N))


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("kernel", ["softmax", "gaussian", "epanechnikov"])
def test_segments_with_a_window_are_a_mask(window, kernel, points):
    q, x, y = points
    options = {"kernel": kernel, "bandwidth": 6.0, "empty": "zero", "num_threads": 2}
    near = vc.Segments(QUERIES, KEYS, window)
    statistics = ("mean", "log_mass", "count")
    got = vc.local_stats(q, x, y, neighbors=near, statistics=statistics, **options)
    want = vc.local_stats(q, x, y, mask=used_by(window), statistics=statistics, **options)
    for name in statistics:
        np.testing.assert_array_equal(getattr(got, name), getattr(want, name))
    if kernel == "softmax":
        np.testing.assert_array_equal(got.count[0], used_by(window).sum(1))


def test_a_set_joined_and_the_rows_of_a_batch(points):
    q, x, y = points
    window = vc.Window(100, 0, offset="end")
    near = vc.Segments(QUERIES, KEYS, window) & vc.Window(None, 50)
    i, j = np.arange(M)[:, None], np.arange(N)
    used = used_by(window) & (j <= i + 50)
    got = vc.local_mean(q, x, y, kernel="softmax", bandwidth=6.0, neighbors=near, empty=0.0)
    want = vc.local_mean(q, x, y, kernel="softmax", bandwidth=6.0, mask=used, empty=0.0)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("columns", [1, 8, 32])
@pytest.mark.parametrize("block", [7, 64, 100])
def test_lanes_left_out_change_no_bit(columns, block, points, rng):
    q, x, y = points
    mask = rng.random((-(-M // block), -(-N // block))) < 0.3
    used = np.repeat(np.repeat(mask, block, 0), block, 1)[:M, :N]
    y = y[..., :columns].copy()
    y[0, 130, 0] = np.nan
    options = {"kernel": "softmax", "bandwidth": 6.0, "num_threads": 1}
    got = vc.local_mean(q, x, y, neighbors=vc.BlockMask(mask, block), **options)
    np.testing.assert_array_equal(got, vc.local_mean(q, x, y, mask=used, **options))
    bias = np.where(used, 0, -np.inf).astype(q.dtype)  # weighed in every lane, then nothing
    np.testing.assert_array_equal(got, vc.local_mean(q, x, y, bias=bias, **options))


def test_keys_left_out_may_be_anything(points):
    q, x, y = points
    near = vc.Segments(QUERIES, KEYS, vc.Window(None, 0))
    want = vc.local_mean(q, x, y, kernel="softmax", bandwidth=6.0, neighbors=near, empty=0.0)
    spoiled, unseen = x.copy(), ~used_by(near.window).any(0)
    assert unseen.sum() > 100
    spoiled[:, unseen] = np.nan
    got = vc.local_mean(q, spoiled, y, kernel="softmax", bandwidth=6.0, neighbors=near, empty=0.0)
    np.testing.assert_array_equal(got, want)


def test_only_pairs_in_reach_are_visited(points):
    q, x, y = points
    near = vc.Segments(np.arange(0, M + 1, 20), np.append(np.arange(0, 21) * 20, N))
    stats = vc.local_stats(q, x, y, kernel="softmax", bandwidth=6.0, neighbors=near)
    assert stats.pairs_visited < 2 * M * N


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([0, 420], [0, 760], 3), TypeError, "window must be a Window or None, got int"),
        (([0, 420], [0, 760], vc.Window(1, 0, on=0)), ValueError, "window of segments counts rows"),
        (([0, 419], [0, 760], vc.Window(1, 0)), ValueError, "must begin with 0, never fall"),
        (([0, 9, 420], [0, 760], vc.Window(1, 0)), ValueError, "must be of one length, got 3 and"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, error, message, points):
    q, x, y = points
    with pytest.raises(error, match=message):
        vc.local_mean(q, x, y, kernel="softmax", neighbors=vc.Segments(*arguments))


def test_segments_with_a_window_are_values():
    near = vc.Segments(QUERIES, KEYS, vc.Window(None, 0))
    assert near == vc.Segments(QUERIES, KEYS, vc.Window(None, 0))
    assert near != vc.Segments(QUERIES, KEYS)
    assert len({near, vc.Segments(QUERIES, KEYS, vc.Window(None, 0))}) == 1


@pytest.mark.parametrize("columns", [1, 5, 32])
def test_means_written_at_once_have_the_bits_of_those_of_a_state(columns, points, rng):
    q, x, y = points
    y = y[..., :columns].copy()
    y[0, 9, 0], y[1, 700, 0] = np.nan, np.inf
    q[0, 5, 2], q[1, 6, 1] = np.nan, np.inf
    mask = rng.random((M, N)) < 0.5
    mask[17:50] = False
    options = {"kernel": "softmax", "bandwidth": 6.0, "mask": mask, "empty": -1.0}
    with np.errstate(invalid="ignore"):
        at_once = vc.local_mean(q, x, y, **options)
        stored = vc.local_stats(q, x, y, statistics=("mean", "log_mass"), **options)
    np.testing.assert_array_equal(at_once, stored.mean)
    assert (at_once[:, 17:50] == -1).all()
    assert stored.empty_rows == 2 * 33
    unseen = vc.Window(0, 0, offset=N)
    nothing = vc.local_mean(q[:, 20:30], x, y, kernel="softmax", empty=-1.0, neighbors=unseen)
    assert (nothing == -1).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("block", [None, 40, 64])
def test_means_of_windows_in_one_chunk_have_the_bits_of_those_of_a_state(block, dtype, rng):
    n = 2500  # several chunks of keys
    q, x, y = (rng.standard_normal((n, 64)).astype(dtype) for _ in range(3))
    y[2000:2040] *= dtype(1e30)  # sums of that chunk are scaled
    near = vc.Window(255, 0)
    if block is not None:
        cells = rng.random((-(-n // block),) * 2) < 0.6
        cells[3] = False
        near = near & vc.BlockMask(cells, block=block)
    options = {"kernel": "softmax", "bandwidth": 8.0, "neighbors": near, "empty": -1.0}
    at_once = vc.local_mean(q, x, y, **options)
    stored = vc.local_stats(q, x, y, statistics=("mean", "log_mass"), **options)
    np.testing.assert_array_equal(at_once, stored.mean)
    alone = [vc.local_mean(q, x, y, **options, num_threads=t) for t in (1, 2)]
    np.testing.assert_array_equal(alone, [at_once, at_once])
    if block is not None:
        assert (at_once[3 * block : 4 * block] == -1).all()
