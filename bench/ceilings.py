"""What the machine can do at best, measured in the run that is judged by it."""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
USUAL_FMA = 412.0  # GFLOP/s, f32, two threads: the machine of performance.md's figures


def _flags(isa):
    levels = {"baseline": [], "x86-64-v3": ["-march=x86-64-v3"], "neon": []}
    wide = ["-march=x86-64-v4", "-mprefer-vector-width=512"]
    return levels.get(isa, wide)


class Ceilings:
    """The compiled micro benchmark; every method is 10⁹ per second."""

    def __init__(self, isa, threads):
        self.threads = threads
        self._folder = tempfile.TemporaryDirectory()
        library = Path(self._folder.name) / "micro.so"
        compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
        if compiler is None:
            sys.exit("bench needs a C++20 compiler for bench/micro.cpp; set CXX")
        source = HERE.parent / "cpp" / "src" / "kernels"
        command = [compiler, "-std=c++20", "-O3", "-ffp-contract=off", "-fPIC", "-shared", "-w"]
        include = f"-I{source}"
        micro = str(HERE / "micro.cpp")
        subprocess.run(
            [*command, *_flags(isa), include, micro, "-o", str(library), "-pthread"], check=True
        )
        self._library = ctypes.CDLL(str(library))
        for name in ("fma_f32", "fma_f64", "exp_f32", "exp_f64", "copy_rate", "read_rate"):
            getattr(self._library, name).restype = ctypes.c_double

    def __call__(self, name, *arguments, seconds=0.3):
        function = getattr(self._library, name)
        return function(self.threads, ctypes.c_double(seconds), *arguments)

    def fma_share(self):
        """Return the fma rate of this moment as a share of the usual one."""
        return self("fma_f32", seconds=0.15) / USUAL_FMA

    def all(self):
        """Measure everything once."""
        megabytes = ctypes.c_int64(256 << 20)
        return {
            "fma f32 (GFLOP/s)": self("fma_f32"),
            "fma f64 (GFLOP/s)": self("fma_f64"),
            "exp f32 (Gelem/s)": self("exp_f32"),
            "exp f64 (Gelem/s)": self("exp_f64"),
            "copy (GB/s)": self("copy_rate", megabytes),
            "read (GB/s)": self("read_rate", megabytes),
        }
