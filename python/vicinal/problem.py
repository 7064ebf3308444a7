"""One local-mean problem, checked and broadcast: what the engine is about to see."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

import numpy as np

from vicinal import _core
from vicinal.arrays import Array, as_array, as_points, as_rows, working_dtype
from vicinal.bias import PositionBias
from vicinal.columns import column_names
from vicinal.per_row import as_mask, as_prior, as_self_indices

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.bandwidth.given import AdaptiveBandwidth
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.key_pages import KeyPages
    from vicinal.neighbor_sets import NeighborSet
    from vicinal.neighbors import Neighbors

    Neighborhood: TypeAlias = NeighborSet | Neighbors | None

__all__ = ["Bias", "BiasFunction", "Problem", "finds_bandwidths", "prepare", "resolved"]

BiasFunction = Callable[[Array, Array], Any]  # (rows, columns) -> (len(rows), len(columns))
Bias = BiasFunction | PositionBias

Shape = tuple[int, ...]


class Problem(NamedTuple):
    """Arrays of one dtype and one leading shape, rows contiguous; see `prepare`."""

    kernel: _core.Kernel
    queries: Array  # lead + (m, d)
    keys: Array  # lead + (n, d)
    values: Array | None  # lead + (n, p)
    weights: Array | None  # lead + (n,)
    log_weights: Array | None  # lead + (n,)
    bias: Array | BiasFunction | None  # lead + (m, n)
    mask: Array | None  # lead + (m, n)
    self_indices: Array | None  # lead + (m,)
    exclude_self: bool
    lead: Shape
    dtype: np.dtype[Any]
    key_index: _core.KeyIndex | None  # of these keys, if they came as one
    neighbors: _core.NeighborSet | None  # which keys a query sees; None: all
    key_bandwidths: Array | None  # lead + (n,), besides the kernel's
    query_bandwidths: Array | None  # lead + (m,)
    one_value: bool  # values were (..., n): results have no p axis
    given: tuple[Array, ...]  # the arrays as they came, for the overlap check of `out`
    query_offset: int = 0  # row number of the first query in what neighbors and biases count
    pages: KeyPages | None = None  # where keys and values stand: those above have their shape alone

    @property
    def m(self) -> int:
        """Number of queries."""
        return int(self.queries.shape[-2])

    @property
    def n(self) -> int:
        """Number of keys."""
        return int(self.keys.shape[-2])

    @property
    def p(self) -> int:
        """Number of value columns."""
        return 0 if self.values is None else int(self.values.shape[-1])

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Return (m, n, p)."""
        return self.m, self.n, self.p


def prepare(
    queries: ArrayLike | None,
    keys: ArrayLike | None,
    values: ArrayLike | None,
    *,
    kernel: str | Kernel,
    bandwidth: ArrayLike | AdaptiveBandwidth | None,
    metric: Metric | None,
    neighbors: Neighborhood = None,
    weights: ArrayLike | None = None,
    log_weights: ArrayLike | None = None,
    bias: ArrayLike | Bias | None = None,
    mask: ArrayLike | None = None,
    exclude_self: bool = False,
    self_indices: ArrayLike | None = None,
    needs_self: bool = False,
    resolves: bool = True,
) -> Problem:
    """Check the arguments of a primitive and bring its arrays to one dtype and leading shape.

    Without `resolves`, `resolved` is to be called with a rule of bandwidths.
    """
    from vicinal.kernels.lowering import fill, lower
    from vicinal.key_index import KeyIndex, warn_if_unused

    near = None
    if neighbors is not None:
        from vicinal.graph import as_neighbor_set, take_graph

        names = {"queries": column_names(queries), "keys": column_names(keys)}
        near = as_neighbor_set(neighbors).by_number(names)
        if near.edge_data != "pattern":
            given = queries, keys, values
            queries, keys, kernel = take_graph(near, *given, kernel, bandwidth, metric)
    rule = cast("AdaptiveBandwidth", bandwidth) if hasattr(bandwidth, "resolve") else None
    scale = cast("ArrayLike", bandwidth) if rule is None else rule.base
    q, x = as_points(queries, "queries"), as_points(keys, "keys")  # type: ignore[arg-type]
    (m, d), n = q.shape[-2:], x.shape[-2]
    if x.shape[-1] != d:
        raise ValueError(
            f"queries have {d} features and keys have {x.shape[-1]}, got shapes {q.shape} and "
            f"{x.shape}; both need the same features"
        )
    y, one_value = _as_values(values, x)
    scales = rule if getattr(rule, "per_feature", False) else None
    lowered = lower(kernel, scale, metric, d, scaled_keys=scales is not None)
    if isinstance(keys, KeyIndex):
        warn_if_unused(keys, fill(kernel, scale, metric, d), near)
    dtype = working_dtype(q, x, y)
    w, lw = as_prior(weights, log_weights, n, dtype)
    pairs = _as_pairs(bias, m, n, dtype)
    used = None if mask is None else as_mask(mask)
    own = as_self_indices(self_indices, m, n, required=exclude_self or needs_self)
    lead = leading_shape(
        {
            "queries": q,
            "keys": x,
            "values": y,
            "bias": pairs,
            "mask": used,
            "bandwidth": None if scales is None else scales.numbers(),
        },
        {
            "weights": w,
            "log_weights": lw,
            "self_indices": own,
            "bandwidth": None if rule is None or scales is not None else rule.numbers(),
        },
    )
    problem = Problem(
        kernel=lowered,
        queries=spread(as_rows(q, dtype), (*lead, m, d), "queries"),
        keys=spread(as_rows(x, dtype), (*lead, n, d), "keys"),
        values=None if y is None else spread(as_rows(y, dtype), (*lead, n, y.shape[-1]), "values"),
        weights=None if w is None else spread(w, (*lead, n), "weights"),
        log_weights=None if lw is None else spread(lw, (*lead, n), "log_weights"),
        bias=bias if callable(bias) else spread_or_none(pairs, (*lead, m, n), "bias"),
        mask=spread_or_none(used, (*lead, m, n), "mask"),
        self_indices=spread_or_none(own, (*lead, m), "self_indices"),
        exclude_self=bool(exclude_self),
        lead=lead,
        dtype=dtype,
        key_index=_index_of(keys, lead, dtype),
        neighbors=None if near is None else near.lower(m, n, dtype),
        key_bandwidths=None,
        query_bandwidths=None,
        one_value=one_value,
        given=tuple(a for a in (q, x, y, w, lw, pairs, used, own) if a is not None),
    )
    return problem if rule is None or not resolves else resolved(problem, rule, kernel, metric)


