"""loess of degree 0 (Cleveland's own code): a tricube local mean with the farthest point as h."""

from __future__ import annotations

import numpy as np
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
