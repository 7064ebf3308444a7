"""The estimator: new rows, the way back, landmarks, distances, refusals, files."""

from __future__ import annotations

import json
import pickle
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from forging import forge
from lle_cases import affine_error, sine_of_angle, swiss_roll
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import vicinal as vc
from vicinal.models import LocallyLinearEmbedding, alignment, lle
from vicinal.models.bottom import bottom_eigenvectors
from vicinal.models.neighborhoods import PointNeighborhoods

METHODS = ("standard", "modified", "hessian", "ltsa")


@pytest.fixture(scope="module")
def roll():
    return swiss_roll(800)


@pytest.fixture(scope="module")
def fitted(roll):
    return LocallyLinearEmbedding(n_neighbors=10, method="modified").fit(roll[0])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine"])
@pytest.mark.parametrize("landmarks", [None, 300])
def test_training_rows_keep_their_coordinates(roll, method, metric, landmarks):
    model = LocallyLinearEmbedding(n_neighbors=9, method=method, metric=metric, landmarks=landmarks)
    coordinates = model.fit_transform(roll[0])
    assert np.isfinite(coordinates).all()
    np.testing.assert_allclose(model.transform(roll[0]), coordinates, rtol=0, atol=1e-12)


def test_new_rows_are_combined_by_affine_weights(roll, fitted):
    """Against the formula: minimize ‖Σ w c‖² + reg k Σ ‖c‖² w² under Σ w = 1."""
    queries = roll[0][:40] + 0.1 * np.random.default_rng(1).normal(size=(40, 3))
    indices = vc.knn(queries, roll[0], 10).indices
    for query, rows, found in zip(queries, indices, fitted.transform(queries), strict=True):
        gram = (roll[0][rows] - query) @ (roll[0][rows] - query).T
        weights = np.linalg.solve(gram + 1e-3 * 10 * np.diag(np.diag(gram)), np.ones(10))
        expected = weights / weights.sum() @ fitted.embedding_[rows]
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)


def test_transform_is_continuous_towards_training_rows(roll, fitted):
    direction = np.random.default_rng(2).normal(size=(50, 3))
    spread = fitted.embedding_.std()
    before = np.inf
    for step in (1e-1, 1e-2, 1e-3, 1e-5, 1e-7):
        moved = fitted.transform(roll[0][:50] + step * direction) - fitted.embedding_[:50]
        now = np.abs(moved).max() / spread
        assert now < before
        before = now
    assert before < 1e-6


def test_rows_that_coincide_take_their_mean(rng):
    distinct = rng.normal(size=(60, 3))
    points = np.concatenate([distinct, np.repeat(distinct[:3], [1, 4, 30], axis=0)])
    model = LocallyLinearEmbedding(n_neighbors=8).fit(points)
    again = model.transform(points)
    for row in range(len(points)):
        same = (points == points[row]).all(axis=1)
        mean = model.embedding_[same].mean(axis=0)
        np.testing.assert_allclose(again[row], mean, rtol=0, atol=1e-12)


def test_the_way_back(roll, fitted):
    points = roll[0]
    np.testing.assert_allclose(fitted.inverse_transform(fitted.embedding_), points, atol=1e-9)
    fresh, _ = swiss_roll(300, seed=9)
    back = fitted.inverse_transform(fitted.transform(fresh))
    spacing = vc.knn(points, points, 1, exclude_self=True).distances.mean()
    assert np.median(np.linalg.norm(back - fresh, axis=1)) < 0.6 * spacing


def test_landmarks_carry_the_others():
    points, truth = swiss_roll(4000)
    model = LocallyLinearEmbedding(n_neighbors=10, method="modified", landmarks=1200).fit(points)
    assert len(model.keys_) == len(model.landmarks_) == 1200
    np.testing.assert_array_equal(model.keys_, points[model.landmarks_])
    assert affine_error(model.embedding_, truth) < 0.05
    alone = LocallyLinearEmbedding(n_neighbors=10, method="modified").fit(model.keys_)
    np.testing.assert_allclose(model.embedding_[model.landmarks_], alone.embedding_, atol=1e-9)
    back = model.inverse_transform(model.embedding_[model.landmarks_])
    np.testing.assert_array_equal(back, model.keys_)
    whole = clone(model).set_params(landmarks=10**6).fit(points)
    assert whole.landmarks_ is None


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("sparse", [False, True])
def test_distances_say_the_same_as_coordinates(method, sparse):
    points, _ = swiss_roll(300)
    fresh, _ = swiss_roll(40, seed=3)
    coordinates = LocallyLinearEmbedding(n_neighbors=8, method=method).fit(points)
    train, new = cdist(points, points), cdist(fresh, points)
    if sparse:  # two neighbors of a row are at most twice as far from each other
        reach = 2.01 * max(vc.knn(a, points, 9).distances.max() for a in (points, fresh))
        train, new = (vc.radius_neighbors(a, points, reach).to_csr() for a in (points, fresh))
    model = LocallyLinearEmbedding(n_neighbors=8, method=method, metric="precomputed").fit(train)
    assert sine_of_angle(model.embedding_, coordinates.embedding_) < 1e-5
    np.testing.assert_allclose(model.transform(train), model.embedding_, rtol=0, atol=1e-9)
    flip = np.sign(np.sum(model.embedding_ * coordinates.embedding_, axis=0))
    np.testing.assert_allclose(
        model.transform(new) * flip, coordinates.transform(fresh), rtol=0, atol=1e-5
    )
    assert not hasattr(model, "inverse_transform")


