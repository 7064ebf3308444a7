"""Gradients by the bandwidths of products, sums and categories, against central differences."""

from __future__ import annotations

import numpy as np
import pytest

import vicinal as vc
from gradient_cases import M, N, P

k = vc.kernels

KERNELS = {
    "features of their own": lambda a, b: k.Product(
        k.Gaussian(bandwidth=a, columns=(0, 1)), k.Laplace(bandwidth=b, columns=(2, 3))
    ),
    "shared features": lambda a, b: k.Product(
        k.Cauchy(bandwidth=a, columns=(2, 0, 1)), k.Laplace(bandwidth=b, metric="manhattan")
    ),
    "sum": lambda a, b: k.Sum(
        k.Gaussian(bandwidth=a), k.Softmax(bandwidth=b), coefficients=(1.0, 0.3)
    ),
    "signed": lambda a, b: k.Sum(
        k.Gaussian(bandwidth=2 * a), k.Gaussian(bandwidth=b), coefficients=(1.0, -0.2)
    ),
    "product of sums": lambda a, b: k.Product(
        k.Sum(k.Triweight(bandwidth=4 * a), k.Gaussian(bandwidth=b)), k.Matern(bandwidth=1.5)
    ),
    "mapped": lambda a, b: k.Product(
        k.Gaussian(bandwidth=a, metric=vc.kernels.Mahalanobis(np.arange(8).reshape(2, 4) / 8)),
        k.Polynomial(bandwidth=b, offset=2.0),
    ),
    "categories": lambda a, b: k.Product(
        k.Gaussian(bandwidth=a, columns=(0, 1, 2)), k.AitchisonAitken(4, bandwidth=b / 4, columns=3)
    ),
    "sum with categories": lambda a, b: k.Sum(
        k.Product(k.Laplace(bandwidth=a), k.AitchisonAitken(4, bandwidth=b / 4, columns=3)),
        k.Cauchy(columns=(1, 2)),
    ),
    "only categories": lambda a, b: k.AitchisonAitken(4, bandwidth=(a / 4, b / 4), columns=(2, 3)),
}


@pytest.fixture
def points():
    rng = np.random.default_rng(3)
    q, x = rng.normal(size=(M, 4)), rng.normal(size=(N, 4))
    for array in (q, x):
        array[:, 2:] = rng.integers(0, 4, size=(len(array), 2))
    return q, x, rng.normal(size=(N, P)), rng.normal(size=(M, P)), rng.normal(size=M)


def slope(loss, at, step=1e-4):
    near, far = loss(at + step) - loss(at - step), loss(at + 2 * step) - loss(at - 2 * step)
    return (8 * near - far) / (12 * step)


