"""A level of an encoder is torch's layer; files are those that safetensors writes."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.numpy import save_file

from vicinal.persistence.safetensors import read_safetensors

sys.path.append(str(Path(__file__).resolve().parents[1] / "python" / "models"))
from encoders import HEADS, KEY, WIDTH, encoder_of, random_weights, sentences

LENGTHS = (7, 1, 30, 64)
TOLERANCE = {np.dtype("float32"): 1e-5, np.dtype("float64"): 1e-13}


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("norm", ["post", "pre"])
def test_a_level_is_that_of_torch(norm, rng, dtype):
    weights = random_weights(rng, dtype, n_levels=1, value=KEY)
    level = weights["levels"][0]
    theirs = torch.nn.TransformerEncoderLayer(
        WIDTH,
        HEADS,
        len(level.up[0]),
        dropout=0.0,
        activation="gelu",
        layer_norm_eps=1e-12,
        batch_first=True,
        norm_first=norm == "pre",
        dtype=torch.float32 if dtype == np.float32 else torch.float64,
    ).eval()
    value = level.value[0], np.zeros(len(level.value[0]), dtype)
    parts = level.query, level.key, value
    named = {
        "self_attn.in_proj": tuple(np.concatenate([p[i] for p in parts]) for i in (0, 1)),
        "self_attn.out_proj": level.output,
        "linear1": level.up,
        "linear2": level.down,
        "norm1": level.attention_norm,
        "norm2": level.mlp_norm,
    }
    joints = {"self_attn.in_proj": "_"}
    state = {
        f"{name}{joints.get(name, '.')}{kind}": torch.from_numpy(array)
        for name, arrays in named.items()
        for kind, array in zip(("weight", "bias"), arrays, strict=True)
    }
    theirs.load_state_dict(state)
    for states in encoder_of(weights, norm=norm).hidden_states(sentences(rng, LENGTHS)):
        with torch.no_grad():
            expected = theirs(torch.from_numpy(states[:1].copy()))[0].numpy()
        bound = 2 * TOLERANCE[dtype] * np.abs(expected).max()  # theirs errs, too
        assert_allclose(states[1], expected, rtol=0, atol=bound)


def test_the_package_writes_what_we_read(tmp_path, rng):
    path = tmp_path / "tensors.safetensors"
    arrays = {"a": rng.normal(size=(3, 4)).astype(np.float32), "b": np.arange(6).reshape(2, 3)}
    save_file(arrays, path, metadata={"format": "np"})
    got = read_safetensors(path)
    for name, array in arrays.items():
        assert_array_equal(got[name], array)
