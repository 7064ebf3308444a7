"""Importing the package: fast, silent, without its heavy companions, and without effects."""

from __future__ import annotations

import subprocess
import sys

import pytest

import vicinal as vc


def run(code: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )


def test_import_time_over_numpy():
    """At most 0.05 s beyond numpy: the best of seven fresh processes, as machines hiccup."""
    code = """
import time, numpy
start = time.perf_counter()
import vicinal
print(time.perf_counter() - start)
"""
    assert min(float(run(code).stdout) for _ in range(7)) <= 0.05


def test_import_is_light_and_silent():
    code = """
import sys, numpy
before = set(sys.modules)
import vicinal
new = {name.split(".")[0] for name in set(sys.modules) - before}
heavy = {"scipy", "sklearn", "matplotlib", "torch", "pandas", "tqdm", "joblib", "jax", "dask"}
print(sorted(new & heavy))
"""
    done = run(code)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


def test_lazy_modules_and_models():
    code = """
import sys, vicinal as vc
assert "vicinal.models" not in sys.modules
assert "sklearn" not in sys.modules
from vicinal.models import LocalMeanRegressor
assert vc.models.LocalMeanRegressor is LocalMeanRegressor
assert vc.kernels.Gaussian and vc.bandwidth.select and vc.partial.merge_all
print("loaded")
"""
    done = run(code)
    assert done.stdout.strip() == "loaded", done.stderr


@pytest.mark.parametrize("name", ["dask", "jax", "torch"])
def test_faces_of_other_packages_load_on_first_use(name):
    """`vc.torch` is there without `import vicinal.torch`, or says which package is missing."""
    code = f"""
import sys, vicinal as vc
try:
    assert vc.{name}.local_mean is sys.modules["vicinal.{name}"].local_mean
except ImportError as error:
    assert "vicinal.{name} needs {name}" in str(error), error
assert "{name}" not in vc.__all__
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_a_first_call_needs_no_other_package():
    code = """
import sys, numpy as np, vicinal as vc
x = np.random.default_rng(0).normal(size=(100, 2))
vc.local_stats(x, x, x)
print(sorted({"scipy", "sklearn", "matplotlib"} & set(sys.modules)))
"""
    assert run(code).stdout.strip() == "[]"


def test_public_names():
    expected = {
        "local_mean",
        "local_stats",
        "local_weights",
        "LocalMeanAccumulator",
        "LocalStats",
        "knn",
        "radius_neighbors",
        "Neighbors",
        "KeyIndex",
        "KeyCache",
        "attention",
        "bias",
        "kernels",
        "bandwidth",
        "models",
        "partial",
        "load",
        "set_num_threads",
        "get_num_threads",
        "show_config",
        "get_include",
        "get_cmake_dir",
        "__version__",
    }
    assert expected <= set(dir(vc))
    assert expected - {"__version__"} <= set(vc.__all__)
    for name in vc.__all__:
        assert getattr(vc, name) is not None


def test_show_config_prints(capsys):
    vc.show_config()
    printed = capsys.readouterr().out
    assert vc.__version__ in printed
    assert "isa" in printed.lower()
    assert "threads" in printed.lower()


def test_an_unknown_instruction_set_is_refused_by_name():
    code = "import os; os.environ['VICINAL_ISA'] = 'sse9'; import vicinal; vicinal.show_config()"
    done = run(code)
    assert done.returncode != 0
    assert "VICINAL_ISA" in done.stderr
    assert "sse9" in done.stderr
