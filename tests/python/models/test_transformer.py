"""TransformerEncoder: the formulas in float64, torch's layers, bits, forms of attention."""

import pickle

import numpy as np
import pytest
from encoders import HEADS, KEY, VALUE, WIDTH, encoder_of, random_weights, sentences, states_of
from encoders import vector_of as expected_vector
from numpy.testing import assert_allclose, assert_array_equal

import pages
import vicinal as vc
from vicinal.models import TransformerEncoder

LENGTHS = (7, 1, 30, 7, 64, 2, 80, 30, 7)
TOLERANCE = {np.dtype("float32"): 1e-5, np.dtype("float64"): 1e-13}


@pytest.fixture
def weights(rng, dtype):
    return random_weights(rng, dtype)


@pytest.fixture
def ids(rng):
    return sentences(rng, LENGTHS)


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_states_are_the_formulas(norm, weights, ids, dtype):
    encoder = encoder_of(weights, norm=norm)
    assert encoder.dtype == dtype
    for row, got in zip(ids, encoder.hidden_states(ids), strict=True):
        exact = states_of(weights, row, norm)
        assert got.dtype == dtype
        assert_allclose(got, exact, rtol=0, atol=TOLERANCE[dtype] * np.abs(exact).max())
    vectors = encoder.encode(ids)
    exact = [expected_vector(states_of(weights, row, norm)) for row in ids]
    assert vectors.dtype == dtype
    assert_allclose(vectors, exact, rtol=0, atol=TOLERANCE[dtype])


def test_bits_depend_on_the_sentence_alone(weights, ids, monkeypatch):
    encoder = encoder_of(weights)
    expected = encoder.encode(ids)
    for threads in (1, 2, 3, 7):
        assert encoder.encode(ids, num_threads=threads).tobytes() == expected.tobytes()
    for i, row in enumerate(ids):
        assert encoder.encode(row).tobytes() == expected[i].tobytes()
        assert encoder.encode([list(row)]).tobytes() == expected[i].tobytes()
    assert_array_equal(encoder.encode(ids[::-1]), expected[::-1])
    assert_array_equal(encoder.encode(ids * 8), np.tile(expected, (8, 1)))
    padded = np.zeros((len(ids), 80), np.int64)
    mask = np.zeros_like(padded)
    for i, row in enumerate(ids):
        padded[i, : len(row)], mask[i, : len(row)] = row, 1
    assert_array_equal(encoder.encode(padded, mask), expected)
    monkeypatch.setattr("vicinal.models.sentences.BLOCK_TOKENS", 40)
    assert_array_equal(encoder.encode(ids), expected)
    states = encoder.hidden_states(ids)
    for i, row in enumerate(ids):
        assert_array_equal(encoder.hidden_states([row])[0], states[i])


def test_a_gaussian_with_prior_weights_is_the_softmax(weights, ids, dtype):
    encoder = encoder_of(weights)
    got = encoder.encode(ids, attention="gaussian")
    assert_allclose(got, encoder.encode(ids), rtol=0, atol=TOLERANCE[dtype])
    assert_array_equal(encoder.encode(ids[2], attention="gaussian"), got[2])


def test_heads_are_local_means_of_the_tokens(weights, ids, dtype):
    encoder = encoder_of(weights)
    row = ids[2]
    queries, keys, values = encoder.heads(row, 1)
    assert (queries.shape, values.shape) == ((HEADS, 30, KEY), (HEADS, 30, VALUE))
    means = vc.local_mean(queries, keys, values, kernel="softmax", bandwidth=np.sqrt(KEY))
    level, x = weights["levels"][1], encoder.hidden_states([row])[0]
    update = vc.linear.linear(means.swapaxes(0, 1).reshape(30, -1), *level.output, residual=x[1])
    y = vc.linear.layer_norm(update, *level.attention_norm, epsilon=1e-12)
    wide = vc.linear.linear(y, *level.up, activation="gelu")
    y = vc.linear.linear(wide, *level.down, residual=y)
    assert_array_equal(vc.linear.layer_norm(y, *level.mlp_norm, epsilon=1e-12), x[2])


def test_a_cut_to_the_nearest_keeps_its_bound(weights, ids):
    # Mass s left out moves a mean by at most s · (max − min) of a column.
    encoder = encoder_of(weights)
    assert_array_equal(encoder.encode(ids, neighbors=vc.KNearest(80)), encoder.encode(ids))
    assert np.abs(encoder.encode(ids, neighbors=vc.KNearest(3)) - encoder.encode(ids)).max() > 1e-4
    queries, keys, values = (array.astype(float) for array in encoder.heads(ids[4], 0))
    options = {"kernel": "softmax", "bandwidth": np.sqrt(KEY), "statistics": ["mean", "log_mass"]}
    whole = vc.local_stats(queries, keys, values, **options)
    cut = vc.local_stats(queries, keys, values, neighbors=vc.KNearest(5), **options)
    dropped = -np.expm1(cut.log_mass - whole.log_mass)[..., None]
    width = np.ptp(values, axis=1)[:, None]
    assert np.all(np.abs(cut.mean - whole.mean) <= dropped * width + 1e-13)


