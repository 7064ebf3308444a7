"""The engine's partial state of fixed queries, with the layout that all its keys share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from vicinal import _core
from vicinal.arrays import Array
from vicinal.evaluate import OF_VALUES, allocate
from vicinal.kernels import Kernel
from vicinal.kernels.lowering import lower
from vicinal.problem import Problem
from vicinal.progress import Report, share
from vicinal.strips import needs_strips, update_state

__all__ = ["Layout", "PartialState", "digest"]

BLOCK = 1024  # keys per step where a bias is evaluated or converted: m × 1024 numbers at a time


class Layout(NamedTuple):
    """What every update of one accumulator has in common."""

    lead: tuple[int, ...]
    dtype: np.dtype[Any]
    p: int
    one_value: bool

    def described(self) -> str:
        """Return the shapes in words."""
        values = "values (n,)" if self.one_value else f"values (n, {self.p})"
        batch = f" with leading dimensions {self.lead}" if self.lead else ""
        return f"{values if self.p else 'no values'} of {self.dtype}{batch}"


class PartialState:
    """Sums over the keys so far."""

    def __init__(
        self,
        layout: Layout,
        kernel: Kernel,
        queries: Array,
        names: Sequence[str],
        *,
        k: int,
        exclude_self: bool,
    ) -> None:
        self.layout = layout
        self.n_keys = 0
        self._kernel = kernel
        self._m, self._features = int(queries.shape[-2]), int(queries.shape[-1])
        self._k = k
        # Values without columns have no sums.
        self._asked = tuple(names)
        self._names = [name for name in names if layout.p or name not in OF_VALUES]
        self._state: _core.State | None = None
        if self._m and 0 not in layout.lead and self._names:
            lowered = lower(kernel, None, None, self._features)
            self._state = _core.State(
                str(layout.dtype), lowered, queries, layout.p, self._names, k, exclude_self
            )

    def add(
        self,
        problem: Problem,
        first: tuple[int, int],
        num_threads: int,
        report: Report | None,
    ) -> None:
        """Add the keys of a problem with these queries; `first` numbers its query 0 and key 0."""
        self.n_keys += problem.n
        if self._state is None:
            return
        step = BLOCK if needs_strips(problem) else max(1, problem.n)
        rows = slice(0, problem.m)
        for start in range(0, problem.n, step):
            columns = slice(start, min(start + step, problem.n))
            part = share(report, start / problem.n, columns.stop / problem.n)
            update_state(self._state, problem, rows, columns, num_threads, first, part)

    def merge(self, other: PartialState) -> None:
        """Add another state's sums."""
        self.n_keys += other.n_keys
        if self._state is not None and other._state is not None:
            self._state.merge(other._state)

    def finish(self, empty: str, empty_value: float) -> tuple[dict[str, Array], dict[str, int]]:
        """Return the statistics and the counts."""
        sizes = (self._m, self.n_keys, self.layout.p)
        outputs = allocate(self.layout.lead, sizes, self.layout.dtype, self._asked, self._k)
        counts = {"empty_rows": 0, "pairs_visited": 0}
        if self._state is not None:
            summed = {name: outputs[name] for name in self._names}
            counts = self._state.finish(summed, empty, empty_value)
        return outputs, counts

    def __getstate__(self) -> dict[str, Any]:
        # The engine's kernel may hold addresses; the kernel object travels in its place.
        parts = None
        if self._state is not None:
            parts = [
                _KERNEL if isinstance(part, _core.Kernel) else part
                for part in self._state.__getstate__()
            ]
        return self.__dict__ | {"_state": parts}

    def __setstate__(self, attributes: dict[str, Any]) -> None:
        self.__dict__.update(attributes)
        parts = attributes["_state"]
        if parts is None:
            return
        lowered = lower(self._kernel, None, None, self._features)
        self._state = _core.State.__new__(_core.State)
        self._state.__setstate__(
            tuple(lowered if isinstance(part, str) and part == _KERNEL else part for part in parts)
        )


_KERNEL = "kernel"


def digest(queries: Array) -> bytes:
    """Return what tells whether two accumulators have the same queries."""
    import hashlib

    content = hashlib.blake2b(f"{queries.dtype} {queries.shape}".encode())
    content.update(np.ascontiguousarray(queries).data)
    return content.digest()
