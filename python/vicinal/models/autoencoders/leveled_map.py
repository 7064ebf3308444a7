"""A lazy map of levels: local means of values, of what they leave, and of what those leave."""

from __future__ import annotations

from typing import Any

import numpy as np

import vicinal
from vicinal.arrays import Array
from vicinal.bandwidth.adaptive import RuleOfQueries

__all__ = ["LeveledMap", "levels_of"]

# Numbers in the residuals of the rows that are left out in one call.
AT_ONCE = 1 << 22


class LeveledMap:
    r"""The sum of local means of residuals, ``T(q) = Σ_l m_l(q)``, under falling bandwidths.

    Level l averages :math:`R_l` at the keys, with :math:`R_0` the values and
    :math:`R_{l+1} = (I - S_l) R_l`, where :math:`S_l` holds the normalized weights of the keys.
    One level is the local mean.
    """

    def __init__(self, keys: Array, values: Array, bandwidths: list[Any], **options: Any) -> None:
        self.keys, self.bandwidths, self._options = keys, bandwidths, options
        self.residuals = [values]
        for h in bandwidths[:-1]:
            rows = self.residuals[-1]
            self.residuals.append(rows - self._mean(keys, rows, h))

    def __call__(
        self,
        queries: Array,
        num_threads: int | None,
        *,
        leave_out: bool = False,
        level: int | None = None,
    ) -> Array:
        """Return the values at queries (m, d); with `leave_out` query i does not see key i.

        `level` counts the levels that are added up, None is all.
        """
        if leave_out:
            return self._without_own(queries, num_threads)
        pairs = list(zip(self.residuals, self.bandwidths, strict=True))[:level]
        found = [self._mean(queries, rows, h, num_threads=num_threads) for rows, h in pairs]
        return np.asarray(sum(found[1:], found[0]))

    def errors(self) -> Array:
        """Return the root mean square of R_0 … R_L, (levels + 1,)."""
        last = self.residuals[-1]
        rows = [*self.residuals, last - self._mean(self.keys, last, self.bandwidths[-1])]
        return np.array([np.sqrt(np.square(row).mean()) for row in rows])

    def contractions(self) -> Array:
        """Return the largest 1 − S_ii of every level, (levels,)."""
        found = []
        for h in self.bandwidths:
            stats = vicinal.local_stats(
                self.keys,
                self.keys,
                statistics=("self_weight",),
                bandwidth=h,
                self_indices=np.arange(len(self.keys)),
                **self._options,
            )
            assert stats.self_weight is not None
            found.append(float(1 - stats.self_weight.min()))
        return np.array(found)

    def heaviest(self, queries: Array, k: int, num_threads: int | None) -> tuple[Array, Array]:
        """Return the k keys that weigh most on the first level, and their shares, (m, k)."""
        stats = self._first_stats(queries, "top_k", k=k, num_threads=num_threads)
        assert stats.top_k is not None
        return stats.top_k

    def lonely(self, num_threads: int | None) -> int:
        """Count the keys without another in their support on the first level."""
        stats = self._first_stats(self.keys, "log_mass", exclude_self=True, num_threads=num_threads)
        return int(np.isneginf(np.asarray(stats.log_mass)).sum())

    def _first_stats(self, queries: Array, name: str, **more: Any) -> vicinal.LocalStats:
        options = {**self._options, **more, "bandwidth": self.bandwidths[0]}
        return vicinal.local_stats(queries, self.keys, statistics=(name,), **options)

    def _mean(self, queries: Array, values: Array, bandwidth: Any, **more: Any) -> Array:
        options = {**self._options, **more}
        return vicinal.local_mean(
            queries, self.keys, values, bandwidth=bandwidth, empty="nearest", **options
        )

    def _without_own(self, queries: Array, num_threads: int | None) -> Array:
        """Return the values of a map that knows all keys but i, at query i.

        Residuals of other keys know of key i: with several levels they are computed again.
        """
        first, h = self.residuals[0], self.bandwidths[0]
        if len(self.bandwidths) == 1:
            return self._mean(queries, first, h, exclude_self=True, num_threads=num_threads)
        n, result = len(self.keys), np.empty((len(queries), first.shape[1]))
        block = max(1, AT_ONCE // first.size)
        for begin in range(0, n, block):
            rows = np.arange(begin, min(begin + block, n))
            result[rows] = self._refitted(queries[rows], rows, num_threads)
        return result

    def _refitted(self, queries: Array, rows: Array, num_threads: int | None) -> Array:
        n, values = len(self.keys), self.residuals[0]
        weights = np.ones((len(rows), n))
        weights[np.arange(len(rows)), rows] = 0
        left = np.broadcast_to(values, (len(rows), *values.shape)).copy()
        total = np.zeros((len(rows), 1, values.shape[1]))
        given = {**self._options, "num_threads": num_threads, "empty": "nearest"}
        for number, h in enumerate(self.bandwidths, 1):
            options = {**given, "weights": weights, "bandwidth": h}
            total += vicinal.local_mean(queries[:, None], self.keys[None], left, **options)
            if number < len(self.bandwidths):
                left -= vicinal.local_mean(self.keys[None], self.keys[None], left, **options)
        return total[:, 0]


def levels_of(bandwidth: Any, count: int, shrink: float) -> list[Any]:
    """Return the bandwidths of levels: each `shrink` times the one before."""
    if count == 1:
        return [bandwidth]
    if isinstance(bandwidth, RuleOfQueries):
        raise ValueError(
            f"bandwidth must be numbers or the name of a criterion, which can shrink, got "
            f"{bandwidth!r}"
        )
    return [np.asarray(bandwidth) * shrink**level for level in range(count)]
