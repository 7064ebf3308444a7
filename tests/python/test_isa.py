"""The core tests under every instruction set of this machine; `nox -s isa` runs them all."""

from __future__ import annotations

import contextlib
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


def start(isa, output):
    """Run the core tests under a level beside those of the others: most of them use one core."""
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider"]
    return subprocess.Popen(
        [*command, *(str(HERE / name) for name in CORE)],
        stdout=output,
        stderr=subprocess.STDOUT,
        env={**os.environ, "VICINAL_ISA": isa, "OMP_WAIT_POLICY": "passive"},
        cwd=HERE.parents[1],
    )


@pytest.fixture(scope="module")
def core_tests(tmp_path_factory):
    """Return a process and the file of its output for each level that is not of this very run."""
    if "VICINAL_ISA" in os.environ:
        yield {}
        return
    folder = tmp_path_factory.mktemp("levels")
    with contextlib.ExitStack() as stack:
        runs = {}
        for isa in set(_core.available_isas()) - {_core.isa()}:
            path = folder / isa
            output = stack.enter_context(path.open("w"))
            runs[isa] = stack.enter_context(start(isa, output)), path
            stack.callback(runs[isa][0].kill)
        yield runs


@pytest.mark.parametrize("isa", _core.available_isas())
def test_core_tests(isa, core_tests):
    """Rounding differs between levels, the promises do not."""
    if isa not in core_tests:
        assert isa == _core.isa() or "VICINAL_ISA" in os.environ
        return
    run, path = core_tests[isa]
    status = run.wait(timeout=900)
    told = path.read_text()
    assert status == 0, told[-3000:]
    assert f"vicinal: {isa} of" in told


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
