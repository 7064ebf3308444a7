"""What was built, and where its C++ files lie."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np

from vicinal import _core
from vicinal.threads import get_num_threads

__all__ = ["get_cmake_dir", "get_include", "show_config"]


def _package() -> Path:
    # The compiled module marks the installed folder, also in an editable install.
    return Path(_core.__file__).resolve().parent


def get_include() -> str:
    """Return the folder of the C and C++ headers, for the compiler's ``-I``.

    Returns
    -------
    str
        A folder that holds ``vicinal/vicinal.hpp`` and ``vicinal/vicinal.h``.

    Examples
    --------
    >>> import os, vicinal as vc
    >>> os.path.exists(os.path.join(vc.get_include(), "vicinal", "vicinal.hpp"))
    True
    """
    return str(_package() / "include")


def get_cmake_dir() -> str:
    """Return the folder of the CMake package, for ``find_package(vicinal)``.

    Returns
    -------
    str
        A folder for ``-Dvicinal_DIR=`` or ``CMAKE_PREFIX_PATH``.

    Examples
    --------
    >>> import os, vicinal as vc
    >>> os.path.isdir(vc.get_cmake_dir())
    True
    """
    return str(_package() / "lib" / "cmake" / "vicinal")


def show_config(mode: str = "stdout") -> dict[str, object] | None:
    """Print version, instruction set, threads and compiler of this build.

    Parameters
    ----------
    mode : {"stdout", "dicts"}
        Print the table, or return it as a dict.

    Returns
    -------
    dict or None
        The table with ``mode="dicts"``, else None.

    Raises
    ------
    ValueError
        If `mode` is neither of the two.

    Examples
    --------
    >>> import vicinal as vc
    >>> vc.show_config(mode="dicts")["isa"] in {"baseline", "x86-64-v3", "x86-64-v4", "neon"}
    True
    """
    if mode not in ("stdout", "dicts"):
        raise ValueError(f'mode must be "stdout" or "dicts", got {mode!r}')
    table: dict[str, object] = {
        "version": _core.__version__,
        "isa": _core.isa(),
        "available_isas": list(_core.available_isas()),
        "num_threads": get_num_threads(),
        "openmp": bool(_core.openmp),
        "compiler": _core.compiler,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "location": str(_package()),
    }
    if mode == "dicts":
        return table
    width = max(map(len, table))
    for name, value in table.items():
        text = ", ".join(value) if isinstance(value, list) else value
        print(f"{name:<{width}}  {text}")
    return None
