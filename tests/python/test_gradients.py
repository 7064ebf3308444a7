"""Gradients of local means against central differences of the means, in float64."""

import numpy as np
import pytest

import cases
import vicinal as vc
from gradient_cases import M, N, P, check, sparse

k = vc.kernels


def problem(case, d, seed=0):
    q, x, y = cases.sample(case, M, N, d, P, np.float64, seed)
    h = cases.ordinary_bandwidth(case, q, x)
    grad = np.random.default_rng(seed + 1).normal(size=(M, P))
    return {"queries": q, "keys": x, "values": y, "bandwidth": h}, grad


def smooth(case):
    """Tell whether weights have a derivative everywhere: steps of uniform have none."""
    return case.name != "uniform"


@pytest.mark.parametrize("d", [3, 11])
@pytest.mark.parametrize("metric", cases.METRICS)
@pytest.mark.parametrize("case", cases.DISTANCE_CASES, ids=lambda c: c.name)
def test_distance_kernels(case, metric, d):
    case, metric = cases.with_metric(case, metric, d)
    arrays, grad = problem(case, d)
    options = {"kernel": case.make(), "metric": metric}
    names = ["queries", "keys", "values"] + (["bandwidth"] if smooth(case) else [])
    check(arrays, options, grad, names)


@pytest.mark.parametrize("d", [3, 40])
@pytest.mark.parametrize("case", cases.DOT_CASES, ids=lambda c: c.name)
def test_inner_products(case, d):
    arrays, grad = problem(case, d)
    check(arrays, {"kernel": case.make()}, grad, ["queries", "keys", "values", "bandwidth"])


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "epanechnikov", "softmax"])
@pytest.mark.parametrize("d", [3, 11])
def test_cosine(kernel, d):
    rng = np.random.default_rng(2)
    arrays = {
        "queries": rng.normal(size=(M, d)),
        "keys": rng.normal(size=(N, d)),
        "values": rng.normal(size=(N, P)),
        "bandwidth": 0.61,
    }
    grad = rng.normal(size=(M, P))
    check(
        arrays,
        {"kernel": kernel, "metric": "cosine"},
        grad,
        ["queries", "keys", "values", "bandwidth"],
    )


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "cauchy", "biweight"])
@pytest.mark.parametrize("metric", ["haversine", "great_circle"])
def test_on_the_sphere(kernel, metric):
    rng = np.random.default_rng(3)
    unit = 1.0 if metric == "haversine" else 180 / np.pi
    arrays = {
        "queries": unit * rng.uniform(-1.2, 1.2, size=(M, 2)),
        "keys": unit * rng.uniform(-1.2, 1.2, size=(N, 2)),
        "values": rng.normal(size=(N, P)),
        "bandwidth": 0.7 if metric == "haversine" else 0.7 * 6371.0,
    }
    made = metric if metric == "haversine" else k.GreatCircle()
    grad = rng.normal(size=(M, P))
    options = {"kernel": kernel, "metric": made}
    check(arrays, options, grad, ["queries", "keys", "values", "bandwidth"], step=4e-7 * unit)


COMPOSED = {
    "product": lambda: k.Product(
        k.Gaussian(columns=[0, 1], bandwidth=0.8), k.Epanechnikov(columns=[2], bandwidth=2.5)
    ),
    "product_of_logs": lambda: k.Product(k.Gaussian(bandwidth=1.1), k.Softmax(bandwidth=2.0)),
    "sum": lambda: k.Sum(
        k.Gaussian(bandwidth=0.7), k.Laplace(bandwidth=2.0), coefficients=[1.0, 0.4]
    ),
    "signed": lambda: k.Sum(
        k.Gaussian(bandwidth=1.5), k.Gaussian(bandwidth=0.7), coefficients=[1.0, -0.5]
    ),
    "two_compact": lambda: k.Product(k.Biweight(bandwidth=3.0), k.Polynomial(degree=2)),
    "sum_of_products": lambda: k.Sum(
        k.Product(k.Cauchy(bandwidth=1.0), k.Tricube(bandwidth=4.0)), k.VonMisesFisher()
    ),
    "category": lambda: k.Product(
        k.Gaussian(columns=[0, 1], bandwidth=0.9), k.AitchisonAitken(3, bandwidth=0.2, columns=[2])
    ),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_composed_kernels(name):
    rng = np.random.default_rng(4)
    q, x = rng.normal(size=(M, 3)), rng.normal(size=(N, 3))
    names = ["queries", "keys", "values", "log_weights"]
    if name == "category":
        q[:, 2], x[:, 2] = rng.integers(0, 3, M), rng.integers(0, 3, N)
        names = names[2:]
    arrays = {
        "queries": q,
        "keys": x,
        "values": rng.normal(size=(N, P)),
        "log_weights": rng.normal(size=N),
    }
    check(arrays, {"kernel": COMPOSED[name]()}, rng.normal(size=(M, P)), names)


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "triweight", "softmax"])
def test_priors_and_bias(kernel):
    rng = np.random.default_rng(6)
    case = next(c for c in cases.DISTANCE_CASES + cases.DOT_CASES if c.name == kernel)
    arrays, grad = problem(case, 3, seed=8)
    arrays |= {"log_weights": 3 * rng.normal(size=N), "bias": 2 * rng.normal(size=(M, N))}
    options = {"kernel": kernel, "mask": rng.random((M, N)) < 0.8}
    check(arrays, options, grad, list(arrays))


