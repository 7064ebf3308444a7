"""Bandwidths that differ from key to key or from query to query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array, as_array, as_index, converted

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.problem import Problem

__all__ = ["Abramson", "AdaptiveBandwidth", "KthNeighbor", "PerKey", "PerQuery", "Perplexity"]

Bandwidths = tuple[Array | None, Array | None]  # of keys, of queries


class AdaptiveBandwidth:
    """A bandwidth of its own for every key or every query; weights stay the plain profile.

    A local mean needs no more. A density multiplies each weight by the normaliser of its bandwidth:
    the log-weights −d log h of the keys.
    """

    of_keys = False

    @property
    def base(self) -> Any:
        """The bandwidth of the kernel that all the others are multiples of."""
        return 1.0

    def numbers(self) -> Array | None:
        """Return the given bandwidths, (..., n) or (..., m), where there are any."""
        return None

    def resolve(self, problem: Problem, kernel: Any, metric: Any) -> Bandwidths:
        """Return the bandwidths of the keys and of the queries, as multiples of `base`."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class _Given(AdaptiveBandwidth):
    h: ArrayLike

    def __post_init__(self) -> None:
        numbers = as_array(self.h, "bandwidth")
        if numbers.ndim == 0:
            raise ValueError("a bandwidth for all is a plain number, not PerKey or PerQuery")
        if numbers.size and not numbers.min() > 0:
            raise ValueError(
                f"bandwidth must be positive (inf: no localization), got {numbers.min()}"
            )
        object.__setattr__(self, "h", numbers)

    def numbers(self) -> Array | None:
        return as_array(self.h, "bandwidth")

    def resolve(self, problem: Problem, kernel: Any, metric: Any) -> Bandwidths:
        count = problem.n if self.of_keys else problem.m
        array = as_array(self.h, "bandwidth")
        if array.shape[-1] not in (1, count):
            what = "key" if self.of_keys else "query"
            raise ValueError(
                f"bandwidth must be (..., {count}), one per {what}, got shape {array.shape}"
            )
        array = np.broadcast_to(converted(array, problem.dtype), (*problem.lead, count))
        array = np.ascontiguousarray(array)
        return (array, None) if self.of_keys else (None, array)


@dataclass(frozen=True, eq=False)
class PerKey(_Given):
    """A bandwidth for every key: ``w = profile(distance / h_j)``.

    Parameters
    ----------
    h : array_like, broadcast to (..., n)
        Positive; inf is no localization.
    per_feature : bool
        Not supported yet: one bandwidth for all features of a key.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> keys = np.array([[0.0], [1.0]])
    >>> wide = vc.bandwidth.PerKey([1.0, 2.0])
    >>> vc.local_weights([[0.0]], keys, kernel="triangular", bandwidth=wide, normalize=False)
    array([[1. , 0.5]])
    """

    per_feature: bool = False
    of_keys = True

    def __post_init__(self) -> None:
        if self.per_feature:
            raise NotImplementedError(
                "PerKey(h, per_feature=True) is not supported yet; scale the features, or give one "
                "bandwidth per key"
            )
        super().__post_init__()


@dataclass(frozen=True, eq=False)
class PerQuery(_Given):
    """A bandwidth for every query: ``w = profile(distance / h_i)``; a temperature for softmax.

    Parameters
    ----------
    h : array_like, broadcast to (..., m)
        Positive; inf is no localization.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> keys = np.array([[0.0], [1.0]])
    >>> h = vc.bandwidth.PerQuery([2.0, 4.0])
    >>> vc.local_weights([[0.0], [0.0]], keys, kernel="triangular", bandwidth=h, normalize=False)
    array([[1.  , 0.5 ],
           [1.  , 0.75]])
    """


@dataclass(frozen=True)
class KthNeighbor(AdaptiveBandwidth):
    """The distance from a query to its k-th nearest key (Loftsgaarden & Quesenberry, 1965).

    The k-th key itself lies inside a compact support. Where k keys coincide with the query the
    bandwidth is 0: the mean of the coincident keys.

    Parameters
    ----------
    k : int
        1 to the number of keys; with `exclude_self` the query's own key does not count.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> keys = np.array([[0.0], [1.0], [5.0]])
    >>> h = vc.bandwidth.KthNeighbor(2)
    >>> vc.local_weights([[0.0], [4.0]], keys, kernel="uniform", bandwidth=h, normalize=False)
    array([[1., 1., 0.],
           [0., 1., 1.]])
    """

    k: int

    def __post_init__(self) -> None:
        if as_index(self.k, "k") < 1:
            raise ValueError(f"k must be at least 1, got {self.k}")

    def resolve(self, problem: Problem, kernel: Any, metric: Any) -> Bandwidths:
        farthest = _nearest_distances(problem, kernel, metric, int(self.k))[..., -1]
        room = 1 + 4 * np.finfo(problem.dtype).eps  # the k-th key is inside a compact support
        return None, np.ascontiguousarray(farthest * farthest.dtype.type(room))


