"""The Transformer encoder as a hierarchy of local means."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array, as_index
from vicinal.linear import ACTIVATIONS
from vicinal.models.encoder_level import EncoderLevel, Level, as_norm
from vicinal.models.encoder_pass import as_embeddings, pass_levels
from vicinal.models.head_means import Attention, as_attention
from vicinal.models.sentences import (
    Block,
    as_sentences,
    in_blocks,
    means_of_sentences,
    of_length_one,
)

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.neighbor_sets import NeighborSet

__all__ = ["TransformerEncoder"]

POOLINGS = ("mean", "first", None)


class TransformerEncoder:
    r"""Encode sentences by levels of local means of their tokens (Vaswani et al. 2017).

    Every head of a level averages values ``v`` with weights ``exp(q·k/√d)``: a local mean; its
    output map, a soft update (residual), normalisation and a map of each token alone lead to the
    next level. All linear maps are the engine's own, so that a sentence has the same bits whatever
    else is in the batch.

    Parameters
    ----------
    tokens : array_like of shape (vocabulary, width)
        Embedding of every token.
    positions : array_like of shape (max_length, width)
        Added to the token at each position.
    levels : sequence of EncoderLevel
        The weights of every level.
    n_heads : int
        Heads of every level.
    embedding_norm : (gain, bias), optional
        Layer norm of the embeddings.
    final_norm : (gain, bias), optional
        Layer norm behind the last level, usual with ``norm="pre"``.
    norm : {"post", "pre"}
        Norms behind the two halves of a level (BERT), or before them.
    activation : {"gelu", "gelu_tanh", "relu", "silu"}
        Of the map of each token.
    epsilon : float
        Of all norms.

    Attributes
    ----------
    width, vocabulary, max_length, n_heads, n_levels : int
    dtype : dtype

    Raises
    ------
    ValueError
        For shapes that do not fit, and head counts that do not divide.
    TypeError
        For arrays that are not real numbers on the CPU.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import EncoderLevel, TransformerEncoder
    >>> one, plain = (np.eye(4), None), (np.ones(4), None)
    >>> level = EncoderLevel(one, one, one, one, plain, one, one, plain)
    >>> encoder = TransformerEncoder(np.eye(4), np.zeros((8, 4)), [level], n_heads=2)
    >>> encoder.encode([[0, 1], [2]]).shape
    (2, 4)
    """

    def __init__(
        self,
        tokens: ArrayLike,
        positions: ArrayLike,
        levels: Sequence[EncoderLevel],
        *,
        n_heads: int,
        embedding_norm: tuple[ArrayLike, ArrayLike | None] | None = None,
        final_norm: tuple[ArrayLike, ArrayLike | None] | None = None,
        norm: str = "post",
        activation: str = "gelu",
        epsilon: float = 1e-12,
    ) -> None:
        self.n_heads = as_index(n_heads, "n_heads")
        if self.n_heads < 1:
            raise ValueError(f"n_heads must be at least 1, got {n_heads}")
        if norm not in ("post", "pre"):
            raise ValueError(f"norm must be 'post' or 'pre', got {norm!r}")
        if activation not in ACTIVATIONS[1:]:
            names = ", ".join(map(repr, ACTIVATIONS[1:]))
            raise ValueError(f"activation must be one of {names}, got {activation!r}")
        embeddings = as_embeddings(tokens, positions)
        self.dtype, self.norm = embeddings.tokens.dtype, norm
        self.vocabulary, self.width = embeddings.tokens.shape
        self.max_length = len(embeddings.positions)
        if not levels or not all(isinstance(level, EncoderLevel) for level in levels):
            raise TypeError("levels must be EncoderLevel objects, at least one")
        sizes = self.width, self.n_heads, activation, float(epsilon), self.dtype
        self._levels = [Level(given, *sizes, f"levels[{i}]") for i, given in enumerate(levels)]
        norms = {"embedding_norm": embedding_norm, "final_norm": final_norm}
        embedding, self._final_norm = (
            None if pair is None else as_norm(pair, name, self.width, float(epsilon), self.dtype)
            for name, pair in norms.items()
        )
        self._embeddings = embeddings._replace(norm=embedding)

    @classmethod
    def from_safetensors(
        cls,
        path: str | os.PathLike[str],
        *,
        n_heads: int | None = None,
        sha256: str | None = None,
        activation: str | None = None,
        epsilon: float | None = None,
    ) -> TransformerEncoder:
        """Read the weights of a BERT, by its names, from a safetensors file.

        Parameters
        ----------
        path : path-like
            The file. A ``config.json`` beside it says what is not given here.
        n_heads : int, optional
            Heads of every level, which the weights do not tell.
        sha256 : str, optional
            What the SHA-256 of the file has to be.
        activation : str, optional
            Of the map of each token; "gelu" without a ``config.json``.
        epsilon : float, optional
            Of the norms; 1e-12 without a ``config.json``.

        Returns
        -------
        TransformerEncoder

        Raises
        ------
        ValueError
            For a file that is no safetensors file, has another hash, or lacks a weight.
        """
        from vicinal.models.bert_files import read_bert

        options = {"n_heads": n_heads, "activation": activation, "epsilon": epsilon}
        return cls(**read_bert(path, sha256, options))

    @property
    def n_levels(self) -> int:
        """Number of levels."""
        return len(self._levels)

    def encode(
        self,
        token_ids: Any,
        attention_mask: ArrayLike | None = None,
        *,
        normalize: bool = True,
        pooling: str | None = "mean",
        attention: str = "softmax",
        neighbors: NeighborSet | None = None,
        num_threads: int | None = None,
    ) -> Array | list[Array]:
        """Return one vector per sentence.

        Parameters
        ----------
        token_ids : array_like of int, or list of such
            A sentence (n,), padded sentences (count, n) with their `attention_mask`, or a list of
            sentences of any lengths, whose tokens are packed: padding costs nothing.
        attention_mask : array_like of shape (count, n), optional
            1 for tokens, then 0 for padding.
        normalize : bool
            Divide every vector by its length.
        pooling : {"mean", "first", None}
            The mean of the tokens, the first one, or all: one array (n, width) per sentence.
        attention : {"softmax", "gaussian"}
            The form of the local means: of dot products, or the same as a Gaussian with prior
            weights of the keys, which differs by rounding.
        neighbors : NeighborSet, optional
            Which tokens of its sentence a token sees, in every head: ``KNearest(k)`` cuts every
            head to its k heaviest weights (all, in shorter sentences).
        num_threads : int, optional
            Threads of this call, −1 = all; None is `get_num_threads`. The result does not depend
            on it.

        Returns
        -------
        ndarray of shape (count, width), or (width,) for a single sentence, or list of ndarray

        Raises
        ------
        ValueError
            For tokens that are not in the vocabulary, sentences that are empty or too long, a mask
            that does not fit.
        """
        if pooling not in POOLINGS:
            raise ValueError(f"pooling must be 'mean', 'first' or None, got {pooling!r}")
        how = as_attention(attention, neighbors, num_threads)
        rows, single = as_sentences(token_ids, attention_mask, self.vocabulary, self.max_length)
        states: list[Any] = [None] * len(rows)
        vectors = np.empty((len(rows), self.width), self.dtype)
        for block in in_blocks(rows):
            *_, last = self._pass(block, how)
            if pooling == "mean":
                means_of_sentences(last, block, vectors)
            for i, at in block.slices():
                if pooling == "first":
                    vectors[i] = last[at.start]
                elif pooling is None:
                    states[i] = of_length_one(last[at]) if normalize else last[at].copy()
        if pooling is None:
            return states[0] if single else states
        result = of_length_one(vectors) if normalize else vectors
        return result[0] if single else result

    def hidden_states(
        self,
        token_ids: Any,
        attention_mask: ArrayLike | None = None,
        *,
        attention: str = "softmax",
        neighbors: NeighborSet | None = None,
        num_threads: int | None = None,
    ) -> list[Array]:
        """Return the tokens of every sentence before the first level and behind each.

        Parameters
        ----------
        token_ids, attention_mask, attention, neighbors, num_threads
            As in `encode`.

        Returns
        -------
        list of ndarray of shape (n_levels + 1, n, width)
        """
        how = as_attention(attention, neighbors, num_threads)
        rows, _ = as_sentences(token_ids, attention_mask, self.vocabulary, self.max_length)
        states = [np.empty((self.n_levels + 1, len(row), self.width), self.dtype) for row in rows]
        for block in in_blocks(rows):
            for level, now in enumerate(self._pass(block, how)):
                for i, at in block.slices():
                    states[i][level] = now[at]
        return states

    def heads(
        self, token_ids: Any, level: int, *, num_threads: int | None = None
    ) -> tuple[Array, Array, Array]:
        """Return the queries, keys and values of one level for one sentence.

        Parameters
        ----------
        token_ids : array_like of int of shape (n,)
            The sentence.
        level : int
            From 0.
        num_threads : int, optional
            As in `encode`.

        Returns
        -------
        queries, keys, values : ndarray of shape (n_heads, n, d), (n_heads, n, d), (n_heads, n, p)
            The level's local means are those of the softmax kernel at bandwidth √d.
        """
        if not 0 <= as_index(level, "level") < self.n_levels:
            raise ValueError(f"level must be 0 to {self.n_levels - 1}, got {level}")
        states = self.hidden_states([token_ids], num_threads=num_threads)[0]
        at, x = self._levels[level], states[level]
        if self.norm == "pre":
            x = at.attention_norm(x, np.empty_like(x), num_threads)
        return at.heads.split(at.project(x, num_threads=num_threads))

    def __repr__(self) -> str:
        return (
            f"TransformerEncoder({self.n_levels} levels of {self.n_heads} heads, width "
            f"{self.width}, {self.vocabulary} tokens, {self.dtype})"
        )

    def _pass(self, block: Block, attention: Attention) -> Iterator[Array]:
        """Yield the tokens of a block before the first level and behind each, in one buffer."""
        threads = attention.num_threads
        x = self._embeddings(block, threads)
        last = self.n_levels if self._final_norm is not None else -1
        for i, rows in enumerate(pass_levels(x, self._levels, self.norm, block.runs, attention)):
            if i == last and self._final_norm is not None:
                self._final_norm(rows, rows, threads)
            yield rows
