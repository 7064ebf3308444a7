"""KeyIndex: keys packed once, in the order of their tree, for many calls."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal import _core
from vicinal.arrays import Array, as_points, as_rows, converted, working_dtype
from vicinal.threads import resolve_num_threads

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.neighbor_sets import NeighborSet

__all__ = ["KeyIndex"]


class KeyIndex:
    """Keys prepared for search: packed tiles in the order of a balanced k-d tree.

    Accepted wherever `keys` is, with the same results to the bit. A kernel that measures otherwise
    than an index can serve it goes without, and a warning says so.

    Parameters
    ----------
    keys : array_like of shape (n, d)
        The points to be found. Rows that lie contiguous in float32 or float64 are not copied;
        leave them as they are while the index is in use.
    metric : str, GreatCircle or Mahalanobis
        As in `knn`.
    num_threads : int, optional
        Threads that build, −1 = all; None is `get_num_threads`.

    Attributes
    ----------
    keys : ndarray of shape (n, d)
        The keys, in float32 or float64.
    metric : str, GreatCircle or Mahalanobis
        The metric.
    order : ndarray of int64, at most n
        Row of the key at every place of the tree: near keys stand together. Keys with an infinite
        coordinate are infinitely far and have no place.

    Raises
    ------
    ValueError
        For keys that hold NaN, or that are not (n, d) with at least one feature.
    TypeError
        For keys that are not real numbers on the CPU.

    Notes
    -----
    The tree splits at the median of the widest feature down to tiles of 256 keys (Friedman,
    Bentley & Finkel, 1977), ties by row, so that equal keys neither unbalance it nor make its
    answers ambiguous. Beyond the keys it holds one packed copy of them and the tree.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> index = vc.KeyIndex(np.array([[0.0], [1.0], [5.0]]))
    >>> vc.knn([[0.9]], index, 2).indices
    array([[1, 0]])
    """

    def __init__(
        self, keys: ArrayLike, *, metric: Metric = "euclidean", num_threads: int | None = None
    ) -> None:
        points = as_points(keys, "keys")
        self._build(points, metric, working_dtype(points), num_threads)

    def _build(
        self, points: Array, metric: Metric, dtype: np.dtype[Any], num_threads: int | None
    ) -> None:
        if points.ndim != 2:
            raise ValueError(f"keys must be (n, d), got shape {points.shape}; search one at a time")
        self.keys = as_rows(points, dtype)
        self.metric = metric
        self._core = _core.KeyIndex(
            self.keys, search_kernel(metric, points.shape[-1]), resolve_num_threads(num_threads)
        )

    @property
    def order(self) -> Array:
        """Row of the key at every place of the tree."""
        return self._core.order

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        n, d = self.keys.shape
        return f"KeyIndex({n} keys, {d} features, {self.keys.dtype}, metric={self.metric!r})"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Return the keys, so that an index serves wherever an array of keys does."""
        wanted = self.keys.dtype if dtype is None else np.dtype(dtype)
        if wanted != self.keys.dtype:
            if copy is False:
                raise ValueError(f"the keys are {self.keys.dtype}, not {wanted}: a copy is needed")
            return converted(self.keys, wanted)
        return self.keys.copy() if copy else self.keys

    def __reduce__(self) -> Any:
        return _rebuilt, (self.keys, self.metric)


def _rebuilt(keys: Array, metric: Metric) -> KeyIndex:
    return KeyIndex(keys, metric=metric)


def as_index_of(
    keys: ArrayLike | KeyIndex, metric: Metric, dtype: np.dtype[Any], num_threads: int | None
) -> KeyIndex:
    """Return `keys` as an index in this metric and dtype, theirs if they are one that fits."""
    from vicinal.kernels.metrics import as_metric

    if isinstance(keys, KeyIndex):
        if as_metric(keys.metric) != as_metric(metric):
            raise ValueError(
                f"keys are an index in the metric {keys.metric!r}, but metric={metric!r} is asked; "
                "build a KeyIndex in that metric"
            )
        if keys.keys.dtype == dtype:
            return keys
    index = KeyIndex.__new__(KeyIndex)
    index._build(as_points(keys, "keys"), metric, dtype, num_threads)
    return index


def warn_if_unused(index: KeyIndex, kernel: Kernel, neighbors: NeighborSet | None) -> None:
    """Warn the caller of a primitive whose kernel measures otherwise than its index.

    The tree over the coordinates serves every metric that is per coordinate; a search for the k
    nearest needs the index of its own metric. The result is the same without.
    """
    from vicinal.kernels.metrics import PER_COORDINATE, as_metric, metric_name

    (metric, *others), own = (leaf.metric for leaf in kernel.leaves()), as_metric(index.metric)
    if metric is None or (neighbors is not None and neighbors.edge_data != "pattern"):
        return
    searched = neighbors is not None and neighbors.is_search
    if metric == own and not others:
        return
    if own not in PER_COORDINATE or (searched and not others):
        warnings.warn(
            f"the index of keys has the metric {metric_name(own)!r}, but the kernel measures by "
            f"{metric_name(metric)!r}: the index is not used, and the result is the same without; "
            "build a KeyIndex in the metric of the kernel",
            stacklevel=4,
        )


def is_tree_sized(points: Array) -> bool:
    """Tell whether the engine meets such keys through a tree, where kernels leave keys out."""
    return len(points) > _core.few_keys and points.shape[1] <= _core.few_features


def search_kernel(metric: Metric, d: int) -> _core.Kernel:
    """Return a kernel of the engine that scores pairs by this metric, for `d` features."""
    from vicinal.kernels.lowering import lower

    return lower("softmax" if metric == "dot" else "gaussian", None, metric, d)
