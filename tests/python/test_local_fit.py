"""Local constants and lines against weighted least squares in numpy, float64."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal

import vicinal as vc

N, M, D, P = 120, 25, 3, 2
ALL = ("standard_errors", "self_weight")


@pytest.fixture
def data(rng):
    x = rng.normal(size=(N, D)) * [1.0, 10.0, 0.1] + [0.0, 100.0, 5.0]
    y = np.c_[np.sin(x[:, 0]) + 0.1 * x[:, 1], x[:, 2] ** 2] + 0.1 * rng.normal(size=(N, P))
    return x, y, x[:M] + 0.01 * rng.normal(size=(M, D))


BANDWIDTH = np.array([1.0, 10.0, 0.1])


def gaussian(q: np.ndarray, x: np.ndarray, h: np.ndarray | float = BANDWIDTH) -> np.ndarray:
    return np.exp(-0.5 * (((q[:, None] - x) / h) ** 2).sum(-1))


def epanechnikov(q: np.ndarray, x: np.ndarray, h: np.ndarray | float = BANDWIDTH) -> np.ndarray:
    return np.maximum(1 - (((q[:, None] - x) / h) ** 2).sum(-1), 0)


def expected_line(q, x, y, w, ridge=0.0):
    """Coefficients, their standard errors and the row of the hat matrix, by one QR each."""
    w = w / w.sum()
    unit = np.sqrt(np.average((x - q) ** 2, axis=0, weights=w))  # only for the conditioning
    design = np.c_[np.ones(len(x)), (x - q) / unit]
    penalty = np.sqrt(ridge) * np.c_[np.zeros(len(unit)), np.diag(1 / unit)]
    root = np.sqrt(w)[:, None]
    orthogonal, r = np.linalg.qr(np.r_[root * design, penalty])
    influence = np.linalg.solve(r, orthogonal[: len(x)].T * root[:, 0])  # coefficients = · @ y
    coefficients = influence @ y
    residual = (w[:, None] * (y - design @ coefficients) ** 2).sum(0)
    free = 1 - np.trace(influence @ (w[:, None] * design))
    errors = np.sqrt((influence**2).sum(1)[:, None] * (residual / free))
    scale = np.r_[1, unit][:, None]
    return coefficients / scale, errors / scale, influence[0]


def check_lines(fit, q, x, y, weights, *, ridge=0.0, rtol=1e-9):
    for i in range(len(q)):
        coefficients, errors, hat = expected_line(q[i], x, y, weights[i], ridge)
        size = np.abs(coefficients).max(axis=1, keepdims=True)
        assert_allclose(fit.coefficients[i] / size, coefficients / size, rtol=0, atol=rtol)
        if fit.standard_errors is not None and ridge == 0:
            assert_allclose(fit.standard_errors[i], errors, rtol=1e-7)
        yield hat


@pytest.mark.parametrize("kernel", ["gaussian", "epanechnikov"])
@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_lines_are_weighted_least_squares(kernel, ridge, data):
    x, y, q = data
    h = BANDWIDTH if kernel == "gaussian" else 4 * BANDWIDTH
    weights = (gaussian if kernel == "gaussian" else epanechnikov)(q, x, h)
    own = np.arange(M)
    fit = vc.local_fit(
        q, x, y, kernel=kernel, bandwidth=h, ridge=ridge, statistics=ALL, self_indices=own
    )
    hats = list(check_lines(fit, q, x, y, weights, ridge=ridge))
    assert fit.regularized == 0
    assert_array_equal(fit.fitted, fit.coefficients[:, 0])
    assert_array_equal(fit.derivatives, fit.coefficients[:, 1:])
    assert_allclose(fit.self_weight, [hat[i] for i, hat in enumerate(hats)], rtol=1e-8)
    assert_allclose(fit.edf, fit.self_weight.sum(), rtol=1e-14)


def test_prior_weights_masks_biases_and_sets_enter_the_weights(data, rng):
    x, y, q = data
    prior = rng.random(N) * (rng.random(N) < 0.8)
    bias, mask = rng.normal(size=(M, N)), rng.random((M, N)) < 0.7
    base = gaussian(q, x, 2 * BANDWIDTH)
    graph = scipy.sparse.csr_array(mask.astype(float))
    scaled = np.sqrt((((q[:, None] - x) / BANDWIDTH) ** 2).sum(-1))
    nearest = np.argsort(np.argsort(scaled, axis=1), axis=1) < 40
    with np.errstate(divide="ignore"):
        logs = np.log(prior)
    for options, factor in (
        ({"weights": prior}, prior),
        ({"log_weights": logs}, prior),
        ({"bias": bias}, np.exp(bias)),
        ({"bias": lambda rows, columns: bias[np.ix_(rows, columns)]}, np.exp(bias)),
        ({"mask": mask}, mask),
        ({"neighbors": vc.Graph(graph, data="pattern")}, mask),
        ({"neighbors": vc.KNearest(40)}, nearest),
        ({"exclude_self": True, "self_indices": np.arange(M)}, ~np.eye(M, N, dtype=bool)),
    ):
        fit = vc.local_fit(
            q, x, y, bandwidth=2 * BANDWIDTH, statistics="standard_errors", **options
        )
        assert len(list(check_lines(fit, q, x, y, base * factor))) == M


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "uniform", "epanechnikov", "tricube"])
@pytest.mark.parametrize("neighbors", [None, vc.KNearest(60), vc.Radius(25.0)])
def test_standard_errors_of_every_kind_of_square(kernel, neighbors, data):
    x, y, q = data
    distance = np.sqrt(((q[:, None] - x) ** 2).sum(-1))
    u = distance / 30.0
    weights = {
        "gaussian": np.exp(-0.5 * u**2),
        "laplace": np.exp(-u),
        "uniform": u <= 1,
        "epanechnikov": np.maximum(1 - u**2, 0),
        "tricube": np.maximum(1 - u**3, 0) ** 3,
    }[kernel]
    if isinstance(neighbors, vc.KNearest):
        weights = weights * (np.argsort(np.argsort(distance, axis=1), axis=1) < 60)
    elif neighbors is not None:
        weights = weights * (distance <= 25.0)
    within = isinstance(neighbors, vc.Radius)
    for h in (30.0,) if within else (30.0, np.full(D, 30.0)):
        fit = vc.local_fit(
            q, x, y, kernel=kernel, bandwidth=h, neighbors=neighbors, statistics=ALL[0]
        )
        assert len(list(check_lines(fit, q, x, y, weights, rtol=1e-8))) == M


def test_bandwidths_of_keys_and_queries(data, rng):
    x, y, q = data
    u = np.sqrt(((q[:, None] - x) ** 2).sum(-1))
    of_queries, of_keys = 20 + 10 * rng.random(M), 20 + 10 * rng.random(N)
    of_features = BANDWIDTH * (2 + rng.random((N, D)))
    kth = np.sort(u, axis=1)[:, 30]
    for rule, weights in (
        (vc.bandwidth.PerQuery(of_queries), np.exp(-0.5 * (u / of_queries[:, None]) ** 2)),
        (vc.bandwidth.PerKey(of_keys), np.exp(-0.5 * (u / of_keys) ** 2)),
        (vc.bandwidth.PerKey(of_features, per_feature=True), gaussian(q, x, of_features)),
        (vc.bandwidth.KthNeighbor(31), np.exp(-0.5 * (u / kth[:, None]) ** 2)),
    ):
        fit = vc.local_fit(q, x, y, bandwidth=rule, statistics=ALL[0])
        assert len(list(check_lines(fit, q, x, y, weights, rtol=1e-8))) == M


@pytest.mark.parametrize("neighbors", [None, vc.KNearest(30)])
def test_lines_reproduce_linear_functions(neighbors, rng, dtype):
    # Identity 9; the equivalent kernel sums to 1: it reproduces constants.
    x, q = rng.normal(size=(400, 4)).astype(dtype), rng.normal(size=(50, 4)).astype(dtype)
    slope = rng.normal(size=(4, 3)).astype(dtype)
    line = (x.astype(float) @ slope + 2).astype(dtype)
    fit = vc.local_fit(q, x, line, bandwidth=0.7, neighbors=neighbors)
    eps = np.finfo(dtype).eps
    assert fit.fitted.dtype == fit.derivatives.dtype == dtype
    assert_allclose(fit.fitted, q.astype(float) @ slope + 2, atol=300 * eps)
    assert_allclose(fit.derivatives, np.broadcast_to(slope, (50, 4, 3)), atol=3000 * eps)
    assert fit.regularized == 0
    if dtype == np.float64:
        shifted = vc.local_fit(q + 1e6, x + 1e6, line, bandwidth=0.7, neighbors=neighbors)
        assert_allclose(shifted.fitted, fit.fitted, atol=1e-7)


def test_constants_are_local_means(data):
    x, y, q = data
    fit = vc.local_fit(
        q, x, y, degree=0, bandwidth=BANDWIDTH, statistics=ALL, self_indices=np.arange(M)
    )
    stats = vc.local_stats(
        q, x, y, bandwidth=BANDWIDTH, statistics="self_weight", self_indices=np.arange(M)
    )
    assert_array_equal(fit.fitted, vc.local_mean(q, x, y, bandwidth=BANDWIDTH))
    assert_array_equal(fit.coefficients, fit.fitted[:, None])
    assert fit.derivatives is None
    assert_array_equal(fit.self_weight, stats.self_weight)
    w = gaussian(q, x)
    w /= w.sum(1, keepdims=True)
    residual = np.einsum("ij,ijp->ip", w, (y - fit.fitted[:, None]) ** 2)
    share = (w**2).sum(1, keepdims=True)
    assert_allclose(fit.standard_errors[:, 0], np.sqrt(residual * share / (1 - share)), rtol=1e-9)


def test_what_determines_no_line_is_regularised_and_counted(rng):
    # A column that is constant, one that repeats another, keys on a line, one key, twins.
    x = rng.normal(size=(60, 2))
    y = 3 * x[:, 0]
    for keys in (
        np.c_[x[:, 0], np.full(60, 0.1)],
        np.c_[x[:, 0], x[:, 0]],
        np.c_[x[:, 0], 1e7 + np.zeros(60)],
        np.c_[x[:, 0], 2 * x[:, 0] + 1],
    ):
        fit = vc.local_fit(keys[:7], keys, y, bandwidth=1.0)
        assert fit.regularized == 7
        assert_allclose(fit.fitted, y[:7], rtol=1e-6, atol=1e-6)
        assert np.isfinite(fit.derivatives).all()
    one = vc.local_fit(x[:3], x[:1], y[:1], bandwidth=1.0, statistics="standard_errors")
    assert one.regularized == 3
    assert_allclose(one.fitted, y[0], rtol=1e-14)
    assert_array_equal(one.derivatives, 0)
    assert np.isnan(one.standard_errors).all()
    twins = vc.local_fit(x[:3], np.zeros((4, 2)), [1.0, 2, 3, 4], bandwidth=1.0)
    assert_allclose(twins.fitted, 2.5)
    assert_array_equal(twins.derivatives, 0)


def test_bandwidths_far_below_the_range_of_the_keys_keep_their_digits(rng):
    # Ten thousand bandwidths across: the second moments lose eight digits, and a plane that the
    # keys do not span there is found out all the same.
    near = rng.normal(size=(300, 2))
    far = np.array([1e4, 3e4])
    x = np.vstack([near, near + far])
    y = x @ [2.0, 1.0] + 5
    fit = vc.local_fit(x[300:305], x, y, bandwidth=1.0)
    assert fit.regularized == 0
    assert_allclose(fit.fitted, y[300:305], rtol=1e-9)
    assert_allclose(fit.derivatives, np.tile([2.0, 1.0], (5, 1)), rtol=1e-5)
    x[300:, 1] = 3e4 + (x[300:, 0] - 1e4)
    line = vc.local_fit(x[300:305], x, x @ [2.0, 1.0], bandwidth=1.0)
    assert line.regularized == 5
    assert_allclose(line.fitted, x[300:305] @ [2.0, 1.0], rtol=1e-9)
    assert np.abs(line.derivatives).max() < 3.1


def test_features_of_very_different_units_need_no_regularisation(rng):
    x = rng.normal(size=(200, 3))
    y = x @ [1.0, 2.0, 3.0]
    units = np.array([1e-9, 1.0, 1e9])
    fit = vc.local_fit(x[:5] * units, x * units, y, bandwidth=units)
    assert fit.regularized == 0
    assert_allclose(fit.derivatives * units, np.tile([1.0, 2.0, 3.0], (5, 1)), rtol=1e-9)


def test_empty_queries_follow_the_policy(rng):
    x, y = rng.normal(size=(50, 2)), rng.normal(size=(50, 2))
    q = np.array([[0.0, 0.0], [90.0, 90.0], [np.nan, 0.0]])
    options = {"kernel": "epanechnikov", "bandwidth": 3.0}
    nearest = y[np.argmin(((x - q[1]) ** 2).sum(1))]
    inner = vc.local_fit(q[:1], x, y, **options)
    for empty, value in (("nan", np.nan), ("zero", 0.0), (7.0, 7.0), ("nearest", nearest)):
        fit = vc.local_fit(q, x, y, empty=empty, **options)
        assert_array_equal(fit.fitted[0], inner.fitted[0])
        assert_array_equal(fit.fitted[1], np.broadcast_to(value, 2))
        assert_array_equal(fit.derivatives[1], np.full((2, 2), np.nan if empty == "nan" else 0.0))
        assert np.isnan(fit.fitted[2]).all()
        assert fit.regularized == 0
    with pytest.raises(ValueError, match="1 of 3 queries have no key"):
        vc.local_fit(q, x, y, empty="raise", **options)
    none = vc.local_fit(q[:0], x, y, statistics=ALL, self_indices=np.empty(0, int))
    assert none.fitted.shape == (0, 2)
    assert none.derivatives.shape == (0, 2, 2)
    assert none.edf == 0
    nothing = vc.local_fit(q[:2], x[:0], y[:0], empty="zero")
    assert_array_equal(nothing.fitted, np.zeros((2, 2)))


def test_nan_in_a_value_column_stays_there(data):
    x, y, q = data
    broken = y.copy()
    broken[4, 1] = np.nan
    fit = vc.local_fit(q, x, broken, bandwidth=BANDWIDTH)
    assert_array_equal(fit.fitted[:, 0], vc.local_fit(q, x, y, bandwidth=BANDWIDTH).fitted[:, 0])
    assert np.isnan(fit.fitted[:, 1]).all()


def test_batches_and_one_number_per_key(data, rng):
    x, y, q = data
    keys = np.stack([x, x + rng.normal(size=x.shape)])
    options = {"bandwidth": 3 * BANDWIDTH, "statistics": ALL, "self_indices": np.arange(M)}
    both = vc.local_fit(q, keys, y[None], **options)
    assert both.coefficients.shape == (2, M, 1 + D, P)
    assert both.self_weight.shape == (2, M)
    for i in range(2):
        one = vc.local_fit(q, keys[i], y, **options)
        assert_array_equal(both.coefficients[i], one.coefficients)
        assert_array_equal(both.standard_errors[i], one.standard_errors)
        assert_array_equal(both.self_weight[i], one.self_weight)
    single = vc.local_fit(q, x, y[:, 0], **options)
    assert single.fitted.shape == (M,)
    assert single.derivatives.shape == (M, D)
    assert single.standard_errors.shape == (M, 1 + D)
    full = vc.local_fit(q, x, y[:, :1], **options)
    assert_array_equal(single.derivatives, full.derivatives[..., 0])


def test_bits_depend_neither_on_threads_nor_on_the_other_queries(data, monkeypatch):
    x, y, q = data
    options = {"bandwidth": BANDWIDTH, "statistics": "standard_errors"}
    one = vc.local_fit(q, x, y, num_threads=1, **options)
    many = vc.local_fit(q, x, y, num_threads=4, **options)
    assert_array_equal(one.coefficients, many.coefficients)
    assert_array_equal(one.standard_errors, many.standard_errors)
    assert_array_equal(one.coefficients[7:8], vc.local_fit(q[7:8], x, y, **options).coefficients)
    monkeypatch.setattr("vicinal.line_fits.NUMBERS", 100)  # strips of four queries
    for more in ({}, {"neighbors": vc.KNearest(50)}):
        fractions = []
        strips = vc.local_fit(q, x, y, progress=fractions.append, **options, **more)
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1
        if not more:
            assert_array_equal(one.standard_errors, strips.standard_errors)


def test_refusals(data):
    x, y, q = data
    signed = vc.Graph(scipy.sparse.csr_array(-np.eye(N)[:M]), data="weight")
    for options, words in (
        ({"degree": 4}, "degree must be 0 .* 2 or 3, got 4"),
        ({"degree": -1}, "degree must be 0 .* 2 or 3, got -1"),
        ({"family": "poison"}, "family must be one of .*got .poison.*poisson"),
        ({"ridge": -1.0}, "ridge must be finite and at least 0"),
        ({"ridge": np.inf}, "ridge must be finite and at least 0"),
        ({"statistics": "self_wight"}, "statistics must be among .*self_weight"),
        ({"statistics": "self_weight"}, "self_indices must be given"),
        ({"kernel": "sigmoid"}, "weights that are not negative"),
        ({"neighbors": signed}, "weights that are not negative"),
    ):
        with pytest.raises(ValueError, match=words):
            vc.local_fit(q, x, y, **options)
    with pytest.raises(ValueError, match="queries and keys must be given for degree 1"):
        vc.local_fit(None, x, y)
    with pytest.raises(TypeError, match="degree must be a whole number"):
        vc.local_fit(q, x, y, degree=1.5)
