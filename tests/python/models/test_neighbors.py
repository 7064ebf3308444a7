"""Sets of neighbors in the models: the answers of the primitives, refusals, files."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, RadiusNeighborsRegressor

import vicinal as vc
from vicinal.models import KernelDensity, LocalMeanClassifier, LocalMeanRegressor


@pytest.fixture
def sample(rng):
    return rng.normal(size=(700, 3)), rng.normal(size=(50, 3)), rng.normal(size=700)


def test_k_nearest_neighbors_are_those_of_scikit_learn(sample):
    X, Q, y = sample
    ours = LocalMeanRegressor(kernel="constant", bandwidth=1.0, neighbors=vc.KNearest(7)).fit(X, y)
    np.testing.assert_allclose(
        ours.predict(Q), KNeighborsRegressor(7).fit(X, y).predict(Q), atol=1e-13
    )
    classes = (y > 0).astype(int)
    ours = LocalMeanClassifier(kernel="constant", bandwidth=1.0, neighbors=vc.KNearest(7))
    theirs = KNeighborsClassifier(7).fit(X, classes)
    np.testing.assert_allclose(
        ours.fit(X, classes).predict_proba(Q), theirs.predict_proba(Q), atol=1e-13
    )


def test_balls_are_those_of_scikit_learn(sample):
    X, Q, y = sample
    ours = LocalMeanRegressor(kernel="constant", bandwidth=1.0, neighbors=vc.Radius(1.2)).fit(X, y)
    theirs = RadiusNeighborsRegressor(1.2).fit(X, y)
    with np.errstate(invalid="ignore"):
        full = np.isfinite(vc.local_mean(Q, X, y, kernel="constant", neighbors=vc.Radius(1.2)))
    np.testing.assert_allclose(ours.predict(Q[full]), theirs.predict(Q[full]), atol=1e-13)


@pytest.mark.parametrize("bandwidth", ["scott", "loo", "gcv", "aicc"])
def test_every_answer_sees_the_set_alone(sample, bandwidth):
    X, Q, y = sample
    near = vc.KNearest(30) & vc.Window(0.5, 0.5, on=1)
    model = LocalMeanRegressor(bandwidth=bandwidth, neighbors=near, empty="nearest").fit(X, y)
    options = {"bandwidth": model.bandwidth_, "neighbors": near, "empty": "nearest"}
    np.testing.assert_array_equal(model.predict(Q), vc.local_mean(Q, X, y, **options))
    loo = vc.local_mean(X, X, y, exclude_self=True, **options)
    np.testing.assert_allclose(model.loo_predict(), loo, atol=1e-13)
    indices, _ = model.explain(Q, k=3)
    stats = vc.local_stats(
        Q, X, statistics=("top_k",), k=3, bandwidth=model.bandwidth_, neighbors=near
    )
    np.testing.assert_array_equal(indices, stats.top_k[0])


def test_bandwidths_are_compared_on_the_set(sample):
    X, _, y = sample
    near = vc.KNearest(12)
    selection = vc.bandwidth.select(X, y, neighbors=near, grid=[0.2, 0.7, 2.0])
    for h, score in zip(selection.grid, selection.scores, strict=True):
        left_out = vc.local_mean(X, X, y, bandwidth=h, neighbors=near, exclude_self=True)
        np.testing.assert_allclose(score, np.mean((left_out - y) ** 2), rtol=1e-12)


def test_densities(sample):
    X, Q, _ = sample
    model = KernelDensity(bandwidth=0.5, neighbors=vc.Radius(2.0)).fit(X)
    whole = KernelDensity(bandwidth=0.5).fit(X)
    difference = whole.score_samples(Q) - model.score_samples(Q)
    assert (difference >= -1e-12).all()  # a part of the mass
    assert difference.max() < 1
    step = 1e-5
    shifted = Q + step * np.eye(3)[0]
    slope = (model.score_samples(shifted) - model.score_samples(Q)) / step
    np.testing.assert_allclose(model.gradient(Q)[:, 0], slope, atol=1e-2)


@pytest.mark.parametrize("model", [LocalMeanRegressor, LocalMeanClassifier, KernelDensity])
def test_large_sets_and_files(model, rng, tmp_path):
    X = rng.normal(size=(6000, 2)).astype(np.float32)
    y = (X[:, 0] > 0).astype(np.float32)
    near = (vc.KNearest(9) & vc.Radius(0.5)) | vc.Window(0.001, 0.001, on=0)
    fitted = clone(model(neighbors=near, bandwidth=0.3)).fit(X, y)
    assert fitted.get_params()["neighbors"] == near
    answer = "score_samples" if model is KernelDensity else "predict"
    fitted.save(tmp_path / "model.npz")
    loaded = vc.load(tmp_path / "model.npz")
    assert loaded.neighbors == near
    q = X[:100] + np.float32(0.01)
    first = getattr(fitted, answer)(q)
    assert getattr(loaded, answer)(q).tobytes() == first.tobytes()
    one = np.concatenate([getattr(fitted, answer)(q[i : i + 1]) for i in range(5)])
    assert one.tobytes() == first[:5].tobytes()


@pytest.mark.parametrize(
    ("near", "message"),
    [
        (vc.KNearest(701), "at least 701 training rows, got n_samples=700"),
        (vc.Window(1, 1), "counts row numbers"),
        (vc.Radius(1.0) & vc.Window(1, 1), "counts row numbers"),
        (vc.Grid((7, 100), 1), "graphs and grids are of local_mean"),
        (vc.Graph(csr_array(np.eye(700)), data="pattern"), "graphs and grids are of local_mean"),
        (16, "neighbors must be None, KNearest"),
        (vc.Radius(-1.0), "radius must be at least 0"),
    ],
    ids=str,
)
def test_what_a_model_cannot_hold(sample, near, message):
    X, _, y = sample
    with pytest.raises(ValueError, match=message):
        LocalMeanRegressor(neighbors=near).fit(X, y)
