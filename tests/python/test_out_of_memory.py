"""The k-th C++ allocation fails, for every k: MemoryError, no leak, the next call works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHIM = Path(__file__).with_name("failing_new.cpp")

SCRIPT = """
import ctypes
import numpy as np
import vicinal as vc

shim = ctypes.CDLL({shim!r})
rng = np.random.default_rng(0)
x = rng.normal(size=(300, 12)).astype({dtype!r})
y = rng.normal(size=(300, 2)).astype({dtype!r})
few, many = x[:3], rng.normal(size=(9000, 12)).astype({dtype!r})


# pybind11 ends the process where its registration of a new object runs out of memory, so the
# states are made before, by a first update.
def accumulators():
    options = {{"statistics": ("mean", "ess"), "bandwidth": 2.0, "num_threads": 2}}
    return [vc.LocalMeanAccumulator(x, **options).update(x[:9], y[:9]) for _ in range(2)]


def accumulate(first, second):
    first.update(x, y)
    second.update(x, y)
    return first.merge(second).result().mean


def fail_everywhere(work, prepare=lambda: ()):
    expected = work(*prepare()).tobytes()
    k, failed = 0, True
    while failed:
        arguments = prepare()
        before = shim.alive()
        shim.fail_at(k)
        try:
            work(*arguments)
            failed = False
        except MemoryError:
            failed = True
        shim.fail_at(-1)
        if not arguments:  # states keep what they were given
            assert shim.alive() == before, (k, shim.alive() - before)
        assert work(*prepare()).tobytes() == expected
        k += 1
    assert k > 10, k
    print(k - 1)


every = ("variance", "covariance", "self_weight", "top_k")
fail_everywhere(lambda: vc.local_mean(x, x, y, bandwidth=2.0, num_threads=1))
fail_everywhere(lambda: vc.local_mean(x, x, y, bandwidth=2.0, num_threads=2))
fail_everywhere(lambda: vc.local_mean(few, many, many, bandwidth=2.0, num_threads=2))
fail_everywhere(lambda: vc.local_stats(x, x, y, statistics=every, k=3, bandwidth=2.0).variance)
fail_everywhere(lambda: vc.local_weights(x, x, bandwidth=2.0))
fail_everywhere(lambda: vc.bandwidth.select(x, y, grid=[1.0, 2.0, 4.0]).scores)
fail_everywhere(accumulate, accumulators)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="preloading is a matter of Linux")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_kth_allocation_fails(tmp_path, dtype):
    shim = tmp_path / "failing_new.so"
    compiler = os.environ.get("CXX", "c++")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", str(SHIM), "-o", str(shim)], check=True)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(shim=str(shim), dtype=dtype)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "LD_PRELOAD": str(shim)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.split()) == 7  # how many allocations each call has
