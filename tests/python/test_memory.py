"""Peak memory beyond inputs and outputs, measured in a fresh process: nothing of size m × n."""

from __future__ import annotations

import subprocess
import sys

import pytest

MEASURE = """
import numpy as np, vicinal as vc
n, d, p, m, threads = {n}, {d}, {p}, {m}, {threads}
rng = np.random.default_rng(0)
x, y, q = (rng.random(shape, dtype=np.float32) for shape in ((n, d), (n, p), (m, d)))
out = np.zeros((m, p), np.float32)
few = ("mean", "log_mass", "ess", "count", "variance", "top_k")
options = dict(bandwidth=8.0, num_threads=threads)
calls = dict(
    mean=lambda: vc.local_mean(q, x, y, out=out, **options),
    softmax=lambda: vc.local_mean(q, x, y, kernel="softmax", out=out, **options),
    statistics=lambda: vc.local_stats(q, x, y, statistics=few, **options),
    strided=lambda: vc.local_mean(q, x[::2], y[1::2], out=out, **options),
)
vc.local_mean(q[:2], x[:500], y[:500], **options)
def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) * 1024
for name in {names}:
    open("/proc/self/clear_refs", "w").write("5")  # reset the high-water mark
    before = peak()
    calls[name]()
    print(name, (peak() - before) / 2**20)
"""


def extra_memory(**sizes) -> dict[str, float]:
    """Return the peak in MB beyond inputs and outputs of each call, in one fresh process."""
    code = MEASURE.format(**sizes)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = (line.split() for line in done.stdout.splitlines())
    return {name: float(megabytes) for name, megabytes in lines}


@pytest.mark.parametrize(("m", "threads"), [(1, 2), (40, 8)])
def test_extra_memory(m, threads):
    """At n = 10⁶, d = p = 64: at most 2 MB per thread + 8 MB."""
    names = ["mean", "softmax", "statistics", "strided"]
    extra = extra_memory(n=10**6, d=64, p=64, m=m, threads=threads, names=names)
    assert list(extra) == names
    assert max(extra.values()) <= 2 * threads + 8, extra


def test_many_queries_hold_nothing_of_m_times_n():
    """20,000 × 20,000 pairs would be 1.6 GB in float32."""
    extra = extra_memory(n=20_000, d=3, p=1, m=20_000, threads=2, names=["mean"])
    assert extra["mean"] <= 12, extra


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
