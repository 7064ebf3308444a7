"""loess, Cleveland's own code: of degree 0 a tricube local mean with the farthest point as h."""

from __future__ import annotations

import numpy as np
import pytest
from skmisc.loess import loess

import vicinal as vc


def test_local_constant_loess(rng):
    x = np.sort(rng.uniform(0, 10, 80))
    y = np.sin(x) + 0.1 * rng.normal(size=80)
    queries = np.linspace(1, 9, 33)
    model = loess(x, y, span=1.0, degree=0, surface="direct", statistics="exact")
    expected = model.predict(queries).values
    for q, value in zip(queries, expected, strict=True):
        farthest = np.abs(q - x).max()
        got = vc.local_mean([[q]], x[:, None], y, kernel="tricube", bandwidth=farthest)
        # loess cuts at 0.999 h, where the tricube is 3e-8.
        assert abs(got[0] - value) <= 1e-6


@pytest.mark.parametrize("degree", [1, 2])
def test_surfaces(degree, rng):
    n, k = 800, 240
    x = rng.uniform(size=(n, 2))
    y = np.sin(4 * x[:, 0]) + x[:, 1] ** 2 + 0.1 * rng.normal(size=n)
    by_features = np.ascontiguousarray(x.T).reshape(n, 2)  # as skmisc reads memory
    model = loess(by_features, y, span=k / n, degree=degree, surface="direct", normalize=False)
    model.fit()
    rule = vc.bandwidth.KthNeighbor(k)
    got = vc.local_fit(x, x, y, kernel="tricube", bandwidth=rule, degree=degree).fitted
    np.testing.assert_allclose(got, model.outputs.fitted_values, rtol=0, atol=1e-10)
