"""What a job costs: seconds, and the most memory that it held beyond what was there before."""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")  # Linux only


@dataclass(frozen=True)
class Cost:
    """Wall time in s, and the peak of the resident memory less that at the start in MB."""

    seconds: float
    megabytes: float | None  # None where the system cannot tell

    def __str__(self) -> str:
        memory = "memory unknown" if self.megabytes is None else f"{self.megabytes:,.0f} MB"
        return f"{self.seconds:.1f} s, {memory}"


def resident(field: str) -> int:
    """Return a field of the process' status in bytes: VmRSS now, VmHWM at its peak."""
    return int(STATUS.read_text().split(f"{field}:")[1].split()[0]) * 1024


def give_back() -> None:
    """Return to the system what earlier jobs have freed, so that it is not there for this one."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc
    if trim is not None:
        trim(0)


def measured(job: Callable[[], Any]) -> tuple[Any, Cost]:
    """Return what `job` returns, and what it cost."""
    known = RESET.exists()
    if known:
        give_back()
        RESET.write_text("5")  # the peak begins anew: proc(5)
        before = resident("VmRSS")
    started = time.perf_counter()
    result = job()
    seconds = time.perf_counter() - started
    return result, Cost(seconds, (resident("VmHWM") - before) / 1e6 if known else None)
