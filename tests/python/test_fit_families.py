"""Quantiles against linear programs, robust fits and lines against loess, both in float64."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal

import vicinal as vc

N, M = 160, 6


@pytest.fixture
def data(rng):
    x = rng.normal(size=(N, 2))
    return x, np.sin(x[:, 0]) + 0.3 * rng.standard_t(2, size=N), rng.normal(size=(M, 2))


def tilted(residual, level):
    return np.where(residual > 0, level * residual, (level - 1) * residual)


@pytest.mark.parametrize("level", [0.5, 0.1])
@pytest.mark.parametrize("degree", [0, 1, 2])
def test_quantiles_are_linear_programs(level, degree, data):
    x, y, q = data
    h = 0.9
    fit = vc.local_fit(
        q, x, np.c_[y, 2 * y], family="quantile", quantile=level, degree=degree, bandwidth=h
    )
    weights = np.exp(-0.5 * ((q[:, None] - x) ** 2).sum(-1) / h**2)
    for i in range(M):
        a, b = (x - q[i]).T
        z = np.stack([np.ones(N), a, b, a * a, a * b, b * b][: (1, 3, 6)[degree]], axis=1)
        cost = np.r_[np.zeros(z.shape[1]), level * weights[i], (1 - level) * weights[i]]
        program = scipy.optimize.linprog(
            cost,
            A_eq=scipy.sparse.hstack([z, scipy.sparse.eye_array(N), -scipy.sparse.eye_array(N)]),
            b_eq=y,
            bounds=[(None, None)] * z.shape[1] + [(0, None)] * (2 * N),
        )
        reached = weights[i] @ tilted(y - z @ fit.coefficients[i, :, 0], level)
        assert_allclose(reached, program.fun, rtol=1e-9)
        assert_allclose(fit.coefficients[i, :, 0], program.x[: z.shape[1]], rtol=1e-5, atol=1e-6)
    assert_allclose(fit.fitted[:, 1], 2 * fit.fitted[:, 0], rtol=1e-7)


def test_quantiles_of_what_a_line_fits_and_of_too_few_keys(rng):
    x = rng.normal(size=(30, 2))
    exact = vc.local_fit(x[:4], x, x @ [1.0, 2.0], family="quantile", quantile=0.3)
    assert_allclose(exact.fitted, x[:4] @ [1.0, 2.0], atol=1e-9)
    one = vc.local_fit(x[:2], x[:1], [3.0], family="quantile")
    assert_allclose(one.fitted, 3)
    assert one.regularized == 2
    y = rng.normal(size=30)
    y[3] = np.nan
    assert np.isnan(vc.local_fit(x[:2], x, y, family="quantile").fitted).all()


def loess_at(loess, x, y, q, **options):
    """Loess takes the features one after the other, whatever the shape says."""
    flat = lambda points: points.T.copy().reshape(points.shape)  # noqa: E731
    model = loess.loess(flat(x), y, surface="direct", normalize=False, **options)
    model.fit()
    return np.asarray(model.predict(flat(q)).values)


@pytest.mark.parametrize("family", ["gaussian", "robust"])
@pytest.mark.parametrize("degree", [1, 2])
def test_loess_in_every_digit(family, degree, data):
    loess = pytest.importorskip("skmisc.loess")
    x, y, q = data
    k = 60
    fit = vc.local_fit(
        0.5 * q,
        x,
        y,
        family=family,
        degree=degree,
        kernel="tricube",
        bandwidth=vc.bandwidth.KthNeighbor(k),
    )
    theirs = {"gaussian": "gaussian", "robust": "symmetric"}[family]
    expected = loess_at(loess, x, y, 0.5 * q, span=k / N, degree=degree, family=theirs)
    assert_allclose(fit.fitted, expected, atol=1e-11)


def test_robust_fits_forget_an_outlier(rng):
    x = rng.uniform(-1, 1, size=(80, 1))
    y = 3 * x[:, 0] + 0.01 * rng.normal(size=80)
    y[7] = 1e6
    q = np.linspace(-0.9, 0.9, 5)[:, None]
    both = np.c_[y, -y]
    names = ("standard_errors", "weights")
    fit = vc.local_fit(q, x, both, family="robust", bandwidth=0.4, statistics=names[0])
    assert_allclose(fit.fitted[:, 0], 3 * q[:, 0], atol=0.01)
    assert_allclose(fit.fitted[:, 1], -fit.fitted[:, 0], rtol=1e-9)
    assert (fit.standard_errors < 0.1).all()
    one = vc.local_fit(q, x, y, family="robust", bandwidth=0.4, statistics=names)
    assert_array_equal(one.fitted, fit.fitted[:, 0])
    assert_allclose(one.weights @ y, one.fitted, rtol=1e-9)
    assert_array_equal(one.weights.toarray()[:, 7], 0)
    alone = vc.local_fit(q[2:3], x, y, family="robust", bandwidth=0.4, num_threads=2)
    assert_array_equal(alone.fitted, one.fitted[2:3])
    exact = vc.local_fit(q, x, 3 * x[:, 0], family="robust", bandwidth=0.4)
    assert_allclose(exact.fitted, 3 * q[:, 0], atol=1e-12)


def test_refusals(data):
    x, y, q = data
    graph = scipy.sparse.csr_array(np.ones((M, N)))
    for options, words in (
        ({"family": "quantile", "quantile": 1.0}, "quantile must be above 0 and below 1"),
        ({"quantile": 0.3}, "quantile is of family 'quantile', got 0.3"),
        ({"family": "quantile", "ridge": 1.0}, "ridge must be 0 for family 'quantile'"),
        ({"family": "quantile", "statistics": "weights"}, "statistics must be empty"),
        ({"family": "robust", "mask": np.ones((M, N), bool)}, "for which mask says nothing"),
        ({"family": "robust", "bias": np.zeros((M, N))}, "for which bias says nothing"),
        ({"family": "robust", "bandwidth": vc.bandwidth.PerQuery(np.ones(M))}, "PerQuery"),
        ({"family": "robust", "neighbors": vc.Graph(graph, data="pattern")}, "got Graph"),
    ):
        with pytest.raises(ValueError, match=words):
            vc.local_fit(q, x, y, **options)
    with pytest.raises(ValueError, match="'robust' is of one problem"):
        vc.local_fit(q, np.stack([x, x]), y[None], family="robust")
