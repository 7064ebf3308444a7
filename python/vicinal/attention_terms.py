"""What an attention call asks of a local mean: kernel, keys seen, biases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from vicinal.arrays import as_array
from vicinal.attention_kernel import attention_kernel
from vicinal.bias import ALiBi, PositionBias
from vicinal.row_sets import Window

if TYPE_CHECKING:
    import numpy as np

    from vicinal.arrays import ArrayLike
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.neighbor_sets import NeighborSet
    from vicinal.problem import Bias, Neighborhood

__all__ = ["AttentionTerms", "attention_terms", "check_heads"]


class AttentionTerms(NamedTuple):
    """Attention in the words of a local mean."""

    kernel: Kernel  # with bandwidths, unless `bandwidth` gives them
    bandwidth: Any
    metric: Metric | None
    neighbors: NeighborSet | None
    position: PositionBias | None  # counted anew in every sequence
    pairs: ArrayLike | Bias | None  # over the rows and columns of the call

    @property
    def counts_positions(self) -> bool:
        """Whether it matters where queries and keys stand."""
        return self.neighbors is not None or self.position is not None

    def for_local_mean(self, m: int, n: int, dtype: np.dtype[Any]) -> dict[str, Any]:
        """Return the arguments of `local_mean` for one sequence of m queries and n keys."""
        bias: Any = self.pairs
        if self.position is not None:
            bias = self.position
            if self.pairs is not None:
                bias = as_array(self.pairs, "bias") + bias.pairs(m, n, dtype)  # type: ignore[arg-type]
        return {
            "kernel": self.kernel,
            "bandwidth": self.bandwidth,
            "metric": self.metric,
            "neighbors": self.neighbors,
            "bias": bias,
        }


def attention_terms(
    d: int,
    *,
    scale: float | None = None,
    causal: bool = False,
    window: Any = None,
    alibi_slopes: ArrayLike | None = None,
    softcap: float | None = None,
    bias: Any = None,
    kernel: str | Kernel = "softmax",
    bandwidth: Any = None,
    metric: Metric | None = None,
    neighbors: Neighborhood = None,
) -> AttentionTerms:
    """Return the checked terms of `vicinal.attention` for heads with `d` features."""
    full = attention_kernel(
        kernel, scale=scale, softcap=softcap, bandwidth=bandwidth, metric=metric, d=d
    )
    seen = _window(causal, window)
    position: PositionBias | None = None
    pairs = bias
    if alibi_slopes is not None:
        if isinstance(bias, PositionBias) or callable(bias):
            raise ValueError(
                "alibi_slopes go together with an array as bias only; add the slopes to the table "
                "or the function"
            )
        # a query has one position, for its window and for its bias
        offset = seen.offset if isinstance(seen, Window) and seen.on is None else 0
        position = ALiBi(alibi_slopes, offset=offset)
    elif isinstance(bias, PositionBias):
        position, pairs = bias, None
    return AttentionTerms(full, bandwidth, metric, _joined(seen, neighbors), position, pairs)


def check_heads(queries: tuple[int, ...], keys: tuple[int, ...]) -> None:
    """Name the way out for shapes whose heads share keys, which numpy does not broadcast."""
    if min(len(queries), len(keys)) < 3:
        return
    asked, kept = queries[-3], keys[-3]
    if asked == kept or 1 in (asked, kept):
        return
    way = (
        f"reshape queries to (..., {kept}, {asked // kept}, m, d) and keys and values to (..., "
        f"{kept}, 1, n, ·)"
        if asked % kept == 0
        else "the number of heads of queries must be a multiple of that of keys"
    )
    raise ValueError(f"queries have {asked} heads and keys have {kept}; {way}")


def _window(causal: bool, window: Any) -> NeighborSet | None:
    if window is None:
        return Window(None, 0) if causal else None
    if not isinstance(window, Window):
        if not isinstance(window, tuple | list) or len(window) != 2:
            raise TypeError(
                f"window must be (before, after), None = unbounded, or a Window, got {window!r}"
            )
        window = Window(*window)
    given: Window = window
    if not causal:
        return given
    return given & Window(None, 0) if given.on is not None else replace(given, after=0)


def _joined(seen: NeighborSet | None, neighbors: Neighborhood) -> NeighborSet | None:
    if neighbors is None:
        return seen
    from vicinal.graph import as_neighbor_set

    others = as_neighbor_set(neighbors)
    if others.edge_data != "pattern":
        raise ValueError(
            f"neighbors={others} has {others.edge_data}s in the place of products of queries and "
            "keys; pass it to vicinal.local_mean"
        )
    return others if seen is None else seen & others
