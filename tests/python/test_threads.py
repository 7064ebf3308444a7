"""Threads, fork, limits and interruption: no hang, no global effect, same bits."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import threadpoolctl

import vicinal as vc
from vicinal import _core


def run(code: str, *, timeout: float = 120, **environment: str) -> str:
    """Run Python code in a fresh process and return what it printed."""
    import os

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def problem(rng):
    x = rng.normal(size=(3000, 3)).astype(np.float32)
    return x[:500], x, rng.normal(size=3000).astype(np.float32)


def test_sixteen_python_threads(problem):
    expected = vc.local_mean(*problem).tobytes()
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda _: vc.local_mean(*problem).tobytes(), range(64)))
    assert set(results) == {expected}


def test_the_gil_is_released(problem):
    """Another Python thread makes progress while one call runs."""
    q, x, y = (np.tile(a, (20, 1) if a.ndim == 2 else 20) for a in problem)
    steps, done = [], threading.Event()

    def count():
        while not done.is_set():
            steps.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    start = time.perf_counter()
    vc.local_mean(q, x, y)
    stop = time.perf_counter()
    done.set()
    thread.join()
    inside = [s for s in steps if start < s < stop]
    assert len(inside) >= 10
    assert max(np.diff([start, *inside, stop])) < 0.5 * (stop - start)


FORK = """
import os, signal, numpy as np, vicinal as vc
x = np.random.default_rng(0).normal(size=(2000, 3))
expected = vc.local_mean(x, x, x, num_threads=2).tobytes()
finished = 0
for _ in range(100):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        same = vc.local_mean(x, x, x, num_threads=2).tobytes() == expected
        os._exit(0 if same else 1)
    finished += os.waitpid(child, 0)[1] == 0
assert vc.local_mean(x, x, x, num_threads=2).tobytes() == expected
print(finished)
"""


def test_fork_after_use_a_hundred_times():
    """libgomp hangs here by itself: the parent has used its threads, the child computes."""
    assert run(FORK) == "100"


def test_multiprocessing_fork_pool(problem):
    code = """
import multiprocessing, numpy as np, vicinal as vc
x = np.random.default_rng(0).normal(size=(800, 2))
def work(i):
    return vc.local_mean(x, x, x).tobytes()
if __name__ == "__main__":
    expected = work(0)
    with multiprocessing.get_context("fork").Pool(4) as pool:
        print(pool.map_async(work, range(20)).get(60) == [expected] * 20)
"""
    assert run(code) == "True"


def test_threadpoolctl_sees_and_limits_us():
    default = _core.max_threads()
    assert any(info["user_api"] == "openmp" for info in threadpoolctl.threadpool_info())
    with threadpoolctl.threadpool_limits(1, user_api="openmp"):
        assert _core.max_threads() == 1
        assert vc.get_num_threads() == 1
    assert _core.max_threads() == default


def test_limits_of_the_environment():
    code = "import vicinal as vc; print(vc.get_num_threads())"
    assert run(code, OMP_NUM_THREADS="1") == "1"
    assert run(code, OMP_NUM_THREADS="5") == "5"


def test_joblib_workers_share_the_cores():
    """Processes × threads ≤ cores: joblib sets OMP_NUM_THREADS of its workers."""
    code = """
import os, joblib, vicinal as vc
def threads(_):
    return vc.get_num_threads()
if __name__ == "__main__":
    cores = os.cpu_count()
    counts = joblib.Parallel(n_jobs=cores)(joblib.delayed(threads)(i) for i in range(cores))
    print(set(counts) == {1})
"""
    assert run(code) == "True"


def test_set_num_threads_is_a_python_level_default():
    default = vc.get_num_threads()
    try:
        vc.set_num_threads(1)
        assert vc.get_num_threads() == 1
        assert _core.max_threads() == default
        vc.set_num_threads(10_000)
        assert vc.get_num_threads() == default
    finally:
        vc.set_num_threads(None)
    assert vc.get_num_threads() == default


CPU_SHARE = """
import resource, sys, time, numpy as np, vicinal as vc, threadpoolctl
x = np.random.default_rng(0).normal(size=(30_000, 3)).astype(np.float32)
limit = {"argument": lambda: None, "default": lambda: vc.set_num_threads(1),
         "pool": lambda: threadpoolctl.threadpool_limits(1), "none": lambda: None}[sys.argv[1]]
