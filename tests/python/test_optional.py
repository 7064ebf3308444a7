"""Modules that need another package say so, and nothing else does."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["jax", "torch"])
def test_absent_package_is_named(package):
    code = f"""
import sys
sys.modules[{package!r}] = None  # as if it were not installed
import vicinal as vc
assert vc.local_mean([[0.0]], [[0.0]], [1.0]) == 1
try:
    vc.{package}
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith(f"vicinal.{package} needs {package}: "), done.stderr


@pytest.mark.parametrize("package", ["jax", "torch"])
def test_listed_modules_load_nothing_themselves(package):
    code = f"import sys, vicinal; vicinal.local_mean; assert {package!r} not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
