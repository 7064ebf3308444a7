r"""Self-attention as local means: every head averages the values of a sentence's tokens.

As softmax, :math:`e^{q·k/τ}` with :math:`τ = √d`; or, because
:math:`q·k = (‖q‖² + ‖k‖² - ‖q - k‖²)/2` and a factor of the query cancels, as a Gaussian of
bandwidth :math:`√τ` whose keys have the prior weights :math:`e^{‖k‖²/2τ}`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from vicinal.arrays import Array
from vicinal.evaluate import Request, evaluate
from vicinal.linear import Linear
from vicinal.models.sentences import Run
from vicinal.neighbor_sets import KNearest, NeighborSet
from vicinal.problem import Problem, prepare

__all__ = ["Attention", "HeadMeans", "Heads", "as_attention"]

ATTENTIONS = ("softmax", "gaussian")


class Heads(NamedTuple):
    """How a row of projections divides: queries, keys and values, each head by head."""

    n_heads: int
    key_width: int
    value_width: int

    @property
    def columns(self) -> int:
        """Numbers in a row: queries and keys, then values."""
        return self.n_heads * (2 * self.key_width + self.value_width)

    def split(self, rows: Array) -> tuple[Array, Array, Array]:
        """Return views (..., heads, tokens, width) of projections (..., tokens, columns)."""
        keys = self.n_heads * self.key_width
        parts = rows[..., :keys], rows[..., keys : 2 * keys], rows[..., 2 * keys :]
        return self.by_head(parts[0]), self.by_head(parts[1]), self.by_head(parts[2])

    def by_head(self, rows: Array) -> Array:
        """Return a view (..., heads, tokens, width) of (..., tokens, heads · width)."""
        return rows.reshape(*rows.shape[:-1], self.n_heads, -1).swapaxes(-3, -2)


class Attention(NamedTuple):
    """What is computed: checked by `as_attention`."""

    form: str = "softmax"
    neighbors: NeighborSet | None = None
    num_threads: int | None = None


def as_attention(attention: str, neighbors: object, num_threads: int | None) -> Attention:
    """Return the checked choice of a local mean."""
    if attention not in ATTENTIONS:
        raise ValueError(f"attention must be one of {', '.join(ATTENTIONS)}, got {attention!r}")
    if neighbors is not None and not isinstance(neighbors, NeighborSet):
        raise TypeError(
            "neighbors must be a NeighborSet of a sentence's tokens, such as KNearest or Window, "
            f"or None, got {type(neighbors).__name__}"
        )
    return Attention(attention, neighbors, num_threads)


class HeadMeans:
    """Local means of all tokens of a block, from one buffer of projections into another.

    The buffers stay the same from level to level, so that a run's problem is prepared once.

    Parameters
    ----------
    heads : Heads
    projected : ndarray of shape (tokens, heads.columns)
        What a level projects.
    means : ndarray of shape (tokens, heads · value width)
        Where the means go.
    runs : list of Run
    attention : Attention
    """

    def __init__(
        self, heads: Heads, projected: Array, means: Array, runs: list[Run], attention: Attention
    ) -> None:
        self.heads, self.projected, self.attention = heads, projected, attention
        self.request = Request(empty="zero", num_threads=attention.num_threads)
        self.priors = None
        if attention.form == "gaussian":
            self.priors = np.zeros((heads.n_heads, len(projected)), projected.dtype)
            self.squared_norms = _sums_by_head(heads, projected.dtype)
        self.problems = [(self._problem(run), heads.by_head(_of(run, means))) for run in runs]

    def __call__(self) -> None:
        """Fill the means."""
        if self.priors is not None:
            keys = self.heads.n_heads * self.heads.key_width
            k = self.projected[:, keys : 2 * keys]
            self.priors[:] = self.squared_norms(k * k, num_threads=self.attention.num_threads).T
        for problem, means in self.problems:
            evaluate(problem, self.request, {"mean": means})

    def _problem(self, run: Run) -> Problem:
        near = self.attention.neighbors
        if isinstance(near, KNearest) and near.k >= run.length:
            near = None
        temperature = float(np.sqrt(self.heads.key_width))
        priors = None
        if self.priors is not None:
            priors = _of(run, self.priors.T).swapaxes(-2, -1)
        return prepare(
            *self.heads.split(_of(run, self.projected)),
            kernel=self.attention.form,
            bandwidth=temperature if priors is None else np.sqrt(temperature),
            metric=None,
            neighbors=near,
            log_weights=priors,
        )


def _of(run: Run, rows: Array) -> Array:
    """Return a view (sentences, tokens, columns) of a run's rows."""
    taken = rows[run.rows]
    strides = (run.length * taken.strides[0], *taken.strides)
    shape = (run.sentences, run.length, taken.shape[1])
    return np.lib.stride_tricks.as_strided(taken, shape, strides)


def _sums_by_head(heads: Heads, dtype: np.dtype[Any]) -> Linear:
    """Return the map of (heads · key width) squares to their sums by head, over 2τ."""
    sums = np.repeat(np.eye(heads.n_heads), heads.key_width, axis=1)
    return Linear((sums / (2 * np.sqrt(heads.key_width))).astype(dtype))
