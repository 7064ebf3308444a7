"""Rules for bandwidths that differ from key to key or from query to query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array, as_index
from vicinal.bandwidth.given import AdaptiveBandwidth, Bandwidths, PerKey, PerQuery
from vicinal.bandwidth.nearest import Surroundings, bandwidths_of_entropy, kth_distances

if TYPE_CHECKING:
    from vicinal.key_index import KeyIndex
    from vicinal.problem import Problem

__all__ = ["Abramson", "KthNeighbor", "Perplexity", "RuleOfQueries"]


class RuleOfQueries(AdaptiveBandwidth):
    """A bandwidth of a query from the keys near it."""

    def __call__(self, near: Surroundings) -> Array:
        """Return the bandwidth of every query, (m,)."""
        raise NotImplementedError

    def check(self, kernel: Any, count: float) -> None:
        """Refuse a kernel that the rule is not for, or fewer keys than it needs."""
        raise NotImplementedError

    def at(
        self,
        queries: Array,
        keys: Array | KeyIndex,
        kernel: Any,
        metric: Any,
        *,
        weights: Array | None = None,
        own: Array | None = None,
        num_threads: int | None = None,
    ) -> PerQuery:
        """Return the bandwidths of queries, (m, d), among keys whose weights count equal ones."""
        near = _surroundings(queries, keys, kernel, metric, weights, own, num_threads)
        h = self(near)
        return PerQuery.found(np.where(np.isnan(h), h.dtype.type(1), h))  # the row is NaN anyway

    def resolve(self, problem: Problem, kernel: Any, metric: Any) -> Bandwidths:
        self.check(kernel, problem.n - (1 if problem.exclude_self else 0))
        h = np.empty((*problem.lead, problem.m), problem.dtype)
        for item in np.ndindex(problem.lead):
            own = problem.self_indices if problem.exclude_self else None
            found = self.at(
                problem.queries[item],
                problem.keys[item],
                kernel,
                metric,
                weights=_presence(problem, item),
                own=None if own is None else own[item],
            )
            h[item] = found.h
        return None, h


@dataclass(frozen=True)
class KthNeighbor(RuleOfQueries):
    """The distance from a query to its k-th nearest key (Loftsgaarden & Quesenberry, 1965).

    The k-th key itself lies inside a compact support. Where k keys coincide with the query the
    bandwidth is 0: the mean of the coincident keys.

    Parameters
    ----------
    k : int
        1 to the number of keys; with `exclude_self` the query's own key does not count. In a model
        a sample weight counts equal keys.

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

    def check(self, kernel: Any, count: float) -> None:
        if self.k > count:
            raise ValueError(
                f"k of KthNeighbor must be 1 to the number of keys ({count:g}), got {self.k}; ask "
                "for fewer"
            )

    def __call__(self, near: Surroundings) -> Array:
        farthest = kth_distances(near, int(self.k))
        room = 1 + 4 * np.finfo(farthest.dtype).eps  # the k-th key is inside a compact support
        return np.asarray(farthest * farthest.dtype.type(room))


