"""What parameters and training sets the distiller of an embedding takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_array

from vicinal.arrays import Array
from vicinal.bandwidth.adaptive import RuleOfQueries
from vicinal.kernels import as_kernel
from vicinal.models.checks import check_choice, check_number, check_whole
from vicinal.models.lle_parameters import check_range

__all__ = ["as_embedding", "as_pair", "check_parameters", "check_rules"]


def check_parameters(model: Any) -> None:
    """Raise unless every parameter is one that some training set could be fitted with."""
    check_whole(model.n_neighbors, "n_neighbors", 1)
    check_choice(model.method, "method", ("mean", "affine"))
    check_number(model.reg, "reg", lambda reg: 0 <= reg < np.inf, "finite and at least 0")
    if isinstance(model.metric, str) and model.metric in ("dot", "precomputed"):
        raise ValueError(
            f"metric must be a distance between rows of coordinates, got {model.metric!r}; take "
            "'euclidean' or 'cosine'"
        )
    as_pair(model.bandwidth)


def as_pair(bandwidth: Any) -> tuple[Any, Any]:
    """Return the bandwidths of the encoder and the decoder."""
    if bandwidth is None or isinstance(bandwidth, RuleOfQueries):
        return bandwidth, bandwidth
    if isinstance(bandwidth, tuple | list) and len(bandwidth) == 2 and None not in bandwidth:
        return bandwidth[0], bandwidth[1]
    raise ValueError(
        "bandwidth must be None, a rule such as vicinal.bandwidth.KthNeighbor(10), or a pair: of "
        f"the encoder in units of X, of the decoder in units of Z; got {bandwidth!r}"
    )


def check_rules(bandwidth: Any, kernel: Any, n: int) -> None:
    """Raise if a rule asks for more rows than are left when one of n is left out."""
    for rule in as_pair(bandwidth):
        if isinstance(rule, RuleOfQueries):
            rule.check(as_kernel(kernel), n - 1)


def as_embedding(Z: Any, n: int, n_neighbors: int) -> Array:
    """Return the coordinates of n rows as (n, c), float64; raise if there are too few rows."""
    if Z is None:
        raise ValueError(
            "EmbeddingDistiller requires y to be passed, but the target y is None: fit(X, Z) takes "
            "the coordinates Z of the rows of X"
        )
    given = check_array(Z, dtype=np.float64, order="C", ensure_2d=False, input_name="Z")
    coordinates = check_range(given[:, None] if given.ndim == 1 else given, "Z")
    if len(coordinates) != n:
        raise ValueError(
            f"Z must have one row of coordinates per row of X, got {len(coordinates)} for {n}"
        )
    if n == 1:
        raise ValueError("X has n_samples = 1, a single row without neighbors; give more rows")
    if n_neighbors >= n:
        raise ValueError(
            f"Expected n_neighbors < n_samples, but n_samples = {n}, n_neighbors = {n_neighbors}; "
            "lower n_neighbors"
        )
    return coordinates
