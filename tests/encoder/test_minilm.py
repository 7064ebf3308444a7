"""Real weights: known cosines, the formulas in float64, forms of attention, bits."""

import minilm
import numpy as np
import pytest
from encoders import states_of, vector_of
from numpy.testing import assert_allclose, assert_array_equal

import vicinal as vc
from vicinal.models import TransformerEncoder
from vicinal.models.bert_files import read_bert

TEXTS = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]


@pytest.fixture(scope="module")
def encoder():
    return minilm.encoder()


@pytest.fixture(scope="module")
def ids():
    return minilm.token_ids(TEXTS)


@pytest.fixture(scope="module")
def vectors(encoder, ids):
    return encoder.encode(ids)


def many():
    rng = np.random.default_rng(0)
    lengths = rng.integers(8, 129, 64)
    return [np.r_[101, rng.integers(1000, 30000, length - 2), 102] for length in lengths]


def test_the_cosines_are_those_of_the_published_model(vectors):
    cosines = vectors @ vectors.T
    assert_array_equal(
        cosines[np.triu_indices(3, 1)].round(4), np.float32([0.6660, 0.1046, 0.1411])
    )
    assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_vectors_are_the_formulas_in_float64(encoder, ids, vectors):
    weights = read_bert(minilm.folder() / "model.safetensors", None, {})
    rows, got = [*ids, *many()[:3]], [*vectors, *encoder.encode(many()[:3])]
    for row, vector in zip(rows, got, strict=True):
        expected = vector_of(states_of(weights, row, heads=encoder.n_heads))
        assert_allclose(vector, expected, rtol=0, atol=1e-5)


def test_a_gaussian_with_prior_weights_gives_the_same(encoder, ids, vectors):
    gaussian = encoder.encode(ids, attention="gaussian")
    assert_allclose(gaussian, vectors, rtol=0, atol=1e-6)
    assert_array_equal((gaussian @ gaussian.T).round(4), (vectors @ vectors.T).round(4))


def test_bits_depend_on_the_sentence_alone(encoder):
    sentences = many()
    expected = encoder.encode(sentences)
    assert encoder.encode(sentences, num_threads=1).tobytes() == expected.tobytes()
    assert encoder.encode(sentences, num_threads=3).tobytes() == expected.tobytes()
    for i in range(0, 64, 9):
        assert encoder.encode([sentences[i]])[0].tobytes() == expected[i].tobytes()
    padded, mask = np.zeros((64, 128), np.int64), np.zeros((64, 128), bool)
    for i, row in enumerate(sentences):
        padded[i, : len(row)], mask[i, : len(row)] = row, True
    assert encoder.encode(padded, mask).tobytes() == expected.tobytes()


@pytest.mark.parametrize("level", range(6))
def test_heads_cut_to_their_nearest_keep_the_bound(encoder, level):
    q, k, v = (array.astype(float) for array in encoder.heads(many()[0], level))
    options = {"kernel": "softmax", "bandwidth": np.sqrt(32), "statistics": ["mean", "log_mass"]}
    whole = vc.local_stats(q, k, v, **options)
    cut = vc.local_stats(q, k, v, neighbors=vc.KNearest(8), **options)
    dropped = -np.expm1(cut.log_mass - whole.log_mass)[..., None]
    bound = dropped * np.ptp(v, axis=1)[:, None]
    assert np.all(np.abs(cut.mean - whole.mean) <= bound + 1e-13 * np.abs(v).max())


def test_other_files_are_refused(tmp_path):
    for name in ("model.safetensors", "config.json"):
        (tmp_path / name).write_bytes((minilm.folder() / name).read_bytes())
    file = tmp_path / "model.safetensors"
    with open(file, "r+b") as stream:
        stream.seek(-1, 2)
        stream.write(b"\x00" if stream.read(1) != b"\x00" else b"\x01")
    with pytest.raises(ValueError, match="it is another file, or damaged"):
        TransformerEncoder.from_safetensors(file, sha256=minilm.WEIGHTS)
