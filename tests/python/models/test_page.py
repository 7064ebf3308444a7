"""The page of the models runs, and what it says of its figures holds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import r2_score

import pages


def test_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # it writes a file
    names = pages.run("models.md")
    X, y, model = (names[name] for name in ("X", "y", "model"))
    others = X.drop(index=7).to_numpy(), y.drop(index=7).to_numpy()
    z = (others[0] - X.to_numpy()[7]) / model.bandwidth_
    w = np.exp(-0.5 * (z**2).sum(1))
    assert names["held_out"][7] == pytest.approx(w @ others[1] / w.sum(), rel=1e-12)
    assert names["r2"] == pytest.approx(r2_score(y, names["held_out"]))
    assert names["fit"] > names["r2"]
    z = (X.to_numpy() - X.to_numpy()[36]) / model.bandwidth_
    w = np.exp(-0.5 * (z**2).sum(1))
    np.testing.assert_array_equal(names["rows"][0], np.argsort(-w, kind="stable")[:3])
    np.testing.assert_allclose(names["shares"][0], np.sort(w)[:-4:-1] / w.sum(), rtol=1e-12)
    np.testing.assert_array_equal(names["again"].predict(X), model.predict(X))
