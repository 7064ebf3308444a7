"""Build the stranger's project against the package in PREFIX, run it, and check what it prints."""

import math
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "examples" / "cpp"
QUERIES = [0.0, 1.5, 4.0]
KEYS = [0.0, 1.0, 2.0, 3.0, 4.0]
VALUES = [0.0, 1.0, 4.0, 9.0, 16.0]


def mean_and_log_mass(query, weight):
    weights = [weight(abs(query - key)) for key in KEYS]
    mass = sum(weights)
    return sum(w * y for w, y in zip(weights, VALUES, strict=True)) / mass, math.log(mass)


def expected():
    """Return the lines that every program prints, as (label, numbers)."""
    lines = []
    for query in QUERIES:
        mean, _ = mean_and_log_mass(query, lambda r: math.exp(-((r / 0.5) ** 2) / 2))
        lines.append(("gaussian", [mean]))
    for query in QUERIES:
        lines.append(
            ("epanechnikov", list(mean_and_log_mass(query, lambda r: max(1 - (r / 1.5) ** 2, 0))))
        )
    return lines


def check(output):
    """Compare with the expected lines; `refused` is the error that a bad bandwidth gave."""
    lines = output.splitlines()
    refusals = [line for line in lines if line.startswith("refused ")]
    assert all("bandwidth" in line for line in refusals), refusals
    lines = [line for line in lines if line not in refusals]
    wanted = expected() if refusals else expected()[: len(QUERIES)]
    for line, (label, numbers) in zip(lines, wanted, strict=True):
        name, *printed = line.split()
        assert name == label, line
        for got, want in zip(map(float, printed), numbers, strict=True):
            assert math.isclose(got, want, rel_tol=1e-5, abs_tol=1e-6), (line, want)


def run(*command, **options):
    print("+", *command, flush=True)
    return subprocess.run(command, check=True, text=True, **options)


def with_cmake(prefix, build):
    run("cmake", "-S", str(HERE), "-B", str(build), f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", str(build))
    programs = [build / "regress", build / "regress_c"]
    own_openmp = build / "own_openmp"
    return programs + ([own_openmp] if own_openmp.exists() else [])


def with_pkg_config(prefix, build):
    os.environ["PKG_CONFIG_PATH"] = str(prefix / "lib" / "pkgconfig")
    query = ["pkg-config", "--cflags", "--libs", "vicinal"]
    flags = run(*query, stdout=subprocess.PIPE).stdout.split()
    rpath = f"-Wl,-rpath,{prefix / 'lib'}"
    program = build / "regress_pkg_config"
    compiler = os.environ.get("CC", "cc")
    run(compiler, "-std=c11", str(HERE / "regress.c"), *flags, rpath, "-o", str(program))
    return [program]


def check_example(output, truth, estimate, tolerance):
    """Compare two columns of an example's table: what it estimates and what is true."""
    rows = [[float(cell) for cell in line.split()] for line in output.splitlines()[1:]]
    assert len(rows) > 5, output
    for row in rows:
        assert abs(row[truth] - row[estimate]) <= tolerance, row


def run_examples(prefix, build):
    run("cmake", "-S", str(EXAMPLES), "-B", str(build), f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", str(build))
    check_example(run(str(build / "smooth"), stdout=subprocess.PIPE).stdout, 1, 2, 0.05)
    check_example(run(str(build / "stream"), stdout=subprocess.PIPE).stdout, 2, 1, 0.01)
    check_example(run(str(build / "index"), stdout=subprocess.PIPE).stdout, 1, 2, 0.1)
    check_example(run(str(build / "neighbors"), stdout=subprocess.PIPE).stdout, 2, 3, 0.03)
    check_example(run(str(build / "causal"), stdout=subprocess.PIPE).stdout, 1, 2, 0.06)
    check_example(run(str(build / "adaptive"), stdout=subprocess.PIPE).stdout, 1, 2, 0.1)


def main():
    prefix = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        programs = with_cmake(prefix, Path(folder))
        if shutil.which("pkg-config"):
            programs += with_pkg_config(prefix, Path(folder))
        else:
            print("pkg-config is not installed: its file is not checked")
        for program in programs:
            output = run(str(program), stdout=subprocess.PIPE).stdout
            print(output, end="")
            check(output)
        run_examples(prefix, Path(folder) / "examples")
    print(f"{len(programs)} programs and the examples against {prefix}: as expected")


if __name__ == "__main__":
    main()
