"""One level of a Transformer: local means of the tokens, then a map of each token alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vicinal import _core
from vicinal.arrays import Array, as_array
from vicinal.linear import Linear
from vicinal.models.head_means import Heads
from vicinal.threads import resolve_num_threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from vicinal.arrays import ArrayLike

    Pair = tuple[ArrayLike, ArrayLike | None]

__all__ = ["EncoderLevel", "Level", "Norm", "Workspace"]


@dataclass(frozen=True, eq=False)
class EncoderLevel:
    """Weights of one level, each map as (weight, bias), each norm as (gain, bias).

    Parameters
    ----------
    query, key : (array_like of shape (h · d, width), array_like of shape (h · d,) or None)
        Project a token to its query and its key, all h heads one behind the other.
    value : (array_like of shape (h · p, width), array_like of shape (h · p,) or None)
        The same for what is averaged.
    output : (array_like of shape (width, h · p), array_like of shape (width,) or None)
        Maps the means of all heads back.
    attention_norm : (array_like of shape (width,), array_like of shape (width,) or None)
        Norm of the token behind the means ("post"), or before them ("pre").
    up, down : (array_like of shape (wide, width), …), (array_like of shape (width, wide), …)
        The map of each token alone.
    mlp_norm : (array_like of shape (width,), array_like of shape (width,) or None)
        Norm of the token behind that map, or before it.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import EncoderLevel
    >>> one, plain = (np.eye(4), None), (np.ones(4), None)
    >>> level = EncoderLevel(one, one, one, one, plain, one, one, plain)
    """

    query: Pair
    key: Pair
    value: Pair
    output: Pair
    attention_norm: Pair
    up: Pair
    down: Pair
    mlp_norm: Pair


class Norm(NamedTuple):
    """A checked layer norm."""

    gain: Array
    bias: Array | None
    epsilon: float

    def __call__(self, x: Array, out: Array, num_threads: int | None) -> Array:
        threads = resolve_num_threads(num_threads)
        _core.layer_norm(x, self.gain, self.bias, self.epsilon, out, num_threads=threads)
        return out


class Workspace(NamedTuple):
    """What the levels write, used again by each: a row per token of the block."""

    rows: Array  # the tokens
    other: Array  # the same between the two halves of a level
    projected: Array
    means: Array
    wide: Array
    attend: Callable[[], None]  # projected → means
    num_threads: int | None


class Level:
    """A level with its weights packed.

    Parameters
    ----------
    given : EncoderLevel
    width : int
        Of a token.
    n_heads : int
    activation : str
    epsilon : float
        Of the norms.
    dtype : dtype
    name : str
        For messages.
    """

    def __init__(
        self,
        given: EncoderLevel,
        width: int,
        n_heads: int,
        activation: str,
        epsilon: float,
        dtype: np.dtype[Any],
        name: str,
    ) -> None:
        def packed(field: str, inputs: int, outputs: int | None) -> Linear:
            return as_map(getattr(given, field), f"{name}.{field}", inputs, outputs, dtype)

        def norm(field: str) -> Norm:
            return as_norm(getattr(given, field), f"{name}.{field}", width, epsilon, dtype)

        parts = [packed("query", width, None), packed("key", width, None)]
        parts.append(packed("value", width, None))
        self.heads = _heads(parts, n_heads, name)
        self.project = _side_by_side(parts)
        self.output = packed("output", parts[2].outputs, width)
        self.attention_norm, self.mlp_norm = norm("attention_norm"), norm("mlp_norm")
        self.up = packed("up", width, None)
        self.down = packed("down", self.up.outputs, width)
        self.activation = activation

    def post_norm(self, work: Workspace) -> None:
        """X ← norm(x + means(x)), x ← norm(x + map(x)) (Vaswani et al. 2017)."""
        x, y, threads = work.rows, work.other, work.num_threads
        self._means(x, work)
        self.output(work.means, residual=x, out=y, num_threads=threads)
        self.attention_norm(y, y, threads)
        self._map(y, work, residual=y, out=x)
        self.mlp_norm(x, x, threads)

    def pre_norm(self, work: Workspace) -> None:
        """X ← x + means(norm(x)), x ← x + map(norm(x)) (Xiong et al. 2020)."""
        x, y, threads = work.rows, work.other, work.num_threads
        self._means(self.attention_norm(x, y, threads), work)
        self.output(work.means, residual=x, out=x, num_threads=threads)
        self._map(self.mlp_norm(x, y, threads), work, residual=x, out=x)

    def _means(self, x: Array, work: Workspace) -> None:
        self.project(x, out=work.projected, num_threads=work.num_threads)
        work.attend()

    def _map(self, x: Array, work: Workspace, residual: Array, out: Array) -> None:
        threads = work.num_threads
        self.up(x, activation=self.activation, out=work.wide, num_threads=threads)
        self.down(work.wide, residual=residual, out=out, num_threads=threads)


def as_map(given: Any, name: str, inputs: int, outputs: int | None, dtype: np.dtype[Any]) -> Linear:
    """Return a packed (weight, bias); outputs=None: any number."""
    weight, bias = _as_pair(given, name)
    w = as_array(weight, f"{name} weight")
    if w.ndim != 2 or w.shape[1] != inputs or outputs not in (None, len(w)):
        wanted = "any number of outputs" if outputs is None else f"{outputs} outputs"
        raise ValueError(f"{name} must map {inputs} inputs to {wanted}, got shape {w.shape}")
    b = None if bias is None else as_array(bias, f"{name} bias").astype(dtype, copy=False)
    return Linear(w.astype(dtype, copy=False), b)


def as_norm(given: Any, name: str, width: int, epsilon: float, dtype: np.dtype[Any]) -> Norm:
    """Return a checked (gain, bias)."""
    gain, bias = _as_pair(given, name)
    if not 0 <= epsilon < np.inf:
        raise ValueError(f"epsilon must be finite and at least 0, got {epsilon}; 1e-12 is usual")

    def column(numbers: Any) -> Array:
        checked = as_array(numbers, name).astype(dtype)
        if checked.shape != (width,):
            raise ValueError(f"{name} must have {width} numbers, got shape {checked.shape}")
        return checked

    return Norm(column(gain), None if bias is None else column(bias), epsilon)


def _as_pair(given: Any, name: str) -> tuple[Any, Any]:
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise TypeError(f"{name} must be a pair (weight, bias or None), got {type(given).__name__}")
    return given[0], given[1]


def _heads(parts: list[Linear], n_heads: int, name: str) -> Heads:
    query, key, value = (part.outputs for part in parts)
    if query != key:
        raise ValueError(f"{name}: query has {query} outputs and key has {key}; both need the same")
    for field, outputs in (("query", query), ("value", value)):
        if outputs % n_heads:
            raise ValueError(
                f"{name}.{field} has {outputs} outputs, which n_heads={n_heads} does not divide"
            )
    return Heads(n_heads, key // n_heads, value // n_heads)


def _side_by_side(parts: list[Linear]) -> Linear:
    """One map with the outputs of several, so that their rows are read once."""
    biases = [np.zeros(p.outputs, p.dtype) if p.bias is None else p.bias for p in parts]
    return Linear(np.concatenate([p.weight for p in parts]), np.concatenate(biases))
