"""What gradients of local means promise: bits, empty rows, NaN, offsets, memory, refusals."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

import pages
import vicinal as vc
from gradient_cases import KERNELS, arrays


def fields(gradient):
    found = dataclasses.asdict(gradient)
    return {name: np.asarray(value) for name, value in found.items() if value is not None}


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("lead", [(), (3,), (9,)])
def test_threads_change_no_bit(kernel, lead):
    options, d = KERNELS[kernel]
    rng = np.random.default_rng(1)
    m, n = (700, 2500) if lead == () else (150, 300)
    q, x, y, g = (
        rng.normal(size=(*lead, *shape)).astype(np.float32)
        for shape in ((m, d), (n, d), (n, 5), (m, 5))
    )
    lw = rng.normal(size=n).astype(np.float32)
    one = fields(vc.local_mean_vjp(g, q, x, y, log_weights=lw, num_threads=1, **options))
    for threads in (2, 3, 7):
        more = fields(vc.local_mean_vjp(g, q, x, y, log_weights=lw, num_threads=threads, **options))
        for name, array in one.items():
            assert array.tobytes() == more[name].tobytes(), (threads, name)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_query_alone_has_the_same_bits(kernel, dtype):
    options, d = KERNELS[kernel]
    g, q, x, y = arrays(90, 1300, d, 3, dtype)
    whole = vc.local_mean_vjp(g, q, x, y, wrt=["queries"], **options).queries
    for rows in (slice(0, 1), slice(37, 38), slice(40, 47), slice(3, 90)):
        part = vc.local_mean_vjp(g[rows], q[rows], x, y, wrt=["queries"], **options).queries
        assert part.tobytes() == whole[rows].tobytes()


def test_rows_without_weight_have_no_gradient():
    g, q, x, y = arrays(6, 50, 3, 2, np.float64)
    mask = np.ones((6, 50), dtype=bool)
    mask[2] = False
    found = vc.local_mean_vjp(g, q, x, y, mask=mask)
    keep = [0, 1, 3, 4, 5]
    alone = vc.local_mean_vjp(g[keep], q[keep], x, y)
    assert (found.queries[2] == 0).all()
    np.testing.assert_allclose(found.keys, alone.keys, rtol=1e-12, atol=1e-15)
    nothing = vc.local_mean_vjp(g, q + 100, x, y, kernel="epanechnikov", empty="zero")
    assert all((array == 0).all() for array in fields(nothing).values())


def test_a_query_with_nan_spoils_itself_alone():
    g, q, x, y = arrays(6, 50, 3, 2, np.float64)
    q[4, 1] = np.nan
    found = vc.local_mean_vjp(g, q, x, y)
    keep = [0, 1, 2, 3, 5]
    alone = vc.local_mean_vjp(g[keep], q[keep], x, y)
    assert np.isnan(found.queries[4]).all()
    np.testing.assert_array_equal(found.queries[keep], alone.queries)
    np.testing.assert_array_equal(found.keys, alone.keys)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"kernel": "laplace"},
        {"kernel": "laplace", "metric": "manhattan"},
        {"kernel": "softmax"},
    ],
    ids=str,
)
def test_nan_that_is_not_seen_does_not_count(options):
    g, q, x, y = arrays(6, 50, 3, 2, np.float64)
    weights = np.ones(50)
    weights[7] = 0
    x[7], y[7] = np.nan, np.inf
    wrt = ["queries", "keys", "values", "bandwidth"]
    found = vc.local_mean_vjp(g, q, x, y, weights=weights, bandwidth=0.9, wrt=wrt, **options)
    keep = np.arange(50) != 7
    alone = vc.local_mean_vjp(g, q, x[keep], y[keep], bandwidth=0.9, wrt=wrt, **options)
    assert all(np.isfinite(array).all() for array in fields(found).values())
    np.testing.assert_allclose(found.queries, alone.queries, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found.bandwidth, alone.bandwidth, rtol=1e-12)
    assert (found.values[7] == 0).all()
    assert (found.keys[7] == 0).all()


def test_coincident_points():
    q = np.array([[0.0, 0.0], [1.0, 1.0]])
    for kernel in ("laplace", "triangular", vc.kernels.Matern(0.5), vc.kernels.InverseDistance()):
        found = vc.local_mean_vjp([1.0, 2.0], q, q, [3.0, 4.0], kernel=kernel, bandwidth=2.0)
        assert all(np.isfinite(array).all() for array in fields(found).values())


def test_exact_hits_of_inverse_distance():
    g, q, x, y = arrays(3, 30, 2, 2, np.float64)
    x[4] = x[9] = q[1]
    kernels = vc.kernels
    for kernel in (
        kernels.InverseDistance(),
        kernels.Product(kernels.InverseDistance(), kernels.Constant()),
    ):
        found = vc.local_mean_vjp(g[1:2], q[1:2], x, y, kernel=kernel)
        expected = np.zeros((30, 2))
        expected[[4, 9]] = g[1] / 2
        np.testing.assert_allclose(found.values, expected, atol=1e-15)
        assert (found.keys == 0).all()
        assert (found.queries == 0).all()


def test_a_sigmoid_has_a_slope_where_it_is_zero():
    q, x, y = np.zeros((1, 1)), np.array([[1.0], [2.0], [-0.5]]), np.array([1.0, 5.0, 2.0])
    sigmoid = vc.kernels.Sum(vc.kernels.Constant(), vc.kernels.Sigmoid())
    found = vc.local_mean_vjp([1.0], q, x, y, kernel=sigmoid).queries[0, 0]
    step = np.full((1, 1), 1e-6)
    up, down = (vc.local_mean(q + s * step, x, y, kernel=sigmoid)[0] for s in (1, -1))
    assert abs(found - (up - down) / 2e-6) < 1e-8


def test_forward_saves_nothing_but_time():
    g, q, x, y = arrays(60, 400, 16, 8, np.float64)
    stats = vc.local_stats(q, x, y, statistics=("mean", "log_mass"), kernel="softmax")
    given = vc.local_mean_vjp(g, q, x, y, kernel="softmax", forward=stats)
    found = vc.local_mean_vjp(g, q, x, y, kernel="softmax")
    for name, array in fields(found).items():
        np.testing.assert_allclose(fields(given)[name], array, rtol=1e-9, atol=1e-13)


def test_only_the_first_of_the_widest_features_pulls():
    options = {"metric": "chebyshev", "kernel": "laplace", "bandwidth": 2.0}
    found = vc.local_mean_vjp([1.0], [[0.0, 0.0]], [[1.0, 1.0], [0.5, -3.0]], [1.0, 2.0], **options)
    assert found.keys[0, 0] != 0
    assert found.keys[0, 1] == 0
    assert found.keys[1, 0] == 0


def test_antipodes_do_not_pull():
    poles = np.array([[np.pi / 2, 0.0], [-np.pi / 2, 0.0]])
    found = vc.local_mean_vjp([1.0, 2.0], poles, poles, [3.0, 4.0], metric="haversine")
    assert (found.queries == 0).all()
    assert (found.keys == 0).all()


def test_masses_that_lost_their_digits_are_computed_again():
    g, q, x, y = arrays(40, 90, 4, 2)
    log_weights = np.linspace(0, 1, 90, dtype=np.float32)
    for shift in (0, 20, 3000):  # of the log-mass, which a float32 then holds to 1e-4
        options = {"kernel": "softmax", "log_weights": log_weights + np.float32(shift)}
        stats = vc.local_stats(q, x, y, statistics=("mean", "log_mass"), **options)
        given = vc.local_mean_vjp(g, q, x, y, forward=stats, **options)
        found = vc.local_mean_vjp(g, q, x, y, **options)
        error = np.abs(given.values - found.values).max()
        assert error <= 4e-6 * np.abs(found.values).max(), shift


def test_bandwidths_per_feature_far_from_zero():
    g, q, x, y = arrays(40, 90, 3, 2)
    q, x = (np.round(a * 16) / 16 for a in (q, x))  # a shift by 4096 rounds nothing
    options = {"bandwidth": [0.8, 1.0, 1.3], "wrt": ["bandwidth"]}
    near = vc.local_mean_vjp(g, q, x, y, **options).bandwidth
    far = vc.local_mean_vjp(g, q + np.float32(4096), x + np.float32(4096), y, **options).bandwidth
    np.testing.assert_allclose(far, near, rtol=0, atol=3e-5 * np.abs(near).max())


def test_windows_have_the_bits_of_masks():
    g, q, x, y = arrays(1500, 6000, 4, 2)
    window, places = vc.Window(200, 100, offset=3500), np.arange(6000)
    ahead = places - (np.arange(1500)[:, None] + 3500)
    found = vc.local_mean_vjp(g, q, x, y, neighbors=window)
    masked = vc.local_mean_vjp(g, q, x, y, mask=(ahead >= -200) & (ahead <= 100))
    for name, array in fields(masked).items():
        np.testing.assert_array_equal(fields(found)[name], array, err_msg=name)


def test_a_bias_that_is_a_function(monkeypatch):
    g, q, x, y = arrays(50, 40, 3, 2, np.float64)
    slopes = np.linspace(0.1, 1, 50)
    table = -slopes[:, None] * np.arange(40)
    monkeypatch.setattr("vicinal.strips.PAIRS", 400)
    options = {"bandwidth": 0.7, "exclude_self": True, "self_indices": np.arange(50) % 40}
    one = vc.local_mean_vjp(g, q, x, y, bias=lambda i, j: -slopes[i][:, None] * j, **options)
    names = ["queries", "keys", "values", "bandwidth"]
    all_at_once = vc.local_mean_vjp(g, q, x, y, bias=table, wrt=names, **options)
    for name, array in fields(all_at_once).items():
        np.testing.assert_allclose(fields(one)[name], array, rtol=1e-12, atol=1e-15)


def test_keys_of_an_index():
    g, q, x, y = arrays(8, 40, 3, 2, np.float64)
    found, given = (vc.local_mean_vjp(g, q, keys, y) for keys in (vc.KeyIndex(x), x))
    assert found.keys.tobytes() == given.keys.tobytes()


def test_huge_scores():
    g, q, x, y = arrays(10, 60, 4, 2, np.float64)
    options = {"kernel": "softmax", "bandwidth": 1e-3}
    stats = vc.local_stats(q, x, y, statistics=("mean", "log_mass"), **options)
    for forward in (None, stats):
        found = vc.local_mean_vjp(g, q, x, y, forward=forward, **options)
        assert all(np.isfinite(array).all() for array in fields(found).values())
    far = vc.local_mean_vjp(g, q + 1e3, x, y, bandwidth=0.5)
    assert np.abs(far.values.sum(0) - g.sum(0)).max() < 1e-10


@pytest.mark.parametrize("near", [None, vc.KNearest(3)], ids=["all", "nearest"])
@pytest.mark.parametrize(("dtype", "h"), [("f4", 1e-3), ("f4", 1e-12), ("f8", 1e-120)])
def test_tiny_bandwidths(dtype, h, near):
    """Two keys share the mean, however small their weights are."""
    x = np.array([[1.0, 0.0], [3.0, 0.0], [-1.0, 0.0]], dtype)
    y, wrt = np.array([1.0, 5.0, 2.0], dtype), ["values", "log_weights"]
    options = {"bandwidth": h, "neighbors": near, "log_weights": np.zeros(3), "wrt": wrt}
    found = vc.local_mean_vjp([1.0], 0 * x[:1], x, y, **options)
    np.testing.assert_allclose(found.values, [0.5, 0.0, 0.5], rtol=1e-6)
    np.testing.assert_allclose(found.log_weights, [-0.25, 0.0, 0.25], rtol=1e-6)


def test_shapes_of_broadcast_inputs():
    rng = np.random.default_rng(3)
    q, x, y = (
        rng.normal(size=(4, 2, 5, 3)),
        rng.normal(size=(4, 1, 9, 3)),
        rng.normal(size=(1, 1, 9)),
    )
    g = rng.normal(size=(4, 2, 5, 1))
    found = vc.local_mean_vjp(g, q, x, y[..., None], wrt=["queries", "keys", "values"])
    assert found.keys.shape == x.shape
    assert found.values.shape == (1, 1, 9, 1)


def test_empty_shapes():
    g, q, x, y = arrays(3, 4, 2, 2)
    none = vc.local_mean_vjp(g[:0], q[:0], x, y)
    assert none.queries.shape == (0, 2)
    assert (none.keys == 0).all()
    none = vc.local_mean_vjp(g, q, x[:0], y[:0])
    assert none.keys.shape == (0, 2)
    assert (none.queries == 0).all()
    none = vc.local_mean_vjp(g[:, :0], q, x, y[:, :0])
    assert none.values.shape == (4, 0)
    assert (none.queries == 0).all()


def test_refusals():
    g, q, x, y = arrays(3, 4, 2, 2)
    with pytest.raises(ValueError, match="wrt must be among"):
        vc.local_mean_vjp(g, q, x, y, wrt=["mask"])
    with pytest.raises(ValueError, match="grad must have the shape"):
        vc.local_mean_vjp(g[:, :1].repeat(3, 1), q, x, y)
    with pytest.raises(ValueError, match="a function, or one of positions, has no gradient"):
        vc.local_mean_vjp(g, q, x, y, bias=lambda i, j: np.zeros((len(i), len(j))), wrt=["bias"])
    with pytest.raises(ValueError, match="nan_policy must be one of"):
        vc.local_mean_vjp(g, q, x, y, nan_policy="drop")
    with pytest.raises(TypeError, match="forward must be a LocalStats, got tuple"):
        vc.local_mean_vjp(g, q, x, y, forward=(g, g))
    with pytest.raises(ValueError, match=r"direction of shape \(3,\) does not broadcast"):
        vc.density_hessian_product(np.ones(3), np.zeros((4, 2)), np.zeros((5, 2)))
    with pytest.raises(ValueError, match="forward must hold"):
        vc.local_mean_vjp(g, q, x, y, forward=vc.LocalStats())
    rule = vc.bandwidth.KthNeighbor(2)
    with pytest.raises(ValueError, match="bandwidth has no gradient"):
        vc.local_mean_vjp(g, q, x, y, bandwidth=rule, wrt=["bandwidth"])


MEMORY = """
import resource, numpy as np, vicinal as vc
rng = np.random.default_rng(0)
x = rng.normal(size=(100_000, 3)).astype(np.float32)
y = rng.normal(size=100_000).astype(np.float32)
q, g = x[:100], y[:100]
vc.local_mean_vjp(g[:2], q[:2], x[:99], y[:99])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
vc.local_mean_vjp(g, q, x, y)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts kilobytes on Linux")
def test_no_memory_of_pairs():
    run = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 20  # MB; the weights alone would take 40


def test_the_page():
    names = pages.run("gradients.md")
    narrow, wide = names["bandwidth"]
    assert narrow < 0.2 < 1.2 < wide
    assert names["score"].shape == names["curved"].shape == (5, 2)
