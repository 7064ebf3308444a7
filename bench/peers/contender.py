"""A contender turns a problem into a function to time, or says why it cannot."""

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
