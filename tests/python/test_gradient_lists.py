"""Gradients where rows have lists of keys, or a kernel leaves most keys out."""

import numpy as np
import pytest

import vicinal as vc
from gradient_cases import N, P, check, sparse


def test_lists_with_everything_else():
    rng = np.random.default_rng(12)
    grid = np.argwhere(np.ones((8, 9))).astype(float)
    arrays = {
        "queries": grid + 0.1 * rng.normal(size=grid.shape),
        "keys": grid + 0.1 * rng.normal(size=grid.shape),
        "values": rng.normal(size=(72, P)),
        "bandwidth": 1.3,
        "log_weights": rng.normal(size=72),
        "bias": rng.normal(size=(72, 72)),
    }
    options = {"neighbors": vc.Grid((8, 9), 2), "exclude_self": True, "kernel": "laplace"}
    check(arrays, options, rng.normal(size=(72, P)), list(arrays))


@pytest.mark.parametrize("data", ["distance", "weight"])
def test_graphs_of_numbers(data):
    rng = np.random.default_rng(13)
    near = vc.Graph(sparse(60, N), data=data)
    values, grad = rng.normal(size=(N, P)), rng.normal(size=(60, P))
    options = {"bandwidth": 2.0} if data == "distance" else {}
    found = vc.local_mean_vjp(grad, None, None, values, neighbors=near, wrt="values", **options)
    shares = vc.local_weights(None, None, neighbors=near, **options).toarray()
    np.testing.assert_allclose(found.values, shares.T @ grad, rtol=1e-12, atol=1e-14)


def test_lists_and_all_pairs_agree():
    rng = np.random.default_rng(14)
    q, x, y = rng.normal(size=(200, 20)), rng.normal(size=(700, 20)), rng.normal(size=(700, 3))
    grad = rng.normal(size=(200, 3))
    for kernel in ("gaussian", "softmax", "tricube"):
        options = {"kernel": kernel, "bandwidth": 6.0, "num_threads": 2}
        listed = vc.local_mean_vjp(grad, q, x, y, neighbors=vc.KNearest(700), **options)
        dense = vc.local_mean_vjp(grad, q, x, y, **options)
        for name in ("queries", "keys", "values", "bandwidth"):
            np.testing.assert_allclose(
                getattr(listed, name), getattr(dense, name), rtol=1e-9, atol=1e-12
            )


def test_lists_have_the_same_bits_for_all_threads():
    rng = np.random.default_rng(15)
    x, y = rng.normal(size=(6000, 3)), rng.normal(size=(6000, 2))
    near = {"neighbors": vc.KNearest(20)}
    one = vc.local_mean_vjp(y, x, x, y, num_threads=1, **near)
    for threads in (2, 3, 7):
        more = vc.local_mean_vjp(y, x, x, y, num_threads=threads, **near)
        for name in ("queries", "keys", "values"):
            assert getattr(one, name).tobytes() == getattr(more, name).tobytes(), threads


@pytest.mark.parametrize(
    "options",
    [
        {"kernel": "epanechnikov", "bandwidth": 0.3},
        {"kernel": "biweight", "metric": "manhattan", "bandwidth": 0.5},
        {"neighbors": vc.Radius(0.3)},
        {"bandwidth": 0.1, "tol": 1e-13},
        {"neighbors": vc.Window(0.05, 0.02, on=0)},
    ],
    ids=["compact", "manhattan", "radius", "tol", "column"],
)
def test_calls_that_leave_most_keys_out(options):
    rng = np.random.default_rng(19)
    q, x, y = (rng.normal(size=shape) for shape in ((40, 2), (5000, 2), (5000, 2)))
    grad = rng.normal(size=(40, 2))
    found = vc.local_mean_vjp(grad, q, x, y, **options)
    names = ["queries", "keys", "values"]
    shares = vc.local_weights(q, x, **options)
    everything = vc.Window(None, None)  # is met on tiles of all keys
    near = {
        "neighbors": everything & options["neighbors"] if "neighbors" in options else everything
    }
    dense = vc.local_mean_vjp(grad, q, x, y, wrt=names, **options | near)
    np.testing.assert_allclose(found.values, shares.T @ grad, rtol=1e-9, atol=1e-13)
    for name in names:
        wanted = getattr(dense, name)
        error = np.abs(getattr(found, name) - wanted).max()
        assert error <= 1e-9 * np.abs(wanted).max(), name
    alone = vc.local_mean_vjp(grad[7:8], q[7:8], x, y, wrt=["queries"], **options).queries
    assert alone.tobytes() == found.queries[7:8].tobytes()


def test_many_threads_share_no_room():
    """Gradients of wide keys: whoever wrote them where another worker did would show here."""
    rng = np.random.default_rng(20)
    x, grad = rng.normal(size=(1500, 48)), rng.normal(size=1500)
    options = {"bandwidth": 5.0, "neighbors": vc.KNearest(64), "wrt": ["keys"]}
    one = vc.local_mean_vjp(grad, x, x, x[:, 0], num_threads=1, **options).keys
    for _ in range(5):
        found = vc.local_mean_vjp(grad, x, x, x[:, 0], num_threads=8, **options).keys
        assert found.tobytes() == one.tobytes()
