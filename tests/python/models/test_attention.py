"""The attention layer against its formula in float64: heads, caches, sequences, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import vicinal as vc
from attention_cases import alibi, plain_attention, window
from vicinal.models import LocalAttention

WIDTH, HEADS, KEPT = 24, 6, 2
SLOPES = 2.0 ** -np.arange(HEADS)


@pytest.fixture
def weights(rng):
    """Return weights of 6 heads of 4 queries, 2 of 4 keys and 2 of 3 values, and of the output."""
    shapes = ((24, WIDTH), (8, WIDTH), (6, WIDTH), (10, 18))
    return [rng.normal(size=shape) / 4 for shape in shapes]


@pytest.fixture
def biases(rng):
    """Return what is added to queries, keys, values and output, by name."""
    sizes = {"query_bias": 24, "key_bias": 8, "value_bias": 6, "output_bias": 10}
    return {name: rng.normal(size=size) for name, size in sizes.items()}


def formula(x, context, weights, biases, **options):
    def heads(rows, weight, bias, count):
        out = rows @ weight.T + bias
        return np.moveaxis(out.reshape(*out.shape[:-1], count, -1), -2, -3)

    b = list(biases.values())
    q = heads(x, weights[0], b[0], HEADS)
    k, v = (
        heads(context, w, c, KEPT).repeat(3, axis=-3)
        for w, c in zip(weights[1:3], b[1:3], strict=True)
    )
    means = np.moveaxis(plain_attention(q, k, v, **options)[0], -3, -2)
    return means.reshape(*x.shape[:-1], -1) @ weights[3].T + b[3]


CASES = {
    "plain": ({}, {}),
    "causal window": ({"causal": True, "window": (4, 4)}, {"used": window(9, 9, 4, 0)}),
    "alibi": ({"alibi_slopes": SLOPES}, {"bias": alibi(SLOPES, 9, 9)}),
    "softcap": ({"softcap": 0.5, "scale": 0.3}, {"softcap": 0.5, "scale": 0.3}),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("lead", [(), (2,), (2, 3)], ids=str)
def test_formula(name, lead, weights, biases, rng):
    given, meant = CASES[name]
    layer = LocalAttention(*weights, **biases, n_heads=HEADS, n_kv_heads=KEPT, **given)
    x = rng.normal(size=(*lead, 9, WIDTH))
    np.testing.assert_allclose(layer(x), formula(x, x, weights, biases, **meant), atol=1e-13)


def test_context_masks_and_biases(weights, biases, rng):
    layer = LocalAttention(*weights, **biases, n_heads=HEADS, n_kv_heads=KEPT)
    x, context = rng.normal(size=(2, 9, WIDTH)), rng.normal(size=(2, 5, WIDTH))
    mask, bias = rng.random((2, 1, 9, 5)) < 0.7, rng.normal(size=(HEADS, 9, 5))
    expected = formula(x, context, weights, biases, used=mask, bias=bias)
    np.testing.assert_allclose(layer(x, context, mask=mask, bias=bias), expected, atol=1e-13)


def test_without_an_output_map_heads_stand_side_by_side(weights, rng):
    layer = LocalAttention(*weights[:3], n_heads=HEADS, n_kv_heads=KEPT)
    x = rng.normal(size=(9, WIDTH))
    zeros = dict.fromkeys(("q", "k", "v", "o"), 0.0)
    expected = formula(x, x, [*weights[:3], np.eye(18)], zeros)
    np.testing.assert_allclose(layer(x), expected, atol=1e-13)


def test_decoding_has_the_bits_of_the_whole(weights, biases, rng):
    layer = LocalAttention(
        *weights, **biases, n_heads=HEADS, n_kv_heads=KEPT, causal=True, alibi_slopes=SLOPES
    )
    x = rng.normal(size=(2, 9, WIDTH))
    cache = layer.new_cache(capacity=9)
    steps = [layer(x[:, i : i + 1], cache=cache) for i in range(9)]
    assert np.concatenate(steps, 1).tobytes() == layer(x).tobytes()
    with pytest.raises(ValueError, match="the cache overflows: 10 tokens, but capacity=9"):
        layer(x[:, :1], cache=cache)


def test_sequences_of_a_cache_are_laid_end_to_end(weights, biases, rng):
    layer = LocalAttention(*weights, **biases, n_heads=HEADS, n_kv_heads=KEPT, causal=True)
    x = rng.normal(size=(2, 9, WIDTH))
    whole, cache = layer(x), layer.new_cache(pages=4)
    layer(np.concatenate([x[0, :2], x[1, :7]]), query_offsets=[0, 2, 9], cache=cache)
    step = layer(np.concatenate([x[0, 2:6], x[1, 7:8]]), query_offsets=[0, 4, 5], cache=cache)
    assert step.tobytes() == np.concatenate([whole[0, 2:6], whole[1, 7:8]]).tobytes()


def test_sequences_have_the_bits_that_they_have_alone(weights, biases, rng):
    layer = LocalAttention(*weights, **biases, n_heads=HEADS, n_kv_heads=KEPT, causal=True)
    x = rng.normal(size=(20, WIDTH))
    packed = layer(x, query_offsets=[0, 3, 12, 20])
    for a, b in ((0, 3), (3, 12), (12, 20)):
        assert packed[a:b].tobytes() == layer(x[a:b]).tobytes()


@pytest.mark.parametrize("kernel", ["softmax", "gaussian"])
@pytest.mark.parametrize("seeing", [{}, {"causal": True}], ids=str)
def test_weights_of_a_head_make_its_means(kernel, seeing, weights, rng):
    # every row's value is a column of its own, so that the means are the weights
    values = np.eye(9, WIDTH)
    layer = LocalAttention(
        *weights[:2],
        np.concatenate([values, values]),
        n_heads=HEADS,
        n_kv_heads=KEPT,
        kernel=kernel,
        alibi_slopes=SLOPES,
        **seeing,
    )
    x = np.eye(9, WIDTH)
    means = layer(x)
    for head in range(HEADS):
        shares = layer.head_weights(x, head)
        np.testing.assert_allclose(shares, means[:, 9 * head : 9 * head + 9], atol=1e-14)
        np.testing.assert_allclose(shares.sum(1), 1)


def test_weights_of_torch(rng):
    stacked = {"in_proj_weight": rng.normal(size=(72, WIDTH)), "in_proj_bias": rng.normal(size=72)}
    stacked |= {"out_proj.weight": rng.normal(size=(WIDTH, 24)), "out_proj.bias": np.ones(WIDTH)}
    parts = [stacked["in_proj_weight"][i : i + 24] for i in (0, 24, 48)]
    names = ("query_bias", "key_bias", "value_bias")
    added = {
        n: stacked["in_proj_bias"][i : i + 24] for n, i in zip(names, (0, 24, 48), strict=True)
    }
    layer = LocalAttention(
        *parts, stacked["out_proj.weight"], **added, output_bias=np.ones(WIDTH), n_heads=4
    )
    x = rng.normal(size=(5, WIDTH))
    expected = layer(x)
    assert LocalAttention.from_arrays(stacked, n_heads=4)(x).tobytes() == expected.tobytes()
    apart = dict(zip(("q_proj_weight", "k_proj_weight", "v_proj_weight"), parts, strict=True))
    rest = {name: stacked[name] for name in stacked if name != "in_proj_weight"}
    assert LocalAttention.from_arrays(apart | rest, n_heads=4)(x).tobytes() == expected.tobytes()


def layer_of(weights, **options):
    return LocalAttention(*weights, **{"n_heads": HEADS, "n_kv_heads": KEPT} | options)


REFUSALS = {
    "heads that do not divide": (
        lambda w, x: layer_of(w, n_kv_heads=4),
        "n_kv_heads divide it, got n_heads=6 and n_kv_heads=4",
    ),
    "no heads": (lambda w, x: layer_of(w, n_heads=0), "n_heads must be at least 1"),
    "queries that do not divide": (
        lambda w, x: layer_of(w, n_heads=5, n_kv_heads=1),
        r"query_weight must have a multiple of 5 outputs, .* got shape \(24, 24\)",
    ),
    "keys of another width": (
        lambda w, x: layer_of(w, n_kv_heads=1),
        "24 outputs of query_weight for 6 heads and 8 of key_weight for 1",
    ),
    "an output of other heads": (
        lambda w, x: LocalAttention(*w[:3], np.ones((3, 7)), n_heads=HEADS, n_kv_heads=KEPT),
        "output_weight must have 18 inputs, the means of 6 heads side by side",
    ),
    "slopes of other heads": (
        lambda w, x: layer_of(w, alibi_slopes=np.ones(2)),
        r"one number for each of 6 heads, got shape \(2,\)",
    ),
    "a mask by sequences": (
        lambda w, x: layer_of(w)(x, mask=np.ones((2, 9, 9), bool)),
        r"mask must be \(\.\.\., 6 heads or 1, m, n\), .* write mask\[:, None\]",
    ),
    "no such head": (lambda w, x: layer_of(w).head_weights(x[0], 6), "head must be from 0 to 5"),
    "several sequences": (lambda w, x: layer_of(w).head_weights(x), "x must be one sequence"),
    "other names": (
        lambda w, x: LocalAttention.from_arrays({"weight": w[0]}, n_heads=1),
        r"arrays must hold in_proj_weight, or q_proj_weight, .* got \['weight'\]",
    ),
    "no three parts": (
        lambda w, x: LocalAttention.from_arrays({"in_proj_weight": np.ones((7, 2))}, n_heads=1),
        "in_proj_weight must stack three parts",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name, weights, rng):
    call, message = REFUSALS[name]
    with pytest.raises(ValueError, match=message):
        call(weights, rng.normal(size=(2, 9, WIDTH)))


def test_repr(weights):
    assert repr(layer_of(weights)) == "LocalAttention(24 → 10, n_heads=6, n_kv_heads=2)"
    alone = LocalAttention(*weights[:3], n_heads=HEADS, n_kv_heads=KEPT)
    assert repr(alone) == "LocalAttention(24 → 18, n_heads=6, n_kv_heads=2)"
    assert isinstance(vc.models.LocalAttention, type)
