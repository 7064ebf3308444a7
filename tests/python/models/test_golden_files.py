"""Model files of every release so far load, and answer as they did when they were written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import vicinal as vc

FILES = sorted((Path(__file__).parent / "golden").glob("*.npz"))


def test_every_model_has_a_golden_file():
    assert {path.name.split("-")[0] for path in FILES} == set(vc.models.MODELS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_file(path, tmp_path):
    expected = json.loads(path.with_suffix(".json").read_text())
    model = vc.load(path)
    assert type(model).__name__ == path.name.split("-")[0]
    queries = np.array(expected["queries"])
    if hasattr(model, "feature_names_in_"):
        queries = pd.DataFrame(queries, columns=model.feature_names_in_)
    answers = getattr(model, expected["method"])(queries)
    single = np.asarray(answers).dtype == np.float32
    tolerance = 1e-5 if single else 1e-12
    np.testing.assert_allclose(answers, expected["answers"], rtol=tolerance, atol=tolerance)
    if "loo_score" in expected:
        assert model.loo_score() == pytest.approx(expected["loo_score"], rel=tolerance)
    model.save(tmp_path / "again.npz")  # what is read can be written again, and says the same
    again = vc.load(tmp_path / "again.npz")
    assert getattr(again, expected["method"])(queries).tobytes() == answers.tobytes()
