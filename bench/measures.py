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


def all_measures(build):
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
_PEAK = """
import sys
import numpy as np
import vicinal as vc

n, m, threads = map(int, sys.argv[1:])
rng = np.random.default_rng(0)
keys, values = (rng.standard_normal((n, 64), dtype="float32") for _ in range(2))
queries, out = keys[:m].copy(), np.zeros((m, 64), "float32")
options = {"bandwidth": 4.0, "num_threads": threads}
vc.local_mean(queries[:64], keys[:512], values[:512], **options)

def status(field):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(field))

with open("/proc/self/clear_refs", "w") as reset:
    reset.write("5")
before = status("VmRSS")
vc.local_mean(queries, keys, values, out=out, **options)
print((status("VmHWM") - before) / 1024)
"""


def _memory(threads):
    if not Path("/proc/self/clear_refs").exists():
        return []
    rows = []
    for m in (16, 1000):
        peak = float(_python(_PEAK, 10**6, m, threads))
        title = f"extra memory, n = 10⁶, d = p = 64, m = {m:,}"
        rows.append(_record(f"memory-m{m}", title, peak, "MB", 2 * threads + 8))
    return rows


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
