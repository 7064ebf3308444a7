"""Linear maps and layer norms: float64 formulas, bits, refusals."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.special import ndtr

from accuracy import assert_accurate
from vicinal.linear import Linear, layer_norm, linear

ACTIVATIONS = {
    None: lambda y: y,
    "relu": lambda y: np.maximum(y, 0),
    "gelu": lambda y: y * ndtr(y),
    "gelu_tanh": lambda y: y / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (y + 0.044715 * y**3))),
    "silu": lambda y: y / (1 + np.exp(-y)),
}
SHAPES = [(1, 1, 1), (3, 5, 7), (7, 129, 65), (200, 384, 130), (391, 300, 64)]  # m, inputs, outputs


def drawn(rng, dtype, *shapes):
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("m", "k", "n"), SHAPES)
def test_linear_is_the_formula(m, k, n, activation, rng, dtype):
    x, w, b, r = drawn(rng, dtype, (m, k), (n, k), (n,), (m, n))
    f = ACTIVATIONS[activation]
    wide = [array.astype(np.longdouble) for array in (x, w, b, r)]
    exact = f(((wide[0] @ wide[1].T) + wide[2]).astype(np.float64)) + wide[3]
    plain = (f(x @ w.T + b) + r).astype(dtype)
    got = linear(x, w, b, activation=activation, residual=r)
    assert_accurate(got, exact, plain, scale=np.abs(exact).max(), dtype=dtype)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_are_accurate_everywhere(activation, dtype):
    # One input of weight 1: the activation alone. Φ is within 2 ulp of 1, so y Φ(y) is of y.
    y = np.concatenate([np.linspace(-12, 12, 4001), np.geomspace(1e-30, 1e30, 401)]).astype(dtype)
    got = linear(y[:, None], np.ones((1, 1), dtype), activation=activation)[:, 0]
    with np.errstate(over="ignore"):
        exact = ACTIVATIONS[activation](y.astype(np.float64))
    assert np.all(np.abs(got - exact) <= 4 * np.finfo(dtype).eps * np.abs(y))


@pytest.mark.parametrize("activation", [None, "gelu"])
def test_bits_depend_on_the_row_alone(activation, rng, dtype):
    x, w, b = drawn(rng, dtype, (301, 300), (130, 300), (130,))
    packed = Linear(w, b)
    expected = packed(x, activation=activation)
    for threads in (1, 2, 3, 7):
        got = packed(x, activation=activation, num_threads=threads)
        assert got.tobytes() == expected.tobytes()
    for m in (1, 2, 3, 4, 5, 6, 7, 11, 24, 193):
        assert packed(x[:m], activation=activation).tobytes() == expected[:m].tobytes()
    order = rng.permutation(len(x))
    assert_array_equal(packed(x[order], activation=activation), expected[order])
    assert_array_equal(linear(x, w, b, activation=activation), expected)


def test_leading_dimensions_strides_and_types(rng):
    x, w = drawn(rng, np.float64, (2, 3, 8, 10), (4, 10))
    expected = linear(x.reshape(-1, 10), w).reshape(2, 3, 8, 4)
    assert_array_equal(linear(x, w), expected)
    assert_array_equal(linear(x.swapaxes(1, 2), w), expected.swapaxes(1, 2))
    assert_array_equal(linear(x[..., ::2, :], w), expected[..., ::2, :])
    assert_array_equal(
        linear(x[0, 0, :, ::2], w[:, ::2]), linear(x[0, 0, :, ::2].copy(), w[:, ::2])
    )
    assert linear(x, w.astype(np.float32)).dtype == np.float64
    assert linear(np.ones((2, 10), int), w.astype(np.float32)).dtype == np.float32
    assert linear(np.empty((0, 10)), w).shape == (0, 4)


def test_out_and_results_in_place(rng, dtype):
    x, w, r = drawn(rng, dtype, (2, 9, 40), (30, 40), (2, 9, 30))
    expected, plain = linear(x, w, residual=r), layer_norm(r)
    given = r.copy()
    assert linear(x, w, residual=given, out=given) is given
    assert_array_equal(given, expected)
    given = r.copy()
    assert layer_norm(given, out=given) is given
    assert_array_equal(given, plain)
    for message, out in {
        "out must be an array of shape": np.empty((2, 9, 31), dtype),
        "out must be C-contiguous": np.empty((2, 30, 9), dtype).swapaxes(1, 2),
    }.items():
        with pytest.raises(ValueError, match=message):
            linear(x, w, out=out)
    memory = np.zeros(2 * 9 * 40 + 1, dtype)
    lower, upper = (memory[i : i + 2 * 9 * 30].reshape(2, 9, 30) for i in (0, 1))
    for options in ({"x": lower, "weight": w[:, :30]}, {"x": x, "weight": w, "residual": lower}):
        with pytest.raises(ValueError, match="out overlaps an input"):
            linear(**options, out=upper)


def test_a_nan_stays_in_its_row(rng, dtype):
    x, w = drawn(rng, dtype, (20, 40), (30, 40))
    expected = linear(x, w, activation="gelu")
    x[7, 3] = np.nan
    got = linear(x, w, activation="gelu")
    assert np.isnan(got[7]).all()
    assert_array_equal(np.delete(got, 7, 0), np.delete(expected, 7, 0))
    assert np.isnan(linear(x, w, activation="relu")[7]).all()
    assert np.isnan(layer_norm(x)[7]).all()


def test_a_packed_map_is_pickled(rng):
    x, w, b = drawn(rng, np.float32, (5, 6), (7, 6), (7,))
    packed = Linear(w, b)
    assert_array_equal(pickle.loads(pickle.dumps(packed))(x), packed(x))
    assert repr(packed) == "Linear(6 → 7, float32)"


@pytest.mark.parametrize("offset", [0, 1e3])
@pytest.mark.parametrize("k", [1, 3, 16, 33, 384])
def test_layer_norm_is_the_formula(k, offset, rng, dtype):
    x, gain, bias = drawn(rng, dtype, (150, k), (k,), (k,))
    x = x + dtype.type(offset)
    wide = x.astype(np.longdouble)
    centered = wide - wide.mean(axis=-1, keepdims=True)
    scale = np.sqrt((centered**2).mean(axis=-1, keepdims=True) + 1e-5)
    exact = centered / scale * gain + bias
    got = layer_norm(x, gain, bias)
    bound = 8 * np.finfo(dtype).eps * (np.abs(exact - bias) + np.abs(bias) + np.abs(gain))
    assert got.dtype == dtype
    assert np.all(np.abs(got - exact) <= bound)
    assert_array_equal(layer_norm(x[3:4], gain, bias), got[3:4])
    assert_array_equal(layer_norm(x, gain, bias, num_threads=1), got)


def test_refusals_name_the_argument(rng):
    x, w, b = drawn(rng, np.float64, (5, 6), (7, 6), (7,))
    for message, call in {
        r"x must be \(..., m, 6\), got shape \(5, 7\)": lambda: linear(np.ones((5, 7)), w),
        r"weight must be \(outputs, inputs\)": lambda: linear(x, w[0]),
        r"bias must be \(7,\)": lambda: linear(x, w, b[:3]),
        "bias must be None beside a Linear": lambda: linear(x, Linear(w), b),
        "activation must be one of": lambda: linear(x, w, activation="selu"),
        "residual must have shape": lambda: linear(x, w, residual=np.ones((4, 7))),
        r"gain must be \(6,\)": lambda: layer_norm(x, b),
        "epsilon must be finite": lambda: layer_norm(x, epsilon=-1.0),
        "write x": lambda: linear(x[0], w),
    }.items():
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="x is float64 and the packed weights are float32"):
        Linear(w.astype(np.float32))(x)
