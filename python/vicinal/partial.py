"""Local means that grow by keys and merge: streaming, out of core, distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vicinal.arrays import Array, as_points, as_rows, working_dtype
from vicinal.bandwidth.accumulated import AccumulatedBandwidth
from vicinal.columns import column_names
from vicinal.evaluate import OF_VALUES, Request, output_names, raise_if_empty
from vicinal.graph import as_neighbor_set
from vicinal.kernels.lowering import fill
from vicinal.merging import merge_all
from vicinal.partial_state import Layout, PartialState, digest
from vicinal.per_row import as_self_indices, refuse_other_keys
from vicinal.pieces import as_offset, in_piece, keys_of_piece, queries_and_kernel
from vicinal.problem import Problem, prepare, spread, spread_or_none
from vicinal.progress import Report, reporter
from vicinal.stats import as_k, as_statistics, as_stats, local_stats
from vicinal.threads import resolve_num_threads

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from vicinal.arrays import ArrayLike
    from vicinal.bandwidth.given import PerKey, PerQuery
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.problem import Bias, Neighborhood
    from vicinal.results import LocalStats

__all__ = ["LocalMeanAccumulator", "merge_all"]


class LocalMeanAccumulator:
    """Local means of fixed queries over keys that come in pieces.

    Parameters
    ----------
    queries : array_like of shape (..., m, d)
        The points asked about.
    statistics : str or iterable of str
        Any of those of `local_stats`.
    k : int
        Number of keys of "top_k".
    kernel : str or Kernel
        As in `local_mean`.
    bandwidth : float, array_like of shape (d,) or PerQuery, optional
        As in `local_mean`; bandwidths of keys come with the keys, in `update`, and rules that need
        all keys at once (`KthNeighbor`, `Perplexity`, `Abramson`) are refused.
    metric : Metric, optional
        As in `local_mean`.
    neighbors : set of neighbors, optional
        Which of all keys each query sees, as in `local_mean`; rows of keys are those of the whole
        sequence. Every set but `KNearest`, which needs all keys at once. With a `Graph` of
        distances or weights queries and keys may be None.
    query_offset : int
        Row number of the first query, in what `neighbors`, a callable bias and a missing
        `self_indices` count.
    exclude_self : bool
        Leave out each query's own key.
    self_indices : array_like of int, shape (..., m), optional
        Each query's own key in the whole sequence of keys, −1 = none; None means that the queries
        are keys, query i being key i + `query_offset`.
    empty, num_threads
        As in `local_mean`.

    Raises
    ------
    ValueError, TypeError
        As `local_mean`.

    Notes
    -----
    Every split of the keys gives the same statistics to rounding. Accumulators are picklable, and
    hold O(m) numbers and the set of neighbors, never the keys.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> keys = np.arange(6.0)[:, None]
    >>> mean = vc.LocalMeanAccumulator([[2.0]], kernel="uniform", bandwidth=1.5)
    >>> for start in (0, 3):
    ...     part = keys[start : start + 3]
    ...     _ = mean.update(part, part[:, 0])
    >>> mean.result().mean
    array([2.])

    Sets of neighbors know keys by their rows in the whole sequence:

    >>> causal = vc.LocalMeanAccumulator(keys, kernel="constant", neighbors=vc.Window(None, 0))
    >>> for start in (3, 0):
    ...     part = keys[start : start + 3]
    ...     _ = causal.update(part, part[:, 0], key_offset=start)
    >>> causal.result().mean
    array([0. , 0.5, 1. , 1.5, 2. , 2.5])
    """

    def __init__(
        self,
        queries: ArrayLike | None,
        *,
        statistics: str | Iterable[str] = ("mean",),
        k: int = 10,
        kernel: str | Kernel = "gaussian",
        bandwidth: ArrayLike | PerQuery | None = None,
        metric: Metric | None = None,
        neighbors: Neighborhood = None,
        query_offset: int = 0,
        exclude_self: bool = False,
        self_indices: ArrayLike | None = None,
        empty: str | float = "nan",
        num_threads: int | None = None,
    ) -> None:
        self._neighbors = None if neighbors is None else as_neighbor_set(neighbors)
        if self._neighbors is not None:
            self._neighbors = self._neighbors.by_number({"queries": column_names(queries)})
        self._query_offset = as_offset(query_offset, "query_offset")
        if self._neighbors is not None:
            queries, kernel = queries_and_kernel(
                self._neighbors, self._query_offset, queries, kernel, bandwidth, metric
            )
        # None once in the state
        self._queries: Array | None = as_points(queries, "queries")  # type: ignore[arg-type]
        self._shape, self._digest = self._queries.shape, digest(self._queries)
        m, d = self._shape[-2:]
        self._statistics = as_statistics(statistics, has_values=True)
        self._k = as_k(k) if "top_k" in self._statistics else 0
        self._bandwidth = AccumulatedBandwidth(bandwidth, kernel)
        self._kernel = fill(kernel, self._bandwidth.of_kernel, metric, d)
        self._exclude_self = bool(exclude_self)
        self._own_is_row = self_indices is None
        needs_self = self._exclude_self or "self_weight" in self._statistics
        self._self_indices = as_self_indices(self_indices, m, None, required=needs_self)
        if self._own_is_row and self._self_indices is not None:
            self._self_indices = self._self_indices + self._query_offset
        if self._neighbors is not None:
            rows = self._query_offset + m
            self._neighbors.lower(rows, 0, np.dtype(np.float64), piece=True)
        self._request = Request(empty=empty, num_threads=num_threads, k=self._k)
        self._state: PartialState | None = None
        self._next_key = 0

    def __repr__(self) -> str:
        lead, keys = self._shape[:-2], 0 if self._state is None else self._state.n_keys
        batch = f"{' × '.join(map(str, lead))} × " if lead else ""
        return (
            f"LocalMeanAccumulator({batch}{self._shape[-2]} queries, {self._shape[-1]} features, "
            f"{keys} keys so far, statistics={self._statistics})"
        )

    def update(
        self,
        keys: ArrayLike | None,
        values: ArrayLike | None = None,
        *,
        key_offset: int | None = None,
        bandwidth: PerKey | None = None,
        weights: ArrayLike | None = None,
        log_weights: ArrayLike | None = None,
        bias: ArrayLike | Bias | None = None,
        mask: ArrayLike | None = None,
        progress: bool | Report = False,
    ) -> Self:
        """Add keys.

        Parameters
        ----------
        keys : array_like of shape (..., n, d)
            The next neighbors' positions.
        values : array_like of shape (..., n, p) or (..., n), optional
            What is averaged; needed if the statistics are of values.
        key_offset : int, optional
            Number of the first of these keys in the whole sequence, for indices and `neighbors`;
            None goes on after the last update.
        bandwidth : PerKey, optional
            A bandwidth for each of these keys, where none was given for all; None is 1.
        weights, log_weights, bias, mask, progress
            As in `local_mean`, for these keys; a callable bias gets numbers in the whole sequence.

        Returns
        -------
        LocalMeanAccumulator
            Itself.

        Raises
        ------
        ValueError, TypeError
            As `local_mean`, and if dtype or shapes do not fit the earlier updates.
        """
        first = self._next_key if key_offset is None else as_offset(key_offset, "key_offset")
        near = self._neighbors
        if bandwidth is not None and near is not None and near.edge_data == "weight":
            raise ValueError(
                'the graph\'s numbers are the weights (data="weight"), so there is no kernel; drop '
                "bandwidth"
            )
        if keys is None and self._neighbors is not None:
            keys = keys_of_piece(self._neighbors, values, self._shape[-1])
        problem = prepare(
            self._queries_or_stand_in(),
            keys,
            values,
            kernel=self._kernel,
            bandwidth=None,
            metric=None,
            weights=weights,
            log_weights=log_weights,
            bias=in_piece(bias, self._query_offset - first),
            mask=mask,
        )
        problem = self._with_own_keys(self._bandwidth.applied(problem, bandwidth))
        if self._neighbors is not None:
            sizes = self._query_offset + problem.m, first + problem.n
            lowered = self._neighbors.lower(*sizes, problem.dtype, piece=True)
            problem = problem._replace(neighbors=lowered)
        layout = Layout(problem.lead, problem.dtype, problem.p, problem.one_value)
        state = self._state_of(layout)
        if layout != state.layout:
            raise ValueError(
                f"keys and values must fit the first update: it had {state.layout.described()}, "
                f"this one has {layout.described()}; a wider dtype is for the queries to set"
            )
        with reporter(progress) as report:
            threads = resolve_num_threads(self._request.num_threads)
            state.add(problem, (self._query_offset, first), threads, report)
        self._next_key = first + problem.n
        return self

    def merge(self, other: LocalMeanAccumulator) -> Self:
        """Add what another accumulator of the same queries has seen.

        Parameters
        ----------
        other : LocalMeanAccumulator
            Of the same queries, kernel and statistics; it is left as it is.

        Returns
        -------
        LocalMeanAccumulator
            Itself.

        Raises
        ------
        ValueError
            If the two do not belong together.
        TypeError
            If `other` is no accumulator.
        """
        if not isinstance(other, LocalMeanAccumulator):
            raise TypeError(f"other must be a LocalMeanAccumulator, got {type(other).__name__}")
        self._check_settings(other)
        if other._state is None:
            return self
        state = self._state_of(other._state.layout)
        if state.layout != other._state.layout:
            raise ValueError(
                "merge needs accumulators of the same dtype and value columns, got "
                f"{state.layout} and {other._state.layout}"
            )
        state.merge(other._state)
        self._next_key = max(self._next_key, other._next_key)
        return self

    def result(self) -> LocalStats:
        """Return the statistics over all keys so far; more may be added afterwards.

        Returns
        -------
        LocalStats

        Raises
        ------
        ValueError
            Before the first update, if the statistics are of values; for empty rows with
            ``empty="raise"``; if the queries were to be the keys (`exclude_self` or "self_weight"
            without `self_indices`) but are not.
        """
        if self._state is None:
            return self._nothing()
        m, n, layout = self._shape[-2], self._state.n_keys, self._state.layout
        if self._self_indices is not None and self._own_is_row:
            first = self._query_offset
            refuse_other_keys(m, n if first == 0 else min(n - first, m))
        options = self._request.engine_options
        outputs, counts = self._state.finish(options["empty"], options["empty_value"])
        if self._request.empty == "raise":
            raise_if_empty(counts["empty_rows"], layout.lead, m)
        return as_stats(
            outputs, layout.one_value, int(counts["empty_rows"]), int(counts["pairs_visited"])
        )

    def _without_neighbors(self) -> Self:
        """Let go of what updates alone need, before the sums travel."""
        self._neighbors = None
        return self

    def _queries_or_stand_in(self) -> Array:
        # Once the queries are in the state, checks need no more than their shape and dtype.
        if self._queries is not None:
            return self._queries
        assert self._state is not None
        return np.broadcast_to(self._state.layout.dtype.type(0), self._shape)

    def _with_own_keys(self, problem: Problem) -> Problem:
        of_values = any(name in OF_VALUES for name in self._statistics)
        if of_values and problem.values is None:
            raise ValueError("values must be given, because the statistics are of values")
        return problem._replace(
            values=problem.values if of_values else None,
            one_value=of_values and problem.one_value,
            self_indices=spread_or_none(
                self._self_indices, (*problem.lead, problem.m), "self_indices"
            ),
            exclude_self=self._exclude_self,
        )

    def _state_of(self, layout: Layout) -> PartialState:
        if self._state is None:
            assert self._queries is not None
            queries = as_rows(self._queries, layout.dtype)
            self._state = PartialState(
                layout,
                self._kernel,
                spread(queries, (*layout.lead, *self._shape[-2:]), "queries"),
                output_names(self._statistics),
                k=self._k,
                exclude_self=self._exclude_self,
            )
            self._queries = None
        return self._state

    def _nothing(self) -> LocalStats:
        # Without any keys every row is empty; the number of value columns is not known yet.
        if any(name in OF_VALUES for name in self._statistics):
            raise ValueError("no values were accumulated yet; call update(keys, values) first")
        queries = self._queries_or_stand_in()
        return local_stats(
            queries,
            np.empty((0, self._shape[-1]), working_dtype(queries)),
            statistics=self._statistics,
            k=self._k or 1,
            kernel=self._kernel,
            self_indices=None if self._self_indices is None else np.full(self._shape[-2], -1),
            empty=self._request.empty,
        )

    def _check_settings(self, other: LocalMeanAccumulator) -> None:
        if self._digest != other._digest:
            raise ValueError(
                "merge needs accumulators of the same queries, in the same dtype; got other ones, "
                f"of shapes {self._shape} and {other._shape}"
            )
        own, others = self._self_indices, other._self_indices
        if (own is None) != (others is None) or (own is not None and (own != others).any()):
            raise ValueError("merge needs accumulators of the same self_indices")
        if not self._bandwidth.same_as(other._bandwidth):
            raise ValueError("merge needs accumulators of the same bandwidths of queries")
        settings = "statistics", "k", "kernel", "neighbors", "query_offset", "exclude_self"
        for name in settings:
            mine, theirs = getattr(self, f"_{name}"), getattr(other, f"_{name}")
            if mine != theirs:
                raise ValueError(f"merge needs the same {name}, got {mine!r} and {theirs!r}")
