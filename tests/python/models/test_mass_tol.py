"""mass_tol of the models: the bound of the primitives, checked at fit, saved with the model."""

from __future__ import annotations

import numpy as np
import pytest

import vicinal as vc
from vicinal.models import KernelDensity, LocalMeanClassifier, LocalMeanRegressor


@pytest.fixture
def clusters(rng):
    return 4 * rng.integers(-2, 3, size=(6000, 2)) + 0.3 * rng.normal(size=(6000, 2))


def test_answers_stay_within_the_bound(clusters, rng, tmp_path):
    y = rng.normal(size=len(clusters))
    exact = LocalMeanRegressor(bandwidth=0.1).fit(clusters, y)
    model = LocalMeanRegressor(bandwidth=0.1, mass_tol=1e-3).fit(clusters, y)
    q = clusters[:200] + 0.05
    difference = np.abs(model.predict(q) - exact.predict(q))
    assert 0 < difference.max() <= 1e-3 * np.ptp(y) + 1e-12
    model.save(tmp_path / "model.npz")
    loaded = vc.load(tmp_path / "model.npz")
    assert loaded.mass_tol == 1e-3
    assert loaded.predict(q).tobytes() == model.predict(q).tobytes()


def test_density_and_classes(clusters):
    dense = KernelDensity(bandwidth=0.1).fit(clusters)
    pruned = KernelDensity(bandwidth=0.1, mass_tol=1e-4).fit(clusters)
    lost = dense.score_samples(clusters) - pruned.score_samples(clusters)
    assert (lost >= -1e-12).all()
    assert (lost <= -np.log1p(-1e-4) + 1e-12).all()
    classes = np.sign(clusters[:, 0]).astype(int)
    options = {"bandwidth": 0.1, "empty": "nearest"}
    exact = LocalMeanClassifier(**options).fit(clusters, classes).predict_proba(clusters[:300])
    got = LocalMeanClassifier(mass_tol=1e-4, **options).fit(clusters, classes)
    assert np.abs(got.predict_proba(clusters[:300]) - exact).max() <= 1e-4 + 1e-12


@pytest.mark.parametrize("share", [-0.1, 1.0, np.nan, "small", True])
def test_refusals_name_the_parameter(share):
    with pytest.raises(ValueError, match="mass_tol must be at least 0 and below 1"):
        LocalMeanRegressor(mass_tol=share).fit([[0.0], [1.0]], [0.0, 1.0])
    with pytest.raises(ValueError, match="mass_tol must be 0 for a signed kernel"):
        LocalMeanRegressor(mass_tol=0.1, kernel="sigmoid", bandwidth=1.0).fit([[0.0]], [1.0])
