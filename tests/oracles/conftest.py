"""Oracles from other packages: `nox -s oracles`; an absent package is an error, not a skip."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator that every test starts afresh."""
    return np.random.default_rng(20260521)
