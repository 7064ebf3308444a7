"""The bandwidth of a geographically weighted regression: criteria, and a search for the best."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import vicinal
from vicinal.arrays import Array
from vicinal.bandwidth.adaptive import KthNeighbor

__all__ = ["CRITERIA", "golden_section", "searched"]

GOLDEN = (3 - math.sqrt(5)) / 2
CLOSE = 1e-6  # scores that count as equal
MOST_STEPS = 100
LEAST_NEIGHBORS = 40  # of a search, and two for each coefficient, as in mgwr


def aicc(rss: float, trace: float, n: float) -> float:
    """Return Akaike's corrected criterion of a Gaussian smoother (Hurvich et al., 1998).

    ``n log(RSS / n) + n log 2π + n + 2n (tr S + 1) / (n − tr S − 2)``, as
    Fotheringham, Brunsdon & Charlton, 2002, (2.33).
    """
    rest = n - trace - 2
    if rest <= 0 or rss < 0:
        return math.inf
    log_likelihood = n * (_log(rss / n) + math.log(2 * math.pi) + 1)
    return log_likelihood + 2 * n * (trace + 1) / rest


def gcv(rss: float, trace: float, n: float) -> float:
    """Return generalized cross-validation, mean squared error / (1 − tr S / n)²."""
    rest = 1 - trace / n
    return rss / n / rest**2 if rest > 0 else math.inf


CRITERIA: dict[str, Callable[[float, float, float], float] | None] = {
    "aicc": aicc,
    "gcv": gcv,
    "loo": None,  # the leave-one-out error itself
}


def searched(
    score: Callable[[Any], float],
    places: Array,
    metric: Any,
    columns: int,
    count: float,
    adaptive: bool,
) -> Any:
    """Return the bandwidth of the smallest score: a `KthNeighbor`, or a distance."""
    if adaptive:
        most = int(count)
        least = min(LEAST_NEIGHBORS + 2 * columns, max(min(columns + 2, most), most // 2))
        return KthNeighbor(
            int(golden_section(lambda k: score(KthNeighbor(int(k))), least, most, True))
        )
    low, high = _range_of_distances(places, metric, columns)
    return float(golden_section(score, low, high, False))


def golden_section(score: Callable[[float], float], low: float, high: float, whole: bool) -> float:
    """Return the best of the ends and of the points that a golden-section search visits.

    It ends where the two inner points have equal scores, to 1e-6, as they do where they are one.
    """
    known: dict[float, float] = {}
    ends = low, high

    def at(point: float) -> float:
        if point not in known:
            known[point] = score(point)
        return known[point]

    first, second = low + GOLDEN * (high - low), high - GOLDEN * (high - low)
    for _ in range(MOST_STEPS):
        if whole:
            first, second = float(np.round(first)), float(np.round(second))
        left, right = at(first), at(second)
        if left == right == math.inf:
            low, first = first, second
            second = high - GOLDEN * (high - low)
        elif abs(left - right) <= CLOSE or high - low <= 1e-12 * high:
            break
        elif left <= right:
            high, second = second, first
            first = low + GOLDEN * (high - low)
        else:
            low, first = first, second
            second = high - GOLDEN * (high - low)
    at(ends[0]), at(ends[1])
    return min(known, key=lambda point: (known[point], -point))


def _range_of_distances(places: Array, metric: Any, columns: int) -> tuple[float, float]:
    """Return the smallest distance with enough rows for a fit, and twice a bound of the largest."""
    metric = metric or "euclidean"
    n = len(places)
    near = vicinal.knn(places, places, min(n, columns + 2), metric=metric).distances[:, -1]
    far = float(vicinal.knn(places[:1], places, n, metric=metric).distances.max())
    if far == 0:
        raise ValueError("bandwidth cannot be chosen: all rows are at one place; give a number")
    positive = near[near > 0]
    return float(positive.min()) if positive.size else far, 2 * far


def _log(number: float) -> float:
    return math.log(number) if number > 0 else -math.inf
