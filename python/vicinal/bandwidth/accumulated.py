"""The bandwidths of an accumulator: of its queries for good, of keys as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.bandwidth.given import AdaptiveBandwidth, PerKey, PerQuery
from vicinal.kernels import as_kernel

if TYPE_CHECKING:
    from vicinal.kernels import Kernel
    from vicinal.problem import Problem

__all__ = ["AccumulatedBandwidth"]


class AccumulatedBandwidth:
    """What an accumulator was given as `bandwidth`, checked.

    Parameters
    ----------
    bandwidth : float, array_like of shape (d,), PerQuery or None
        That of all keys.
    kernel : str or Kernel
        The kernel as it was given.
    """

    def __init__(self, bandwidth: Any, kernel: str | Kernel) -> None:
        if isinstance(bandwidth, PerKey):
            raise ValueError(
                "bandwidth=PerKey(...) of an accumulator comes with the keys: "
                "update(keys, values, bandwidth=PerKey(...))"
            )
        if isinstance(bandwidth, AdaptiveBandwidth) and not isinstance(bandwidth, PerQuery):
            raise ValueError(
                f"bandwidth={bandwidth!r} needs all keys at once, which an accumulator never has; "
                "give PerQuery, or PerKey to update"
            )
        self.of_queries = bandwidth if isinstance(bandwidth, PerQuery) else None
        self.of_kernel = bandwidth if self.of_queries is None else self.of_queries.base
        self._open = bandwidth is None and as_kernel(kernel).needs_bandwidth

    def same_as(self, other: AccumulatedBandwidth) -> bool:
        """Tell whether two accumulators have the same bandwidths of queries."""
        a, b = self.of_queries, other.of_queries
        if a is None or b is None:
            return a is b
        return np.array_equal(np.asarray(a.h), np.asarray(b.h))

    def applied(self, problem: Problem, of_keys: PerKey | None) -> Problem:
        """Return a problem with the bandwidths of the queries, or those given with its keys."""
        rule: AdaptiveBandwidth | None = self.of_queries
        if of_keys is not None:
            self._check(of_keys)
            rule = of_keys
        if rule is None:
            return problem
        keys, queries = rule.resolve(problem, None, None)
        return problem._replace(key_bandwidths=keys, query_bandwidths=queries)

    def _check(self, of_keys: PerKey) -> None:
        if not isinstance(of_keys, PerKey):
            raise TypeError(
                f"bandwidth of update must be PerKey, got {type(of_keys).__name__}; one for all "
                "and PerQuery belong to the accumulator"
            )
        if not self._open:
            raise ValueError(
                "bandwidth is given twice, to the accumulator and with these keys; drop one of them"
            )
        if of_keys.per_feature:
            raise ValueError(
                "bandwidth of update must be PerKey without per_feature; scale the features, or "
                "call local_mean"
            )
        if np.ndim(of_keys.unit) > 0 or of_keys.unit != 1:
            raise ValueError(
                f"bandwidth of update must be PerKey in units of 1, got unit={of_keys.unit!r}; "
                "multiply h, or scale the features"
            )
