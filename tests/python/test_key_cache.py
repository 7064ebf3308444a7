"""The cache: pages, lengths, what it forgets, what it refuses and leaves as it was."""

from __future__ import annotations

import numpy as np
import pytest

import vicinal as vc
from attention_cases import heads


@pytest.fixture
def tokens(rng):
    """Return keys and values of 2 sequences, 3 heads, 20 tokens."""
    return heads(rng, np.float32, n=20)[1:]


def test_it_grows_by_pages_up_to_its_capacity(tokens):
    k, v = tokens
    cache = vc.KeyCache(capacity=20, page_size=8)
    pages = []
    for i in range(20):
        cache.append(k[..., i : i + 1, :], v[..., i : i + 1, :])
        pages.append(cache.pages_used)
    assert pages == [2] * 8 + [4] * 8 + [6] * 4  # of 2 sequences
    assert len(cache) == 20
    assert cache.keys.dtype == np.float32
    np.testing.assert_array_equal(cache.keys, k)
    np.testing.assert_array_equal(cache.values, v)
    with pytest.raises(ValueError, match="the cache overflows: 21 tokens, but capacity=20"):
        cache.append(k[..., :1, :], v[..., :1, :])
    assert len(cache) == 20


def test_sequences_of_several_lengths(tokens):
    k, v = tokens
    cache = vc.KeyCache().append(k, v, lengths=[3, 20])
    assert cache.lengths.tolist() == [3, 20]
    cache.append(k[..., :2, :], v[..., :2, :], lengths=[2, 0])
    np.testing.assert_array_equal(cache.keys[0, :, 3:5], k[0, :, :2])
    np.testing.assert_array_equal(cache.values[0, :, :3], v[0, :, :3])
    np.testing.assert_array_equal(cache.keys[1], k[1])
    assert repr(cache) == "KeyCache(2 × 3 × 5 to 20 tokens, keys 16 wide, values 8 wide, float32)"


def test_guesses_are_taken_back(tokens):
    k, v = tokens
    cache = vc.KeyCache().append(k, v)
    assert cache.truncate([4, 7]).lengths.tolist() == [4, 7]
    assert cache.truncate(2).lengths.tolist() == [2, 2]
    cache.append(k[..., 5:6, :], v[..., 5:6, :])
    np.testing.assert_array_equal(cache.keys, np.concatenate([k[..., :2, :], k[..., 5:6, :]], 2))
    assert len(cache.reset()) == 0
    assert not vc.attention(k[..., :1, :], cache=cache).any()


def test_beams_are_selected_and_grow_apart(tokens):
    k, v = tokens
    cache = vc.KeyCache(capacity=30, page_size=4).append(k, v, lengths=[6, 20])
    beams = cache.select([1, 0, 0])
    assert beams.lengths.tolist() == [20, 6, 6]
    assert beams.capacity == 30
    np.testing.assert_array_equal(beams.keys[0], k[1])
    np.testing.assert_array_equal(beams.values[2, :, :6], v[0, :, :6])
    beams.append(*(a[[0, 0, 0], :, :1] for a in tokens))
    assert cache.lengths.tolist() == [6, 20]
    np.testing.assert_array_equal(cache.keys[0, :, :6], k[0, :, :6])
    np.testing.assert_array_equal(beams.keys[2, :, 6], k[0, :, 0])


def test_one_sequence_without_heads(rng):
    k, v = rng.normal(size=(2, 5, 3))
    cache = vc.KeyCache().append(k, v[:, :2])
    assert cache.lengths.tolist() == [5]
    assert repr(cache) == "KeyCache(5 tokens, keys 3 wide, values 2 wide, float64)"
    assert vc.attention(k[4:], cache=cache, causal=True).shape == (1, 2)


def test_what_a_refused_call_appended_goes_again(tokens):
    k, v = tokens
    cache = vc.KeyCache().append(k, v)
    with pytest.raises(ValueError, match="mask of shape"):
        vc.attention(k[..., :1, :], k, v, cache=cache, mask=np.ones((7, 3), bool))
    assert len(cache) == 20
    empty = vc.KeyCache()
    with pytest.raises(ValueError, match="queries have 5 features"):
        vc.attention(np.zeros((2, 3, 1, 5)), k, v, cache=empty)
    assert repr(empty) == "KeyCache(empty)"
    assert len(empty.append(k.astype(float), v)) == 20


REFUSALS = {
    "a capacity of 0": (lambda c, k, v: vc.KeyCache(0), "capacity must be at least 1"),
    "pages of nothing": (lambda c, k, v: vc.KeyCache(page_size=0), "page_size must be at least 1"),
    "keys of an empty cache": (lambda c, k, v: vc.KeyCache().keys, "the cache is empty; append"),
    "other tokens of values": (
        lambda c, k, v: c.append(k, v[..., :4, :]),
        "keys and values must have one shape but for the width",
    ),
    "other widths": (
        lambda c, k, v: c.append(k[..., :5], v),
        r"keys must be \(2, 3, 20, 16\) to fit the cache, got \(2, 3, 20, 5\)",
    ),
    "other heads": (lambda c, k, v: c.append(k[:, :2], v[:, :2]), "to fit the cache, got"),
    "another dtype": (
        lambda c, k, v: c.append(k.astype(float), v.astype(float)),
        r"keys are float64, but the cache holds float32; convert them with \.astype\(float32\)",
    ),
    "lengths of others": (
        lambda c, k, v: c.append(k, v, lengths=[1, 2, 3]),
        "lengths must be 2 whole numbers, one for each sequence",
    ),
    "lengths of more": (
        lambda c, k, v: c.append(k, v, lengths=[1, 21]),
        r"lengths must be from 0 to 20 tokens, got \[1, 21\]",
    ),
    "what is not there": (lambda c, k, v: c.truncate(21), "from 0 to what is there"),
    "half a token": (lambda c, k, v: c.truncate(1.5), "lengths must be one whole number"),
    "no such sequence": (lambda c, k, v: c.select([2]), r"from 0 to 1, got \[2\]"),
    "sequences by a mask": (lambda c, k, v: c.select([True]), "sequences must be whole numbers"),
    "queries beyond its keys": (
        lambda c, k, v: vc.attention(np.zeros((2, 3, 21, 16), "f4"), cache=c, causal=True),
        "the 21 queries stand at the end of each cached sequence, but one holds 20 keys only",
    ),
    "offsets beside it": (
        lambda c, k, v: vc.attention(k, cache=c, query_offsets=[0, 20]),
        "query_offsets are of 1 sequences, but the cache has 2; give sequences",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name, tokens):
    k, v = tokens
    cache = vc.KeyCache().append(k, v)
    call, message = REFUSALS[name]
    with pytest.raises(ValueError, match=message):
        call(cache, k, v)
    assert len(cache) == 20
