"""Affine weights of neighbors: scikit-learn's, the constrained problem, duplicates and edges."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.manifold._locally_linear import barycenter_kneighbors_graph, barycenter_weights

import vicinal as vc
from vicinal.affine import affine_weights


def near(x: np.ndarray, k: int) -> vc.Neighbors:
    return vc.knn(x, x, k, exclude_self=True)


@pytest.mark.parametrize(("n", "d", "k"), [(300, 3, 12), (300, 64, 12), (80, 1, 5), (60, 5, 1)])
@pytest.mark.parametrize("reg", [1e-3, 0.1])
def test_weights_are_those_of_scikit_learn(n, d, k, reg, rng):
    x = rng.normal(size=(n, d))
    expected = barycenter_kneighbors_graph(x, k, reg=reg).toarray()
    got = vc.lle_weights(x, near(x, k), reg=reg)
    assert got.shape == (n, n)
    assert got.nnz == n * k
    assert_allclose(got.toarray(), expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max())


def test_rows_sum_to_one_in_either_type(rng, dtype):
    x = rng.normal(size=(500, 20)).astype(dtype) + dtype.type(100)
    weights = vc.lle_weights(x, near(x, 25))
    assert weights.dtype == dtype
    assert_allclose(weights.sum(axis=1), 1, atol=25 * np.finfo(dtype).eps)
    exact = barycenter_weights(x.astype(float), x.astype(float), weights.indices.reshape(500, 25))
    assert_allclose(
        weights.data.reshape(500, 25), exact, rtol=1e-5 if dtype == np.float32 else 1e-9, atol=1e-9
    )


def test_affine_combinations_are_reproduced_up_to_reg(rng):
    # Identity 8: with these weights x is the mean of its neighbors as reg → 0, the error is O(reg).
    flat = rng.normal(size=(200, 2)) @ rng.normal(size=(2, 6))
    found = near(flat, 8)
    errors = []
    for reg in (1e-3, 1e-5, 1e-7):
        weights = vc.lle_weights(flat, found, reg=reg)
        errors.append(np.abs(weights @ flat - flat).max())
    assert errors[1] < 2e-2 * errors[0]
    assert errors[2] < 2e-2 * errors[1]
    assert errors[2] < 1e-4


def test_no_regularisation_solves_the_problem_where_it_can(rng):
    x = rng.normal(size=(40, 9))
    found = near(x, 4)  # fewer neighbors than features: the Gram matrix is regular
    got = vc.lle_weights(x, found, reg=0).data.reshape(40, 4)
    for i, row in enumerate(found.indices):
        z = x[row] - x[i]
        exact = np.linalg.solve(z @ z.T, np.ones(4))
        assert_allclose(got[i], exact / exact.sum(), rtol=1e-9)
    singular = vc.lle_weights(x, near(x, 20), reg=0)
    assert np.isfinite(singular.data).all()
    assert_allclose(singular @ x, x, atol=1e-6)


def test_duplicates_share_equally_and_never_give_nan():
    x = np.zeros((6, 3))
    assert_array_equal(vc.lle_weights(x, near(x, 4)).data, 0.25)
    x[3:] = 1.0
    weights = vc.lle_weights(x, near(x, 5)).toarray()
    assert np.isfinite(weights).all()
    assert_allclose(weights[0], [0, 0.5, 0.5, 0, 0, 0], atol=2e-2)
    assert_allclose(weights[0, 1], weights[0, 2], rtol=1e-12)


def test_every_form_of_neighbors_gives_the_same_rows(rng):
    x = rng.normal(size=(90, 3))
    found = near(x, 6)
    expected = vc.lle_weights(x, found).toarray()
    with_own = vc.knn(x, x, 7)
    for form in (
        found.indices,
        found.indices.astype(np.int32),
        np.where(np.arange(8) < 6, np.pad(found.indices, ((0, 0), (0, 2))), -1),
        with_own,
        with_own.indices,
        found.to_csr(),
        vc.Graph(found.to_csr(), data="pattern"),
        vc.Graph.from_indices(found.indices, 90, found.distances),
        found.to_csr().astype(bool).tocsc(),
    ):
        got = vc.lle_weights(x, form)
        assert_allclose(got.toarray(), expected, rtol=1e-12, atol=1e-13)
    within = vc.radius_neighbors(x, x, 0.9)
    by_list = vc.lle_weights(x, within)
    assert_array_equal(np.diff(by_list.indptr), np.diff(within.indptr) - 1)
    alone = np.diff(by_list.indptr) == 0
    assert_allclose(by_list.sum(axis=1), np.where(alone, 0, 1), atol=1e-14)


def test_bits_depend_neither_on_threads_nor_on_the_other_rows(rng, dtype):
    x = rng.normal(size=(700, 40)).astype(dtype)
    found = vc.knn(x, x, 11, exclude_self=True).indices
    one = affine_weights(x, x, found, num_threads=1)
    assert_array_equal(one, affine_weights(x, x, found, num_threads=4))
    assert_array_equal(one[123:125], affine_weights(x[123:125], x, found[123:125]))
    assert_array_equal(one, vc.lle_weights(x, found).data.reshape(found.shape))


def test_nan_stays_in_the_rows_that_meet_it(rng):
    x = rng.normal(size=(50, 2))
    found = near(x, 4).indices
    expected = vc.lle_weights(x, found).data.reshape(50, 4)
    for bad in (np.nan, np.inf):
        broken = x.copy()
        broken[7, 1] = bad
        got = vc.lle_weights(broken, found).data.reshape(50, 4)
        meets = (found == 7).any(axis=1)
        meets[7] = True
        assert np.isnan(got[meets]).all()
        assert_array_equal(got[~meets], expected[~meets])


def exact_by_distance(z: np.ndarray, reg: float) -> np.ndarray:
    gram = z @ z.T
    w = np.linalg.solve(gram + reg * len(z) * np.diag(np.diag(gram)), np.ones(len(z)))
    return w / w.sum()


def test_the_ridge_by_distance_is_the_stated_problem(rng):
    x, q = rng.normal(size=(60, 3)), rng.normal(size=(20, 3))
    rows = vc.knn(q, x, 9).indices
    got = affine_weights(q, x, rows, reg=1e-3, ridge="distance")
    for i, row in enumerate(rows):
        assert_allclose(got[i], exact_by_distance(x[row] - q[i], 1e-3), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("x", [[[0.0], [-1.0], [1.0]], None])
def test_a_coincident_key_has_all_weight_and_a_near_one_almost(x, rng):
    # In the first case the far keys have the near one for their mean.
    keys = np.array(x) if x is not None else rng.normal(size=(8, 3))
    d, k = keys.shape[1], len(keys)
    rows = np.arange(k)[None]
    step = rng.normal(size=d)
    step /= np.linalg.norm(step)
    alone = np.eye(k)[:1]
    assert_array_equal(affine_weights(keys[:1], keys, rows, ridge="distance"), alone)
    for far in (1e-3, 1e-5, 1e-7, 1e-100):
        q = keys[:1] * (far > 1e-50) + far * step
        shifted = keys if far > 1e-50 else keys - keys[0]
        got = affine_weights(q, shifted, rows, ridge="distance")
        assert np.abs(got - alone).max() < 1e3 * far
    twins = np.vstack([keys, keys[:1]])
    both = affine_weights(keys[:1], twins, np.arange(k + 1)[None], ridge="distance")
    assert_array_equal(both[0, [0, k]], [0.5, 0.5])


def test_empty_inputs_and_refusals(rng):
    x = rng.normal(size=(5, 2))
    assert vc.lle_weights(np.empty((0, 2)), np.empty((0, 3), int)).shape == (0, 0)
    assert vc.lle_weights(x, np.full((5, 2), -1)).nnz == 0
    assert vc.lle_weights(x, np.empty((5, 0), int)).nnz == 0
    assert affine_weights(x[:0], x, np.empty((0, 3), int)).shape == (0, 3)
    good = near(x, 2)
    for neighbors, words in (
        (np.full((5, 2), 5), r"neighbors .*below the number of keys \(5\), got 5"),
        (np.full((5, 2), -2), r"neighbors .*got -2"),
        (np.zeros((4, 2), int), r"neighbors .*\(5, k\).*\(4, 2\)"),
        (np.zeros((5, 2)), r"neighbors .*whole numbers.*float64"),
        (scipy.sparse.csr_array((5, 6)), r"neighbors .*5 keys.*\(5, 6\)"),
        (vc.radius_neighbors(x[:2], x, 1.0), r"neighbors .*5 keys.*\(2, 5\)"),
    ):
        with pytest.raises(ValueError, match=words):
            vc.lle_weights(x, neighbors)
    for reg in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="reg must be finite and at least 0"):
            vc.lle_weights(x, good, reg=reg)
    with pytest.raises(ValueError, match="keys must be"):
        vc.lle_weights(x[None], good)
    with pytest.raises(TypeError, match="keys"):
        vc.lle_weights(x + 1j, good)
    with pytest.raises(ValueError, match="ridge must be one of trace, distance"):
        affine_weights(x, x, good.indices, ridge="none")
