"""Ascents of mean shift against scikit-learn, the formula, and what may not change a bit."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from sklearn.cluster import _mean_shift as reference
from sklearn.datasets import make_blobs
from sklearn.neighbors import NearestNeighbors

import vicinal as vc
from vicinal.ascent import CAPTURED, CONVERGED, MOVING, ORPHAN, STOPPED, ascend
from vicinal.models import MeanShift


def blobs(n, d, dtype=np.float64, seed=3):
    points, _ = make_blobs(n, n_features=d, centers=4, center_box=(-8, 8), random_state=seed)
    return points.astype(dtype)


def formula(seed, keys, weight, tol, max_iter, alpha=1.0):
    q = seed.astype(np.float64)
    taken, length = 0, np.inf
    while length > tol and taken < max_iter:
        w = weight(q)
        step = alpha * ((w @ keys.astype(np.float64)) / w.sum() - q)
        q, taken, length = q + step, taken + 1, np.linalg.norm(step)
    return q, taken


@pytest.mark.parametrize(("n", "d", "bandwidth"), [(600, 2, 1.0), (5000, 3, 1.8), (500, 16, 5.0)])
def test_the_flat_kernel_is_scikit_learns_ascent(n, d, bandwidth):
    X = blobs(n, d)
    found = ascend(X, X, kernel="flat", bandwidth=bandwidth, tol=1e-3 * bandwidth, max_iter=301)
    ball = NearestNeighbors(radius=bandwidth).fit(X)
    for i in range(0, n, n // 25):
        end, _, completed = reference._mean_shift_single_seed(X[i], X, ball, 300)
        assert found.n_iter[i] == completed + 1
        np.testing.assert_allclose(found.ends[i], end, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_and_bandwidths_per_key(dtype):
    X = blobs(400, 2, dtype)
    rng = np.random.default_rng(0)
    weights = rng.uniform(0, 2, len(X)).astype(dtype)
    h = vc.knn(X, X, 20).distances[:, -1].astype(np.float64)
    found = ascend(
        X[:30], X, kernel="gaussian", bandwidth=vc.bandwidth.PerKey(h), weights=weights,
        alpha=0.8, tol=1e-3, max_iter=500,
    )  # fmt: skip
    assert found.ends.dtype == dtype
    for i in range(30):
        end, taken = formula(
            X[i],
            X,
            lambda q: weights * np.exp(-0.5 * ((X - q) ** 2).sum(1) / h**2),
            1e-3,
            500,
            alpha=0.8,
        )
        # float32: a step near the tolerance may fall on its other side
        assert abs(found.n_iter[i] - taken) <= (1 if dtype == np.float32 else 0)
        atol = 2e-3 if dtype == np.float32 else 1e-10
        np.testing.assert_allclose(found.ends[i], end, rtol=0, atol=atol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("kernel", "mass_tol"), [("flat", 0.0), ("gaussian", 1e-3)])
def test_no_bit_depends_on_threads_batch_or_index(dtype, kernel, mass_tol):
    X = blobs(6000, 2, dtype)
    seeds = np.concatenate([X[:300], X[100:200]])

    def run(points, keys=X, **options):
        return ascend(
            points, keys, kernel=kernel, bandwidth=0.8, tol=1e-3, max_iter=300,
            mass_tol=mass_tol, **options,
        )  # fmt: skip

    whole = run(seeds, num_threads=1)
    index = vc.KeyIndex(X)
    for other in (
        run(seeds, num_threads=2),
        run(seeds, num_threads=5),
        run(seeds, index=index),
        run(seeds, index),
    ):
        assert all(a.tobytes() == b.tobytes() for a, b in zip(whole, other, strict=True))
    for i in range(0, len(seeds), 40):
        alone = run(seeds[i : i + 1])
        assert all(a[i : i + 1].tobytes() == b.tobytes() for a, b in zip(whole, alone, strict=True))
    order = np.random.default_rng(1).permutation(len(seeds))
    mixed = run(seeds[order])
    assert all(a[order].tobytes() == b.tobytes() for a, b in zip(whole, mixed, strict=True))


def test_statuses_and_capture():
    X = blobs(800, 2)
    first = ascend(X, X, kernel="gaussian", bandwidth=0.7, tol=1e-5, max_iter=500)
    assert (first.status == CONVERGED).all()
    assert (first.mode == -1).all()
    modes = first.ends[:1]
    seeds = np.concatenate([X[:50], [[500.0, 500.0]]])
    caught = ascend(
        seeds, X, kernel="epanechnikov", bandwidth=2.0, tol=1e-5, max_iter=500, modes=modes,
        capture_radius=0.35,
    )  # fmt: skip
    assert caught.status[-1] == ORPHAN
    assert (caught.ends[-1] == 500).all()
    held = caught.status == CAPTURED
    assert 0 < held.sum() < 50
    assert (np.linalg.norm(caught.ends[held] - modes[0], axis=1) <= 0.35).all()
    assert (np.linalg.norm(caught.ends[~held] - modes[0], axis=1) > 0.35).all()
    assert (caught.mode == np.where(held, 0, -1)).all()
    cut = ascend(X, X, kernel="gaussian", bandwidth=0.7, tol=0.0, max_iter=3)
    assert (cut.status == STOPPED).all()
    assert (cut.n_iter == 3).all()


def test_the_callback_sees_every_iteration_and_may_end_it():
    X = blobs(300, 2)
    seen = []

    def callback(iteration, longest, now):
        assert now.ends.shape == X.shape
        seen.append((iteration, longest, np.count_nonzero(now.status == MOVING)))
        return iteration == 4

    found = ascend(X, X, kernel="gaussian", bandwidth=0.7, tol=0.0, max_iter=99, callback=callback)
    assert [s[0] for s in seen] == [1, 2, 3, 4]
    assert [s[2] for s in seen] == [300] * 4
    assert (found.n_iter == 4).all()
    assert (found.status == STOPPED).all()

    class Stop(Exception):
        pass

    def broken(*_):
        raise Stop

    with pytest.raises(Stop):
        ascend(X, X, kernel="gaussian", bandwidth=0.7, tol=0.0, max_iter=99, callback=broken)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX signals")
def test_ctrl_c_stops_it():
    def interrupt(*_):
        raise KeyboardInterrupt

    X = blobs(20_000, 3)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            ascend(X, X, kernel="gaussian", bandwidth=3.0, tol=0.0, max_iter=10**9)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kernel": "softmax"}, "euclidean, manhattan, chebyshev or mahalanobis"),
        ({"alpha": 0.0}, "alpha must be finite and above 0"),
        ({"tol": -1.0}, "tol must be at least 0"),
        ({"max_iter": -1}, "max_iter must not be negative"),
        ({"mass_tol": 1.0}, "mass_tol must be"),
        ({"modes": np.zeros((1, 3))}, "modes and keys must have the same number of features"),
        ({"seeds": np.array([[np.nan, 0.0]])}, "seeds must be finite"),
        ({"seeds": np.zeros((1, 3))}, "features"),
        ({"index": vc.KeyIndex(np.zeros((3, 2)))}, "index must be of these keys"),
        ({"bandwidth": vc.bandwidth.PerQuery(np.ones(2))}, "seeds move"),
        ({"seeds": np.zeros((4, 2, 2))}, "points, features"),
    ],
)
def test_what_is_refused(change, message):
    arguments = {
        "seeds": np.zeros((2, 2)), "keys": np.ones((5, 2)), "kernel": "gaussian", "bandwidth": 1.0,
        "tol": 1e-3, "max_iter": 10, **change,
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        ascend(**arguments)


def test_far_parts_of_many_features_do_not_meet():
    """A tree tells clusters in 16 dimensions apart; ends are those of the formula."""
    rng = np.random.default_rng(0)
    centers = rng.uniform(-20, 20, (8, 16))
    keys = (centers[:, None] + rng.normal(size=(8, 700, 16))).reshape(-1, 16)
    model = MeanShift(bandwidth=8.0).fit(keys)
    assert model.n_pairs_ < 0.4 * model.n_steps_ * len(keys)
    for row in keys[::700]:
        for _ in range(model.n_iter_ + 1):
            row = keys[np.square(keys - row).sum(axis=1) <= 64].mean(axis=0)
        assert np.abs(model.cluster_centers_ - row).max(axis=1).min() < 1e-9
