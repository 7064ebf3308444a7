"""How a model that keeps its keys holds them for its calls."""

from __future__ import annotations

from typing import Any

import vicinal
from vicinal import _core
from vicinal.arrays import Array
from vicinal.bandwidth.adaptive import RuleOfQueries
from vicinal.kernels import as_kernel
from vicinal.kernels.lowering import fill
from vicinal.key_index import is_tree_sized
from vicinal.models.adaptive import base_of

__all__ = ["EVERYWHERE", "search_keys_of"]

# Kernels that weigh every key, however far: with two keys no row is empty.
EVERYWHERE = (
    *("gaussian", "laplace", "logistic", "cauchy", "student_t", "rational_quadratic", "matern"),
    *("inverse_distance", "constant", "softmax", "von_mises_fisher"),
)


def search_keys_of(model: Any) -> Array | vicinal.KeyIndex:
    """Return the keys, as an index where kernels leave keys out: its tree serves every call."""
    keys: Array = model.keys_
    leaves = list(as_kernel(model.kernel).leaves())
    reaches_all = all(leaf.profile in EVERYWHERE for leaf in leaves)
    searched = model.neighbors is not None or isinstance(model.bandwidth_, RuleOfQueries)
    if searched and len(keys) > _core.few_keys and len(leaves) == 1:
        h, d = base_of(model._open_bandwidth()), keys.shape[1]
        (leaf,) = fill(model.kernel, h, model.metric, d).leaves()
        metric = leaf.metric or "euclidean"
        return vicinal.KeyIndex(keys, metric=metric, num_threads=model.n_jobs)
    if not is_tree_sized(keys) or (reaches_all and model.mass_tol == 0):
        return keys
    return vicinal.KeyIndex(keys, num_threads=model.n_jobs)
