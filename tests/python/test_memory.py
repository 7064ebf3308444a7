"""Peak memory beyond inputs and outputs, measured in a fresh process: nothing of size m × n."""

from __future__ import annotations

import subprocess
import sys

import pytest

MEASURE = """
import resource, sys, numpy as np, vicinal as vc
n, d, p, m, threads = 1_000_000, 64, 64, {m}, {threads}
rng = np.random.default_rng(0)
x = rng.random((n, d), dtype=np.float32)
y = rng.random((n, p), dtype=np.float32)
q = rng.random((m, d), dtype=np.float32)
out = np.zeros((m, p), np.float32)
vc.local_mean(q[:2], x[:500], y[:500], num_threads=threads)
def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024
open("/proc/self/clear_refs", "w").write("5")  # reset the high-water mark
before = peak()
{call}
print((peak() - before) / 2**20)
"""
CALLS = {
    "mean": "vc.local_mean(q, x, y, bandwidth=8.0, num_threads=threads, out=out)",
    "softmax": "vc.local_mean(q, x, y, kernel='softmax', bandwidth=8.0, "
    "num_threads=threads, out=out)",
    "statistics": "vc.local_stats(q, x, y, bandwidth=8.0, num_threads=threads, "
    "statistics=('mean', 'log_mass', 'ess', 'count', 'variance', 'top_k'))",
    "strided": "vc.local_mean(q, x[::2], y[1::2], bandwidth=8.0, num_threads=threads, out=out)",
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("m", "threads"), [(1, 2), (40, 2), (40, 8)])
def test_extra_memory(call, m, threads):
    """At n = 10⁶, d = p = 64: at most 2 MB per thread + 8 MB."""
    code = MEASURE.format(m=m, threads=threads, call=CALLS[call])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) <= 2 * threads + 8


def test_many_queries_hold_nothing_of_m_times_n():
    """20,000 × 20,000 pairs would be 1.6 GB in float32."""
    code = MEASURE.replace(
        "n, d, p, m, threads = 1_000_000, 64, 64", "n, d, p, m, threads = 20_000, 3, 1"
    )
    code = code.format(m=20_000, threads=2, call="vc.local_mean(q, x, y, num_threads=2, out=out)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) <= 12


def test_nothing_leaks():
    """A thousand calls, and a thousand refused ones, leave the process as large as it was."""
    code = """
import numpy as np, vicinal as vc
x = np.random.default_rng(0).normal(size=(40, 5))
def resident():
    return int(open("/proc/self/status").read().split("VmRSS:")[1].split()[0])
def calls(count):
    for _ in range(count):
        vc.local_stats(x, x, x, statistics=("mean", "covariance", "top_k"))
        other = vc.LocalMeanAccumulator(x).update(x, x)
        vc.LocalMeanAccumulator(x).update(x, x).merge(other).result()
        try:
            vc.local_mean(x, x, x, empty="raise", weights=np.zeros(40))
        except ValueError:
            pass
calls(200)
before = resident()
calls(1000)
print(resident() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1500