def test_a_graph_must_store_the_distances_between_neighbors():
    points, _ = swiss_roll(300)
    graph = vc.knn(points, points, 8, exclude_self=True).to_csr()
    model = LocallyLinearEmbedding(n_neighbors=8, metric="precomputed")
    with pytest.raises(ValueError, match="must store the distances between neighbors"):
        model.fit(graph)
    with pytest.raises(ValueError, match="at least n_neighbors=9 distances"):
        clone(model).set_params(n_neighbors=9).fit(graph)
    with pytest.raises(ValueError, match="square"):
        model.fit(np.ones((5, 4)))
    with pytest.raises(ValueError, match="at least 0"):
        model.fit(-np.ones((20, 20)))


@pytest.mark.parametrize("method", METHODS)
def test_solvers_agree_and_report_residuals(roll, method):
    models = [
        LocallyLinearEmbedding(n_neighbors=9, method=method, eigen_solver=solver, tol=0).fit(
            roll[0]
        )
        for solver in ("dense", "arpack", "auto")
    ]
    for model in models:
        assert model.residuals_.shape == (2,)
        assert (model.residuals_ < 1e-12).all()
        assert model.reconstruction_error_ == model.eigenvalues_.sum()
    dense, arpack, auto = (model.embedding_ for model in models)
    assert sine_of_angle(dense, arpack) < 1e-6
    np.testing.assert_array_equal(auto, arpack)


def test_reconstruction_error_is_that_of_the_weights(roll):
    model = LocallyLinearEmbedding(n_neighbors=9).fit(roll[0])
    weights = vc.lle_weights(roll[0], vc.knn(roll[0], roll[0], 9, exclude_self=True))
    missed = np.linalg.norm(model.embedding_ - weights @ model.embedding_) ** 2
    assert model.reconstruction_error_ == pytest.approx(missed, rel=1e-6)


def test_arpack_that_does_not_converge_says_so(roll):
    model = LocallyLinearEmbedding(n_components=3, eigen_solver="arpack", max_iter=1, tol=0)
    noise = np.random.default_rng(4).normal(size=(600, 20))
    with pytest.raises(ValueError, match="did not converge in max_iter=1"):
        model.fit(noise)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("solver", ["dense", "arpack"])
