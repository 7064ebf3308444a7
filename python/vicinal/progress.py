"""Progress of a long call: a bar of tqdm, lines on stderr, or the caller's own function."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec

__all__ = ["Report", "reporter", "share"]

Report = Callable[[float], object]

SECONDS_BETWEEN_LINES = 2.0


def reporter(progress: bool | Report) -> AbstractContextManager[Report | None]:
    """Give the function that takes the finished fraction, or None where nobody asked."""
    if progress is False:
        return nullcontext()
    if progress is True:
        return _bar()
    if callable(progress):
        return nullcontext(progress)
    raise TypeError(
        f"progress must be True, False or callable(fraction), got {type(progress).__name__}"
    )


def share(report: Report | None, start: float, stop: float) -> Report | None:
    """Return a report for one part of the work, the fractions `start` to `stop` of the whole."""
    if report is None:
        return None
    return lambda fraction: report(start + (stop - start) * fraction)


@contextmanager
def _bar() -> Iterator[Report]:
    if find_spec("tqdm") is None:
        yield _Lines()
        return
    from tqdm.auto import tqdm

    with tqdm(total=1.0, bar_format="{percentage:3.0f}%|{bar}| {elapsed}<{remaining}") as bar:
        yield lambda fraction: bar.update(fraction - bar.n)


class _Lines:
    def __init__(self) -> None:
        self._start = self._last = time.monotonic()

    def __call__(self, fraction: float) -> None:
        now = time.monotonic()
        if now - self._last >= SECONDS_BETWEEN_LINES or fraction >= 1:
            self._last = now
            seconds = now - self._start
            print(f"vicinal: {fraction:4.0%} after {seconds:.0f} s", file=sys.stderr, flush=True)
