"""The core tests under every instruction set of this machine; `nox -s isa` runs them all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import vicinal as vc
from vicinal import _core

HERE = Path(__file__).parent
CORE = (
    "test_kernels.py",
    "test_compositions.py",
    "test_statistics.py",
    "test_edge_cases.py",
    "test_nan.py",
    "test_numerics.py",
    "test_range.py",
    "test_partial.py",
)


@pytest.mark.parametrize("isa", _core.available_isas())
def test_core_tests(isa):
    """Rounding differs between levels, the promises do not."""
    if isa == _core.isa() or "VICINAL_ISA" in os.environ:
        assert isa in _core.available_isas()
        return  # this very run is the run under that level
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider"]
    environment = {**os.environ, "VICINAL_ISA": isa}
    done = subprocess.run(
        [*command, *(str(HERE / name) for name in CORE)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=HERE.parents[1],
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"vicinal: {isa} of" in done.stdout


def test_levels_agree_within_the_bound():
    code = """
import sys, numpy as np, vicinal as vc
rng = np.random.default_rng(0)
x, y = rng.normal(size=(2000, 12)).astype("f4"), rng.normal(size=(2000, 3)).astype("f4")
sys.stdout.write(vc.local_mean(x[:50], x, y, bandwidth=2.0).tobytes().hex())
"""
    results = []
    for isa in _core.available_isas():
        environment = {**os.environ, "VICINAL_ISA": isa}
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        )
        results.append(np.frombuffer(bytes.fromhex(done.stdout), np.float32))
    for other in results[1:]:
        assert np.abs(other - results[0]).max() <= 1e-5 * 4
    assert vc.show_config(mode="dicts")["isa"] == _core.isa()
