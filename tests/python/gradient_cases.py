"""Gradients compared with differences of the means."""

import numpy as np
import scipy.sparse

import vicinal as vc

M, N, P = 7, 300, 2


KERNELS = {
    "direct": ({"kernel": "gaussian"}, 3),
    "expanded": ({"kernel": "laplace"}, 20),
    "dot": ({"kernel": "softmax", "bandwidth": 4.0}, 16),
    "compact": ({"kernel": "tricube", "bandwidth": 2.0, "metric": "chebyshev"}, 3),
}


def arrays(m, n, d, p, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(m, p), (m, d), (n, d), (n, p)]
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def directional(arrays, name, options, grad, step):
    """Return the derivative of Σ grad · mean along a random direction of one input, and it."""
    rng = np.random.default_rng(5)
    at = np.asarray(arrays[name], dtype=np.float64)
    direction = rng.normal(size=at.shape)

    def loss(shift):
        moved = {**arrays, name: at + shift * direction}
        return float((vc.local_mean(**moved, **options) * grad).sum())

    # fourth order: (8 (L₁ − L₋₁) − (L₂ − L₋₂)) / 12 step
    near, far = loss(step) - loss(-step), loss(2 * step) - loss(-2 * step)
    return (8 * near - far) / (12 * step), direction


def check(arrays, options, grad, names, rtol=2e-6, step=4e-7):
    """Compare every gradient with differences of the means."""
    gradient = vc.local_mean_vjp(grad, **arrays, **options, wrt=names)
    for name in names:
        expected, direction = directional(arrays, name, options, grad, step)
        found = getattr(gradient, name)
        assert np.shape(found) == np.shape(arrays[name])
        scale = float(np.sqrt((np.asarray(found) ** 2).sum())) + 1e-3
        assert abs(float((found * direction).sum()) - expected) <= rtol * scale, name


def sparse(m, n, low=0.1):
    """Return a matrix with 12 entries a row, of at least `low`."""
    return scipy.sparse.random_array(
        (m, n),
        density=12 / n,
        format="csr",
        rng=2,
        data_sampler=lambda size: low + np.arange(size) % 7,
    )
