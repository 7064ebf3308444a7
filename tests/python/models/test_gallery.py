"""Every model has an example in the gallery."""

from __future__ import annotations

import re

import pytest

import pages
from vicinal import models

NAMES = sorted({*models.MODELS, "Bilateral", "NonLocalMeans", "RelaxationLabeling"})


@pytest.fixture(scope="module")
def gallery():
    folder = pages.DOCS.parent / "examples"
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("plot_*.py")}


@pytest.mark.parametrize("name", NAMES)
def test_a_model_has_an_example(name, gallery):
    assert any(re.search(rf"\b{name}\b", code) for code in gallery.values())