def finds_bandwidths(bandwidth: Any) -> bool:
    """Tell whether a rule looks at keys: bandwidths that are given as numbers belong to rows."""
    if not hasattr(bandwidth, "resolve"):
        return False
    return bandwidth.numbers() is None or getattr(bandwidth, "per_feature", False)


def resolved(
    problem: Problem, rule: AdaptiveBandwidth, kernel: str | Kernel, metric: Metric | None
) -> Problem:
    """Return the problem with the bandwidths of its keys and queries."""
    from vicinal.bandwidth.given import PerKey

    if isinstance(rule, PerKey) and rule.per_feature:
        q, x = rule.beside(problem.queries, problem.keys)
        return problem._replace(queries=q, keys=x, key_index=None)
    of_keys, of_queries = rule.resolve(problem, kernel, metric)
    return problem._replace(key_bandwidths=of_keys, query_bandwidths=of_queries)


def _as_pairs(bias: Any, m: int, n: int, dtype: np.dtype[Any]) -> Array | None:
    if isinstance(bias, PositionBias):
        return bias.pairs(m, n, dtype)
    return None if bias is None or callable(bias) else as_array(bias, "bias")


def _index_of(keys: Any, lead: Shape, dtype: np.dtype[Any]) -> _core.KeyIndex | None:
    core = getattr(keys, "_core", None)  # of a KeyIndex, without importing it
    return (
        core if isinstance(core, _core.KeyIndex) and not lead and keys.keys.dtype == dtype else None
    )


def spread(array: Array, shape: Shape, name: str) -> Array:
    """Return `array` broadcast to `shape`, without a copy."""
    if array.shape == shape:
        return array
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(f"{name} of shape {array.shape} does not broadcast to {shape}") from None


def spread_or_none(array: Array | None, shape: Shape, name: str) -> Array | None:
    """Return `array` broadcast to `shape`; None stays None."""
    return None if array is None else spread(array, shape, name)


def _as_values(values: ArrayLike | None, keys: Array) -> tuple[Array | None, bool]:
    if values is None:
        return None, False
    y = as_array(values, "values")
    one_value = y.ndim == keys.ndim - 1
    rows = y[..., None] if one_value else y
    if rows.ndim < keys.ndim or rows.shape[-2] != keys.shape[-2]:
        raise ValueError(
            f"values must be (..., {keys.shape[-2]}, p), or (..., {keys.shape[-2]}) with one "
            f"dimension fewer than keys, to fit keys of shape {keys.shape}; got shape {y.shape}"
        )
    return rows, one_value


def leading_shape(matrices: dict[str, Array | None], vectors: dict[str, Array | None]) -> Shape:
    """Return what the leading dimensions of (..., rows, columns) and (..., rows) broadcast to."""
    shapes = {name: a.shape[:-2] for name, a in matrices.items() if a is not None}
    shapes |= {name: a.shape[:-1] for name, a in vectors.items() if a is not None}
    if len(set(shapes.values())) == 1:
        return next(iter(shapes.values()))
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        given = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise ValueError(f"leading dimensions do not broadcast: {given}") from None
