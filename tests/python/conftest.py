"""Shared fixtures; the marker `nightly` and the hypothesis profiles are declared here.

`pytest tests/python` runs everything except tests marked `nightly` (minutes each); those run with
`pytest -m nightly`; `--hypothesis-profile=nightly` raises property tests from 200 to 20,000
examples.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))

settings.register_profile("default", max_examples=200, deadline=None, derandomize=True)
settings.register_profile(
    "nightly",
    max_examples=20_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, wherever the configuration file is."""
    config.addinivalue_line("markers", "nightly: takes minutes; deselected unless -m names it")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the nightly tests unless a marker expression or a node id was given."""
    if config.option.markexpr or any("::" in argument for argument in config.args):
        return
    slow = [item for item in items if item.get_closest_marker("nightly")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in set(slow)]


def pytest_report_header() -> str:
    """Say which instruction set and thread count the results are for."""
    try:
        from vicinal import _core
    except ImportError:
        return "vicinal: not installed"
    return f"vicinal: {_core.isa()} of {_core.available_isas()}, {_core.max_threads()} threads"


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a generator that every test starts afresh."""
    return np.random.default_rng(20260521)


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> np.dtype:
    """Run a test in both working types."""
    return np.dtype(request.param)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """Return a client of two worker processes of one thread."""
    import distributed

    cluster = distributed.LocalCluster(
        n_workers=2,
        processes=True,
        threads_per_worker=1,
        dashboard_address=None,
        local_directory=tmp_path_factory.mktemp("workers"),
    )
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield client


@pytest.fixture(params=["synchronous", "threads", "processes"])
def scheduler(request):
    """Return what `compute` takes: both local schedulers, and a cluster."""
    return request.getfixturevalue("cluster") if request.param == "processes" else request.param


@pytest.fixture
def plain(rng, dtype):
    """Return queries, keys and values of the dask tests in memory."""
    from dask_cases import D, M, N, P

    return tuple(rng.normal(size=shape).astype(dtype) for shape in ((M, D), (N, D), (N, P)))
