"""The pages of local fits and of localized models run; their blocks compare calls that agree."""

from __future__ import annotations

import doctest

import numpy as np

import pages


def test_the_page_of_localized_models_runs():
    names = pages.run("localizing.md")
    assert names["model"].coefficients([[5, 5, 0]]).shape == (1, 2)
    np.testing.assert_allclose(names["local"].predict_proba(names["X"][:3]).sum(axis=1), 1)


def test_the_page_of_local_fits_runs():
    found = doctest.testfile(str(pages.DOCS / "local-fits.md"), module_relative=False)
    assert found.failed == 0
    assert found.attempted > 20