def test_poolings(weights, ids):
    encoder = encoder_of(weights)
    states = encoder.encode(ids, pooling=None, normalize=False)
    assert [len(rows) for rows in states] == list(LENGTHS)
    assert_array_equal(
        encoder.encode(ids, pooling="first", normalize=False), [rows[0] for rows in states]
    )
    means = encoder.encode(ids, normalize=False)
    assert_allclose(means, [rows.mean(axis=0) for rows in states], rtol=0, atol=1e-6)
    unit = encoder.encode(ids, pooling=None)
    assert_allclose(np.linalg.norm(unit[4], axis=1), 1, atol=1e-6)
    assert_array_equal(encoder.encode(ids[4], pooling=None), unit[4])
    assert encoder.encode([]).shape == (0, WIDTH)


def test_a_final_norm_follows_the_last_level(weights, ids):
    last = weights["levels"][0].mlp_norm
    plain = encoder_of(weights, norm="pre").hidden_states(ids)
    got = encoder_of(weights, norm="pre", final_norm=last).hidden_states(ids)
    for before, after in zip(plain, got, strict=True):
        assert_array_equal(before[:-1], after[:-1])
        assert_array_equal(vc.linear.layer_norm(before[-1], *last, epsilon=1e-12), after[-1])


def test_an_encoder_is_pickled(weights, ids):
    encoder = encoder_of(weights)
    assert_array_equal(pickle.loads(pickle.dumps(encoder)).encode(ids), encoder.encode(ids))
    assert repr(encoder).startswith("TransformerEncoder(2 levels of 3 heads, width 24, 50 tokens")


def test_calls_are_refused_with_the_argument(rng):
    encoder = encoder_of(random_weights(rng, np.float32))
    for message, call in {
        r"token_ids\[1\] has 0 tokens": lambda: encoder.encode([[1], []]),
        r"token_ids\[0\] has 81 tokens, and a sentence has 1 to 80": lambda: encoder.encode(
            [[1] * 81]
        ),
        r"below the size of the vocabulary \(50\), got 1 to 50": lambda: encoder.encode([[1, 50]]),
        "got -1 to 3": lambda: encoder.encode([[3, -1]]),
        "whole numbers": lambda: encoder.encode([[1.5]]),
        "attention_mask must have the shape": lambda: encoder.encode([[1, 2]], [[1, 1, 1]]),
        "then 0 for its padding": lambda: encoder.encode([[1, 2, 3]], [[1, 0, 1]]),
        "pooling must be": lambda: encoder.encode([[1]], pooling="max"),
        "attention must be one of softmax, gaussian": lambda: encoder.encode(
            [[1]], attention="laplace"
        ),
        "level must be 0 to 1": lambda: encoder.heads([1, 2], 2),
    }.items():
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="neighbors must be a NeighborSet"):
        encoder.encode([[1]], neighbors=5)


def test_weights_that_do_not_fit_are_refused(rng):
    def build(n_heads=HEADS, **changes):
        weights = random_weights(rng, np.float32)
        fields = {name: changes.pop(name) for name in ("query", "output") if name in changes}
        if fields:
            level = weights["levels"][1]
            weights["levels"][1] = type(level)(**(vars(level) | fields))
        return TransformerEncoder(**(weights | changes), n_heads=n_heads)

    for message, changes in {
        "n_heads must be at least 1": {"n_heads": 0},
        "which n_heads=5 does not divide": {"n_heads": 5},
        "both need the same": {"positions": np.ones((8, 23))},
        r"levels\[1\].output must map 15 inputs": {"output": (np.ones((24, 14)), None)},
        r"levels\[1\]: query has 6 outputs": {"query": (np.ones((6, 24)), None)},
        r"embedding_norm must have 24 numbers": {"embedding_norm": (np.ones(3), None)},
        "norm must be 'post' or 'pre'": {"norm": "middle"},
        "activation must be one of": {"activation": "selu"},
        "epsilon must be finite and at least 0, got -1": {"epsilon": -1},
    }.items():
        with pytest.raises(ValueError, match=message):
            build(**changes)
    with pytest.raises(TypeError, match="levels must be EncoderLevel objects"):
        build(levels=[{}])
    with pytest.raises(TypeError, match=r"levels\[1\].query must be a pair"):
        build(query=np.ones((24, 24)))


def test_the_page_runs():
    names = pages.run("encoder.md")
    assert_allclose(names["gaussian"], names["vectors"], rtol=0, atol=1e-12)
    assert np.abs(names["cut"] - names["vectors"])[1].max() > 1e-3
    assert np.all(names["moved"] <= names["left_out"][..., None] + 1e-12)
