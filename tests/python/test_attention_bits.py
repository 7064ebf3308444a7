"""A sequence's bits: of threads, of other queries, of packing, of padding and of a cache."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import vicinal as vc
from attention_cases import SLOPES, heads

LENGTHS = np.array([1, 9, 0, 30, 17])
OFFSETS = np.concatenate([[0], np.cumsum(LENGTHS)])
STEPS = {
    "causal": {"causal": True},
    "window": {"window": (7, 0)},
    "alibi": {"causal": True, "alibi_slopes": SLOPES},
    "table": {"causal": True, "bias": vc.bias.Relative(np.cos(np.arange(9.0)))},
    "function": {"causal": True, "bias": lambda i, j: 0.01 * np.abs(i[:, None] - 2.0 * j)},
    "nearest": {"causal": True, "neighbors": vc.KNearest(6)},
    "capped": {"causal": True, "softcap": 2.0},
}


def same_bits(a, b):
    assert a.shape == b.shape
    assert a.tobytes() == b.tobytes()


def test_of_threads_and_of_other_queries(rng, dtype):
    q, k, v = heads(rng, dtype, m=300, n=600, d=24)
    one = vc.attention(q, k, v, alibi_slopes=SLOPES, num_threads=1)
    for threads in (2, 3, 7):
        same_bits(vc.attention(q, k, v, alibi_slopes=SLOPES, num_threads=threads), one)
    for i in (0, 17, 299):
        bias = vc.bias.ALiBi(SLOPES, offset=i)
        same_bits(vc.attention(q[..., i : i + 1, :], k, v, bias=bias), one[..., i : i + 1, :])


@pytest.mark.parametrize("name", STEPS)
def test_sequences_laid_end_to_end_are_those_alone(name, rng, dtype):
    q, k, v = heads(rng, dtype, lead=(3,), m=57, n=57)
    options = STEPS[name]
    packed, mass = vc.attention(q, k, v, query_offsets=OFFSETS, return_log_mass=True, **options)
    for a, b in itertools.pairwise(OFFSETS):
        near = options.get("neighbors")
        fewer = {"neighbors": vc.KNearest(min(near.k, b - a))} if near and b > a else {}
        own = (x[:, a:b] for x in (q, k, v))
        if b > a:
            alone = vc.attention(*own, return_log_mass=True, **options | fewer)
            same_bits(packed[:, a:b], alone[0])
            same_bits(mass[:, a:b], alone[1])


def test_other_offsets_of_keys_masks_and_biases_by_rows_and_columns_of_the_call(rng):
    q, k, v = heads(rng, np.float64, lead=(3,), m=12, n=57)
    queries = np.array([0, 2, 5, 7, 8, 12])
    mask, bias = rng.random((12, 57)) < 0.7, rng.normal(size=(3, 12, 57))
    end = vc.Window(None, 0, offset="end")
    got = vc.attention(
        q, k, v, query_offsets=queries, key_offsets=OFFSETS, mask=mask, bias=bias, window=end
    )
    for s, (a, b) in enumerate(itertools.pairwise(queries)):
        keys = slice(OFFSETS[s], OFFSETS[s + 1])
        alone = vc.attention(
            q[:, a:b],
            k[:, keys],
            v[:, keys],
            mask=mask[a:b, keys],
            bias=bias[:, a:b, keys],
            window=end,
        )
        same_bits(got[:, a:b], alone)
    assert not got[:, 5:7].any()  # their sequence has no key


@pytest.mark.parametrize("name", STEPS)
def test_decoding_is_the_whole_at_once(name, rng, dtype):
    # softmax: a row's bits are the same with and without the keys that it does not see
    q, k, v = heads(rng, dtype, m=40, n=40)
    options = STEPS[name]
    whole, mass = vc.attention(q, k, v, return_log_mass=True, **options)
    cache = vc.KeyCache(page_size=8)
    start = 0
    for stop in (11, 12, 13, 30, 31, 40):
        step = slice(start, stop)
        got, log_mass = vc.attention(
            *(a[..., step, :] for a in (q, k, v)), cache=cache, return_log_mass=True, **options
        )
        same_bits(got, whole[..., step, :])
        same_bits(log_mass, mass[..., step])
        start = stop
    assert len(cache) == 40


@pytest.mark.parametrize("kernel", ["softmax", "gaussian", "laplace", "epanechnikov"])
def test_a_cache_is_its_keys_as_arrays(kernel, rng, dtype):
    q, k, v = heads(rng, dtype, m=2, n=300)
    cache = vc.KeyCache().append(k, v)
    end = vc.Window(None, 0, offset="end")
    got = vc.attention(q, cache=cache, causal=True, kernel=kernel)
    same_bits(got, vc.attention(q, k, v, window=end, kernel=kernel))


@pytest.mark.parametrize("name", STEPS)
def test_cached_sequences_of_several_lengths(name, rng):
    lengths = np.array([4, 9, 9, 2])
    q, k, v = heads(rng, np.float64, lead=(4, 3), m=1, n=9)
    cache = vc.KeyCache().append(k, v, lengths=lengths)
    got = vc.attention(q, cache=cache, **STEPS[name])
    for s, length in enumerate(lengths):
        alone = vc.KeyCache().append(k[s, :, :length], v[s, :, :length])
        same_bits(got[s], vc.attention(q[s], cache=alone, **STEPS[name]))


def test_prompts_of_several_lengths_are_padded_behind(rng, dtype):
    # causal tokens never see the padding, which is then cut off
    lengths = np.array([4, 11, 7])
    q, k, v = heads(rng, dtype, lead=(3, 2), m=12, n=12)
    cache = vc.KeyCache()
    prompt = vc.attention(*(a[..., :11, :] for a in (q, k, v)), cache=cache, causal=True)
    cache.truncate(lengths)
    token = vc.attention(*(a[..., 11:, :] for a in (q, k, v)), cache=cache, causal=True)
    for s, n in enumerate(lengths):
        own = [np.concatenate([a[s, :, :n], a[s, :, 11:]], axis=-2) for a in (q, k, v)]
        alone = vc.attention(*own, causal=True)
        same_bits(prompt[s, :, :n], alone[:, :n])
        same_bits(token[s], alone[:, n:])


@pytest.mark.parametrize("causal", [False, True])
def test_of_weights_made_in_one_pass_or_in_steps(causal, rng, dtype):
    q, k, v = heads(rng, dtype, m=70, n=1100, d=24)
    no_bias = np.zeros((70, 1100), dtype)
    fused = vc.attention(q, k, v, causal=causal)
    same_bits(fused, vc.attention(q, k, v, causal=causal, bias=no_bias))


@pytest.mark.parametrize("spoil", [None, 1e30, 1e-30, np.inf, np.nan])
def test_of_values_read_where_they_stand_or_copied(spoil, rng, dtype):
    q, k, v = heads(rng, dtype, m=70, n=1536, p=32)
    if spoil is not None:
        v[..., 700, 3] = spoil
        v[..., 5] *= 1e-12
    apart = np.zeros((*v.shape[:-1], 40), dtype)[..., :32]
    apart[...] = v
    together = vc.attention(q, k, v)
    same_bits(together, vc.attention(q, k, apart))
    if spoil is None:
        logs = (
            np.einsum("...id,...jd->...ij", q.astype(float), k.astype(float)) / q.shape[-1] ** 0.5
        )
        weights = np.exp(logs - logs.max(-1, keepdims=True))
        right = (weights / weights.sum(-1, keepdims=True)) @ v.astype(float)
        assert np.abs(together - right).max() <= 40 * np.finfo(dtype).eps * np.abs(right).max()
