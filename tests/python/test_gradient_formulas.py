"""Gradients against their formulas in float64, where windows, chunks and lists end."""

import numpy as np
import pytest

import vicinal as vc
from gradient_cases import N, P, arrays, check, sparse

k = vc.kernels


def formula(shares, grad, y, of_mass=0.0):
    """Return the gradients by the log-weights of pairs, (m, n), and by values, (n, p)."""
    g, y = grad.astype(np.float64), y.astype(np.float64)
    mean = shares @ y
    of_mass = np.broadcast_to(of_mass, len(g))[:, None]
    return shares * (g @ y.T - (g * mean).sum(1)[:, None] + of_mass), shares.T @ g


def gaussian_shares(q, x, h, used=True):
    q, x = q.astype(np.float64), x.astype(np.float64)
    squares = (q**2).sum(1)[:, None] + (x**2).sum(1) - 2 * (q @ x.T)
    weights = np.where(used, np.exp(-squares / (2 * h**2)), 0)
    total = weights.sum(1, keepdims=True)
    return np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)


def close(found, expected, rtol):
    assert np.abs(found - expected).max() <= rtol * np.abs(expected).max()


@pytest.mark.parametrize(
    "window", [vc.Window(300, 0), vc.Window(9, 9, offset=1500), vc.Window(None, 0, offset=600)]
)
def test_keys_of_a_chunk_that_its_first_rows_do_not_see(window):
    g, q, x, y = arrays(900, 3000, 40, 20, np.float64)  # chunks of 1024 keys, blocks of rows
    ahead = np.arange(3000) - (np.arange(900)[:, None] + window.offset)
    before = np.inf if window.before is None else window.before
    used = (ahead >= -before) & (ahead <= window.after)
    found = vc.local_mean_vjp(g, q, x, y, bandwidth=6.0, neighbors=window, empty="zero")
    pairs, of_values = formula(gaussian_shares(q, x, 6.0, used), g, y)
    close(found.values, of_values, 1e-12)
    close(found.keys, (pairs.T @ q - pairs.sum(0)[:, None] * x) / 36, 1e-11)
    close(found.queries, (pairs @ x - pairs.sum(1)[:, None] * q) / 36, 1e-11)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_few_rows_that_see_the_first_of_many_chunks(threads):
    g, q, x, y = arrays(20, 40_000, 3, 2, np.float64)
    window = vc.Window(150, 150, offset=700)
    used = np.abs(np.arange(40_000) - (np.arange(20)[:, None] + 700)) <= 150
    found = vc.local_mean_vjp(g, q, x, y, neighbors=window, num_threads=threads)
    pairs, _ = formula(gaussian_shares(q, x, 1.0, used), g, y)
    close(found.queries, pairs @ x - pairs.sum(1)[:, None] * q, 1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_offset_of_all_values_costs_no_digits(dtype):
    # About the query everything is even or odd, so that the mean is the offset, exactly.
    g, _, x, y = arrays(1, 400, 3, 32, dtype)
    x, y = np.concatenate([x, -x]), np.round(np.concatenate([y, -y]) * 64) / 64
    options = {"bandwidth": 1.5, "wrt": ["keys", "log_weights"]}
    query, shift = np.zeros((1, 3), dtype), dtype(8192)
    forward = vc.local_stats(query, x, y, statistics=("mean", "log_mass"), bandwidth=1.5)
    forward.mean[:] = 0
    near = vc.local_mean_vjp(g, query, x, y, forward=forward, **options)
    forward.mean[:] = shift
    far = vc.local_mean_vjp(g, query, x, y + shift, forward=forward, **options)
    for name in options["wrt"]:
        close(getattr(far, name), getattr(near, name), 16 * np.finfo(dtype).eps)


@pytest.mark.parametrize("data", ["distance", "weight"])
def test_log_masses_of_graphs_of_numbers(data):
    rng = np.random.default_rng(13)
    near = vc.Graph(sparse(60, N), data=data)
    y, grad, of_mass = rng.normal(size=(N, P)), rng.normal(size=(60, P)), rng.normal(size=60)
    options = {"neighbors": near} | ({"bandwidth": 2.0} if data == "distance" else {})
    priors, bias = rng.normal(size=N), rng.normal(size=(60, N))
    options |= {"log_weights": priors, "bias": bias}
    names = ["values", "log_weights", "bias"]
    found = vc.local_mean_vjp(grad, None, None, y, log_mass_grad=of_mass, wrt=names, **options)
    shares = vc.local_weights(None, None, **options).toarray()
    pairs, of_values = formula(shares, grad, y, of_mass)
    close(found.values, of_values, 1e-12)
    close(found.log_weights, pairs.sum(0), 1e-12)
    close(found.bias, pairs, 1e-12)


def test_exact_hits_in_a_list():
    g, q, x, y = arrays(3, 30, 2, 2, np.float64)
    x[4] = x[9] = q[1]
    near = {"kernel": k.InverseDistance(), "neighbors": vc.KNearest(5)}
    found = vc.local_mean_vjp(g[1:2], q[1:2], x, y, **near)
    expected = np.zeros((30, 2))
    expected[[4, 9]] = g[1] / 2
    np.testing.assert_allclose(found.values, expected, atol=1e-15)
    assert (found.keys == 0).all()


@pytest.mark.parametrize("kernel", ["softmax", "laplace"])
def test_unit_vectors_and_features_that_are_chosen(kernel):
    rng = np.random.default_rng(21)
    made = {"softmax": k.Softmax, "laplace": k.Laplace}[kernel]
    cosine = made(bandwidth=0.8, metric="cosine", columns=[3, 1])
    names = ["queries", "keys"]
    points = {name: rng.normal(size=(rows, 5)) for name, rows in zip(names, (7, N), strict=True)}
    points["values"] = rng.normal(size=(N, P))
    for made in (cosine, k.Product(cosine, k.Gaussian(columns=[0, 4], bandwidth=1.2))):
        check(points, {"kernel": made}, rng.normal(size=(7, P)), names)


def test_features_that_are_chosen_have_bandwidths_and_maps():
    rng = np.random.default_rng(22)
    points = {"queries": rng.normal(size=(7, 5)), "keys": rng.normal(size=(N, 5))}
    points["values"] = rng.normal(size=(N, P))
    metric = k.Mahalanobis([[1.0, 0.4], [0.0, 0.7]])
    mapped = k.Gaussian(columns=[3, 1], bandwidth=1.2, metric=metric)
    grad = rng.normal(size=(7, P))
    check(points, {"kernel": mapped}, grad, ["queries", "keys"])


def test_masses_below_zero():
    rng = np.random.default_rng(23)
    points = {"queries": rng.normal(size=(7, 3)), "keys": rng.normal(size=(N, 3))}
    points["values"] = rng.normal(size=(N, P))
    kernel = k.Sum(k.Gaussian(bandwidth=0.7), k.Constant(), coefficients=[1.0, -3.0])
    check(points, {"kernel": kernel}, rng.normal(size=(7, P)), ["queries", "keys", "values"])


@pytest.mark.parametrize("given", [False, True])
def test_a_query_with_nan_spoils_its_own_bandwidth(given):
    g, q, x, y = arrays(6, 50, 3, 2, np.float64)
    q[4, 1] = np.nan
    options = {"bandwidth": vc.bandwidth.PerQuery(np.linspace(0.8, 1.3, 6))}
    stats = vc.local_stats(q, x, y, statistics=("mean", "log_mass"), **options)
    forward = {"forward": stats} if given else {}
    found = vc.local_mean_vjp(g, q, x, y, **forward, **options)
    spoiled = np.arange(6) == 4
    np.testing.assert_array_equal(np.isnan(found.bandwidth), spoiled)
    np.testing.assert_array_equal(np.isnan(found.queries).all(1), spoiled)
    assert np.isfinite(found.keys).all()


@pytest.mark.parametrize("window", [vc.Window(12, 3), vc.Segments([0, 70, 150], [0, 90, 150])])
def test_sets_count_rows_over_strips_of_a_bias(window, monkeypatch):
    g, q, x, y = arrays(150, 150, 3, 2, np.float64)
    monkeypatch.setattr("vicinal.strips.PAIRS", 3000)  # 20 rows at a time
    options = {"neighbors": window, "wrt": ["queries", "keys", "values"]}
    table = np.sin(np.arange(150)[:, None] * 0.3 + np.arange(150))
    found = vc.local_mean_vjp(g, q, x, y, bias=lambda i, j: table[i][:, j], **options)
    whole = vc.local_mean_vjp(g, q, x, y, bias=table, **options)
    for name in options["wrt"]:
        close(getattr(found, name), getattr(whole, name), 1e-12)


@pytest.mark.parametrize("order", ["C", "F"])
def test_whole_packs_of_features_are_read_where_they_stand(order, dtype):
    g, q, x, y = arrays(60, 700, 32, 16, dtype)
    q, x, y = (np.asarray(a, order=order) for a in (q, x, y))
    weights = np.arange(700) % 11 > 0
    options = {"kernel": "softmax", "bandwidth": 6.0}
    alone, kept = np.arange(60) % 7 != 3, np.arange(700) < 600
    product = q[alone].astype(np.float64) @ x.astype(np.float64).T / 6
    shares = np.exp(product - product.max(1, keepdims=True)) * weights * kept
    pairs, of_values = formula(shares / shares.sum(1, keepdims=True), g[alone], y)
    q[~alone, 5] = np.nan
    x[~weights, 7], x[~kept, 3] = np.nan, np.inf
    mask = np.broadcast_to(kept, (60, 700))
    found = vc.local_mean_vjp(g, q, x, y, weights=weights, mask=mask, **options)
    seen, eps = weights & kept, 40 * np.finfo(dtype).eps
    close(found.queries[alone], pairs[:, seen] @ x[seen].astype(np.float64) / 6, eps)
    close(found.keys, pairs.T @ q[alone].astype(np.float64) / 6, eps)
    close(found.values, of_values, eps)
    assert np.isnan(found.queries[~alone]).all()
