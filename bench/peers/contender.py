"""A contender turns a problem into a function to time, or says why it cannot."""

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass


class Missing(Exception):
    """The package is not here; the row is printed, never dropped."""


class Unsuited(Exception):
    """The contender cannot compute this problem."""


@dataclass(frozen=True)
class Contender:
    name: str
    prepare: Callable  # (problem, threads) -> (() -> array of shape (..., m, p))
    family: str  # several forms of one peer count as their best
    patience: float = 1.0  # seconds; one that needs longer gets fewer queries, scaled by pairs


WHOLE = math.inf  # patience for those whose time for a part would not tell that of the whole


def need(module, package=None):
    """Import a peer when its case runs: some take seconds, or start threads."""
    try:
        return importlib.import_module(module)
    except ImportError as reason:
        raise Missing(f"pip install {package or module} ({reason})") from None


def once(build):
    """Keep what was built last: a taste and its whole problem share their keys."""
    last = []

    def built(keys, *arguments):
        if not last or last[0] is not keys or last[1] != arguments:
            last[:] = keys, arguments, build(keys, *arguments)
        return last[2]

    return built