@pytest.mark.parametrize("shape", [(N,), (1, N), (M, 1), (1, 1), (M, N), (4, M, N), (2, 1, M, N)])
def test_bias_in_its_own_shape(shape):
    rng = np.random.default_rng(7)
    arrays = {
        "queries": rng.normal(size=(2, 4, M, 3)),
        "keys": rng.normal(size=(2, 1, N, 3)),
        "values": rng.normal(size=(1, 4, N, P)),
        "bias": rng.normal(size=shape),
    }
    grad = rng.normal(size=(2, 4, M, P))
    check(arrays, {}, grad, ["queries", "keys", "values", "bias"])


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "student_t", "softmax"])
@pytest.mark.parametrize("rule", ["per_key", "per_query", "one_for_a_batch"])
def test_bandwidths_of_keys_and_queries(kernel, rule):
    rng = np.random.default_rng(9)
    q, x, y = rng.normal(size=(3, M, 4)), rng.normal(size=(N, 4)), rng.normal(size=(N, P))
    grad = rng.normal(size=(3, M, P))
    shape = {"per_key": (3, N), "per_query": (M,), "one_for_a_batch": (N,)}[rule]
    make = vc.bandwidth.PerQuery if rule == "per_query" else vc.bandwidth.PerKey
    h, direction = rng.uniform(0.8, 1.5, size=shape), rng.normal(size=shape)
    found = vc.local_mean_vjp(grad, q, x, y, kernel=kernel, bandwidth=make(h)).bandwidth
    assert found.shape == shape

    def loss(step):
        wide = make(h + step * direction)
        return float((vc.local_mean(q, x, y, kernel=kernel, bandwidth=wide) * grad).sum())

    expected = (loss(1e-5) - loss(-1e-5)) / 2e-5
    assert abs(float((found * direction).sum()) - expected) < 1e-7


@pytest.mark.parametrize("kernel", ["gaussian", "laplace", "epanechnikov"])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
def test_bandwidths_per_feature(kernel, metric):
    case = next(c for c in cases.DISTANCE_CASES if c.name == kernel)
    for d in (3, 11):
        other, named = cases.with_metric(case, metric, d)
        arrays, grad = problem(other, d)
        arrays["bandwidth"] = arrays["bandwidth"] * np.linspace(0.8, 1.3, d)
        check(arrays, {"kernel": kernel, "metric": named}, grad, list(arrays))


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
def test_bandwidths_per_key_and_feature(metric):
    rng = np.random.default_rng(10)
    q, x, y = rng.normal(size=(M, 3)), rng.normal(size=(N, 3)), rng.normal(size=(N, P))
    h, grad = rng.uniform(0.8, 1.5, size=(N, 3)), rng.normal(size=(M, P))

    def loss(**moved):
        given = {"queries": q, "keys": x, "h": h} | moved
        wide = vc.bandwidth.PerKey(given.pop("h"), per_feature=True)
        return float((vc.local_mean(**given, values=y, metric=metric, bandwidth=wide) * grad).sum())

    wide = vc.bandwidth.PerKey(h, per_feature=True)
    found = vc.local_mean_vjp(grad, q, x, y, metric=metric, bandwidth=wide)
    gradients = {"queries": found.queries, "keys": found.keys, "h": found.bandwidth}
    for name, at in {"queries": q, "keys": x, "h": h}.items():
        direction = rng.normal(size=at.shape)
        step = 1e-5 * direction
        expected = (loss(**{name: at + step}) - loss(**{name: at - step})) / 2e-5
        assert abs(float((gradients[name] * direction).sum()) - expected) < 1e-6, name


def test_custom_kernels():
    arrays, grad = problem(cases.DISTANCE_CASES[0], 3)
    for kernel in (
        k.Custom(lambda u: (1 - u**2) ** 2, support=1.0),
        k.Custom(lambda u: -(u**2) / 2 - u**4 / 9, log=True),
    ):
        arrays["bandwidth"] = 3.0
        check(arrays, {"kernel": kernel}, grad, list(arrays), rtol=1e-5)


@pytest.mark.parametrize(
    "neighbors",
    [
        vc.Window(40, 25),
        vc.Window(None, 0, offset="end"),
        vc.Radius(1.5),
        vc.BlockMask(np.arange(20).reshape(2, 10) % 3 > 0, block=32),
        vc.Segments([0, 20, 60], [0, 200, 300]),
        vc.KNearest(12),
        vc.Radius(2.0) & vc.KNearest(280),
        vc.KNearest(5) | vc.Window(10, 10),
        vc.Graph(sparse(60, N), data="pattern"),
    ],
    ids=lambda s: type(s).__name__,
)
def test_neighbors(neighbors):
    rng = np.random.default_rng(11)
    arrays = {
        "queries": rng.normal(size=(60, 3)),
        "keys": rng.normal(size=(N, 3)),
        "values": rng.normal(size=(N, P)),
        "bandwidth": 0.9,
    }
    check(arrays, {"neighbors": neighbors}, rng.normal(size=(60, P)), list(arrays))


def test_gradients_of_the_log_mass():
    rng = np.random.default_rng(16)
    q, x, y = rng.normal(size=(M, 3)), rng.normal(size=(N, 3)), rng.normal(size=(N, P))
    grad, of_mass = rng.normal(size=(M, P)), rng.normal(size=M)
    for options in ({}, {"neighbors": vc.KNearest(9)}, {"kernel": "biweight", "bandwidth": 2.0}):

        def loss(queries, options=options):
            both = vc.local_stats(queries, x, y, statistics=("mean", "log_mass"), **options)
            return (both.mean * grad).sum() + (both.log_mass * of_mass).sum()

        found = vc.local_mean_vjp(grad, q, x, y, log_mass_grad=of_mass, **options).queries
        step = 1e-6 * rng.normal(size=q.shape)
        assert abs((loss(q + step) - loss(q - step)) / 2 - (found * step).sum()) < 1e-11
