"""The page of memories and labels runs, and what it says holds."""

from __future__ import annotations

import numpy as np

import pages


def test_the_page_runs():
    names = pages.run("memory.md")
    assert np.array_equal(names["found"].pattern, np.arange(5))
    np.testing.assert_allclose(names["retrieved"], names["patterns"][:5], atol=1e-3)
    assert min(names["scores"]) > 0.85
    right = (names["cleaned"].labels == names["picture"].ravel()).mean()
    assert right > 0.97 > (names["noisy"] == names["picture"]).mean()
