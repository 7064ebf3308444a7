"""Whose line a warning of a model names."""

from __future__ import annotations

import os
import sys

__all__ = ["levels_to_the_caller"]

_FOLDER = os.path.dirname(__file__)


def levels_to_the_caller() -> int:
    """Return the stacklevel at which a warning of a module of this folder names the user's line."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_FOLDER):
        level, frame = level + 1, frame.f_back
    return level
