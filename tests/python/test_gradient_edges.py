"""Gradients at the edges: what is not finite and not seen, NaN values, biases, few rows."""

import dataclasses

import numpy as np
import pytest

import vicinal as vc

RNG = np.random.default_rng(0)
M, N, D, P = 5, 70, 4, 3
KERNELS = {
    "gaussian": {"kernel": "gaussian", "bandwidth": 1.5},
    "features": {"kernel": "gaussian", "bandwidth": np.array([1.0, 1.5, 2.0, 3.0])},
    "dot": {"kernel": "softmax"},
    "cosine": {"kernel": "von_mises_fisher"},
    "manhattan": {"kernel": "laplace", "metric": "manhattan"},
    "chebyshev": {"kernel": "laplace", "metric": "chebyshev"},
}


def arrays(d=D, m=M, n=N, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=size).astype(dtype) for size in ((m, P), (m, d), (n, d), (n, P))]


def fields(gradient):
    found = dataclasses.asdict(gradient)
    return {name: np.asarray(value) for name, value in found.items() if value is not None}


@pytest.mark.parametrize("d", [D, 20])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_masked_key_need_not_be_finite(kernel, bad, d):
    if kernel == "features" and d != D:
        return
    g, q, x, y = arrays(d)
    mask = np.arange(N) % 9 > 0
    spoiled = x.copy()
    spoiled[~mask, 1] = bad
    found = fields(vc.local_mean_vjp(g, q, spoiled, y, mask=mask, **KERNELS[kernel]))
    expected = fields(vc.local_mean_vjp(g, q, x[mask], y[mask], **KERNELS[kernel]))
    for name in ("keys", "values"):
        assert (found[name][~mask] == 0).all()
        found[name] = found[name][mask]
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-10, atol=1e-14, err_msg=name)


def test_padding_behind_a_causal_window_need_not_be_finite():
    g, q, x, y = arrays(m=6, n=8)
    x[6:], y[6:] = np.nan, np.nan
    causal = vc.Window(None, 0)
    found = vc.local_mean_vjp(g, q, x, y, kernel="softmax", neighbors=causal)
    alone = vc.local_mean_vjp(g, q, x[:6], y[:6], kernel="softmax", neighbors=causal)
    np.testing.assert_allclose(found.queries, alone.queries, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found.keys[:6], alone.keys, rtol=1e-12, atol=1e-15)
    assert (found.keys[6:] == 0).all()


@pytest.mark.parametrize("given", ["", "weights", "log_weights", "neighbors"])
def test_missing_values_leave_their_own_column(given):
    g, q, x, y = arrays()
    y[3, 0] = y[8, 0] = y[8, 2] = np.nan
    options = {
        "": {},
        "weights": {"weights": RNG.random(N)},
        "log_weights": {"log_weights": RNG.normal(size=N)},
        "neighbors": {"neighbors": vc.KNearest(40)},
    }[given]
    pull = RNG.normal(size=M)
    found = fields(
        vc.local_mean_vjp(
            g, q, x, y, nan_policy="omit", log_mass_grad=pull, bandwidth=1.5, **options
        )
    )
    parts = [
        vc.local_mean_vjp(
            *(np.zeros((M, 1)), q, x, np.zeros((N, 1))),
            **{"log_mass_grad": pull, "bandwidth": 1.5, **options},
        )
    ]
    for c in range(P):
        bias = np.where(np.isfinite(y[:, c]), 0.0, -np.inf)
        parts.append(
            vc.local_mean_vjp(
                *(g[:, c], q, x, np.where(np.isfinite(y[:, c]), y[:, c], 0.0)),
                **{"bandwidth": 1.5, "bias": bias, **options},
            )
        )
        np.testing.assert_allclose(found["values"][:, c], parts[-1].values, rtol=1e-10, atol=1e-14)
        assert (found["values"][~np.isfinite(y[:, c]), c] == 0).all()
    for name in found.keys() - {"values"}:
        total = sum(np.asarray(getattr(part, name)) for part in parts)
        np.testing.assert_allclose(found[name], total, rtol=1e-9, atol=1e-13, err_msg=name)


def test_missing_values_of_one_number_per_key():
    g, q, x, y = arrays()
    y[3] = np.nan
    found = vc.local_mean_vjp(g[:, 0], q, x, y[:, 0], nan_policy="omit")
    kept = np.delete(np.arange(N), 3)
    alone = vc.local_mean_vjp(g[:, 0], q, x[kept], y[kept, 0])
    np.testing.assert_allclose(found.values[kept], alone.values, rtol=1e-12)
    np.testing.assert_allclose(found.queries, alone.queries, rtol=1e-12)
    with pytest.raises(ValueError, match="values hold 1 NaN"):
        vc.local_mean_vjp(g[:, 0], q, x, y[:, 0], nan_policy="raise")
    whole = vc.local_mean_vjp(g[:, 1], q, x, np.zeros(N), nan_policy="raise")
    assert (whole.queries == 0).all()


@pytest.mark.parametrize("bias", [vc.bias.ALiBi(0.3), vc.bias.Relative([0.0, 1.0, 0.5])])
def test_biases_of_positions_have_no_gradient_of_their_own(bias):
    g, q, x, y = arrays()
    found = vc.local_mean_vjp(g, q, x, y, bias=bias)
    pairs = vc.local_mean_vjp(g, q, x, y, bias=bias.pairs(M, N))
    assert found.bias is None
    assert pairs.bias.shape == (M, N)
    np.testing.assert_array_equal(found.keys, pairs.keys)
    with pytest.raises(ValueError, match="one of positions, has no gradient"):
        vc.local_mean_vjp(g, q, x, y, bias=bias, wrt=["bias"])


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("m", [1, 7, 130])
def test_few_rows_against_many_keys_take_all_threads(kernel, m):
    # more chunks of keys than blocks of rows: workers take chunks
    g, q, x, y = arrays(m=m, n=20_000, dtype=np.float32)
    one = fields(vc.local_mean_vjp(g, q, x, y, num_threads=1, **KERNELS[kernel]))
    for threads in (2, 5):
        more = fields(vc.local_mean_vjp(g, q, x, y, num_threads=threads, **KERNELS[kernel]))
        for name, array in one.items():
            assert array.tobytes() == more[name].tobytes(), (threads, name)
    alone = vc.local_mean_vjp(g[:1], q[:1], x, y, num_threads=3, **KERNELS[kernel])
    assert alone.queries.tobytes() == one["queries"][:1].tobytes()


def test_what_is_wanted_and_given_is_checked():
    g, q, x, y = arrays()
    with pytest.raises(TypeError, match="wrt must be names"):
        vc.local_mean_vjp(g, q, x, y, wrt=3)
    with pytest.raises(TypeError, match="forward must be a LocalStats"):
        vc.local_mean_vjp(g, q, x, y, forward=vc.local_mean(q, x, y))
    assert fields(vc.local_mean_vjp(g, q, x, y, wrt=[])) == {}
