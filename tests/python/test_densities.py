"""Score and Hessian of kernel densities, against differences."""

from __future__ import annotations

import numpy as np
import pytest

import vicinal as vc
from gradient_cases import N

k = vc.kernels


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "student_t", "epanechnikov"])
def test_density_score(kernel):
    rng = np.random.default_rng(17)
    q, x, weights = rng.normal(size=(9, 2)), rng.normal(size=(N, 2)), rng.random(N)
    options = {"kernel": kernel, "bandwidth": 1.4, "weights": weights}
    found = vc.density_score(q, x, **options)
    for j in range(2):
        step = 1e-6 * np.eye(2)[j]
        up, down = (vc.local_stats(q + s * step, x, **options).log_mass for s in (1, -1))
        np.testing.assert_allclose(found[:, j], (up - down) / 2e-6, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("bandwidth", [None, 0.8, (0.8, 1.5, 1.1)])
def test_density_hessian_product(bandwidth):
    rng = np.random.default_rng(18)
    q, x, v = (rng.normal(size=(n, 3)) for n in (9, N, 9))
    found = vc.density_hessian_product(v, q, x, bandwidth=bandwidth)
    up, down = (vc.density_score(q + s * 1e-5 * v, x, bandwidth=bandwidth) for s in (1, -1))
    np.testing.assert_allclose(found, (up - down) / 2e-5, rtol=1e-7, atol=1e-9)


SMOOTH = {
    "cauchy": {"kernel": "cauchy", "bandwidth": [0.5, 0.8, 1.5]},
    "student_t": {"kernel": k.StudentT(nu=4.0), "bandwidth": 0.8},
    "logistic": {"kernel": "logistic", "bandwidth": 0.5},
    "matern": {"kernel": k.Matern(nu=1.5), "bandwidth": 0.8},
    "triweight": {"kernel": "triweight", "bandwidth": 3.0},
    "tricube": {"kernel": "tricube", "bandwidth": 3.0},
    "wendland": {"kernel": "wendland_c2", "bandwidth": 3.0},
    "epanechnikov": {"kernel": "epanechnikov", "bandwidth": 3.0},
    "product": {"kernel": k.Product(k.Gaussian(columns=(0, 1)), k.Cauchy(columns=(1, 2)))},
    "sum": {"kernel": k.Sum(k.Gaussian(bandwidth=1.0), k.Gaussian(bandwidth=0.4))},
    "mapped": {"kernel": k.Cauchy(metric=k.Mahalanobis([[1.0, 0.2, 0.0], [0.0, 1.0, 0.3]]))},
    "window": {"kernel": "cauchy", "neighbors": vc.Window(3, 200)},
}


@pytest.mark.parametrize("name", SMOOTH)
def test_density_hessian_product_of_kernels(name):
    """Against differences of the score, for a batch of samples; rows without keys have 0."""
    options = SMOOTH[name]
    rng = np.random.default_rng(19)
    q, x, v = (rng.normal(size=(*size, 3)) for size in ((9,), (2, N), (9,)))
    found = vc.density_hessian_product(v, q, x, **options)
    rows = np.broadcast_to(q, (2, 9, 3))
    up, down = (vc.density_score(rows + s * 1e-5 * v, x, **options) for s in (1, -1))
    np.testing.assert_allclose(found, (up - down) / 2e-5, rtol=2e-6, atol=2e-8)
    one = vc.density_hessian_product(v[:1], q[:1], x, **options)
    assert "neighbors" in options or one.tobytes() == found[:, :1].tobytes()
    if name == "triweight":
        far = q + np.array([1e3, 0.0, 0.0])
        assert (vc.density_hessian_product(v, far, x, **options) == 0).all()


def test_densities_without_a_second_derivative():
    points = np.ones(2), np.zeros((1, 2)), np.zeros((5, 2))
    for kernel in ("laplace", "triangular", k.Matern(nu=0.5)):
        with pytest.raises(ValueError, match="cusp at 0 and no second derivative"):
            vc.density_hessian_product(*points, kernel=kernel)
    with pytest.raises(ValueError, match=r"neighbors=KNearest.* ask the kernel"):
        vc.density_hessian_product(*points, kernel="cauchy", neighbors=vc.KNearest(2))
    with pytest.raises(ValueError, match="knows no derivative of the kernel softmax"):
        vc.density_hessian_product(*points, kernel="softmax")
    near = vc.density_hessian_product(*points, neighbors=vc.KNearest(2))
    assert near.tobytes() == vc.density_hessian_product(*points).tobytes()
