"""The page of images runs, and what it says of its figures holds."""

from __future__ import annotations

import numpy as np
import pytest

import pages


def test_the_page_runs():
    names = pages.run("images.md")
    clean, noisy = names["clean"], names["noisy"]
    assert names["sigma"] == pytest.approx(0.115, abs=5e-4)
    assert names["same"] <= 1e-15
    for name in ("means", "smooth", "filled"):
        assert np.mean((names[name] - clean) ** 2) < 0.5 * np.mean((noisy - clean) ** 2)
