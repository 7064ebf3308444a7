"""Graphs that come as stored distances."""

from __future__ import annotations

from numbers import Real
from typing import Any

from scipy.sparse import csr_array

import vicinal
from vicinal.models.precomputed import as_distances

__all__ = ["graph_weights", "is_precomputed", "refuse_coordinates"]


def is_precomputed(metric: Any) -> bool:
    """Return whether rows are known by their distances alone."""
    return isinstance(metric, str) and metric == "precomputed"


def graph_weights(model: Any, X: Any) -> csr_array:
    """Return the kernel's weights of stored distances (m, n), of float64.

    Raises
    ------
    ValueError
        For distances that are negative or not finite, and a bandwidth that needs coordinates.
    """
    distances = as_distances(X, type(model).__name__)
    bandwidth: Any = model.bandwidth_
    number = isinstance(bandwidth, Real) and not isinstance(bandwidth, bool)
    if not (bandwidth is None or number):
        raise ValueError(
            f"bandwidth must be a number with metric='precomputed', got {bandwidth!r}; rules need "
            "coordinates"
        )
    return vicinal.local_weights(
        None,
        None,
        kernel=model.kernel,
        bandwidth=bandwidth,
        neighbors=vicinal.Graph(distances, data="distance"),
        normalize=False,
        num_threads=model.n_jobs,
    )


def refuse_coordinates(model: Any) -> None:
    """Raise for a parameter that rows known by their distances alone cannot serve."""
    if model.neighbors is not None or model.mass_tol != 0 or model.empty == "nearest":
        raise ValueError(
            "metric='precomputed' spreads along the distances that X stores: neighbors, "
            "mass_tol and empty='nearest' need coordinates; leave edges out of X instead"
        )
