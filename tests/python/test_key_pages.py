"""Pages of a cache: taken, shared until written, given back, and read where they stand."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest

import vicinal as vc
from attention_cases import alibi, heads, plain_attention, window

LENGTHS = [700, 256, 3, 511]


def same_bits(a, b):
    assert a.shape == b.shape
    assert a.tobytes() == b.tobytes()


@pytest.fixture
def tokens(rng):
    """Return queries, keys and values of 4 sequences, 3 heads, 700 tokens."""
    return heads(rng, np.float32, lead=(4, 3), m=1, n=700)


def interleaved(k, v, size, lengths=LENGTHS):
    """Return a cache whose sequences take pages in turn."""
    cache = vc.KeyCache(page_size=size)
    for start in range(0, k.shape[-2], 97):
        added = np.clip(np.array(lengths) - start, 0, min(97, k.shape[-2] - start))
        cache.append(k[..., start : start + 97, :], v[..., start : start + 97, :], lengths=added)
    return cache


CALLS = {
    "softmax": {},
    "window": {"window": (300, 0), "return_log_mass": True},
    "alibi": {"alibi_slopes": [0.5, 0.1, 0.02], "causal": True, "return_log_mass": True},
    "bias": {"bias": np.float32(0.1) * np.arange(3.0, dtype="f4")[:, None, None]},
    "another bias": {"bias": np.arange(3.0)[:, None, None]},  # not in the dtype of the keys
    "gaussian": {"kernel": "gaussian", "return_log_mass": True},
    "laplace of wide heads": {"kernel": "laplace", "bandwidth": 3.0},
    "compact": {"kernel": "epanechnikov", "bandwidth": 5.0, "empty": "nearest"},
    "nearest": {"neighbors": vc.KNearest(2)},
    "temperatures": {"bandwidth": vc.bandwidth.PerQuery([[1.0], [2.0], [4.0]])},
    "rule": {"kernel": "gaussian", "bandwidth": vc.bandwidth.KthNeighbor(3)},
    "per key and feature": {
        "kernel": "gaussian",
        "bandwidth": vc.bandwidth.PerKey(np.full((1, 16), 3.0), per_feature=True),
    },
}


def outputs(result):
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("size", [7, 256])
@pytest.mark.parametrize("name", CALLS)
def test_every_sequence_has_the_bits_of_one_page_alone(name, size, tokens):
    q, k, v = tokens
    got = vc.attention(q, cache=interleaved(k, v, size), **CALLS[name])
    for s, n in enumerate(LENGTHS):
        alone = vc.KeyCache(page_size=1024).append(k[s : s + 1, :, :n], v[s : s + 1, :, :n])
        for a, b in zip(
            outputs(got),
            outputs(vc.attention(q[s : s + 1], cache=alone, **CALLS[name])),
            strict=True,
        ):
            same_bits(a[s : s + 1], b)


def test_joined_sequences_have_the_bits_of_one_thread(rng):
    q, k, v = heads(rng, np.float32, lead=(2, 1), m=1, n=9000, d=64, p=64)
    cache = vc.KeyCache(page_size=300).append(k, v, lengths=[9000, 40])
    one = vc.attention(q, cache=cache, num_threads=1)
    for threads in (2, 3, 7):  # more threads than sequences: they share the keys of each
        same_bits(vc.attention(q, cache=cache, num_threads=threads), one)
    for s, n in enumerate(cache.lengths):
        same_bits(one[s], vc.attention(q[s], k[s, :, :n], v[s, :, :n]))


@pytest.mark.parametrize("size", [7, 256])
def test_blocks_and_windows_of_pages(size, tokens, rng):
    q, k, v = tokens
    blocks = rng.random((11, 11)) < 0.5
    near = vc.BlockMask(blocks, 64) & vc.Window(500, 0)
    got = vc.attention(q, cache=interleaved(k, v, size, [700] * 4), neighbors=near)
    used = np.kron(blocks[10], np.ones(64, bool))[:700] & (np.arange(700) >= 199)
    out, _ = plain_attention(*(a.astype(float) for a in (q, k, v)), used=used)
    np.testing.assert_allclose(got, out, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [7, 256])
def test_prompts_and_tokens_laid_end_to_end_are_plain_attention(size, rng):
    # sequence 0 asks a whole prompt, 1 nothing, 2 one token, 3 three; keys before them are stored
    before, asked = np.array([0, 300, 260, 5]), np.array([40, 0, 1, 3])
    at = np.concatenate([[0], np.cumsum(asked)])
    q, k, v = heads(rng, np.float64, lead=(2,), m=44, n=44)
    old_k, old_v = heads(rng, np.float64, lead=(4, 2), n=300)[1:]
    cache = vc.KeyCache(page_size=size).append(old_k, old_v, lengths=before)
    slopes = np.array([0.3, 0.02])
    got, mass = vc.attention(
        q,
        k,
        v,
        cache=cache,
        query_offsets=at,
        causal=True,
        alibi_slopes=slopes,
        return_log_mass=True,
    )
    assert cache.lengths.tolist() == (before + asked).tolist()
    for s, (b, m) in enumerate(zip(before, asked, strict=True)):
        rows = slice(at[s], at[s + 1])
        keys, values = (
            np.concatenate([old[s, :, :b], new[:, rows]], axis=-2)
            for old, new in ((old_k, k), (old_v, v))
        )
        out, log_mass = plain_attention(
            q[:, rows],
            keys,
            values,
            bias=alibi(slopes, m, b + m, b),
            used=window(m, b + m, None, 0, b),
        )
        np.testing.assert_allclose(got[:, rows], out, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(mass[:, rows], log_mass, rtol=1e-12, atol=1e-13)


def test_grouped_heads_share_pages(rng):
    q = rng.normal(size=(3, 2, 4, 1, 16))
    k, v = rng.normal(size=(2, 3, 2, 1, 300, 16))
    cache = interleaved(k, v, 64, [300, 20, 200])
    got = vc.attention(q, cache=cache, causal=True)
    laid = vc.attention(
        np.moveaxis(q[..., 0, :], 0, -2), cache=cache, query_offsets=range(4), causal=True
    )
    for s, n in enumerate(cache.lengths):
        out, _ = plain_attention(q[s], k[s, ..., :n, :], v[s, ..., :n, :])
        np.testing.assert_allclose(got[s], out, rtol=1e-12, atol=1e-14)
        same_bits(np.ascontiguousarray(laid[:, :, s]), np.ascontiguousarray(got[s, ..., 0, :]))


def test_forks_share_full_pages_and_copy_the_last_when_they_write(rng):
    k, v = rng.normal(size=(2, 1, 2, 100, 8)).astype("f4")
    new_k, new_v = rng.normal(size=(2, 9, 2, 40, 8)).astype("f4")
    cache = vc.KeyCache(page_size=32).append(k, v)
    assert cache.fork([0] * 8).tolist() == list(range(1, 9))
    assert cache.pages_used == 4
    cache.append(new_k, new_v, lengths=[40, *[1] * 7, 0])
    # 3 full pages for all, the rest of the prompt 9 times, and a second page of what is new for one
    assert cache.pages_used == 3 + 9 + 1
    for s, count in enumerate([40, *[1] * 7, 0]):
        np.testing.assert_array_equal(cache.keys[s, :, :100], k[0])
        np.testing.assert_array_equal(cache.values[s, :, 100 : 100 + count], new_v[s, :, :count])
    cache.free(range(8))
    assert cache.pages_used == 4
    np.testing.assert_array_equal(cache.keys[8], k[0])


def test_pages_come_back(rng):
    k, v = rng.normal(size=(2, 2, 1, 64, 4))
    cache = vc.KeyCache(page_size=16, pages=8).append(k, v)
    assert cache.pages_used == 8
    beams = cache.select([1, 1, 0])
    assert (cache.pages_used, beams.pages_used) == (8, 8)
    cache.truncate([17, 0])
    assert cache.pages_used == 8  # the beams hold them
    del beams
    assert cache.pages_used == 2
    memory = cache.nbytes
    (new,) = cache.add()
    cache.append(k[:1], v[:1], sequences=[new])
    assert (cache.lengths.tolist(), cache.pages_used) == ([17, 0, 64], 6)
    cache.append(k[0, :, :3], v[0, :, :3], offsets=[0, 1, 3], sequences=[1, 0])
    np.testing.assert_array_equal(cache.keys[0, :, 17:19], k[0, :, 1:3])
    np.testing.assert_array_equal(cache.keys[1, :, :1], k[0, :, :1])
    assert cache.nbytes == memory == 8 * 16 * 1 * 8 * 8


def test_too_few_pages_are_seen_before_anything_is_written(rng):
    k, v = rng.normal(size=(2, 3, 1, 20, 4))
    cache = vc.KeyCache(page_size=8, pages=4).append(k, v, lengths=[9, 8, 0])
    before = cache.keys
    message = "sequence 2 needs 1 more pages of 8 tokens, but 0 of 4 are left \\(1 before this call"
    with pytest.raises(ValueError, match=message):
        cache.append(k, v, lengths=[2, 1, 1])
    with pytest.raises(ValueError, match=message):
        vc.attention(k[..., :1, :], *(a[..., :1, :] for a in (k, v)), cache=cache)
    assert (cache.lengths.tolist(), cache.pages_used) == ([9, 8, 0], 3)
    same_bits(cache.keys, before)
    cache.fork([0])
    assert cache.pages_used == 3
    cache.append(k[:1], v[:1], lengths=[1], sequences=[3])  # a copy of the last page
    assert cache.pages_used == 4
    cache.append(k[:1], v[:1], lengths=[1], sequences=[0])  # which it now has alone
    assert cache.pages_used == 4


def test_a_refused_call_gives_its_pages_back(rng):
    k, v = rng.normal(size=(2, 2, 1, 20, 4))
    cache = vc.KeyCache(page_size=8).append(k, v)
    with pytest.raises(ValueError, match="mask of shape"):
        vc.attention(k, k, v, cache=cache, mask=np.ones((7, 3), bool))
    assert (cache.pages_used, cache.lengths.tolist()) == (6, [20, 20])


@pytest.mark.parametrize(
    "twin", [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))]
)
def test_copies_are_caches_of_their_own(twin, rng):
    k, v = rng.normal(size=(2, 2, 1, 20, 4))
    cache = vc.KeyCache(30, page_size=8).append(k, v, lengths=[3, 20])
    other = twin(cache)
    assert repr(other) == repr(cache)
    other.append(k, v, lengths=[2, 0])
    np.testing.assert_array_equal(cache.keys[0, :, :3], k[0, :, :3])
    np.testing.assert_array_equal(other.keys[0, :, 3:5], k[0, :, :2])
    del cache
    np.testing.assert_array_equal(other.keys[1], k[1])
    assert repr(twin(vc.KeyCache())) == "KeyCache(empty)"
    one = vc.KeyCache().append(k[0, 0], v[0, 0])
    np.testing.assert_array_equal(twin(one).keys, k[0, 0])


def test_rules_look_at_the_keys_of_each_sequence(rng):
    q, k, v = heads(rng, np.float64, lead=(2,), m=57, n=57)
    rule = vc.bandwidth.KthNeighbor(5)
    at = [0, 7, 40, 57]
    got = vc.attention(q, k, v, query_offsets=at, kernel="gaussian", bandwidth=rule)
    for a, b in itertools.pairwise(at):
        own = [x[:, a:b] for x in (q, k, v)]
        same_bits(
            np.ascontiguousarray(got[:, a:b]),
            vc.attention(*own, kernel="gaussian", bandwidth=rule),
        )
        distances = np.linalg.norm(own[0][:, :, None] - own[1][:, None], axis=-1)
        h = np.sort(distances, axis=-1)[..., 4:5]
        w = np.exp(-((distances / h) ** 2) / 2)
        np.testing.assert_allclose(
            got[:, a:b], w @ own[2] / w.sum(-1, keepdims=True), rtol=1e-11, atol=1e-13
        )


REFUSALS = {
    "no pages": (lambda c, k: vc.KeyCache(pages=0), "pages must be at least 1 page, got 0"),
    "a sequence twice": (
        lambda c, k: c.append(k, k, sequences=[1, 1]),
        r"sequences must differ from each other, got \[1, 1\]",
    ),
    "sequences that are not there": (lambda c, k: c.fork([2]), r"from 0 to 1, got \[2\]"),
    "keys of another number": (
        lambda c, k: c.append(k, k, sequences=[1]),
        "sequences must name 2 sequences",
    ),
    "lengths and offsets": (
        lambda c, k: c.append(k[0], k[0], offsets=[0, 2, 9], lengths=[2, 7]),
        "offsets say how long the sequences are; drop lengths",
    ),
    "offsets of others": (
        lambda c, k: c.append(k[0], k[0], offsets=[0, 9]),
        "offsets must be of 2 sequences, got 1",
    ),
    "offsets that do not fit": (
        lambda c, k: c.append(k[0], k[0], offsets=[0, 4, 8]),
        "offsets",
    ),
    "offsets of keys alone": (
        lambda c, k: vc.attention(k[0], cache=c, key_offsets=[0, 2, 9]),
        "key_offsets are of keys laid end to end, beside query_offsets",
    ),
    "an axis of sequences": (
        lambda c, k: vc.KeyCache().append(k[0, 0], k[0, 0]).fork([0]),
        "the cache has one sequence and no axis of them",
    ),
    "fewer than none": (lambda c, k: c.add(-1), "count must be at least 0, got -1"),
    "more queries than keys": (
        lambda c, k: vc.attention(
            np.concatenate([k[0]] * 2, axis=-2), cache=c, query_offsets=[0, 0, 18], causal=True
        ),
        "the 18 queries stand at the end of each cached sequence, but one holds 9 keys only",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name, rng):
    k = rng.normal(size=(2, 1, 9, 4))
    cache = vc.KeyCache().append(k, k)
    call, message = REFUSALS[name]
    with pytest.raises(ValueError, match=message):
        call(cache, k)
    assert cache.lengths.tolist() == [9, 9]