def test_parts_are_told_apart_and_counted(rng, method, solver):
    centers = 100.0 * np.arange(3)
    points = np.concatenate([center + rng.normal(size=(40, 3)) for center in centers])
    model = LocallyLinearEmbedding(n_neighbors=7, method=method, eigen_solver=solver)
    with pytest.warns(vc.LocalizationWarning, match="fall into 3 parts"):
        model.fit(points)
    assert model.n_connected_components_ == 3
    places = model.embedding_.reshape(3, 40, 2)
    assert np.ptp(places, axis=1).max() < 1e-4
    means = places.mean(axis=1)
    assert min(np.linalg.norm(means[a] - means[b]) for a, b in ((0, 1), (0, 2), (1, 2))) > 0.05


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [30, 600])
def test_equal_rows_are_warned_of(method, n):
    for X, options in ((np.ones((n, 3)), {}), (np.zeros((n, n)), {"metric": "precomputed"})):
        model = LocallyLinearEmbedding(n_neighbors=8, method=method, **options)
        with pytest.warns(vc.LocalizationWarning, match=f"all {n} rows .* are equal"):
            coordinates = model.fit_transform(X)
        assert np.isfinite(coordinates).all()
        together = np.broadcast_to(coordinates.mean(axis=0), (3, 2))
        np.testing.assert_allclose(model.transform(X[:3]), together, rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore::vicinal.LocalizationWarning")
@pytest.mark.parametrize("method", METHODS)
def test_awkward_data_never_give_nan(method):
    for points in (np.ones((30, 3)), np.arange(30.0)[:, None] * [1, 2, 3], 1e-170 * np.eye(30)):
        model = LocallyLinearEmbedding(n_neighbors=6, method=method).fit(points)
        assert np.isfinite(model.embedding_).all()
        assert np.isfinite(model.transform(points + 1e-3)).all()
        assert np.isfinite(model.inverse_transform(model.embedding_)).all()
    line = LocallyLinearEmbedding(n_neighbors=4, n_components=1, method=method)
    order = np.argsort(line.fit_transform(np.random.default_rng(5).uniform(size=(50, 1)))[:, 0])
    assert sorted(order) == list(range(50))
    with pytest.raises(ValueError, match="at most 1e\\+150 in size"):
        line.fit(np.random.default_rng(6).uniform(-1, 1, (50, 1)) * 1e300)
    with pytest.raises(ValueError, match="at most 1e\\+150 in size"):
        line.transform([[1e200]])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_neighbors": 30}, "Expected n_neighbors < n_samples, but n_samples = 30"),
        ({"n_neighbors": 20, "landmarks": 20}, "Expected n_neighbors < landmarks"),
        ({"n_components": 4}, "n_components=4 of n_features=3"),
        ({"n_neighbors": 0}, "n_neighbors must be finite and at least 1, got 0"),
        ({"n_neighbors": 2.5}, "n_neighbors must be a whole number, got 2.5"),
        ({"reg": -1.0}, "reg must be finite and at least 0"),
        ({"reg": np.nan}, "reg must be finite"),
        ({"method": "hesian"}, "did you mean 'hessian'"),
        ({"eigen_solver": "lobpcg"}, "eigen_solver must be one of"),
        ({"neighbors_algorithm": "x"}, "neighbors_algorithm must be one of"),
        ({"method": "hessian", "n_neighbors": 5}, "needs n_neighbors >= 6, got 5"),
        ({"method": "ltsa", "n_neighbors": 3}, "needs n_neighbors >= 4, got 3"),
        ({"method": "modified", "n_neighbors": 1}, "needs n_neighbors >= 2, got 1"),
        ({"metric": "dot"}, "metric must be a distance, got 'dot'"),
        ({"metric": "nearby"}, "metric"),
        ({"landmarks": True}, "landmarks must be a whole number"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(rng, parameters, message):
    with pytest.raises(ValueError, match=message):
        LocallyLinearEmbedding(**parameters).fit(rng.normal(size=(30, 3)))


def test_points_of_the_embedding_must_have_its_dimension(fitted):
    with pytest.raises(ValueError, match="n_components=2 columns, got shape"):
        fitted.inverse_transform(np.zeros((3, 3)))
    with pytest.raises(NotFittedError):
        LocallyLinearEmbedding().inverse_transform(np.zeros((3, 2)))


def test_no_answer_depends_on_batch_order_or_threads(roll, fitted):
    queries = np.concatenate([roll[0][:50], swiss_roll(150, seed=8)[0]])
    coordinates = fitted.embedding_[:200] * 1.01
    for answer, rows in ((fitted.transform, queries), (fitted.inverse_transform, coordinates)):
        whole = answer(rows)
        alone = np.concatenate([answer(row[None]) for row in rows])
        assert alone.tobytes() == whole.tobytes()
        order = np.random.default_rng(0).permutation(len(rows))
        assert answer(rows[order]).tobytes() == whole[order].tobytes()
        for threads in (1, 2, 3):
            fitted.set_params(n_jobs=threads)
            assert answer(rows).tobytes() == whole.tobytes()
        fitted.set_params(n_jobs=None)
    bits = {
        clone(fitted).set_params(n_jobs=threads).fit(roll[0]).transform(queries).tobytes()
        for threads in (1, 2, 3)
    }
    assert len(bits) == 1


def test_neighborhoods_are_never_held_at_once(rng):
    n, k, d = 6000, 10, 60
    points = rng.normal(size=(n, d))
    indices = rng.integers(0, n, (n, k))
    for method in (alignment.ltsa, lambda near, d: alignment.modified(near, d, 1e-12)):
        tracemalloc.start()
        method(PointNeighborhoods(points, points, indices), 2)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        numbers_of_blocks = n * (k + 1) ** 2
        assert peak < 8 * (n * k * d + 8 * numbers_of_blocks)


def test_memory_of_the_standard_method(monkeypatch):
    """A fit holds at most three times W and X, besides the matrix (and its factorization)."""
    n, k = 20_000, 12
    points, _ = swiss_roll(n)
    peaks = []

    def measured(matrix, *arguments, **options):
        of_matrix = matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes
        peaks.append(tracemalloc.get_traced_memory()[1] - of_matrix)
        return bottom_eigenvectors(matrix, *arguments, **options)

    monkeypatch.setattr(lle, "bottom_eigenvectors", measured)
    model = LocallyLinearEmbedding(n_neighbors=k)
    tracemalloc.start()
    model.fit(points)
    tracemalloc.stop()
    of_weights = n * k * (8 + 4)
    assert peaks[0] <= 3 * (of_weights + points.nbytes)


def test_examples_of_the_page_run():
    page = Path(__file__).parents[3] / "docs" / "lle.md"
    code = re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.S)
    names: dict[str, object] = {}
    exec("\n".join(code), names)
    assert affine_error(names["same"].embedding_, names["flat"]) < 1e-5
    missed = np.linalg.norm(names["back"] - names["fresh"], axis=1)
    assert np.median(missed) < 0.5


@pytest.mark.parametrize("parameters", [{}, {"landmarks": 100}, {"metric": "precomputed"}], ids=str)
def test_files_and_pickles(tmp_path, parameters):
    points, _ = swiss_roll(200)
    X = cdist(points, points) if parameters.get("metric") else points
    model = LocallyLinearEmbedding(n_neighbors=9, method="ltsa", **parameters).fit(X)
    model.save(tmp_path / "model.npz")
    for again in (vc.load(tmp_path / "model.npz"), pickle.loads(pickle.dumps(model))):
        assert again.get_params() == model.get_params()
        assert again.transform(X).tobytes() == model.transform(X).tobytes()
        for name in ("embedding_", "eigenvalues_", "residuals_"):
            np.testing.assert_array_equal(getattr(again, name), getattr(model, name))
        assert again.reconstruction_error_ == model.reconstruction_error_


def opened(path):
    """Return the header and the arrays of a file."""
    with np.load(path) as members:
        arrays = {name: members[name] for name in members.files}
    header = json.loads(arrays.pop("header").tobytes())
    del arrays["checksum"]
    return header, arrays


def test_files_that_do_not_fit_together_are_refused(tmp_path):
    path = tmp_path / "model.npz"
    points, _ = swiss_roll(60)
    LocallyLinearEmbedding(n_neighbors=9, landmarks=30).fit(points).save(path)
    header, arrays = opened(path)
    place = {name: entry["array"] for name, entry in header["state"].items() if type(entry) is dict}
    bad = {
        "embedding_": (arrays[place["embedding_"]] * np.nan, arrays[place["embedding_"]][:, :1]),
        "keys_": (arrays[place["keys_"]][:20], arrays[place["keys_"]] * np.inf),
        "landmarks_": (np.arange(30, dtype=np.int64)[::-1].copy(), np.arange(31, 61)),
        "eigenvalues_": (np.zeros(3),),
    }
    for name, contents in bad.items():
        for content in contents:
            forge(path, header, {**arrays, place[name]: np.ascontiguousarray(content)})
            with pytest.raises(ValueError, match=r"cannot load.*does not fit"):
                vc.load(path)
    forge(path, {**header, "parameters": {**header["parameters"], "n_neighbors": 40}}, arrays)
    with pytest.raises(ValueError, match="n_neighbors=40 of 30 keys"):
        vc.load(path)


def test_distances_of_a_file_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "model.npz"
    points, _ = swiss_roll(40)
    LocallyLinearEmbedding(metric="precomputed").fit(cdist(points, points)).save(path)
    header, arrays = opened(path)
    place = {name: part["array"] for name, part in header["state"]["keys_"].items()}
    indptr, indices, distances = (arrays[place[p]] for p in ("indptr", "indices", "distances"))
    bad = {
        "indptr": (indptr[::-1].copy(), indptr[:-1], indptr + 1),
        "indices": (indices + 40, indices - 1, indices[:-1]),
        "distances": (-distances, np.full_like(distances, np.inf), distances[:-1]),
    }
    for name, contents in bad.items():
        for content in contents:
            forge(path, header, {**arrays, place[name]: content})
            with pytest.raises(ValueError, match=r"cannot load.*does not fit"):
                vc.load(path)


def test_a_sparse_matrix_of_features_is_refused():
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        LocallyLinearEmbedding().fit(csr_array(np.eye(20)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("metric", ["euclidean", "precomputed"])
def test_rows_that_are_nobodys_neighbor_are_embedded_among_theirs(method, metric):
    points, _ = swiss_roll(400)
    points = np.concatenate([points, points[:5] * 1.02 + [0, 30, 0]])
    nearest = vc.knn(points, points, 9, exclude_self=True).indices
    assert not np.isin(np.arange(400, 405), nearest[:400]).any()
    points = points[:401]
    X = cdist(points, points) if metric == "precomputed" else points
    model = LocallyLinearEmbedding(n_neighbors=9, method=method, metric=metric).fit(X)
    assert model.n_connected_components_ == 1
    others = model.embedding_[:400]
    # A row of which the form knows nothing would be alone in a column, and the others at 0.
    assert (np.median(np.abs(others), axis=0) > 0.1 * np.abs(others).max(axis=0)).all()