keep = limit()
options = {"num_threads": 1} if sys.argv[1] == "argument" else {}
vc.local_mean(x[:10], x, x, **options)
cpu, wall = time.process_time(), time.perf_counter()
vc.local_mean(x, x, x, **options)
print((time.process_time() - cpu) / (time.perf_counter() - wall))
"""


@pytest.mark.parametrize("limit", ["argument", "default", "pool"])
def test_one_thread_means_one(limit):
    code = CPU_SHARE.replace("sys.argv[1]", repr(limit))
    assert float(run(code)) < 1.2


@pytest.mark.parametrize("isa", _core.available_isas())
def test_floating_point_control_is_unchanged(isa):
    """Import and calls leave flush-to-zero off, and a caller's own setting as it was."""
    code = """
import ctypes, platform, numpy as np
def subnormal():
    return float(np.float32(1e-38) * np.float32(0.01) + np.zeros(1, np.float32)[0]) != 0
assert subnormal()
import vicinal as vc
assert subnormal()
x = np.random.default_rng(0).normal(size=(3000, 3)).astype(np.float32)
first = vc.local_mean(x, x, x, bandwidth=0.01, num_threads=2).tobytes()
assert subnormal()
libm = ctypes.CDLL("libm.so.6")
environment = ctypes.create_string_buffer(64)
assert libm.fegetenv(environment) == 0
if platform.machine() == "x86_64":
    word = ctypes.c_uint32.from_buffer(environment, 28)
    word.value |= 0x8040  # flush to zero, denormals are zero
    assert libm.fesetenv(environment) == 0
    assert not subnormal()
    for threads in (1, 2, 3):
        assert vc.local_mean(x, x, x, bandwidth=0.01, num_threads=threads).tobytes() == first
    assert not subnormal()
    after = ctypes.create_string_buffer(64)
    libm.fegetenv(after)
    assert ctypes.c_uint32.from_buffer(after, 28).value & 0x8040 == 0x8040
print("unchanged")
"""
    assert run(code, VICINAL_ISA=isa) == "unchanged"


INTERRUPT = """
import signal, sys, threading, time, numpy as np, vicinal as vc
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
x = np.random.default_rng(0).normal(size=(1_000_000, 3)).astype(np.float32)
OPTIONS
sent = []
def send():
    time.sleep(0.7)
    sent.append(time.perf_counter())
    signal.raise_signal(signal.SIGINT)
threading.Thread(target=send).start()
try:
    CALL
except KeyboardInterrupt:
    late = time.perf_counter() - sent[0]
    small = vc.local_mean(x[:5], x[:100], x[:100])
    assert np.isfinite(small).all()
    print(late)
"""
CALLS = {
    "many queries": "vc.local_mean(x, x, x[:, 0])",
    "all statistics": "vc.local_stats(x, x, x, statistics=('mean', 'covariance', 'top_k'))",
    "few queries": "vc.local_mean(x[:1], np.broadcast_to(x[:1], (10**12, 3)), "
    "np.broadcast_to(x[:1, 0], 10**12))",
    "many batches": "vc.local_mean(np.broadcast_to(x[:100], (10**6, 100, 3)), x[:10_000], "
    "x[:10_000, 0])",
    "callable bias": "vc.local_mean(x, x, x[:, 0], bias=lambda r, c: np.zeros((len(r), len(c))))",
    "accumulator": "vc.LocalMeanAccumulator(x).update(x, x)",
    "few queries, few threads": "vc.local_mean(x, x, x[:, 0], num_threads=1)",
}


@pytest.mark.parametrize("call", CALLS)
def test_interrupt_within_a_fifth_of_a_second(call):
    """Ctrl-C in a job of 10¹² pairs; the next call in the same process works."""
    code = INTERRUPT.replace("OPTIONS", "").replace("CALL", CALLS[call])
    assert float(run(code, timeout=60)) < 0.2
