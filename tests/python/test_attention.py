"""Attention against its formula in float64: every option, shapes, log mass, empty rows."""

from __future__ import annotations

import numpy as np
import pytest

import pages
import vicinal as vc
from accuracy import assert_accurate, largest_error, ulps
from attention_cases import OPTIONS, heads, masked_mean, plain_attention, window


def check(got, arrays, options, *, log_mass=None):
    exact, exact_mass = plain_attention(*(a.astype(np.float64) for a in arrays), **options)
    plain, plain_mass = plain_attention(*arrays, **options)
    dtype = arrays[0].dtype
    if dtype == np.float64:
        np.testing.assert_allclose(got, exact, atol=1e-13)
    else:
        assert_accurate(got, exact, plain, scale=np.abs(arrays[2]).max(), dtype=dtype)
    if log_mass is not None:
        some = np.isfinite(exact_mass)
        np.testing.assert_array_equal(np.isfinite(log_mass), some)
        bound = 2 * largest_error(plain_mass[some], exact_mass[some])
        largest = np.abs(exact_mass[some]).max()
        assert largest_error(log_mass[some], exact_mass[some]) <= bound + 4 * ulps(largest, dtype)


@pytest.mark.parametrize("name", OPTIONS)
def test_option(name, rng, dtype):
    given, meant = OPTIONS[name]
    arrays = heads(rng, dtype)
    check(vc.attention(*arrays, **given), arrays, meant)
    out, log_mass = vc.attention(*arrays, **given, return_log_mass=True)
    check(out, arrays, meant, log_mass=log_mass)


def test_heads_share_keys_without_copies(rng, dtype):
    q = rng.normal(size=(2, 3, 4, 9, 16)).astype(dtype)
    k, v = (rng.normal(size=(2, 3, 1, 21, 16)).astype(dtype) for _ in range(2))
    check(vc.attention(q, k, v), (q, k, v), {})
    slopes = rng.random((3, 4))
    got = vc.attention(q, k, v, alibi_slopes=slopes, window=vc.Window(None, 0, offset="end"))
    each = [
        vc.attention(
            q[:, g, r],
            k[:, g, 0],
            v[:, g, 0],
            bias=vc.bias.ALiBi(slopes[g, r], offset="end"),
            window=vc.Window(None, 0, offset="end"),
        )
        for g in range(3)
        for r in range(4)
    ]
    assert np.stack(each, 1).tobytes() == got.reshape(2, 12, 9, 16).tobytes()


@pytest.mark.parametrize("log_mass", [False, True])
def test_one_query_of_heads_that_share_keys_is_read_as_rows(rng, dtype, log_mass):
    # the shortcut of decoding gives the bits of separate heads
    q = rng.normal(size=(2, 3, 4, 1, 16)).astype(dtype)
    k, v = (rng.normal(size=(2, 3, 1, 300, 16)).astype(dtype) for _ in range(2))
    mask = rng.random((2, 1, 1, 1, 300)) < 0.8
    options = {"alibi_slopes": rng.random((3, 4)), "mask": mask, "return_log_mass": log_mass}
    shared = vc.attention(q, k, v, **options)
    apart = vc.attention(q, *(np.repeat(a, 4, axis=2) for a in (k, v)), **options)
    for a, b in zip(shared, apart, strict=True):
        assert a.tobytes() == b.tobytes()


def test_causal_is_aligned_at_the_start_and_by_a_window_at_the_end(rng):
    q, k, v = heads(rng, np.float64, m=5, n=9)
    check(vc.attention(q, k, v, causal=True), (q, k, v), {"used": window(5, 9, None, 0)})
    end = vc.Window(None, 0, offset="end")
    check(vc.attention(q, k, v, window=end), (q, k, v), {"used": window(5, 9, None, 0, 4)})


def test_a_query_that_sees_no_key_is_zero_or_as_asked(rng, dtype):
    q, k, v = heads(rng, dtype)
    mask = np.ones(37, bool)
    mask[3] = False
    out, log_mass = vc.attention(q, k, v, mask=mask[:, None], return_log_mass=True)
    assert not out[..., 3, :].any()
    assert np.isneginf(log_mass[..., 3]).all()
    assert np.isfinite(out).all()
    assert np.isnan(vc.attention(q, k, v, mask=mask[:, None], empty="nan")[..., 3, :]).all()
    with pytest.raises(ValueError, match="6 of 222 queries have no key"):
        vc.attention(q, k, v, mask=mask[:, None], empty="raise")
    assert not vc.attention(q, k[..., :0, :], v[..., :0, :]).any()
    assert vc.attention(q[..., :0, :], k, v).shape == (2, 3, 0, 8)


