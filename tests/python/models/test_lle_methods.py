"""Alignment matrices against least squares on every neighborhood, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.manifold
from lle_cases import affine_error, sine_of_angle, swiss_roll

import vicinal as vc
from vicinal.models import LocallyLinearEmbedding, alignment
from vicinal.models.bottom import bottom_eigenvectors
from vicinal.models.neighborhoods import PointNeighborhoods

METHODS = ("standard", "modified", "hessian", "ltsa")


def neighborhoods(points, k):
    indices = vc.knn(points, points, k, exclude_self=True).indices
    return PointNeighborhoods(points, points, indices)


def matrix_of(method, near, d=2):
    if method == "standard":
        return alignment.standard(near, 1e-3)
    if method == "modified":
        return alignment.modified(near, d, 1e-12)
    return alignment.ltsa(near, d) if method == "ltsa" else alignment.hessian(near, d, 1e-4)


def fits(points, indices, values, d):
    """Yield the affine and the quadratic least-squares fit of values on each neighborhood.

    The tangent coordinates are an affine image of the principal components, on which no fit
    depends.
    """
    rng = np.random.default_rng(1)
    for rows in indices:
        centered = points[rows] - points[rows].mean(axis=0)
        _, vectors = np.linalg.eigh(centered.T @ centered)
        u = centered @ vectors[:, -d:]
        u = u / u.std(axis=0) @ np.linalg.qr(rng.normal(size=(d, d)))[0] + rng.uniform(size=d)
        affine = np.column_stack([np.ones(len(rows)), u])
        products = np.stack([u[:, a] * u[:, b] for a in range(d) for b in range(a, d)], axis=1)
        both = np.column_stack([affine, products])
        y = values[rows]
        yield tuple(x @ np.linalg.lstsq(x, y, rcond=None)[0] for x in (affine, both))


@pytest.mark.parametrize(("d", "features"), [(1, 2), (2, 3), (2, 20), (3, 5)])
def test_quadratic_forms_are_those_of_least_squares(rng, d, features):
    u = rng.uniform(size=(120, d))
    lift = rng.normal(size=(d, features))
    points = u @ lift + 0.1 * np.sin(3 * u @ rng.normal(size=(d, features)))
    near = neighborhoods(points, 1 + d + d * (d + 1) // 2 + 3)
    values = rng.normal(size=(120, 4))
    hessian, ltsa = np.zeros(4), np.zeros(4)
    for affine, quadratic in fits(points, near.indices, values, d):
        hessian += np.sum((quadratic - affine) ** 2, axis=0)
    for rows, (affine, _) in zip(near.indices, fits(points, near.indices, values, d), strict=True):
        ltsa += np.sum((values[rows] - affine) ** 2, axis=0)
    for matrix, expected in (
        (alignment.hessian(near, d, 1e-4), hessian),
        (alignment.ltsa(near, d), ltsa),
    ):
        form = np.sum(values * (matrix @ values), axis=0)
        np.testing.assert_allclose(form, expected, rtol=1e-9)


def test_hessian_sees_second_derivatives_alone():
    plane = np.random.default_rng(2).uniform(size=(300, 2))
    matrix = alignment.hessian(neighborhoods(plane, 12), 2, 1e-4)

    def form(f):
        return float(f @ (matrix @ f)) / float(f @ f)

    x, y = plane.T - 0.5
    assert form(1 + 2 * x - y) < 1e-14
    assert form(x * y) > 1e-3
    # Cubic terms are for the most part of the complement that LTSA takes and the Hessian does not.
    other = alignment.ltsa(neighborhoods(plane, 12), 2)
    wild = np.random.default_rng(3).normal(size=300)
    assert form(wild) < 0.6 * float(wild @ (other @ wild)) / float(wild @ wild)


@pytest.mark.parametrize("method", ["hessian", "ltsa", "modified"])
def test_isometric_coordinates_are_found(method):
    points, truth = swiss_roll(3000, hole=True)
    model = LocallyLinearEmbedding(n_neighbors=12, method=method, tol=0).fit(points)
    assert affine_error(model.embedding_, truth) < 0.02


@pytest.mark.parametrize("features", [3, 30])
@pytest.mark.parametrize("method", ["standard", "modified", "ltsa"])
def test_subspaces_are_those_of_scikit_learn(method, features):
    points, _ = swiss_roll(700)
    if features > 3:
        points = np.sin(points / 4 @ np.random.default_rng(4).normal(size=(3, features)))
    parameters = {"n_neighbors": 10, "method": method, "eigen_solver": "dense"}
    theirs = sklearn.manifold.LocallyLinearEmbedding(**parameters).fit(points)
    for solver in ("dense", "arpack"):
        ours = LocallyLinearEmbedding(**{**parameters, "eigen_solver": solver}, tol=0).fit(points)
        assert sine_of_angle(ours.embedding_, theirs.embedding_) < 1e-6
        assert ours.reconstruction_error_ == pytest.approx(theirs.reconstruction_error_, rel=1e-5)


def test_scikit_learns_hessian_is_ltsa():
    points, _ = swiss_roll(700)
    parameters = {"n_neighbors": 12, "eigen_solver": "dense"}
    theirs = sklearn.manifold.LocallyLinearEmbedding(**parameters, method="hessian").fit(points)
    tangents = LocallyLinearEmbedding(**parameters, method="ltsa").fit(points)
    hessian = LocallyLinearEmbedding(**parameters, method="hessian").fit(points)
    assert sine_of_angle(theirs.embedding_, tangents.embedding_) < 1e-6
    assert sine_of_angle(theirs.embedding_, hessian.embedding_) > 1e-4


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", ["grid", "duplicates", "line", "one place"])
def test_degenerate_neighborhoods_give_a_semidefinite_form(method, case):
    x = np.arange(10.0)
    points = {
        "grid": np.stack(np.meshgrid(x, x), axis=-1).reshape(-1, 2),
        "duplicates": np.repeat(np.random.default_rng(5).normal(size=(25, 3)), 4, axis=0),
        "line": np.outer(np.arange(60.0), [1.0, 2.0, 0.5]),
        "one place": np.ones((40, 3)),
    }[case]
    matrix = matrix_of(method, neighborhoods(points, 7)).toarray()
    assert np.isfinite(matrix).all()
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-13)
    np.testing.assert_allclose(matrix.sum(axis=1), 0, atol=1e-9)
    assert np.linalg.eigvalsh(matrix)[0] > -1e-9


@pytest.mark.parametrize("method", METHODS)
def test_sums_do_not_depend_on_how_rows_are_split(method, monkeypatch):
    near = neighborhoods(swiss_roll(200)[0], 9)
    whole = matrix_of(method, near)
    monkeypatch.setattr(alignment, "_IN_WORK", 1000)
    monkeypatch.setattr(alignment, "_IN_SUM", 3000)
    difference = abs(matrix_of(method, near) - whole).max()
    assert difference < 1e-14


@pytest.mark.parametrize("solver", ["dense", "arpack"])
def test_bottom_eigenvectors(rng, solver):
    n = 60
    q = np.linalg.qr(np.column_stack([np.ones(n), rng.normal(size=(n, n - 1))]))[0]
    values = np.concatenate([[0.0, 1e-9, 3e-9, 1e-5], np.linspace(0.1, 2, n - 4)])
    from scipy.sparse import csr_array

    matrix = csr_array((q * values) @ q.T)
    found = bottom_eigenvectors(
        matrix, 3, solver=solver, tol=0, max_iter=100, start=rng.normal(size=n)
    )
    np.testing.assert_allclose(found.values, values[1:4], atol=1e-14)
    assert (found.residuals < 1e-14).all()
    assert sine_of_angle(found.vectors, q[:, 1:4]) < 1e-5
    np.testing.assert_allclose(found.vectors.T @ found.vectors, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(found.vectors.sum(axis=0), 0, atol=1e-12)
    assert (found.vectors.max(axis=0) == np.abs(found.vectors).max(axis=0)).all()
