"""Oracles from other packages: `nox -s oracles`; an absent package is an error, not a skip."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

PYTHON = Path(__file__).resolve().parents[1] / "python"
sys.path += [str(PYTHON), str(PYTHON / "models")]  # what both suites share


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator that every test starts afresh."""
    return np.random.default_rng(20260521)
