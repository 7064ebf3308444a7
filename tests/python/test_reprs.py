"""What objects that hold arrays print: one line of sizes and of what matters."""

from __future__ import annotations

import numpy as np
import pytest

import vicinal as vc
from vicinal.bandwidth import PerKey, PerQuery, select

X = np.arange(12.0).reshape(6, 2)


def accumulator(*shape: int) -> vc.LocalMeanAccumulator:
    return vc.LocalMeanAccumulator(np.zeros(shape), statistics=("mean", "ess"))


REPRS = {
    "LocalStats(log_mass (6,), count (6,), empty_rows=0, pairs_visited=36)": lambda: vc.local_stats(
        X, X, statistics=("count", "log_mass")
    ),
    "LocalStats(mean (6, 2), top_k (6, 3), empty_rows=0, pairs_visited=36)": lambda: vc.local_stats(
        X, X, X, statistics=("mean", "top_k"), k=3
    ),
    "Neighbors(6 queries, k=2, n_keys=6)": lambda: vc.knn(X, X, 2),
    "Neighbors(6 queries, 16 in all, n_keys=6)": lambda: vc.radius_neighbors(X, X, 3.0),
    "LocalMeanAccumulator(6 queries, 2 features, 0 keys so far, statistics=('mean', 'ess'))": (
        lambda: accumulator(6, 2)
    ),
    "LocalMeanAccumulator(3 × 6 queries, 2 features, 6 keys so far, statistics=('mean', 'ess'))": (
        lambda: accumulator(3, 6, 2).update(X, X)
    ),
    "PerKey([0.5, 1.5])": lambda: PerKey([0.5, 1.5]),
    "PerKey(8 numbers from 1 to 8, unit=[2, 3])": lambda: PerKey(np.arange(1.0, 9), unit=[2, 3]),
    "PerKey(6 × 2 numbers from 0.333333 to inf, per_feature=True)": lambda: PerKey(
        [[1 / 3, np.inf]] * 6, per_feature=True
    ),
    "PerQuery(6 numbers from 1 to 2.5)": lambda: PerQuery([1, 1, 1, 1, 2, 2.5]),
    "BandwidthSelection(bandwidth=[2, 2], by a rule)": lambda: vc.bandwidth.BandwidthSelection(
        np.array([2.0, 2.0]), np.array([[2.0, 2.0]]), np.array([np.nan])
    ),
    "BandwidthSelection(bandwidth=2, of 3 candidates, score=0.25)": lambda: (
        vc.bandwidth.BandwidthSelection(2.0, np.array([1.0, 2, 3]), np.array([0.5, 0.25, np.nan]))
    ),
}


@pytest.mark.parametrize("wanted", REPRS, ids=lambda text: text.partition("(")[0])
def test_one_line_of_sizes(wanted):
    assert repr(REPRS[wanted]()) == wanted


def test_a_selection_prints_what_it_found():
    found = select(X, X[:, 0] ** 2, grid=[1.0, 4.0])
    shown = f"bandwidth={found.bandwidth:.6g}, of 2 candidates, score={found.scores.min():.6g}"
    assert repr(found) == f"BandwidthSelection({shown})"