@dataclass(frozen=True)
class Abramson(AdaptiveBandwidth):
    """Wide kernels where keys are rare: ``h_j = pilot · (p(x_j) / g)^(−1/2)`` (Abramson, 1982).

    p is the density of the keys under the kernel with the pilot bandwidth, weights included, and g
    its geometric mean.

    Parameters
    ----------
    pilot : float or array_like of shape (d,)
        The bandwidth of the pilot, which all h_j are multiples of.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> keys = np.array([[0.0], [0.1], [0.2], [3.0]])
    >>> h = vc.bandwidth.Abramson(1.0)
    >>> vc.local_weights([[1.5]], keys, bandwidth=h).round(2)
    array([[0.16, 0.19, 0.23, 0.42]])
    """

    pilot: Any
    of_keys = True

    @property
    def base(self) -> Any:
        return self.pilot

    def resolve(self, problem: Problem, kernel: Any, metric: Any) -> Bandwidths:
        from vicinal.stats import local_stats

        log_density = local_stats(
            problem.keys,
            problem.keys,
            kernel=kernel,
            bandwidth=self.pilot,
            metric=metric,
            weights=problem.weights,
            log_weights=problem.log_weights,
            statistics=("log_mass",),
        ).log_mass
        assert log_density is not None
        weights = np.ones(problem.n) if problem.weights is None else problem.weights
        if problem.log_weights is not None:
            weights = np.exp(problem.log_weights - problem.log_weights.max(axis=-1, keepdims=True))
        logs = np.where(weights > 0, log_density, 0).astype(np.float64)  # absent keys have no say
        shares = weights / weights.sum(axis=-1, keepdims=True)
        mean = (shares * logs).sum(axis=-1, keepdims=True)
        return np.ascontiguousarray(np.exp((mean - logs) / 2), problem.dtype), None


@dataclass(frozen=True)
class Perplexity(AdaptiveBandwidth):
    """The Gaussian bandwidth under which a query has `p` effective neighbors, exp(entropy) = p.

    As in t-SNE (van der Maaten & Hinton, 2008; van der Maaten, 2014) the entropy is that of the
    weights of the 3p nearest keys; the Gaussian only.

    Parameters
    ----------
    p : float
        At least 1, below the number of keys.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> keys = np.linspace(0.0, 1.0, 101)[:, None]
    >>> weights = vc.local_weights([[0.5]], keys, bandwidth=vc.bandwidth.Perplexity(10))
    >>> float(np.exp(-(weights * np.log(np.maximum(weights, 1e-300))).sum()).round(1))
    10.0
    """

    p: float

    def __post_init__(self) -> None:
        if not float(self.p) >= 1:
            raise ValueError(f"the perplexity must be at least 1, got {self.p}")

    def resolve(self, problem: Problem, kernel: Any, metric: Any) -> Bandwidths:
        if getattr(kernel, "profile", kernel) not in ("gaussian", "normal"):
            raise ValueError(f"a perplexity is of the gaussian kernel, got kernel={kernel!r}")
        own = 1 if problem.exclude_self else 0
        k = min(int(np.ceil(3 * self.p)) + 1, problem.n - own)
        if k <= self.p:
            raise ValueError(f"the perplexity must be below the number of keys, got {self.p}")
        distances = _nearest_distances(problem, kernel, metric, k)
        return None, _bandwidths_of_entropy(distances, np.log(self.p)).astype(problem.dtype)


def _nearest_distances(problem: Problem, kernel: Any, metric: Any, k: int) -> Array:
    """Return the distances to the k nearest keys, lead + (m, k)."""
    from vicinal.kernels.lowering import fill
    from vicinal.neighbors import knn

    (leaf,) = fill(kernel, None, metric, problem.queries.shape[-1]).leaves()
    out = np.empty((*problem.lead, problem.m, k), problem.dtype)
    for item in np.ndindex(problem.lead):
        own = None if problem.self_indices is None else problem.self_indices[item]
        absent = None if problem.weights is None else problem.weights[item] == 0
        if problem.log_weights is not None:
            absent = np.isneginf(problem.log_weights[item])
        keys = problem.keys[item]
        if absent is not None and absent.any():  # infinitely far
            keys = np.where(absent[:, None], np.asarray(np.inf, keys.dtype), keys)
        out[item] = knn(
            problem.queries[item],
            keys,
            k,
            metric=leaf.metric,
            exclude_self=problem.exclude_self,
            self_indices=own if problem.exclude_self else None,
        ).distances
    return np.where(np.isnan(out), np.asarray(1, out.dtype), out)  # the row is NaN anyway


def _bandwidths_of_entropy(distances: Array, wanted: float) -> Array:
    """Bisect log h, row by row, until the weights have the wanted entropy."""
    nearest = distances[..., :1].astype(np.float64)
    squares = (distances.astype(np.float64) - nearest) * (distances + nearest)  # d² − d₀²
    squares = np.where(np.isfinite(squares), squares, np.inf)
    finite = np.where(np.isfinite(squares), squares, 0)
    scale = np.sqrt(np.maximum(finite.max(axis=-1), np.finfo(np.float64).tiny))
    low, high = np.log(scale) - 40, np.log(scale) + 20
    for _ in range(60):
        middle = (low + high) / 2
        u = squares / (2 * np.exp(2 * middle)[..., None])
        w = np.exp(-u)
        mass = w.sum(axis=-1)
        entropy = np.log(mass) + (w * np.where(np.isfinite(u), u, 0)).sum(axis=-1) / mass
        low = np.where(entropy < wanted, middle, low)
        high = np.where(entropy < wanted, high, middle)
    return np.asarray(np.exp((low + high) / 2))
