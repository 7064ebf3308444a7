"""The page of denoising and autoencoders runs, and what it says of its figures holds."""

from __future__ import annotations

import numpy as np

import pages
import vicinal as vc


def test_the_page_runs():
    names = pages.run("denoising.md")
    X, noisy, clean = (names[name] for name in ("X", "noisy", "clean"))
    assert np.square(clean - X[:5]).mean() < 0.5 * np.square(noisy - X[:5]).mean()
    assert np.median(vc.knn(names["digits"], X, 1).distances) < 0.1
    assert names["ones"].shape == (4, 64)
    modes = np.unique(names["modes"].round(3), axis=0)
    assert len(modes) == 2
    side = np.where(names["points"][:, 0] < 3, -1, 1)
    assert (np.sign(names["spread"]) == side).mean() > 0.95
    assert (np.diff(names["errors"]) < 0).all()
    assert min(names["scores"]) > 0.3
    assert np.abs(names["ahead"] - names["series"][250:]).max() < 0.05
