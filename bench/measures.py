"""What is not a race: memory, import time, build time. Each runs in processes of its own."""

import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Measure:
    name: str
    rows: object  # (threads) -> list of records {name, title, value, unit, limit}


def of_group(group, build):
    of_other_groups = {
        "models": [Measure("memory-lle", _embedding_memory)],
        "sparse": [Measure("memory-index", _index_memory)],
        "attention": [],
        "family": [],
    }
    if group in of_other_groups:
        return of_other_groups[group]
    measures = [Measure("memory", _memory), Measure("import", _import)]
    return [*measures, Measure("build", _build)] if build else measures


def _record(name, title, value, unit, limit=None):
    kept = None if limit is None else value <= limit
    return {
        "name": name,
        "title": title,
        "value": value,
        "unit": unit,
        "limit": limit,
        "kept": kept,
    }


def _python(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


# The peak is reset once inputs, outputs and the thread pool are there, so the rest is ours.
_STATUS = """
import sys
import numpy as np
import vicinal as vc

n, m, threads = map(int, sys.argv[1:])
rng = np.random.default_rng(0)

def status(field):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(field))

def peak_of(call):
    with open("/proc/self/clear_refs", "w") as reset:
        reset.write("5")
    before = status("VmRSS")
    kept = call()
    print((status("VmHWM") - before) / 1024)
    return kept
"""

_MEAN = (
    _STATUS
    + """
keys, values = (rng.standard_normal((n, 64), dtype="float32") for _ in range(2))
queries, out = keys[:m].copy(), np.zeros((m, 64), "float32")
options = {"bandwidth": 4.0, "num_threads": threads}
vc.local_mean(queries[:64], keys[:512], values[:512], **options)
peak_of(lambda: vc.local_mean(queries, keys, values, out=out, **options))
"""
)

_INDEX = (
    _STATUS
    + """
keys = rng.standard_normal((n, 2), dtype="float32")
queries = keys[:m].copy()
options = {"bandwidth": 0.005, "tol": 1e-5, "statistics": "log_mass", "num_threads": threads}
vc.local_stats(queries[:64], vc.KeyIndex(keys[:8192], num_threads=threads), **options)
index = peak_of(lambda: vc.KeyIndex(keys, num_threads=threads))
peak_of(lambda: vc.local_stats(queries, index, **options))
"""
)


# What a fit holds at most before eigenvectors are asked for, without the alignment matrix.
_EMBEDDING = (
    _STATUS
    + """
from sklearn.datasets import make_swiss_roll
from vicinal.models import LocallyLinearEmbedding, lle
from vicinal.models.bottom import BottomEigenvectors

sizes = []

def apart(matrix, count, *, start, **options):
    sizes[:] = [sum(part.nbytes for part in (matrix.data, matrix.indices, matrix.indptr))]
    return BottomEigenvectors(np.tile(start[:, None], count), np.zeros(count), np.zeros(count))

lle.bottom_eigenvectors = apart
points = make_swiss_roll(n, random_state=0)[0]
model = LocallyLinearEmbedding(n_neighbors=m, n_jobs=threads)
model.fit(points[:2000])
peak_of(lambda: model.fit(points))
print(sizes[0] / 2**20)
"""
)


def _embedding_memory(threads):
    if not Path("/proc/self/clear_refs").exists():
        return []
    n, k, d = 100_000, 12, 3
    peak, matrix = map(float, _python(_EMBEDDING, n, k, threads).split())
    size = n * (8 * d + 12 * k) / 2**20  # X, and W with its indices
    title = f"memory of standard LLE, n = {n:,}, k = {k}, d = {d}, its alignment matrix apart"
    return [_record("memory-lle", title, peak - matrix, "MB", round(3 * size, 1))]


def _memory(threads):
    if not Path("/proc/self/clear_refs").exists():
        return []
    rows = []
    for m in (16, 1000):
        peak = float(_python(_MEAN, 10**6, m, threads))
        title = f"extra memory, n = 10⁶, d = p = 64, m = {m:,}"
        rows.append(_record(f"memory-m{m}", title, peak, "MB", 2 * threads + 8))
    return rows


def _index_memory(threads):
    if not Path("/proc/self/clear_refs").exists():
        return []
    index, call = map(float, _python(_INDEX, 10**7, 10**5, threads).split())
    shape = "n = 10⁷, d = 2"
    return [
        _record("memory-index", f"extra memory of a KeyIndex, {shape}", index, "MB"),
        _record("memory-pruned", f"of a density at 100,000 points on it, {shape}", call, "MB"),
    ]


_IMPORT = """
import time
import numpy
start = time.perf_counter()
import vicinal
print(time.perf_counter() - start)
"""


def _import(threads):
    seconds = statistics.median(float(_python(_IMPORT)) for _ in range(11))
    return [_record("import", "import vicinal, over numpy", seconds, "s", 0.05)]


def _build(threads):
    """Configure and compile the library (every instruction set) in a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        start = perf_counter()
        quiet = {"check": True, "stdout": subprocess.DEVNULL}
        subprocess.run(["cmake", "-S", str(ROOT), "-B", folder], **quiet)
        subprocess.run(["cmake", "--build", folder, "-j", str(threads)], **quiet)
        seconds = perf_counter() - start
        library = max(Path(folder).glob("libvicinal.*"), key=os.path.getsize)
        size = library.resolve().stat().st_size / 1e6
    return [
        _record("build", f"build of the library, {threads} jobs", seconds, "s"),
        _record("library", "size of the library, all instruction sets", size, "MB"),
    ]
