"""Windows on a column among many keys, and unions of radii: through trees, by the formula."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import vicinal as vc
from accuracy import near
from set_cases import dense_mean, distances
from vicinal.models import LocalMeanRegressor

N = 6000


@pytest.fixture
def points(rng: np.random.Generator, dtype: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x = rng.normal(size=(N, 2)).astype(dtype)
    q = rng.normal(size=(300, 2)).astype(dtype)
    return q, x, rng.normal(size=(N, 2)).astype(dtype)


def in_window(q: np.ndarray, x: np.ndarray, before: float, after: float) -> np.ndarray:
    a, b = q[:, None, 1].astype(float), x[None, :, 1].astype(float)
    return (b >= a - before) & (b <= a + after)


def mean_of(used: np.ndarray, q: np.ndarray, x: np.ndarray, y: np.ndarray, h: float) -> np.ndarray:
    return dense_mean(used, distances(q, x), y.astype(float), h)


def assert_means(got: np.ndarray, expected: np.ndarray, dtype: str, y: np.ndarray) -> None:
    empty = np.isnan(expected).any(1)
    np.testing.assert_array_equal(np.isnan(got).any(1), empty)
    near(got[~empty], expected[~empty], dtype, scale=np.abs(y).max())


@pytest.mark.parametrize(("before", "after"), [(0.05, 0), (0.2, 0.3), (0, np.inf), (0, 0)])
def test_a_window_on_a_column_among_many_keys(before, after, points, dtype):
    q, x, y = points
    q[:50] = x[:50]
    used = in_window(q, x, before, after)
    window = vc.Window(before, after, on=1)
    got = vc.local_stats(q, x, y, bandwidth=0.5, neighbors=window, statistics=("mean", "count"))
    expected = mean_of(used, q, x, y, 0.5)
    assert_means(got.mean, expected, dtype, y)
    np.testing.assert_array_equal(got.count, used.sum(1))
    if after < 1:
        assert got.pairs_visited < used.size
    one = vc.local_mean(q[7:8], x, y, bandwidth=0.5, neighbors=window)
    np.testing.assert_array_equal(one[0], got.mean[7])


@pytest.mark.parametrize("features", [2, 3, 12])
def test_a_window_visits_little_more_than_its_members(features, rng, dtype):
    n, half = 30_000, 0.002
    x = rng.uniform(size=(n, features)).astype(dtype)
    x[:, 0] *= 1000  # the widest feature is another
    y = rng.normal(size=(n, 2)).astype(dtype)
    window = vc.Window(half, half, on=1)
    options = {"bandwidth": 300.0, "neighbors": window, "statistics": ("mean", "count")}
    got = vc.local_stats(x, x, y, **options)
    some = rng.choice(n, 200, replace=False)
    used = in_window(x[some], x, half, half)
    np.testing.assert_array_equal(got.count[some], used.sum(1))
    assert_means(got.mean[some], mean_of(used, x[some], x, y, 300.0), dtype, y)
    assert got.pairs_visited < got.count.sum() + 3 * 256 * n  # and three tiles at the ends
    one = vc.local_stats(x[7:8], vc.KeyIndex(x), y, **options, num_threads=1)
    np.testing.assert_array_equal(one.mean[0], got.mean[7])


def test_windows_and_reaches_are_weighed_by_their_widths(rng, dtype):
    n, h = 60_000, 0.05
    x = rng.uniform(size=(n, 3)).astype(dtype)
    x[:, 2] *= 1e4
    y = rng.normal(size=n).astype(dtype)
    window = vc.Window(0.01, 0.01, on=1) & vc.Window(200, 0, on=2)
    kernel = vc.kernels.Epanechnikov(columns=[0, 1], bandwidth=h)
    got = vc.local_stats(x, x, y, kernel=kernel, neighbors=window, statistics=("mean", "count"))
    some = rng.choice(n, 200, replace=False)
    a, b = x[some][:, None].astype(float), x[None].astype(float)
    u = ((a - b)[..., :2] ** 2).sum(-1) / h**2
    ahead = a[..., 2] - b[..., 2]
    used = in_window(x[some], x, 0.01, 0.01) & (ahead >= 0) & (ahead <= 200)
    w = np.where(used, np.maximum(1 - u, 0), 0)
    near(got.mean[some], w @ y.astype(float) / w.sum(1), dtype, scale=np.abs(y).max())
    # split at the widest feature alone, the tree has six leaves within 200 of every row
    assert got.pairs_visited < 1000 * n


@pytest.mark.parametrize("kernel", ["constant", "softmax"])
def test_kernels_that_do_not_fall(kernel, points, dtype):
    q, x, y = points
    used = in_window(q, x, 0.1, 0.1)
    options = {} if kernel == "constant" else {"bandwidth": 1.0}
    got = vc.local_mean(q, x, y, kernel=kernel, neighbors=vc.Window(0.1, 0.1, on=1), **options)
    w = np.where(
        used, 1 if kernel == "constant" else np.exp(q.astype(float) @ x.T.astype(float)), 0
    )
    assert_means(got, (w @ y) / w.sum(1)[:, None], dtype, y)


def test_queries_that_are_not_finite_and_empty_windows(points, dtype):
    q, x, y = points
    q[0, 1], q[1, 0], q[2, 1], q[3] = np.nan, np.nan, np.inf, 100
    window = vc.Window(0.1, 0.1, on=1)
    got = vc.local_mean(q, x, y, bandwidth=0.5, neighbors=window)
    assert np.isnan(got[:4]).all()
    np.testing.assert_array_equal(
        got[4:], vc.local_mean(q[4:], x, y, bandwidth=0.5, neighbors=window)
    )
    far = vc.local_mean(q, x, y, bandwidth=1e-3, kernel="epanechnikov", neighbors=window, empty=0)
    assert (far[3] == 0).all()


def test_the_nearest_of_an_empty_row_is_in_its_window(points, dtype):
    q, x, y = points
    used = in_window(q, x, 0.01, 0.01)
    got = vc.local_mean(
        *(q, x, y),
        kernel="epanechnikov",
        bandwidth=1e-4,
        neighbors=vc.Window(0.01, 0.01, on=1),
        empty="nearest",
    )
    nearest = np.where(used, distances(q, x), np.inf).argmin(1)
    some = used.any(1)
    np.testing.assert_array_equal(got[some], y[nearest[some]])


@pytest.mark.parametrize("features", [2, 12])
def test_unions_of_radii(features, rng, dtype):
    x, q = (rng.normal(size=(n, features)).astype(dtype) for n in (N, 200))
    y = rng.normal(size=(N, 2)).astype(dtype)
    d = distances(q, x)
    nearest = np.zeros(d.shape, bool)
    np.put_along_axis(nearest, np.argsort(d, 1)[:, :5], True, 1)
    small, large = np.quantile(d, [0.001, 0.01])
    h = float(large)
    for union, used in (
        (vc.Radius(small) | vc.Radius(large), d <= large),
        (vc.KNearest(5) | vc.Radius(large), nearest | (d <= large)),
        (
            (vc.Radius(large) & vc.Window(None, 0, on=0)) | vc.KNearest(5),
            nearest | ((d <= large) & (x[None, :, 0] <= q[:, None, 0])),
        ),
    ):
        got = vc.local_stats(q, x, y, bandwidth=h, neighbors=union, statistics=("mean", "count"))
        np.testing.assert_array_equal(got.count, used.sum(1))
        assert_means(got.mean, mean_of(used, q, x, y, h), dtype, y)
        assert got.pairs_visited == used.sum()


NAMES = ["a", "b", "time"]
BY_NAME = vc.Window(0.1, 0, on="time")


@pytest.fixture
def table(rng: np.random.Generator) -> np.ndarray:
    return rng.random((60, 3))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("also", [None, vc.Radius(0.5)])
def test_a_column_by_name_is_that_column(frame, also, table):
    named = {"columns": NAMES} if frame is pd.DataFrame else {"schema": NAMES}
    x, y = frame(table, **named), table[:, 0]
    by_name, by_number = BY_NAME, vc.Window(0.1, 0, on=2)
    if also is not None:
        by_name, by_number = by_name & also, by_number & also
    expected = vc.local_mean(table, table, y, neighbors=by_number)
    np.testing.assert_array_equal(vc.local_mean(x, x, y, neighbors=by_name), expected)
    parts = vc.LocalMeanAccumulator(x, neighbors=by_name)
    for part in (slice(0, 20), slice(20, 60)):
        parts.update(x[part], y[part])
    np.testing.assert_allclose(parts.result().mean, expected, rtol=1e-12)
    selected = vc.bandwidth.select(x, y, neighbors=by_name).bandwidth
    known = vc.bandwidth.select(np.asarray(x), y, neighbors=by_number).bandwidth
    np.testing.assert_array_equal(selected, known)


def test_a_model_finds_the_column_by_the_names_of_its_fit(table, tmp_path):
    x, y = pd.DataFrame(table, columns=NAMES), table[:, 0]
    model = LocalMeanRegressor(neighbors=BY_NAME).fit(x, y)
    other = LocalMeanRegressor(neighbors=vc.Window(0.1, 0, on=2)).fit(table, y)
    np.testing.assert_array_equal(model.predict(x), other.predict(table))
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(vc.load(tmp_path / "model").predict(x), other.predict(table))
    with pytest.raises(ValueError, match="on='time' names a column, but X came without names"):
        LocalMeanRegressor(neighbors=BY_NAME).fit(table, y)


def test_names_that_say_no_column(table):
    x, y = pd.DataFrame(table, columns=NAMES), table[:, 0]
    twice = pd.DataFrame(table, columns=["time", "b", "time"])
    for q, keys, message in (
        (table, x, "on='time' names a column, but queries came without names of columns; give"),
        (x, table, "but keys came without names"),
        (x, vc.KeyIndex(x), "but keys came without names"),
        (x[["a", "b"]], x[["a", "b"]], "among the columns of queries once, but is not; they are"),
        (x, twice, "among the columns of keys once, but is 2 times"),
        (x, x[["time", "a", "b"]], "column 2 of queries and column 0 of keys; give both"),
    ):
        with pytest.raises(ValueError, match=message):
            vc.local_mean(q, keys, y, neighbors=BY_NAME)
    with pytest.raises(ValueError, match="offset is of row numbers; got on='time', offset=1"):
        vc.Window(1, 1, on="time", offset=1)


@pytest.mark.parametrize("features", [2, 12])
def test_lists_of_windows_on_columns(features, rng, dtype):
    q, x = (rng.normal(size=(n, features)).astype(dtype) for n in (150, N))
    x[::3, 1], q[::4, 1] = np.round(x[::3, 1]), np.round(q[::4, 1])
    y = rng.normal(size=(N, 2)).astype(dtype)
    d = ((q[:, None].astype(float) - x[None].astype(float)) ** 2).sum(-1)
    slab = in_window(q, x, 0.05, 0)
    ahead = x[None, :, 0].astype(float) <= q[:, None, 0].astype(float)
    near = np.zeros(d.shape, bool)
    np.put_along_axis(near, np.argsort(d, 1)[:, :5], True, 1)
    window, h = vc.Window(0.05, 0, on=1), float(np.sqrt(features))
    for union, used in (
        (window | vc.KNearest(5), slab | near),
        (window | (vc.Window(0.05, 0, on=1) & vc.Window(None, 0, on=0)), slab),
        ((window & vc.Window(None, 0, on=0)) | vc.KNearest(5), (slab & ahead) | near),
        (
            (vc.Radius(1.0) & window) | vc.Graph.from_indices(np.zeros((150, 1), int), N),
            (slab & (d <= 1)) | (np.arange(N)[None] == 0),
        ),
        (window | (vc.Segments([0, 150], [0, N]) & window), slab),
    ):
        options = {"bandwidth": h, "neighbors": union}
        got = vc.local_stats(q, x, y, **options, statistics=("mean", "count"))
        np.testing.assert_array_equal(got.count, used.sum(1))
        assert_means(got.mean, mean_of(used, q, x, y, h), dtype, y)
    options = {"bandwidth": h, "neighbors": window | vc.KNearest(5)}
    many = vc.local_mean(q, x, y, **options, num_threads=2)
    few = vc.local_mean(q[:10], x, y, **options)  # so few plant no tree of the column
    np.testing.assert_array_equal(few, many[:10])
