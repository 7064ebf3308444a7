"""vicinal.jax under jit, grad and vmap; the gradients by differences."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import vicinal as vc
from vicinal.jax import local_mean


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


def softmax_mean(q, x, y, h, logs, bias):
    return local_mean(q, x, y, kernel="softmax", bandwidth=h, log_weights=logs, bias=bias)


@pytest.fixture
def arrays(rng):
    shapes = ((2, 3, 5), (4, 5), (2, 4, 2), (), (4,), (3, 4))
    q, x, y, h, logs, bias = (jnp.asarray(rng.normal(size=shape)) for shape in shapes)
    return q, x, y, h**2 + 0.5, logs, bias


def test_bits_are_those_of_the_primitive(arrays):
    q, x, y, h, logs, bias = arrays
    expected = vc.local_mean(
        *map(np.asarray, (q, x, y)),
        kernel="softmax",
        bandwidth=float(h),
        log_weights=np.asarray(logs),
        bias=np.asarray(bias),
    )
    assert np.asarray(softmax_mean(*arrays)).tobytes() == expected.tobytes()
    assert np.asarray(jax.jit(softmax_mean)(*arrays)).tobytes() == expected.tobytes()


def test_gradients(arrays):
    check_grads(softmax_mean, arrays, order=1, modes=("rev",))
    check_grads(jax.jit(softmax_mean), arrays, order=1, modes=("rev",))


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "cauchy"])
def test_gradients_of_distances(arrays, kernel):
    def mean(q, x, y, h):
        return local_mean(q, x, y, kernel=kernel, bandwidth=h)

    check_grads(mean, (*arrays[:3], jnp.linspace(0.5, 1.5, 5)), order=1, modes=("rev",))


BATCHED = ((3,), (0,), (1, 4), (1, 3, 4), (0, 1, 2, 3, 4, 5))


@pytest.mark.parametrize("batched", BATCHED, ids=str)
def test_vmap(arrays, batched, rng):
    """As one call per item, mean and gradients, whichever arrays have the batch."""
    axes = [0 if i in batched else None for i in range(6)]
    given = [
        jnp.stack([a * s for s in (1.0, 1.5, 0.5)]) if i in batched else a
        for i, a in enumerate(arrays)
    ]
    gradient = jax.grad(lambda *a: (softmax_mean(*a) ** 2).sum(), argnums=range(6))
    got = jax.vmap(softmax_mean, axes)(*given)
    got_gradients = jax.vmap(gradient, axes)(*given)
    for item in range(3):
        own = [a if axis is None else a[item] for a, axis in zip(given, axes, strict=True)]
        np.testing.assert_array_equal(got[item], softmax_mean(*own))
        for one, all_ in zip(gradient(*own), got_gradients, strict=True):
            np.testing.assert_allclose(all_[item], one, rtol=1e-12, atol=1e-14)


def test_other_transformations(arrays):
    q, x, y, *_ = arrays
    assert jax.jacrev(lambda x: local_mean(q, x, y))(x).shape == (2, 3, 2, 4, 5)
    mask = jnp.ones((3, 4), bool).at[1].set(False)

    def total(q, y):
        options = {"mask": mask, "weights": jnp.ones(4), "empty": "zero"}
        return local_mean(q[0], x, y, **options).sum()

    of_queries, of_values = jax.grad(total, argnums=(0, 1))(q, y[0, :, 0])
    assert of_queries.shape == q.shape
    assert (of_queries[0, 1] == 0).all()
    assert of_values.shape == (4,)


BIASES = {"slopes": vc.bias.ALiBi(0.5), "function": lambda rows, columns: rows[:, None] - columns}


@pytest.mark.parametrize("name", BIASES)
def test_biases_without_numbers_of_pairs(arrays, name):
    """As the array of these numbers, which has a gradient besides."""
    q, x, y, *_ = arrays
    bias = BIASES[name]
    pairs = bias.pairs(3, 4) if name == "slopes" else bias(np.arange(3), np.arange(4))

    def total(q, bias):
        return local_mean(q, x, y, bias=bias).sum()

    assert total(q, bias) == total(q, jnp.asarray(pairs))
    got = jax.jit(jax.grad(lambda q: total(q, bias)))(q)
    assert jnp.array_equal(got, jax.grad(total)(q, jnp.asarray(pairs)))


def test_what_is_known_when_traced_has_no_gradient(arrays):
    q, x, y, *_ = arrays
    slope = vc.bias.ALiBi(0.5)
    options = {"bias": slope, "bandwidth": 0.7}

    def loss(q, **more):
        return local_mean(q, x, y, **more).sum()

    found = jax.jit(jax.grad(lambda q: loss(q, **options)))(q)
    pairs = jnp.asarray(slope.pairs(q.shape[-2], x.shape[-2]))
    expected = jax.grad(lambda q: loss(q, bias=pairs, bandwidth=jnp.asarray(0.7)))(q)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    two = vc.kernels.Sum("gaussian", "laplace")
    assert jax.grad(lambda q: loss(q, kernel=two, bandwidth=0.7))(q).shape == q.shape


def test_refused_when_traced(arrays):
    q, x, y, *_ = arrays
    with pytest.raises(ValueError, match=r"bandwidth must be positive.*got -1"):
        local_mean(q, x, y, bandwidth=-1.0)
    with pytest.raises(ValueError, match="5 features and keys have 3"):
        jax.jit(lambda x: local_mean(q, x[:, :3], y))(x)
    with pytest.raises(ValueError, match="values must be"):
        jax.eval_shape(lambda y: local_mean(q, x, y[:, :2]), y)
    with pytest.raises(ValueError, match="empty must be"):
        local_mean(q, x, y, empty="none")
    with pytest.raises(ValueError, match="nan_policy must be"):
        local_mean(q, x, y, nan_policy="drop")
    with pytest.raises(ValueError, match="bandwidth must be positive"):
        local_mean(q, x, y, bandwidth=-1.0)
    with pytest.raises(TypeError, match="values must be an array of numbers, got None"):
        local_mean(q, x, None)
    with pytest.raises(TypeError, match="keys is complex128"):
        local_mean(q, x + 1j, y)
    with pytest.raises(ValueError, match="gaussian"):
        local_mean(q, x, y, kernel="gausian")
