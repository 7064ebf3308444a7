"""Local polynomials, designs and likelihoods against numpy, statsmodels and loess."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal

import vicinal as vc
from vicinal import list_fits

N, M, D = 150, 12, 2
ALL = ("standard_errors", "self_weight", "weights")


@pytest.fixture
def data(rng):
    x = rng.normal(size=(N, D)) * [1.0, 10.0] + [0.0, 100.0]
    y = np.c_[np.sin(x[:, 0]) + 0.1 * x[:, 1], x[:, 0] ** 2] + 0.1 * rng.normal(size=(N, 2))
    return x, y, x[:M] + 0.01


H = np.array([1.0, 10.0])


def gaussian(q, x, h=H):
    return np.exp(-0.5 * (((q[:, None] - x) / h) ** 2).sum(-1))


def monomials(x, degree):
    parts = [np.ones(len(x))]
    for g in range(1, degree + 1):
        for c in combinations_with_replacement(range(x.shape[1]), g):
            parts.append(np.prod(x[:, c], axis=1))
    return np.stack(parts, axis=1)


def expected(z, y, w, ridge=0.0, constant=0):
    """Coefficients, standard errors and influences by one QR of scaled columns."""
    w = w / w.sum()
    unit = np.sqrt(w @ z**2)
    penalty = np.diag(np.sqrt(ridge) / unit)
    if constant is not None:
        penalty[constant] = 0
    root = np.sqrt(w)[:, None]
    orthogonal, r = np.linalg.qr(np.r_[root * z / unit, penalty])
    influence = np.linalg.solve(r, orthogonal[: len(z)].T * root[:, 0]) / unit[:, None]
    coefficients = influence @ y
    free = 1 - np.trace(influence @ (w[:, None] * z))
    variance = (w[:, None] * (y - z @ coefficients) ** 2).sum(0) / free
    errors = np.sqrt((influence**2).sum(1)[:, None] * variance)
    return coefficients, errors, influence


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("neighbors", [None, vc.KNearest(60)])
def test_polynomials_are_weighted_least_squares(degree, neighbors, data):
    x, y, q = data
    h = 2.0 if neighbors is None else 8.0
    weights = gaussian(q, x, h * (H if neighbors is None else 1))
    if neighbors is not None:
        far = np.argsort(np.argsort(((q[:, None] - x) ** 2).sum(-1), axis=1), axis=1)
        weights = weights * (far < 60)
    fit = vc.local_fit(
        q,
        x,
        y,
        degree=degree,
        bandwidth=h * H if neighbors is None else h,
        neighbors=neighbors,
        statistics=ALL,
        self_indices=np.arange(M),
    )
    for i in range(M):
        coefficients, errors, influence = expected(monomials(x - q[i], degree), y, weights[i])
        size = np.abs(coefficients).max(1, keepdims=True)
        assert_allclose(fit.coefficients[i] / size, coefficients / size, rtol=0, atol=1e-8)
        assert_allclose(fit.standard_errors[i], errors, rtol=1e-7)
        row = fit.weights[[i]].toarray()[0]
        assert_allclose(row, influence[0], atol=1e-10 * np.abs(influence[0]).max())
        assert_allclose(fit.self_weight[i], influence[0, i], rtol=1e-8)
    assert_array_equal(fit.fitted, fit.coefficients[:, 0])
    if degree > 0:
        assert_array_equal(fit.derivatives, fit.coefficients[:, 1 : 1 + D])
    assert_allclose(fit.weights @ y, fit.fitted, atol=1e-9)
    assert_allclose(fit.weights.sum(1), 1, rtol=1e-11)  # constants are reproduced
    assert_allclose(fit.edf, fit.self_weight.sum())
    assert fit.regularized == 0


@pytest.mark.parametrize("degree", [2, 3])
def test_a_degree_reproduces_its_polynomials(degree, rng, dtype):
    x, q = rng.normal(size=(400, 2)).astype(dtype), rng.normal(size=(20, 2)).astype(dtype)
    c = rng.normal(size=(monomials(x, degree).shape[1], 2))
    y = monomials(x.astype(float), degree) @ c
    fit = vc.local_fit(q, x, y.astype(dtype), degree=degree, bandwidth=0.6)
    assert fit.fitted.dtype == dtype
    size = np.abs(y).max() * np.finfo(dtype).eps
    assert_allclose(fit.fitted, monomials(q.astype(float), degree) @ c, atol=1000 * size)
    moved = vc.local_fit(q + 1000, x + 1000, y.astype(dtype), degree=degree, bandwidth=0.6)
    if dtype == np.float64:
        assert_allclose(moved.fitted, fit.fitted, atol=1e-8)


@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize("constant", [None, 1])
def test_designs_are_weighted_least_squares_on_their_columns(ridge, constant, data, rng):
    x, y, q = data
    z, zq = rng.normal([3.0, 0.0, 50.0], 1, size=(N, 3)), rng.normal(size=(M, 3))
    if constant is not None:
        z[:, 1] = zq[:, 1] = 2.0
    weights = gaussian(q, x)
    fit = vc.local_fit(
        q, x, y, design=z, query_design=zq, ridge=ridge, bandwidth=H, statistics=ALL[0]
    )
    for i in range(M):
        coefficients, errors, _ = expected(z, y, weights[i], ridge, constant)
        assert_allclose(fit.coefficients[i], coefficients, rtol=1e-9)
        assert_allclose(fit.fitted[i], zq[i] @ coefficients, rtol=1e-8, atol=1e-9)
        if ridge == 0:
            assert_allclose(fit.standard_errors[i], errors, rtol=1e-8)
    assert fit.derivatives is None


def test_a_line_is_the_design_of_its_coordinates(data):
    x, y, q = data
    line = vc.local_fit(q, x, y, bandwidth=H, statistics=ALL[0], ridge=0.2)
    ridges = np.full(M, 0.2)
    for more in (
        {"ridge": ridges},
        {"ridge": 0.2, "statistics": "weights"},
        {"ridge": ridges, "design": np.c_[x, np.ones(N)], "query_design": np.c_[q, np.ones(M)]},
    ):
        other = vc.local_fit(q, x, y, bandwidth=H, **more)
        assert_allclose(other.fitted, line.fitted, rtol=1e-10)
    with pytest.raises(ValueError, match="ridge of shape"):
        vc.local_fit(q, x, y, ridge=np.ones(M + 1))


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_likelihoods_are_those_of_statsmodels(family, data, rng):
    api = pytest.importorskip("statsmodels.api")
    x, _, q = data
    eta = 0.5 * x[:, 0] - 0.05 * (x[:, 1] - 100)
    counts = (
        rng.poisson(np.exp(eta)) if family == "poisson" else rng.random(N) < 1 / (1 + np.exp(-eta))
    )
    y = np.c_[counts, counts[::-1]].astype(float)
    weights = gaussian(q, x, 1.5 * H)
    link = api.families.Poisson() if family == "poisson" else api.families.Binomial()
    fit = vc.local_fit(q, x, y, family=family, bandwidth=1.5 * H, statistics=ALL[0])
    own = vc.local_fit(
        q, x, y[:, 0], family=family, bandwidth=1.5 * H, statistics=ALL, self_indices=np.arange(M)
    )
    for i in range(M):
        z = monomials(x - q[i], 1)
        for column in range(2):
            model = api.GLM(y[:, column], z, family=link, freq_weights=weights[i])
            result = model.fit(tol=1e-14)
            assert_allclose(fit.coefficients[i, :, column], result.params, rtol=1e-7, atol=1e-9)
            mean = result.predict(z)
            v = mean if family == "poisson" else mean * (1 - mean)
            a = np.linalg.inv(z.T @ (z * (weights[i] * v)[:, None]))
            errors = a @ (z.T @ (z * (weights[i] ** 2 * v)[:, None])) @ a
            assert_allclose(fit.standard_errors[i, :, column], np.sqrt(np.diag(errors)), rtol=1e-6)
            at_query = np.exp(result.params[0])
            at_query = at_query if family == "poisson" else at_query / (1 + at_query)
            assert_allclose(fit.fitted[i, column], at_query, rtol=1e-7)
    step = 1e-5  # the influence is the derivative by a value
    moved = y[:, 0].copy()
    moved[3] += step if family == "poisson" else step * (1 - 2 * moved[3])
    other = vc.local_fit(q, x, moved, family=family, bandwidth=1.5 * H)
    slope = (other.fitted - own.fitted) / (moved[3] - y[3, 0])
    assert_allclose(own.weights.toarray()[:, 3], slope, rtol=1e-3, atol=1e-7)
    assert_allclose(own.self_weight[3], slope[3], rtol=1e-3)
    ahead = vc.local_fit(q + np.array([step, 0]), x, y[:, 0], family=family, bandwidth=1.5 * H)
    rise = (ahead.fitted - own.fitted) / step
    assert ahead.derivatives.shape == (M, D)
    assert np.isfinite(rise).all()


def test_likelihoods_without_a_maximum_are_counted_and_finite(rng):
    x = np.linspace(-1, 1, 41)[:, None]
    y = (x[:, 0] > 0.01).astype(float)
    fit = vc.local_fit([[-0.5], [0.5]], x, y, family="binomial", bandwidth=1.0)
    assert fit.regularized == 2
    assert fit.fitted[0] < 0.01
    assert fit.fitted[1] > 0.99
    none = vc.local_fit([[0.0]], x, 0 * y, family="poisson", bandwidth=1.0)
    assert none.regularized == 1
    assert 0 <= none.fitted[0] < 1e-4
    steep = (rng.random(41) < 1 / (1 + np.exp(-8 * x[:, 0]))).astype(float)
    steep[[15, 25]] = 1, 0
    assert vc.local_fit([[0.0]], x, steep, family="binomial", bandwidth=9.0).regularized == 0
    ridge = vc.local_fit([[0.5]], x, y, family="binomial", bandwidth=1.0, ridge=0.01)
    assert ridge.regularized == 0


@pytest.mark.parametrize("degree", [2, 3])
def test_too_few_keys_are_regularised_and_counted(degree, rng):
    x = rng.normal(size=(60, 2))
    y = 3 * x[:, 0] + 1
    line = np.c_[x[:, 0], 2 * x[:, 0] + 1]
    fit = vc.local_fit(line[:5], line, y, degree=degree, bandwidth=1.0)
    assert fit.regularized == 5
    assert_allclose(fit.fitted, y[:5], rtol=1e-6)
    one = vc.local_fit(x[:3], x[:1], y[:1], degree=degree, bandwidth=1.0, statistics=ALL[0])
    assert one.regularized == 3
    assert_allclose(one.fitted, y[0], rtol=1e-14)
    assert_array_equal(one.derivatives, 0)
    assert np.isnan(one.standard_errors).all()


@pytest.mark.parametrize("family", ["gaussian", "poisson"])
def test_empty_and_missing_follow_the_policy(family, rng):
    x, y = rng.normal(size=(50, 2)), rng.integers(1, 9, size=(50, 2)).astype(float)
    q = np.array([[0.0, 0.0], [90.0, 90.0], [np.nan, 0.0]])
    options = {"kernel": "epanechnikov", "bandwidth": 3.0, "degree": 2, "family": family}
    nearest = y[np.argmin(((x - q[1]) ** 2).sum(1))]
    inner = vc.local_fit(q[:1], x, y, **options)
    for empty, value in (("nan", np.nan), ("zero", 0.0), (7.0, 7.0), ("nearest", nearest)):
        fit = vc.local_fit(q, x, y, empty=empty, **options)
        assert_array_equal(fit.fitted[0], inner.fitted[0])
        assert_array_equal(fit.fitted[1], np.broadcast_to(value, 2))
        assert np.isnan(fit.fitted[2]).all()
    with pytest.raises(ValueError, match="1 of 3 queries have no key"):
        vc.local_fit(q, x, y, empty="raise", **options)
    gap = y.copy()
    gap[4, 1] = np.nan
    fit = vc.local_fit(q[:1], x, gap, **options)
    assert_array_equal(fit.fitted[:, 0], inner.fitted[:, 0])
    assert np.isnan(fit.fitted[:, 1]).all()
    assert vc.local_fit(q[:0], x, y, **options).coefficients.shape == (0, 6, 2)
    assert_array_equal(vc.local_fit(q[:2], x[:0], y[:0], empty="zero", **options).fitted, 0)


def test_bits_and_batches(data, monkeypatch):
    x, y, q = data
    options = {"bandwidth": H, "degree": 2, "statistics": "standard_errors"}
    one = vc.local_fit(q, x, y, num_threads=1, **options)
    many = vc.local_fit(q, x, y, num_threads=4, **options)
    alone = vc.local_fit(q[7:8], x, y, **options)
    monkeypatch.setattr("vicinal.list_fits.PAIRS", 100)
    fractions = []
    strips = vc.local_fit(q, x, y, progress=fractions.append, **options)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    for name in ("coefficients", "standard_errors"):
        assert_array_equal(getattr(one, name), getattr(many, name))
        assert_array_equal(getattr(one, name), getattr(strips, name))
        assert_array_equal(getattr(one, name)[7:8], getattr(alone, name))
    both = vc.local_fit(q, np.stack([x, x + 1]), y[None], **options)
    assert_array_equal(both.coefficients[0], one.coefficients)
    assert_array_equal(both.coefficients[1], vc.local_fit(q, x + 1, y, **options).coefficients)


def test_weights_of_a_graph_need_no_points(rng):
    graph = scipy.sparse.random_array((M, N), density=0.4, rng=rng, format="csr")
    z, zq, y = rng.normal(size=(N, 3)), rng.normal(size=(M, 3)), rng.normal(size=N)
    fit = vc.local_fit(
        None, None, y, design=z, query_design=zq, neighbors=vc.Graph(graph, data="weight")
    )
    for i in range(M):
        w = graph[[i]].toarray()[0]
        coefficients = expected(z, y[:, None], w, constant=None)[0][:, 0]
        assert_allclose(fit.coefficients[i], coefficients, rtol=1e-9)


def test_refusals(data):
    x, y, q = data
    z, zq = np.ones((N, 2)), np.ones((M, 2))
    for options, words in (
        ({"design": z}, "query_design must be given, too"),
        ({"query_design": zq}, "design must be given, too"),
        ({"design": z, "query_design": zq[:, :1]}, "design has 2 columns and query_design has 1"),
        ({"design": z[1:], "query_design": zq}, "design of shape"),
        ({"design": z, "query_design": zq, "degree": 2}, "degree must not be given with a design"),
        ({"design": z, "query_design": zq, "kernel": "sigmoid"}, "a design needs weights"),
        ({"family": "binomial"}, "values must be from 0 to 1"),
        ({"family": "poisson"}, "values must be at least 0"),
        ({"ridge": [-1.0] * M}, "ridge must be finite and at least 0"),
        ({"statistics": "weights", "bias": np.zeros((2, M, N))}, "weights are of one problem"),
    ):
        with pytest.raises(ValueError, match=words):
            vc.local_fit(q, x, y, **options)
    with pytest.raises(ValueError, match="depend on the values; give one column"):
        vc.local_fit(q, x, np.ones((N, 2)), family="poisson", statistics="weights")
    with pytest.raises(ValueError, match="at most 1024 columns, got 1771"):
        vc.local_fit(np.ones((1, 20)), np.ones((3, 20)), [1, 2, 3], degree=3)


def test_a_strip_holds_a_bounded_number_of_pairs(monkeypatch):
    keys = np.random.default_rng(5).normal(size=(3000, 2))
    whole = vc.local_fit(keys[:300], keys, keys[:, 0], degree=2)
    sizes = []
    run_rows = list_fits.run_rows

    def counted(*arguments):
        lists = run_rows(*arguments)
        sizes.append(len(lists["indices"]))
        return lists

    monkeypatch.setattr(list_fits, "PAIRS", 6000)
    monkeypatch.setattr(list_fits, "run_rows", counted)
    strips = vc.local_fit(keys[:300], keys, keys[:, 0], degree=2)
    assert max(sizes) <= 6000
    assert strips.fitted.tobytes() == whole.fitted.tobytes()
