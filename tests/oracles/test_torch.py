"""torch's scaled dot-product attention and softmax over distances."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vicinal as vc

FIGURE = {np.dtype("float32"): 1e-5, np.dtype("float64"): 1e-13}


@pytest.fixture(params=["float32", "float64"])
def heads(request, rng):
    """Return queries, keys and values of (batch 2, heads 3, 50 or 70 tokens, 16 or 8 features)."""
    dtype = np.dtype(request.param)
    shapes = ((2, 3, 50, 16), (2, 3, 70, 16), (2, 3, 70, 8))
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def attention(q, x, y, **options):
    tensors = (torch.from_numpy(a) for a in (q, x, y))
    return torch.nn.functional.scaled_dot_product_attention(*tensors, **options).numpy()


def assert_close(got, expected):
    assert got.dtype == expected.dtype
    assert np.abs(got - expected).max() <= FIGURE[got.dtype] * np.abs(expected).max()


def test_softmax_is_scaled_dot_product_attention(heads):
    q, x, y = heads
    assert_close(vc.local_mean(q, x, y, kernel="softmax", bandwidth=4.0), attention(q, x, y))
    got = vc.local_mean(q, x, y, kernel="softmax", bandwidth=2.0)
    assert_close(got, attention(q, x, y, scale=0.5))


def test_mask_true_means_used(heads, rng):
    q, x, y = heads
    mask = rng.random((2, 1, 50, 70)) < 0.5
    expected = attention(
        q, x, y, attn_mask=torch.from_numpy(np.broadcast_to(mask, (2, 3, 50, 70)).copy())
    )
    assert_close(vc.local_mean(q, x, y, kernel="softmax", bandwidth=4.0, mask=mask), expected)


def test_bias_is_added_to_the_scores(heads, rng):
    q, x, y = heads
    bias = rng.normal(size=(3, 50, 70)).astype(q.dtype)
    expected = attention(
        q, x, y, attn_mask=torch.from_numpy(np.broadcast_to(bias, (2, 3, 50, 70)).copy())
    )
    assert_close(vc.local_mean(q, x, y, kernel="softmax", bandwidth=4.0, bias=bias), expected)


def test_causal_mask(heads):
    q, x, y = heads
    causal = np.tri(50, 70, dtype=bool)
    expected = attention(q, x, y, is_causal=True)
    assert_close(vc.local_mean(q, x, y, kernel="softmax", bandwidth=4.0, mask=causal), expected)


def test_grouped_heads(heads):
    q, x, y = heads
    grouped = np.concatenate([q, q[::-1]], axis=1)
    expected = attention(grouped, x, y, enable_gqa=True).reshape(2, 3, 2, 50, 8)
    got = vc.local_mean(
        grouped.reshape(2, 3, 2, 50, 16),
        x[:, :, None],
        y[:, :, None],
        kernel="softmax",
        bandwidth=4.0,
    )
    assert_close(got, expected)


def test_gaussian_is_a_softmax_over_squared_distances(heads):
    q, x, y = heads
    squared = torch.cdist(
        *(torch.from_numpy(a.astype(np.float64)) for a in (q, x)),
        compute_mode="donot_use_mm_for_euclid_dist",
    ).square()
    weights = torch.softmax(-squared / (2 * 9.0), dim=-1)
    expected = (weights @ torch.from_numpy(y.astype(np.float64))).numpy().astype(q.dtype)
    assert_close(vc.local_mean(q, x, y, bandwidth=3.0), expected)
    bandwidths = np.linspace(2, 4, 16)
    ratio = [torch.from_numpy(a / bandwidths) for a in (q, x)]
    squared = torch.cdist(*ratio, compute_mode="donot_use_mm_for_euclid_dist").square()
    weights = torch.softmax(-squared / 2, dim=-1)
    expected = (weights @ torch.from_numpy(y.astype(np.float64))).numpy().astype(q.dtype)
    assert_close(vc.local_mean(q, x, y, bandwidth=bandwidths), expected)


def test_tensors_are_accepted_and_grad_is_refused(heads):
    q, x, y = heads
    tensors = [torch.from_numpy(a) for a in heads]
    got = vc.local_mean(*tensors)
    assert type(got) is np.ndarray
    assert got.tobytes() == vc.local_mean(q, x, y).tobytes()
    with pytest.raises(TypeError, match=r"vicinal\.torch"):
        vc.local_mean(tensors[0].requires_grad_(), *tensors[1:])
    with pytest.raises(TypeError, match=r"\.cpu\(\)"):
        vc.local_mean(torch.empty((4, 2), device="meta"), x, y)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32(kind, rng):
    tensors = [torch.from_numpy(rng.normal(size=(9, 3))).to(kind) for _ in range(3)]
    got = vc.local_mean(*tensors)
    assert got.dtype == np.float32
    expected = vc.local_mean(*(t.float().numpy() for t in tensors))
    assert got.tobytes() == expected.tobytes()
