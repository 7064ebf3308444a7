"""The page of the distiller runs, and what it says holds."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot

import pages

mpl.use("Agg")


def test_the_page_runs():
    names = pages.run("distilling.md")
    pyplot.close("all")
    model, new = names["model"], names["new"]
    assert names["places"].shape == (300, 2)
    missed = np.square(new - names["back"]).sum() / np.square(new - new.mean(axis=0)).sum()
    assert abs(names["unseen"] - (1 - missed)) < 1e-12
    assert 0.5 < names["unseen"] < names["left_out"] + 0.05
    assert names["even"] < 0.15
    assert names["alarm"] > 0.4
    table = names["table"]
    assert len(table["score"]) == 12
    assert table["embedding"][0] == "t-SNE"
    assert table["method"][0] == "mean"
    kept = names["display"].artists_[0].get_array()
    np.testing.assert_array_equal(kept, np.sort(model.distortion_))
    assert len(names["classes"].artists_) == 10
