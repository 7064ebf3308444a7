"""The rules behind the promises: distances at offsets, exp2, long sums, range and rescaling."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import reference_kernels as rk
import vicinal as vc
from accuracy import near, ulps
from engine_kernels import one_factor
from reference import local_stats
from vicinal import _core

Factor = rk.Factor
OFFSETS = (0.0, 1.0, 1e2, 1e4, 1e6)


def point_sets(d: int, offset: float, dtype):
    """Yield (name, queries, keys): a cloud, few latent dimensions, two far clusters."""
    rng = np.random.default_rng(d)
    cloud = rng.normal(size=(900, d))
    latent = rng.normal(size=(900, 2)) @ rng.normal(size=(2, d)) / np.sqrt(2)
    latent += 0.1 * rng.normal(size=(900, d))
    side = np.where(rng.random(900) < 0.5, 1e3, -1e3)[:, None]
    clusters = cloud + side
    ordered = clusters[np.argsort(side[:, 0], kind="stable")]
    sets = {"cloud": cloud, "latent": latent, "clusters": clusters, "sorted clusters": ordered}
    for name, points in sets.items():
        x = (points + offset).astype(dtype)
        near_keys = x[::31] + 0.01 * rng.normal(size=x[::31].shape)
        q = np.vstack([x[::29], near_keys.astype(dtype)])
        yield name, np.ascontiguousarray(q, dtype=dtype), x


def assert_distance_promise(got, exact, spread, dtype, label):
    """Error ≤ 32 u (d² + 1e-3 spread²), never negative."""
    unit = np.finfo(dtype).eps / 2
    allowed = 32 * unit * (exact + 1e-3 * spread)
    error = np.abs(got.astype(np.longdouble) - exact)
    assert (got >= 0).all(), label
    assert (error <= allowed).all(), f"{label}: {float((error / allowed).max()):.2f} × the promise"


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("d", [1, 3, 8, 9, 16, 64, 128])
def test_squared_distances_at_offsets(d, offset, dtype):
    for name, q, x in point_sets(d, offset, dtype):
        got = _core.scores(one_factor("gaussian", metric="euclidean"), q, x)
        wide = np.longdouble if dtype == np.float64 else np.float64
        difference = q[:, None].astype(wide) - x[None].astype(wide)
        exact = (difference**2).sum(-1)
        spread = float(x.astype(np.float64).var(0).sum())
        assert_distance_promise(got, exact, spread, dtype, f"{name} d={d} offset={offset}")
        assert_array_equal(got[exact == 0], 0)
        assert (exact == 0).sum() >= len(x[::29])


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("d", [3, 16])
def test_linear_maps_act_on_differences(d, offset, dtype):
    linear = np.random.default_rng(d).normal(size=(d, d)) + 2 * np.eye(d)
    for name, q, x in point_sets(d, offset, dtype):
        if "cluster" in name and offset:
            continue
        kernel = one_factor("gaussian", metric="mahalanobis", components=linear)
        got = _core.scores(kernel, q, x)
        difference = q[:, None].astype(np.longdouble) - x[None].astype(np.longdouble)
        exact = ((difference @ linear.T.astype(np.longdouble)) ** 2).sum(-1)
        spread = float((x.astype(np.float64) @ linear.T).var(0).sum())
        # The map itself rounds: its condition enters as ‖A‖² ‖q − x‖².
        slack = np.linalg.norm(linear, 2) ** 2 * (difference**2).sum(-1)
        assert_distance_promise(got, exact, spread + 1e3 * slack, dtype, f"{name} {offset}")
        assert_array_equal(got[(difference == 0).all(-1)], 0)


@pytest.mark.parametrize("offset", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("d", [3, 16])
def test_bandwidth_per_feature_at_offsets(d, offset, dtype):
    """Scales act on q − x: the mean at an offset equals that of the data moved back."""
    rng = np.random.default_rng(d)
    x = (rng.normal(size=(700, d)) + offset).astype(dtype)
    y, h = rng.normal(size=700).astype(dtype), np.exp(rng.uniform(-1, 1, d)) * np.sqrt(d)
    origin = np.round(x.astype(np.float64).mean(0))
    moved = (x.astype(np.float64) - origin).astype(dtype)
    assert_array_equal(moved.astype(np.float64) + origin, x.astype(np.float64))
    exact = local_stats(Factor("gaussian", tuple(h)), moved[:40], moved, y).mean[:, 0]
    near(vc.local_mean(x[:40], x, y, bandwidth=h), exact, dtype, scale=np.abs(y).max())


def random_exponents(count: int, low: float, dtype, rng) -> np.ndarray:
    """Return numbers in [low, 0], dense in value and dense in exponent."""
    even = rng.uniform(low, 0, count // 2)
    small = -np.exp2(rng.uniform(-40, np.log2(-low), count - count // 2))
    return np.concatenate([even, small, [0.0, low, -0.5, -1.0, -126.0]]).astype(dtype)


def assert_exp2(x: np.ndarray, bound: float) -> None:
    """Assert the ulp bound against long double."""
    got = _core.exp2(x)
    exact = np.exp2(x.astype(np.longdouble))
    error = np.abs(got.astype(np.longdouble) - exact) / np.spacing(exact.astype(x.dtype))
    worst = int(np.argmax(error))
    assert error[worst] <= bound, f"exp2({x[worst]!r}): {float(error[worst]):.3f} ulp"


def test_exp2_float32(rng):
    for _ in range(5):
        assert_exp2(random_exponents(2_000_000, -126.0, np.float32, rng), 2.0)


def test_exp2_float64(rng):
    assert_exp2(random_exponents(1_000_000, -126.0, np.float64, rng), 1.0)
    assert_exp2(random_exponents(200_000, -899.0, np.float64, rng), 1.0)


@pytest.mark.parametrize("low", {np.float32: -126.0, np.float64: -1022.0}.items())
def test_exp2_limits(low):
    kind, lowest = low
    below = np.array([np.nextafter(kind(lowest), kind(-np.inf)), -2000, -1e30, -np.inf], kind)
    assert_array_equal(_core.exp2(below), 0)
    assert_array_equal(_core.exp2(np.zeros(3, kind)), 1)
    assert np.isnan(_core.exp2(np.array([np.nan], kind))).all()
    steps = np.linspace(-3, 0, 1_000_001).astype(kind)
    assert (np.diff(_core.exp2(steps)) >= 0).all()


@pytest.mark.nightly
def test_exp2_every_float32():
    """All floats of [−126, 0], in blocks of 2^24: about a billion."""
    first, last = (int(np.float32(v).view(np.uint32)) for v in (-0.0, -126.0))
    for start in range(first, last + 1, 1 << 24):
        bits = np.arange(start, min(start + (1 << 24), last + 1), dtype=np.uint32)
        assert_exp2(bits.view(np.float32), 2.0)


@pytest.mark.nightly
def test_exp2_many_doubles(rng):
    for _ in range(100):
        assert_exp2(random_exponents(1_000_000, -126.0, np.float64, rng), 1.0)


def errors_of_equal_sums(n: int, dtype) -> np.ndarray:
    """Return the errors in ulp of mean, ess and log-mass of n equal keys (zero stride)."""
    x = np.broadcast_to(np.array([[0.7]], dtype), (n, 1))
    y = np.broadcast_to(np.array([[0.1]], dtype), (n, 1))
    got = vc.local_stats(np.zeros((1, 1), dtype), x, y, kernel="cauchy")
    assert got.count[0] == n
    log_mass = np.log(np.longdouble(n)) - np.log1p(x[0, 0].astype(np.longdouble) ** 2)
    expected = {"mean": y[0, 0], "ess": np.longdouble(n), "log_mass": log_mass}
    pairs = ((np.ravel(getattr(got, name))[0], value) for name, value in expected.items())
    return np.array([float(abs(g.astype(np.longdouble) - e)) / ulps(e, dtype) for g, e in pairs])


def test_long_sums_of_equal_values(dtype):
    """The mean within 8 ulp; beyond one chunk no error grows but for 4 ulp of rounding."""
    errors = {n: errors_of_equal_sums(n, dtype) for n in (10**6, 10**7, 10**8)}
    assert max(error[0] for error in errors.values()) <= 8, errors
    assert (errors[10**7] <= errors[10**6] + 4).all(), errors
    assert (errors[10**8] <= errors[10**6] + 4).all(), errors


@pytest.mark.parametrize("n", [3 * 10**4, 10**6])
def test_long_sums_of_random_values(n, rng, dtype):
    x, y = rng.normal(size=(n, 2)).astype(dtype), (1 + rng.random(n)).astype(dtype)
    q = np.array([[0.1, 0.2], [3.0, -2.0]], dtype)
    exact = local_stats(Factor("gaussian", 0.5), q, x, y, k=1).mean[:, 0]
    got = vc.local_mean(q, x, y, bandwidth=0.5)
    assert np.abs(got - exact).max() <= 8 * ulps(2.0, dtype)


def test_prior_shift_changes_only_the_mass(rng, dtype):
    """Priors are taken relative to their largest, so a common factor of e^±4096 costs no digits."""
    x, y = rng.normal(size=(600, 2)).astype(dtype), rng.normal(size=600).astype(dtype)
    prior = rng.integers(-30, 30, 600).astype(dtype)
    for kernel in ("gaussian", "softmax", "cauchy"):
        base = vc.local_stats(x[:20], x, y, kernel=kernel, log_weights=prior)
        for shift in (-4096, 512, 4096):
            got = vc.local_stats(x[:20], x, y, kernel=kernel, log_weights=prior + dtype.type(shift))
            near(got.mean, base.mean, dtype, scale=np.abs(y).max())
            assert_allclose(got.log_mass - shift, base.log_mass, atol=2 * ulps(shift, dtype))


@pytest.mark.parametrize("size", [5e-324, 2.2e-309, 1e-300, 1e-200, 1e-60, 1e300])
@pytest.mark.parametrize("columns", [1, 9])
def test_float64_values_of_any_size_under_tiny_weights(size, columns):
    """A weight of 2^-800 leaves a value of 1e-300 whole: sums are kept in the column's own unit."""
    q = np.array([[0.0], [4.0], [33.0]])
    x = np.array([[0.0], [-5.0], [2000.0]])
    y = np.array([1.0, 3.0, 2.0])[:, None] * size * np.ones(columns)
    weights = vc.local_weights(q, x)
    expected = weights @ (y / size) * size
    np.testing.assert_allclose(vc.local_mean(q, x, y), expected, rtol=1e-13, atol=5e-324)
    np.testing.assert_allclose(
        vc.local_mean(q, x[:1], y[:1]), np.broadcast_to(y[:1], expected.shape), rtol=1e-13
    )


def test_expanded_distances_of_whole_numbers_are_exact(rng, dtype):
    """Tied distances stay tied: centers of tiles are coarse, so differences from them are exact."""
    keys = rng.integers(0, 3, (700, 12)).astype(dtype)
    queries = rng.integers(0, 3, (20, 12)).astype(dtype)
    exact = ((queries[:, None].astype(int) - keys[None].astype(int)) ** 2).sum(-1)
    nearest = exact == exact.min(axis=1, keepdims=True)
    assert (nearest.sum(axis=1) > 1).any()
    for row, ties in zip(vc.local_weights(queries, keys, bandwidth=0.05), nearest, strict=True):
        assert np.ptp(row[ties]) == 0
        assert row[~ties].max() < 1e-30
