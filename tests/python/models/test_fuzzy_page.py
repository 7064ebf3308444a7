"""The page on fuzzy inference runs, and what it says holds."""

from __future__ import annotations

import numpy as np

import pages


def test_the_page_runs():
    names = pages.run("fuzzy.md")
    np.testing.assert_allclose(names["strengths"], [[0.4, 0], [1, 0]], atol=1e-15)
    assert names["answers"].shape == (2,)
    assert np.mean((names["fitted"] - names["y"]) ** 2) < 0.05
