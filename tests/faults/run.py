"""Plant every fault of faults.py in a copy of the sources; some test must fail for each.

    python tests/faults/run.py [pieces of the faults' names]

Faults of the engine meet the C++ suite first and the Python suite if they survive; faults of the
package the Python suite. The copy is compiled for the baseline instruction set alone.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from faults import FAULTS
from pybind11 import get_cmake_dir

ROOT = Path(__file__).parents[2]
CONFIGURE = [
    *("cmake", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DVICINAL_BUILD_TESTS=ON"),
    *(
        "-DVICINAL_BUILD_PYTHON=ON",
        "-DVICINAL_COMPILER_HAS_v3=OFF",
        "-DVICINAL_COMPILER_HAS_v4=OFF",
    ),
]
# Estimator checks and instruction sets take long and look at none of this; test_faults.py looks at
# the sources, not at what they do.
PYTEST = [
    *(sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "tests/python"),
    *("--ignore=tests/python/test_isa.py", "--ignore=tests/python/test_import.py"),
    *("--ignore=tests/python/test_faults.py", "--ignore=tests/python/test_out_of_memory.py"),
    "--ignore=tests/python/models/test_estimator_checks.py",
]


def run(command, folder, **environment):
    """Return whether the command succeeded, and what it printed."""
    done = subprocess.run(
        command,
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **environment},
    )
    return done.returncode == 0, done.stdout


def need(command, folder):
    succeeded, output = run(command, folder)
    if not succeeded:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{output}")


def copy_sources(folder):
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    for name in listing.stdout.split("\0")[:-1]:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)


def catcher(source, build, in_engine):
    """Return the suite that fails, or None."""
    if in_engine:
        compiled, _ = run(["cmake", "--build", str(build)], source)
        if not compiled:
            return "the compiler"
        passed, output = run(["ctest", "--stop-on-failure", "-j2"], build)
        if not passed:
            failed = [line for line in output.splitlines() if "***" in line]
            return f"ctest: {failed[0].split()[3] if failed else output[-200:]}"
    passed, output = run(PYTEST, source, PYTHONPATH=str(source / "python"))
    if passed:
        return None
    failed = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return f"pytest: {failed[0].split(' - ')[0] if failed else output[-200:]}"


def main():
    pieces = sys.argv[1:] or [""]
    chosen = [f for f in FAULTS if any(piece in f.name for piece in pieces)]
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        source, build = Path(folder) / "source", Path(folder) / "build"
        copy_sources(source)
        found = [f"-DPython_EXECUTABLE={sys.executable}", f"-Dpybind11_DIR={get_cmake_dir()}"]
        need([*CONFIGURE, *found, "-S", str(source), "-B", str(build)], folder)
        need(["cmake", "--build", str(build)], folder)
        for built in build.glob("_core*"):
            (source / "python" / "vicinal" / built.name).symlink_to(built)
        if found := catcher(source, build, in_engine=True):
            sys.exit(f"without any fault: {found}")
        for fault in chosen:
            start = time.monotonic()
            path = source / fault.file
            text = path.read_text()
            if text.count(fault.before) != 1:
                sys.exit(f"{fault.name}: its text does not stand once in {fault.file}")
            path.write_text(text.replace(fault.before, fault.after))
            found = catcher(source, build, in_engine=fault.file.startswith("cpp/"))
            path.write_text(text)
            survivors += [] if found else [fault.name]
            seconds = time.monotonic() - start
            print(f"{fault.name}: {found or 'NOT CAUGHT'} ({seconds:.0f} s)", flush=True)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} faults caught")
    sys.exit(bool(survivors))


if __name__ == "__main__":
    main()