@dataclass(frozen=True)
class Perplexity(RuleOfQueries):
    """The Gaussian bandwidth under which a query has `p` effective neighbors, exp(entropy) = p.

    As in t-SNE (van der Maaten & Hinton, 2008; van der Maaten, 2014) the entropy is that of the
    weights of the 3p nearest keys; the Gaussian only.

    Parameters
    ----------
    p : float
        At least 1, below the number of keys. In a model a sample weight counts equal keys.

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

    def check(self, kernel: Any, count: float) -> None:
        if getattr(kernel, "profile", kernel) not in ("gaussian", "normal"):
            raise ValueError(
                f"a perplexity is of the gaussian kernel, got kernel={kernel!r}; KthNeighbor is "
                "for every kernel of a distance"
            )
        if count <= self.p:
            raise ValueError(
                f"the perplexity must be below the number of keys ({count:g}), got {self.p}"
            )

    def __call__(self, near: Surroundings) -> Array:
        return bandwidths_of_entropy(near, float(self.p))


@dataclass(frozen=True)
class Abramson(AdaptiveBandwidth):
    """Wide kernels where keys are rare: ``h_j = pilot · (p(x_j) / g)^(−1/2)`` (Abramson, 1982).

    p is the density of the keys under the kernel with the pilot bandwidth, weights included, and g
    its geometric mean.

    Parameters
    ----------
    pilot : float or array_like of shape (d,)
        The bandwidth of the pilot, which all h_j are multiples of.
    tol : float
        At most this share of the pilot density is left out, see `vicinal.local_mean`; 0 is exact
        and compares every pair of keys unless the kernel is compact. A model takes its `mass_tol`
        if that is larger.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> keys = np.array([[0.0], [0.1], [0.2], [3.0]])
    >>> h = vc.bandwidth.Abramson(1.0)
    >>> vc.local_weights([[1.5]], keys, bandwidth=h).round(2)
    array([[0.16, 0.19, 0.23, 0.42]])
    """

    pilot: Any
    tol: float = 0.0
    of_keys = True

    def __post_init__(self) -> None:
        pilot = np.asarray(self.pilot)
        if pilot.dtype.kind not in "iuf" or pilot.ndim > 1 or not (pilot > 0).all():
            raise ValueError(
                f"pilot must be a positive number, or one for each feature, got {self.pilot!r}; "
                "vicinal.bandwidth.select finds one"
            )

    @property
    def base(self) -> Any:
        return self.pilot

    def resolve(self, problem: Problem, kernel: Any, metric: Any) -> Bandwidths:
        options = {
            "weights": problem.weights,
            "log_weights": problem.log_weights,
            "tol": self.tol,
        }
        multiples = self._multiples(problem.keys, kernel, metric, **options)
        return np.ascontiguousarray(multiples, problem.dtype), None

    def of(
        self,
        keys: Array,
        kernel: Any,
        metric: Any,
        *,
        weights: Array | None = None,
        tol: float = 0.0,
        num_threads: int | None = None,
    ) -> PerKey:
        """Return the bandwidths of keys, (n, d), in units of the pilot."""
        options = {
            "weights": weights,
            "tol": max(tol, self.tol),
            "num_threads": num_threads,
        }
        return PerKey(self._multiples(keys, kernel, metric, **options), unit=self.pilot)

    def _multiples(self, keys: Array, kernel: Any, metric: Any, **options: Any) -> Array:
        from vicinal.stats import local_stats

        log_density = local_stats(
            keys,
            keys,
            kernel=kernel,
            bandwidth=self.pilot,
            metric=metric,
            statistics=("log_mass",),
            **options,
        ).log_mass
        assert log_density is not None
        if np.isposinf(log_density).any():
            raise ValueError(
                f"Abramson needs a kernel with a finite weight at distance 0, got kernel={kernel!r}"
            )
        shares = _shares(options.get("weights"), options.get("log_weights"), keys.shape[:-1])
        logs = np.where(shares > 0, log_density, 0).astype(np.float64)  # absent keys have no say
        mean = (shares * logs).sum(axis=-1, keepdims=True)
        return np.asarray(np.exp((mean - logs) / 2))


def _shares(weights: Array | None, log_weights: Array | None, shape: tuple[int, ...]) -> Array:
    if log_weights is not None:
        weights = np.exp(log_weights - log_weights.max(axis=-1, keepdims=True))
    counts = np.ones(shape) if weights is None else weights
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


def _presence(problem: Problem, item: tuple[int, ...]) -> Array | None:
    """Return 1 for the keys that a primitive sees and 0 for the absent ones, (n,)."""
    if problem.log_weights is not None:
        return np.asarray(problem.log_weights[item] > -np.inf)
    return None if problem.weights is None else np.asarray(problem.weights[item] > 0)


def _surroundings(
    queries: Array,
    keys: Array | KeyIndex,
    kernel: Any,
    metric: Any,
    weights: Array | None,
    own: Array | None,
    num_threads: int | None,
) -> Surroundings:
    """Return what is near in the features and the metric of a kernel of one distance."""
    from vicinal.kernels.lowering import fill

    d = queries.shape[-1]
    leaves = fill(kernel, None, metric, d).leaves()
    if len(leaves) != 1:
        raise ValueError(
            "a bandwidth per key or query needs a kernel of one distance or score, not a product "
            "or sum"
        )
    (leaf,) = leaves
    if leaf.columns is not None:
        columns = np.array(leaf.resolved_columns(d))
        queries, keys = queries[:, columns], np.asarray(keys)[:, columns]
    return Surroundings(
        queries, keys, leaf.metric, weights=weights, own=own, num_threads=num_threads
    )
