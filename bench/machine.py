"""What the results were measured on."""

import datetime
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

import vicinal as vc
from vicinal import _core


def _git(*arguments):
    root = Path(__file__).resolve().parent.parent
    try:
        out = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
    except OSError:
        return ""
    return out.stdout.strip() if out.returncode == 0 else ""


def _processor():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


def _version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"


def describe(threads, peers=()):
    commit = _git("rev-parse", "--short", "HEAD") or "none"
    changed = _git("status", "--porcelain", "--", "cpp", "python")
    packages = (
        *("numpy", "scipy", "scikit-learn", "torch", "pykeops"),
        *("mlpack", "KDEpy", "faiss-cpu", "hnswlib", "pynndescent"),
        *peers,
    )
    return {
        "date": datetime.date.today().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "compiler": _core.compiler,
        "isa": _core.isa(),
        "openmp": _core.openmp,
        "threads": threads,
        "commit": commit + ("+changes" if changed else ""),
        "vicinal": vc.__version__,
        **{package: _version(package) for package in packages},
        "load": os.getloadavg()[0],
    }