def test_values_of_one_number_and_other_types(rng):
    q, k, v = heads(rng, np.float64, lead=())
    expected = vc.attention(q, k, v)[:, 0]
    got = vc.attention(q, k, v[:, 0])
    assert got.shape == (37,)
    np.testing.assert_allclose(got, expected, atol=1e-14)
    half = vc.attention(*(a.astype(np.float16) for a in (q, k, v)))
    assert half.dtype == np.float32
    np.testing.assert_allclose(half[:, 0], expected, atol=5e-3)


DISTANCES = {
    "gaussian": lambda u: -(u**2) / 2,
    "laplace": lambda u: -u,
    "epanechnikov": lambda u: np.log(np.maximum(1 - u**2, 0)),
}


@pytest.mark.parametrize("kernel", DISTANCES)
@pytest.mark.parametrize(
    ("options", "h"), [({}, 2.0), ({"scale": 0.16}, 2.5), ({"bandwidth": 3.0}, 3.0)]
)
def test_kernels_in_the_place_of_the_softmax(rng, kernel, options, h):
    q, k, v = heads(rng, np.float64, m=37)  # 16 features: the scale is 1/4, the bandwidth 2
    distance = np.sqrt(((q[..., :, None, :] - k[..., None, :, :]) ** 2).sum(-1))
    with np.errstate(divide="ignore"):
        logs = DISTANCES[kernel](distance / h)
    used = window(37, 37, 20, 0)
    got = vc.attention(q, k, v, kernel=kernel, window=(20, 0), **options)
    np.testing.assert_allclose(got, masked_mean(logs, v, used)[0], atol=1e-12)


def test_k_nearest_of_what_the_window_leaves(rng):
    q, k, v = heads(rng, np.float64, m=37)
    near = window(37, 37, None, 0)
    scores = np.where(near, q @ k.swapaxes(-1, -2), -np.inf)
    used = near & (scores >= np.sort(scores, -1)[..., -5:][..., :1])
    got = vc.attention(q, k, v, causal=True, neighbors=vc.KNearest(5))
    check(got, (q, k, v), {"used": used})


def test_softmax_is_a_gaussian_with_weights_of_the_keys(rng):
    # exp(s q·k) = exp(−s ‖q − k‖² / 2) exp(s ‖k‖² / 2) times what the query alone decides
    q, k, v = heads(rng, np.float64)
    prior = 0.25 * (k**2).sum(-1) / 2
    np.testing.assert_allclose(
        vc.attention(q, k, v, kernel="gaussian", log_weights=prior),
        vc.attention(q, k, v),
        atol=1e-13,
    )


def test_a_kernel_of_positions_as_a_factor(rng):
    # ALiBi is a Laplace kernel of a position column, as a factor of the softmax
    q, k, v = heads(rng, np.float64)
    position = np.broadcast_to(np.arange(37.0)[:, None], (2, 3, 37, 1))
    kernel = vc.kernels.Product(
        vc.kernels.Softmax(columns=range(16)),
        vc.kernels.Laplace(bandwidth=1 / 0.3, columns=16),
    )
    placed = [np.concatenate([a, position], axis=-1) for a in (q, k)]
    got = vc.attention(*placed, v, kernel=kernel)
    np.testing.assert_allclose(got, vc.attention(q, k, v, alibi_slopes=0.3), atol=1e-13)


def test_temperatures_of_heads(rng):
    q, k, v = heads(rng, np.float64)
    h = np.array([1.0, 2.0, 4.0])
    got = vc.attention(q, k, v, bandwidth=vc.bandwidth.PerQuery(h[:, None]))
    each = [vc.attention(q[:, i], k[:, i], v[:, i], scale=1 / h[i]) for i in range(3)]
    np.testing.assert_allclose(got, np.stack(each, 1), atol=1e-13)


def test_the_code_of_the_documentation():
    names = pages.run("attention.md")
    prompts = (np.broadcast_to(names[a][0], (5, 12, 100, 64)) for a in ("k", "v"))
    k, v = (
        np.concatenate([prompt, names[own]], axis=2)
        for prompt, own in zip(prompts, ("own_k", "own_v"), strict=True)
    )
    np.testing.assert_allclose(names["both"], vc.attention(names["asks"], k, v), atol=1e-5)
