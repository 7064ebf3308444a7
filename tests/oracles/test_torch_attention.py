"""torch's scaled_dot_product_attention: at most twice its own float32 error, and 4 ulp."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

import vicinal as vc

SLOPES = np.array([0.5, 0.1, 0.02])
RNG = np.random.default_rng(1)
MASK = RNG.random((2, 1, 60, 60)) < 0.5
BIAS = RNG.normal(size=(3, 60, 60))
BLOCKS = RNG.random((8, 8)) < 0.5
PLACES = np.arange(60)
DIFFERENCES = PLACES - PLACES[:, None]
CAUSAL = DIFFERENCES <= 0
WINDOW = CAUSAL & (DIFFERENCES >= -20)
ALIBI = -SLOPES[:, None, None] * np.abs(DIFFERENCES)

# name -> (our options, torch's mask: booleans or numbers to add)
CASES = {
    "all": ({}, None),
    "causal": ({"causal": True}, CAUSAL),
    "window": ({"window": (20, 0)}, WINDOW),
    "mask": ({"mask": MASK}, MASK),
    "bias": ({"bias": BIAS}, BIAS),
    "alibi": ({"alibi_slopes": SLOPES, "causal": True}, np.where(CAUSAL, ALIBI, -np.inf)),
    "blocks": (
        {"neighbors": vc.BlockMask(BLOCKS, 8)},
        np.kron(BLOCKS, np.ones((8, 8), bool))[:60, :60],
    ),
}


def of_torch(q, k, v, mask, **options):
    tensors = [torch.from_numpy(np.ascontiguousarray(a)) for a in (q, k, v)]
    if mask is not None:
        mask = torch.from_numpy(np.broadcast_to(mask, (*q.shape[:-1], k.shape[-2])).copy())
        mask = mask if mask.dtype == torch.bool else mask.to(tensors[0].dtype)
    return scaled_dot_product_attention(*tensors, attn_mask=mask, **options).numpy()


def check(got, arrays, mask, **options):
    exact = of_torch(*(a.astype(np.float64) for a in arrays), mask, **options)
    if got.dtype == np.float64:
        np.testing.assert_allclose(got, exact, atol=1e-13)
        return
    bound = 2 * np.abs(of_torch(*arrays, mask, **options) - exact).max()
    assert np.abs(got - exact).max() <= bound + 4 * np.spacing(np.abs(arrays[2]).max())


@pytest.fixture(params=["float32", "float64"])
def heads(request, rng):
    """Return queries, keys, values of 2 sequences, 3 heads, 60 tokens; values are wider."""
    return tuple(rng.normal(size=(2, 3, 60, p)).astype(request.param) for p in (32, 32, 48))


@pytest.mark.parametrize("name", CASES)
def test_option(name, heads):
    given, mask = CASES[name]
    check(vc.attention(*heads, **given), heads, mask)


def test_is_causal_where_lengths_differ(heads):
    q, k, v = heads
    check(vc.attention(q[:, :, :20], k, v, causal=True), (q[:, :, :20], k, v), CAUSAL[:20])


def test_scale(heads):
    check(vc.attention(*heads, scale=0.3), heads, None, scale=0.3)


def test_enable_gqa(heads):
    q = np.concatenate([heads[0], -heads[0]], axis=1)  # 6 heads ask 3
    k, v = heads[1:]
    got = vc.attention(q.reshape(2, 3, 2, 60, 32), k[:, :, None], v[:, :, None])
    check(got.reshape(2, 6, 60, 48), (q, k, v), None, enable_gqa=True)


def test_a_padded_batch_is_sequences_laid_end_to_end(heads):
    lengths = [60, 23]
    packed = [np.concatenate([a[i, :, :n] for i, n in enumerate(lengths)], 1) for a in heads]
    got = vc.attention(*packed, query_offsets=np.cumsum([0, *lengths]))
    mask = (np.array(lengths)[:, None] > PLACES)[:, None, None, :]
    exact = of_torch(*(a.astype(np.float64) for a in heads), mask)
    plain = of_torch(*heads, mask)
    for i, rows in enumerate((slice(0, 60), slice(60, 83))):
        here = np.s_[i, :, : lengths[i]]
        bound = 2 * np.abs(plain[here] - exact[here]).max() + 4 * np.spacing(np.abs(heads[2]).max())
        assert np.abs(got[:, rows] - exact[here]).max() <= bound


def test_log_mass_is_logsumexp(heads):
    q, k, v = heads
    mass = vc.attention(q, k, v, return_log_mass=True, mask=MASK)[1]

    def logsumexp(q, k):
        logits = torch.from_numpy(q) @ torch.from_numpy(k).mT / 32**0.5
        return logits.masked_fill(~torch.from_numpy(MASK), -torch.inf).logsumexp(-1).numpy()

    exact = logsumexp(q.astype(np.float64), k.astype(np.float64))
    largest = np.abs(exact).max().astype(q.dtype)
    bound = 2 * np.abs(logsumexp(q, k) - exact).max() + 4 * np.spacing(largest)
    assert np.abs(mass - exact).max() <= bound


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_flex_attention_softcap(heads):
    from torch.nn.attention.flex_attention import flex_attention

    def capped(score, *_):
        return 5 * torch.tanh(score / 5)

    def flex(*arrays):
        tensors = (torch.from_numpy(a) for a in arrays)
        return flex_attention(*tensors, score_mod=capped).numpy()

    exact = flex(*(a.astype(np.float64) for a in heads))
    got = vc.attention(*heads, softcap=5.0)
    bound = 2 * np.abs(flex(*heads) - exact).max() + 4 * np.spacing(np.abs(heads[2]).max())
    assert np.abs(got - exact).max() <= max(bound, 1e-13 if got.dtype == np.float64 else 0)
