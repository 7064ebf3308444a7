"""vicinal.jax: attention by its formula, and bandwidths of keys and queries."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import vicinal as vc
from vicinal.jax import PerKey, PerQuery, attention, local_mean

CLOSE = {"rtol": 1e-11, "atol": 1e-12}


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


@pytest.fixture
def heads(rng):
    shapes = (2, 3, 6, 4), (2, 3, 6, 4), (2, 3, 6, 5), (3, 6, 6)
    return [jnp.asarray(rng.normal(size=shape)) for shape in shapes]


SLOPES = np.array([0.5, 0.25, 0.125])
OPTIONS = {"causal": True, "alibi_slopes": SLOPES, "softcap": 2.0, "return_log_mass": True}


def ours(q, k, v, bias):
    return attention(q, k, v, bias=bias, **OPTIONS)


def by_formula(q, k, v, bias):
    at = jnp.arange(6)
    logits = 2 * jnp.tanh(q @ k.mT / 2 / 2) + bias
    logits = logits - SLOPES[:, None, None] * jnp.abs(at - at[:, None])
    logits = jnp.where(at > at[:, None], -jnp.inf, logits)
    return jax.nn.softmax(logits) @ v, jax.nn.logsumexp(logits, -1)


def loss(function):
    def value(*given):
        out, log_mass = function(*given)
        return (out**2).sum() + jnp.sin(log_mass).sum()

    return value


def test_attention_by_formula(heads):
    every = tuple(range(4))
    for got, expected in zip(jax.jit(ours)(*heads), by_formula(*heads), strict=True):
        np.testing.assert_allclose(got, expected, **CLOSE)
    found = jax.jit(jax.grad(loss(ours), every))(*heads)
    for one, other in zip(found, jax.grad(loss(by_formula), every)(*heads), strict=True):
        np.testing.assert_allclose(one, other, **CLOSE)


def test_attention_of_every_sequence(heads):
    """A batch by `vmap` is the leading dimension."""
    axes = (0, 0, 0, None)
    got, expected = jax.vmap(ours, axes)(*heads), ours(*heads)
    for one, other in zip(got, expected, strict=True):
        assert jnp.array_equal(one, other)
    found = jax.vmap(jax.grad(loss(ours)), axes)(*heads)
    np.testing.assert_allclose(found, jax.grad(loss(ours))(*heads), **CLOSE)


def test_attention_is_that_of_arrays(heads):
    q, k, v, _ = (array.astype(jnp.float32) for array in heads)
    options = {"kernel": "laplace", "window": (2, 1), "scale": 0.3}
    expected = vc.attention(*map(np.asarray, (q, k, v)), **options)
    assert np.asarray(attention(q, k, v, **options)).tobytes() == expected.tobytes()
    empty = attention(q, k, v, mask=jnp.zeros((6, 6), bool))
    assert (empty == 0).all()


def test_attention_refuses(heads):
    q, k, v, _ = heads
    with pytest.raises(TypeError, match=r"scale is traced .* bandwidth="):
        jax.jit(lambda s: attention(q, k, v, scale=s))(0.5)
    with pytest.raises(ValueError, match="queries have 3 heads and keys have 2"):
        attention(q, k[:, :2], v[:, :2])
    with pytest.raises(TypeError, match="keys must be an array of numbers, got None"):
        attention(q, None, v)
    with pytest.raises(ValueError, match=r"queries must be .* x.None. .one point."):
        attention(q[0, 0, 0], k, v)


WRAPS = {
    "keys": (PerKey, (4,)),
    "keys of a batch": (PerKey, (2, 4)),
    "keys and features": (lambda h: PerKey(h, per_feature=True), (4, 5)),
    "queries": (PerQuery, (2, 1)),
}


@pytest.mark.parametrize("of", WRAPS)
def test_bandwidths_of_rows(rng, of):
    """Gradients by differences; under `vmap` those of the items."""
    wrap, shape = WRAPS[of]
    shapes = (2, 3, 5), (4, 5), (2, 4, 2)
    q, x, y = (jnp.asarray(rng.normal(size=size)) for size in shapes)
    h = jnp.asarray(rng.uniform(0.7, 1.5, size=(3, *shape)))

    def mean(q, x, y, h):
        return local_mean(q, x, y, bandwidth=wrap(h))

    check_grads(jax.jit(mean), (q, x, y, h[0]), order=1, modes=("rev",))
    gradient = jax.grad(lambda *given: (mean(*given) ** 2).sum(), (0, 1, 2, 3))
    axes = (None, None, None, 0)
    means, found = jax.vmap(mean, axes)(q, x, y, h), jax.vmap(gradient, axes)(q, x, y, h)
    for item in range(3):
        assert jnp.array_equal(means[item], mean(q, x, y, h[item]))
        for one, every in zip(gradient(q, x, y, h[item]), found, strict=True):
            np.testing.assert_allclose(every[item], one, **CLOSE)


def test_bandwidths_are_trees(rng):
    """An optimizer's tree may hold them."""
    q, x = (jnp.asarray(rng.normal(size=size)) for size in ((3, 2), (5, 2)))
    h = PerKey(jnp.ones(5))
    found = jax.grad(lambda h: local_mean(q, x, x[:, 0], bandwidth=h).sum())(h)
    assert isinstance(found, PerKey)
    assert found.h.shape == (5,)
    with pytest.raises(ValueError, match="one per key, got shape"):
        jax.jit(lambda h: local_mean(q, x, x, bandwidth=PerKey(h)))(jnp.ones(4))
