"""Small encoders with random weights, and the formulas in float64."""

import json

import numpy as np
from scipy.special import ndtr, softmax

from vicinal.models import EncoderLevel, TransformerEncoder

WIDTH, HEADS, KEY, VALUE, WIDE, VOCABULARY, LONGEST = 24, 3, 8, 5, 40, 50, 80


def pair(rng, *shape, dtype, bias=True):
    weight = rng.normal(size=shape) / np.sqrt(shape[-1])
    return weight.astype(dtype), rng.normal(size=shape[0]).astype(dtype) if bias else None


def norm_pair(rng, dtype):
    return tuple((array + rng.normal(size=WIDTH) / 5).astype(dtype) for array in (1, 0))


def random_weights(rng, dtype, n_levels=2, value=VALUE):
    def level():
        return EncoderLevel(
            query=pair(rng, HEADS * KEY, WIDTH, dtype=dtype),
            key=pair(rng, HEADS * KEY, WIDTH, dtype=dtype),
            value=pair(rng, HEADS * value, WIDTH, dtype=dtype, bias=False),
            output=pair(rng, WIDTH, HEADS * value, dtype=dtype),
            attention_norm=norm_pair(rng, dtype),
            up=pair(rng, WIDE, WIDTH, dtype=dtype),
            down=pair(rng, WIDTH, WIDE, dtype=dtype),
            mlp_norm=norm_pair(rng, dtype),
        )

    return {
        "tokens": rng.normal(size=(VOCABULARY, WIDTH)).astype(dtype),
        "positions": rng.normal(size=(LONGEST, WIDTH)).astype(dtype),
        "levels": [level() for _ in range(n_levels)],
        "embedding_norm": norm_pair(rng, dtype),
    }


def encoder_of(weights, **options):
    return TransformerEncoder(**weights, n_heads=HEADS, **options)


def sentences(rng, lengths):
    return [rng.integers(0, VOCABULARY, length) for length in lengths]


def mapped(x, given):
    weight, bias = given
    y = x @ weight.astype(float).T
    return y if bias is None else y + bias


def normed(x, given, epsilon=1e-12):
    x = x - x.mean(-1, keepdims=True)
    x = x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon)
    return x * given[0] + given[1]


def attended(x, level, heads):
    def by_head(given):
        return mapped(x, given).reshape(len(x), heads, -1).swapaxes(0, 1)

    q, k, v = by_head(level.query), by_head(level.key), by_head(level.value)
    shares = softmax(q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-1]), axis=-1)
    return mapped((shares @ v).swapaxes(0, 1).reshape(len(x), -1), level.output)


def spread_out(x, level):
    wide = mapped(x, level.up)
    return mapped(wide * ndtr(wide), level.down)


def states_of(weights, ids, norm="post", heads=HEADS):
    """Return the tokens of one sentence before the first level and behind each, in float64."""
    x = weights["tokens"][ids].astype(float) + weights["positions"][: len(ids)]
    if weights.get("embedding_norm"):
        x = normed(x, weights["embedding_norm"])
    states = [x]
    for level in weights["levels"]:
        if norm == "post":
            x = normed(x + attended(x, level, heads), level.attention_norm)
            x = normed(x + spread_out(x, level), level.mlp_norm)
        else:
            x = x + attended(normed(x, level.attention_norm), level, heads)
            x = x + spread_out(normed(x, level.mlp_norm), level)
        states.append(x)
    return np.stack(states)


def vector_of(states):
    mean = states[-1].mean(axis=0)
    return mean / np.linalg.norm(mean)


def bert_names(weights, prefix=""):
    """Return the arrays of `random_weights` by BERT's names; every map has a bias there."""
    names = {
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "output": "attention.output.dense",
        "attention_norm": "attention.output.LayerNorm",
        "up": "intermediate.dense",
        "down": "output.dense",
        "mlp_norm": "output.LayerNorm",
    }
    arrays = {
        "embeddings.word_embeddings.weight": weights["tokens"],
        "embeddings.position_embeddings.weight": weights["positions"],
        "embeddings.LayerNorm.weight": weights["embedding_norm"][0],
        "embeddings.LayerNorm.bias": weights["embedding_norm"][1],
    }
    for i, level in enumerate(weights["levels"]):
        for field, name in names.items():
            weight, bias = getattr(level, field)
            arrays[f"encoder.layer.{i}.{name}.weight"] = weight
            zeros = np.zeros(len(weight), weight.dtype)
            arrays[f"encoder.layer.{i}.{name}.bias"] = zeros if bias is None else bias
    return {prefix + name: array for name, array in arrays.items()}


def write_safetensors(path, arrays):
    """Write float32 arrays."""
    header, body = {}, b""
    for name, array in arrays.items():
        data = array.astype("<f4").tobytes()
        at = [len(body), len(body) + len(data)]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": at}
        body += data
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path
