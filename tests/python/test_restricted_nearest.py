"""The k nearest of the keys that a mask or other sets leave: searched, and the same as ranked."""

from __future__ import annotations

import numpy as np
import pytest

import vicinal as vc
from set_cases import distances, k_nearest

M, N = 96, 3000
ROWS, COLUMNS = np.arange(M)[:, None], np.arange(N)[None]
MASKS = {share: np.random.default_rng(7).random((M, N)) < share for share in (0.6, 0.003)}
BLOCKS = np.random.default_rng(8).random((-(-M // 10), -(-N // 10))) < 0.5
CUTS = {
    "blocks": (
        vc.BlockMask(BLOCKS, block=10),
        lambda q, x: BLOCKS[np.ix_(np.arange(M) // 10, np.arange(N) // 10)],
    ),
    "causal": (vc.Window(None, 0, offset="end"), lambda q, x: ROWS + N - M >= COLUMNS),
    "window of rows": (vc.Window(1200, 900), lambda q, x: abs(ROWS - COLUMNS - 150) <= 1050),
    "short window": (vc.Window(20, 20, offset=700), lambda q, x: abs(ROWS + 700 - COLUMNS) <= 20),
    "segments": (
        vc.Segments([0, 40, M], [0, 1300, N]),
        lambda q, x: (ROWS >= 40) == (COLUMNS >= 1300),
    ),
    "window on": (
        vc.Window(0.5, 0.2, on=1),
        lambda q, x: (x[:, 1] >= q[:, 1:2] - 0.5) & (x[:, 1] <= q[:, 1:2] + 0.2),
    ),
    "narrow window on": (
        vc.Window(0.002, 0.001, on=0),
        lambda q, x: (x[:, 0] >= q[:, :1] - 0.002) & (x[:, 0] <= q[:, :1] + 0.001),
    ),
    "radius": (vc.Radius(0.9), lambda q, x: distances(q, x) <= 0.9),
    "union": (
        vc.Window(None, 0, on=0) | vc.BlockMask(BLOCKS, block=10),
        lambda q, x: (x[:, 0] <= q[:, :1]) | BLOCKS[np.ix_(np.arange(M) // 10, np.arange(N) // 10)],
    ),
}


@pytest.fixture(params=["normal", "ties"])
def points(request, rng, dtype):
    def draw(n):
        x = rng.normal(size=(n, 3)).astype(dtype)
        return np.round(4 * x) / 4 if request.param == "ties" else x

    return draw(M), draw(N)


def pairs(near, q, x, **options):
    weights = vc.local_weights(q, x, kernel="constant", neighbors=near, normalize=False, **options)
    return weights.toarray() > 0


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("mask", [None, *MASKS])
def test_they_are_those_of_the_formula(cut, mask, points):
    q, x = points
    a, b = q.astype(float), x.astype(float)
    given, formula = CUTS[cut]
    use = MASKS[mask] if mask else np.ones((M, N), bool)
    got = pairs(vc.KNearest(7) & given, q, x, mask=MASKS.get(mask))
    expected = k_nearest(distances(a, b), formula(a, b) & use, 7)
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("k", [1, 40, 200])
def test_of_a_mask_alone(k, points):
    q, x = points
    d = distances(q.astype(float), x.astype(float))
    for use in MASKS.values():
        np.testing.assert_array_equal(pairs(vc.KNearest(k), q, x, mask=use), k_nearest(d, use, k))


def test_every_search_of_a_set_has_its_own_cut(points):
    q, x = points
    a, b = q.astype(float), x.astype(float)
    d, use = distances(a, b), MASKS[0.6].copy()
    (first, in_first), (second, in_second) = CUTS["causal"], CUTS["window on"]
    near = (vc.KNearest(5) & first) | (vc.KNearest(9) & second) | vc.KNearest(2)
    weights = np.where(np.arange(N) % 5 == 0, 0.0, 1.0).astype(q.dtype)
    own = np.arange(M) * 3
    got = pairs(near, q, x, mask=use, weights=weights, exclude_self=True, self_indices=own)
    use[:, weights == 0] = False
    use[np.arange(M), own] = False
    expected = k_nearest(d, in_first(a, b) & use, 5) | k_nearest(d, in_second(a, b) & use, 9)
    np.testing.assert_array_equal(got, expected | k_nearest(d, use, 2))


@pytest.mark.parametrize("features", [2, 12])
@pytest.mark.parametrize(("kernel", "metric"), [("gaussian", "euclidean"), ("softmax", "dot")])
def test_bits_do_not_depend_on_the_batch_nor_on_an_index(features, kernel, metric, rng, dtype):
    q, x = (rng.normal(size=(n, features)).astype(dtype) for n in (M, N))
    y = rng.normal(size=(N, 2)).astype(dtype)
    near = vc.KNearest(9) & (vc.Window(1.0, 0.1, on=1) | vc.Window(None, 0, on=0))
    options = {"kernel": kernel, "bandwidth": 1.0, "neighbors": near, "exclude_self": True}
    own, mask = np.arange(M), MASKS[0.6]
    many = vc.local_mean(q, x, y, mask=mask, self_indices=own, **options, num_threads=2)
    index = vc.KeyIndex(x, metric=metric)
    np.testing.assert_array_equal(
        vc.local_mean(q, index, y, mask=mask, self_indices=own, **options), many
    )
    few = vc.local_mean(q[:10], x, y, mask=mask[:10], self_indices=own[:10], **options)
    np.testing.assert_array_equal(few, many[:10])  # so few look at all keys
    one = vc.local_mean(q[:1], index, y, mask=mask[:1], self_indices=own[:1], **options)
    np.testing.assert_array_equal(one[0], many[0])


def test_equal_keys_are_taken_in_their_order(dtype):
    x = np.zeros((N, 2), dtype)
    use = np.ones((M, N), bool)
    use[:, :1000] = False
    got = pairs(vc.KNearest(4), x[:M], x, mask=use)
    np.testing.assert_array_equal(got, (COLUMNS >= 1000) & (COLUMNS < 1004) & (ROWS >= 0))


K = vc.kernels
PLACE, TIME = K.Gaussian(columns=[0, 1], bandwidth=4.0), K.Gaussian(columns=[2], bandwidth=2.0)
LINES = K.Laplace(columns=[0, 2], bandwidth=3.0, metric="manhattan")


def place(q, x):
    return distances(q[:, :2], x[:, :2]) / 4


def time(q, x):
    return distances(q[:, 2:], x[:, 2:]) / 2


def lines(q, x):
    return np.abs(q[:, None, ::2] - x[None, :, ::2]).sum(-1) / 3


SEVERAL = {
    "product": (K.Product(PLACE, TIME), lambda q, x: np.maximum(place(q, x), time(q, x))),
    "sum": (K.Sum(PLACE, LINES), lambda q, x: np.minimum(place(q, x), lines(q, x))),
    "inner products": (
        K.Product(TIME, K.Softmax(bandwidth=1.0)),
        lambda q, x: np.maximum(time(q, x), -(q @ x.T)),
    ),
}


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("cut", [None, "blocks", "window on", "short window"])
@pytest.mark.parametrize("mask", [None, 0.6])
def test_nearest_by_several_factors_or_terms(name, cut, mask, points):
    q, x = points
    a, b = q.astype(float), x.astype(float)
    kernel, u = SEVERAL[name]
    near, used = vc.KNearest(7), np.ones((M, N), bool)
    if cut:
        near, used = near & CUTS[cut][0], CUTS[cut][1](a, b)
    if mask:
        used = used & MASKS[mask]
    got = vc.local_weights(q, x, kernel=kernel, neighbors=near, mask=MASKS.get(mask))
    np.testing.assert_array_equal(got.toarray() > 0, k_nearest(u(a, b), used, 7))


@pytest.mark.parametrize("kernel", [K.Gaussian(bandwidth=1.0), SEVERAL["product"][0]], ids=str)
def test_infinite_keys_change_no_bit_of_a_batch(kernel, rng, dtype):
    q, x = (rng.normal(size=(n, 3)).astype(dtype) for n in (M, N))
    y = rng.normal(size=N).astype(dtype)
    x[::7, 0], x[3::7, 2] = np.inf, -np.inf
    few = np.random.default_rng(9).random((M, N)) < 0.005
    options = {"kernel": kernel, "neighbors": vc.KNearest(12)}
    many = vc.local_mean(q, x, y, mask=few, **options)
    some = vc.local_mean(q[:9], x, y, mask=few[:9], **options)
    np.testing.assert_array_equal(some, many[:9])
    index = vc.KeyIndex(x)
    np.testing.assert_array_equal(vc.local_mean(q[:9], index, y, mask=few[:9], **options), some)
