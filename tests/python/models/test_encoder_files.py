"""Encoders from safetensors files: BERT's names, what config.json adds, what is missing."""

import hashlib
import json

import numpy as np
import pytest
from encoders import HEADS, bert_names, encoder_of, random_weights, sentences, write_safetensors
from numpy.testing import assert_array_equal

from vicinal.models import TransformerEncoder


@pytest.fixture
def weights(rng):
    return random_weights(rng, np.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("prefix", ["", "bert."])
def test_the_file_gives_the_encoder_of_its_arrays(prefix, weights, path, rng):
    write_safetensors(path, bert_names(weights, prefix))
    ids = sentences(rng, (5, 9, 31))
    expected = encoder_of(weights).encode(ids)
    assert_array_equal(
        TransformerEncoder.from_safetensors(path, n_heads=HEADS).encode(ids), expected
    )
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    TransformerEncoder.from_safetensors(path, n_heads=HEADS, sha256=right)
    with pytest.raises(ValueError, match="it is another file, or damaged"):
        TransformerEncoder.from_safetensors(path, n_heads=HEADS, sha256="0" * 64)


def test_token_types_are_added_to_the_positions(weights, path, rng):
    types = rng.normal(size=(2, 24)).astype(np.float32)
    arrays = bert_names(weights) | {"embeddings.token_type_embeddings.weight": types}
    got = TransformerEncoder.from_safetensors(write_safetensors(path, arrays), n_heads=HEADS)
    expected = encoder_of(weights | {"positions": weights["positions"] + types[0]})
    assert_array_equal(got.encode([[1, 2, 3]]), expected.encode([[1, 2, 3]]))


def test_a_config_says_what_the_weights_do_not(weights, path):
    write_safetensors(path, bert_names(weights))
    file = path.parent / "config.json"
    config = {"num_attention_heads": HEADS, "layer_norm_eps": 1e-3, "hidden_act": "gelu_new"}
    file.write_text(json.dumps(config))
    ids = [[1, 2, 3]]
    got = TransformerEncoder.from_safetensors(path).encode(ids)
    options = {"epsilon": 1e-3, "activation": "gelu_tanh"}
    assert_array_equal(got, encoder_of(weights, **options).encode(ids))
    given = TransformerEncoder.from_safetensors(path, activation="relu", epsilon=1e-12, n_heads=1)
    assert given.n_heads == 1
    file.write_text(json.dumps(config | {"hidden_act": "mish"}))
    with pytest.raises(ValueError, match="names the activation 'mish'"):
        TransformerEncoder.from_safetensors(path)
    assert TransformerEncoder.from_safetensors(path, activation="silu").n_heads == HEADS
    file.write_text("{")
    with pytest.raises(ValueError, match="is no JSON"):
        TransformerEncoder.from_safetensors(path)


def test_what_is_missing_is_named(weights, path):
    arrays = bert_names(weights)

    def read(without="", **more):
        kept = {
            name: array for name, array in arrays.items() if not name.startswith(without or "-")
        }
        write_safetensors(path, kept | more)
        return TransformerEncoder.from_safetensors(path, n_heads=HEADS)

    read()
    with pytest.raises(ValueError, match=r"lacks the tensor 'encoder.layer.1.output.dense.weight'"):
        read("encoder.layer.1.output.dense.weight")
    with pytest.raises(ValueError, match=r"must hold levels .* without gaps, got \[1\]"):
        read("encoder.layer.0")
    with pytest.raises(ValueError, match=r"must hold one tensor '…embeddings.word_embeddings"):
        read("embeddings.word")
    path.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ValueError, match="is not a safetensors file"):
        TransformerEncoder.from_safetensors(path)
    write_safetensors(path, arrays)
    with pytest.raises(ValueError, match="n_heads must be given: the weights do not tell it"):
        TransformerEncoder.from_safetensors(path)
    with pytest.raises(FileNotFoundError):
        TransformerEncoder.from_safetensors(path.parent / "none.safetensors")