@pytest.mark.parametrize("name", KERNELS)
def test_bandwidths_of_factors(points, name):
    """Of mean and log-mass; the gradients of points are those without that of bandwidths."""
    q, x, y, g, of_mass = points
    make, at = KERNELS[name], (0.8, 1.1)

    def loss(a, b):
        stats = vc.local_stats(q, x, y, kernel=make(a, b))
        return (stats.mean * g).sum() + (stats.log_mass * of_mass).sum()

    expected = slope(lambda a: loss(a, at[1]), at[0]), slope(lambda b: loss(at[0], b), at[1])
    options = {"kernel": make(*at), "log_mass_grad": of_mass}
    wrt = ("queries", "keys", "values")
    found = vc.local_mean_vjp(g, q, x, y, wrt=(*wrt, "bandwidth"), **options)
    # what the cases multiply their two numbers by
    factors = {"signed": (2, 1), "product of sums": (4, 1), "only categories": (0.25, 0.25)}
    scale = factors.get(name, (1, 0.25 if "categories" in name else 1))
    got = [part * s for part, s in zip(found.bandwidth, scale, strict=False)]
    np.testing.assert_allclose(got, expected, rtol=2e-7, atol=1e-8)
    if not name.startswith("only"):
        assert len(found.bandwidth) == len(options["kernel"].leaves())
    plain = vc.local_mean_vjp(g, q, x, y, wrt=wrt, **options)
    for one in wrt:
        np.testing.assert_allclose(getattr(found, one), getattr(plain, one), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("bandwidth", [1.3, [0.8, 1.0, 1.5, 2.0]], ids=["number", "features"])
@pytest.mark.parametrize(
    "options",
    [
        {"neighbors": vc.KNearest(20)},
        {"neighbors": vc.Window(0.5, 0.7, on=1)},
        {"mask": np.arange(M * N).reshape(M, N) % 3 > 0, "exclude_self": True},
        {"bias": lambda rows, columns: -0.01 * np.abs(rows[:, None] - columns)},
        {"nan_policy": "omit"},
    ],
    ids=["nearest", "window", "mask", "strips", "omit"],
)
def test_one_bandwidth_of_all_factors(points, bandwidth, options):
    """What is given beside the kernel goes to the factors without a bandwidth of their own."""
    q, x, y, g, _ = points
    kernel = k.Product(k.Gaussian(), k.Laplace(columns=(1, 2)), k.Cauchy(bandwidth=3.0))
    if "nan_policy" in options:
        y = y.copy()
        y[::7, 0] = np.nan
    if options.get("exclude_self"):
        options = options | {"self_indices": np.arange(M)}
    options = options | {"kernel": kernel}
    given = np.asarray(bandwidth, dtype=np.float64)
    found = vc.local_mean_vjp(g, q, x, y, bandwidth=bandwidth, **options).bandwidth
    direction = np.random.default_rng(0).normal(size=given.shape)

    def loss(shift):
        return (vc.local_mean(q, x, y, bandwidth=given + shift * direction, **options) * g).sum()

    assert np.shape(found) == given.shape
    assert np.sum(found * direction) == pytest.approx(slope(loss, 0.0), rel=1e-6)


def test_bits_and_types(points):
    q, x, y, g, _ = (array.astype(np.float32) for array in points)
    kernel = KERNELS["sum with categories"](0.8, 1.1)
    options = {"kernel": kernel, "wrt": "bandwidth"}
    found = [vc.local_mean_vjp(g, q, x, y, num_threads=n, **options).bandwidth for n in (1, 2, 3)]
    assert found[0] == found[1] == found[2]
    q, x, y, g, _ = points
    exact = vc.local_mean_vjp(g, q, x, y, **options).bandwidth
    np.testing.assert_allclose(found[0], exact, rtol=2e-5)


def test_rows_that_do_not_count(points):
    """NaN in a query and a query without keys change nothing; no rows at all give 0."""
    q, x, y, g, _ = points
    kernel = k.Product(
        k.Epanechnikov(bandwidth=3.0, columns=(0, 1)),
        k.Triangular(bandwidth=9.0, columns=(1, 2)),
        k.AitchisonAitken(4, bandwidth=0.3, columns=3),
    )
    expected = vc.local_mean_vjp(g, q, x, y, kernel=kernel, wrt="bandwidth").bandwidth
    more = np.vstack([q, [[np.nan, 0, 0, 0]], [[99.0, 0, 0, 0]]])
    grads = np.vstack([g, np.ones((2, P))])
    found = vc.local_mean_vjp(grads, more, x, y, kernel=kernel, wrt="bandwidth").bandwidth
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    nothing = vc.local_mean_vjp(g[:0], q[:0], x, y, kernel=kernel, wrt="bandwidth").bandwidth
    assert nothing == (0, 0, 0)


def test_refusals(points):
    q, x, y, g, _ = points
    ordered = k.WangVanRyzin(bandwidth=0.3, columns=3)
    angles = k.Gaussian(metric="cosine", columns=(0, 1), bandwidth=1.0)
    signed = k.Sum(k.AitchisonAitken(4, bandwidth=0.2, columns=3), "gaussian", coefficients=(-1, 3))
    found = vc.local_mean_vjp(
        g, q, x, y, kernel=k.Product(k.Gaussian(bandwidth=1.0), ordered, angles), wrt="bandwidth"
    )
    assert found.bandwidth[1:] == (None, None)
    options = {"kernel": k.Product("gaussian", k.Laplace(metric="cosine")), "bandwidth": 0.7}
    assert vc.local_mean_vjp(g, q, x, y, **options).bandwidth is None
    for kernel, h, reason in (
        (ordered, None, "wang_van_ryzin is of ordered categories"),
        (options["kernel"], 0.7, "laplace is of cosine angles beside other factors"),
        (signed, 0.7, "aitchison_aitken is of categories in a signed kernel"),
    ):
        if kernel is signed:
            kernel = signed.rebuilt(lambda leaf: leaf.filled(bandwidth=None))
        with pytest.raises(ValueError, match=f"bandwidth has no gradient: {reason}"):
            vc.local_mean_vjp(g, q, x, y, kernel=kernel, bandwidth=h, wrt="bandwidth")


@pytest.mark.parametrize("wrap", [float, lambda h: vc.bandwidth.PerKey([h])])
def test_graphs_of_distances(wrap):
    import scipy.sparse

    near = vc.Graph(scipy.sparse.csr_array(np.eye(3)), data="distance")
    given = np.ones(3), None, None, np.arange(3.0)
    options = {"neighbors": near, "bandwidth": wrap(0.7)}
    assert vc.local_mean_vjp(*given, **options).bandwidth is None
    with pytest.raises(ValueError, match="distances or weights of a graph"):
        vc.local_mean_vjp(*given, wrt="bandwidth", **options)
