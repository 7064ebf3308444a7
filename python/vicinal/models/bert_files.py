"""Weights of an encoder by the names that BERT gave them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from vicinal.arrays import Array
from vicinal.models.encoder_level import EncoderLevel
from vicinal.persistence.safetensors import read_safetensors

__all__ = ["read_bert"]

WORDS = "embeddings.word_embeddings.weight"
ACTIVATIONS = {"gelu": "gelu", "gelu_new": "gelu_tanh", "relu": "relu", "silu": "silu"}


def read_bert(
    path: str | os.PathLike[str], sha256: str | None, options: dict[str, Any]
) -> dict[str, Any]:
    """Return the arguments of an encoder; options that are None come from ``config.json``."""
    tensors = _Tensors(read_safetensors(path, sha256=sha256), os.fspath(path))
    given = {name: value for name, value in options.items() if value is not None}
    given = _config(Path(path), given) | given
    if "n_heads" not in given:
        raise ValueError(
            "n_heads must be given: the weights do not tell it, and no config.json with "
            f"num_attention_heads stands beside {os.fspath(path)!r}"
        )
    positions = tensors["embeddings.position_embeddings.weight"]
    if tensors.prefix + "embeddings.token_type_embeddings.weight" in tensors.by_name:
        positions = positions + tensors["embeddings.token_type_embeddings.weight"][:1]
    return given | {
        "tokens": tensors[WORDS],
        "positions": positions,
        "levels": [tensors.level(i) for i in range(tensors.count_levels())],
        "embedding_norm": tensors.pair("embeddings.LayerNorm"),
    }


class _Tensors:
    """The tensors of a file, by names behind a common prefix."""

    def __init__(self, by_name: dict[str, Array], path: str) -> None:
        self.by_name, self.path = by_name, path
        prefixes = [name[: -len(WORDS)] for name in by_name if name.endswith(WORDS)]
        if len(prefixes) != 1:
            raise ValueError(
                f"{path!r} must hold one tensor '…{WORDS}', as a BERT encoder does, got "
                f"{len(prefixes)} among {len(by_name)} tensors"
            )
        self.prefix = prefixes[0]

    def __getitem__(self, name: str) -> Array:
        if self.prefix + name not in self.by_name:
            raise ValueError(f"{self.path!r} lacks the tensor {self.prefix + name!r}")
        return self.by_name[self.prefix + name]

    def pair(self, name: str) -> tuple[Array, Array]:
        return self[f"{name}.weight"], self[f"{name}.bias"]

    def count_levels(self) -> int:
        pattern = re.compile(re.escape(self.prefix) + r"encoder\.layer\.(\d{1,6})\.")
        found = {int(match[1]) for name in self.by_name if (match := pattern.match(name))}
        if not found or found != set(range(len(found))):
            raise ValueError(
                f"{self.path!r} must hold levels {self.prefix}encoder.layer.0, .1, … without gaps, "
                f"got {sorted(found)}"
            )
        return len(found)

    def level(self, i: int) -> EncoderLevel:
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
        return EncoderLevel(
            **{field: self.pair(f"encoder.layer.{i}.{name}") for field, name in names.items()}
        )


def _config(path: Path, given: dict[str, Any]) -> dict[str, Any]:
    """Return what a ``config.json`` beside the file says of what is not given."""
    file = path.parent / "config.json"
    if not file.is_file():
        return {}
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{os.fspath(file)!r} is no JSON: {error}") from error
    known: dict[str, Any] = {}
    if not isinstance(config, dict):
        return known
    if isinstance(config.get("num_attention_heads"), int):
        known["n_heads"] = config["num_attention_heads"]
    if isinstance(config.get("layer_norm_eps"), float):
        known["epsilon"] = config["layer_norm_eps"]
    if "hidden_act" in config and "activation" not in given:
        if config["hidden_act"] not in ACTIVATIONS:
            raise ValueError(
                f"{os.fspath(file)!r} names the activation {config['hidden_act']!r}; known are "
                f"{', '.join(ACTIVATIONS)}; give activation= to overrule it"
            )
        known["activation"] = ACTIVATIONS[config["hidden_act"]]
    return known
