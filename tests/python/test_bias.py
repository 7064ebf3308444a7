"""Biases by position: their numbers, that they are views, and every function that takes them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import vicinal as vc
from attention_cases import alibi

SLOPES = np.array([0.5, 0.0625])
TABLE = np.arange(10.0).reshape(2, 5)


def test_numbers():
    np.testing.assert_array_equal(vc.bias.ALiBi(SLOPES).pairs(7, 4), alibi(SLOPES, 7, 4))
    np.testing.assert_array_equal(
        vc.bias.ALiBi(SLOPES, offset=3).pairs(7, 4), alibi(SLOPES, 7, 4, 3)
    )
    np.testing.assert_array_equal(
        vc.bias.ALiBi(SLOPES, offset="end").pairs(2, 4), alibi(SLOPES, 2, 4, 2)
    )
    got = vc.bias.Relative(TABLE).pairs(4, 6, np.float32)
    assert got.dtype == np.float32
    places = np.clip(np.arange(6) - np.arange(4)[:, None], -2, 2) + 2
    np.testing.assert_array_equal(got, TABLE[:, places])
    assert vc.bias.ALiBi(SLOPES).pairs(0, 4).shape == (2, 0, 4)


def test_a_matrix_is_a_view_of_one_row():
    pairs = vc.bias.ALiBi(SLOPES).pairs(1000, 2000)
    base = pairs
    while base.base is not None:
        base = base.base
    assert base.nbytes == 2 * 2999 * 8
    assert not pairs.flags.writeable


def test_slopes_of_the_paper():
    np.testing.assert_array_equal(vc.bias.ALiBi.of_heads(8).slopes, 2.0 ** -np.arange(1, 9))
    six = vc.bias.ALiBi.of_heads(6).slopes
    np.testing.assert_array_equal(six, 2.0 ** -np.array([2, 4, 6, 8, 1, 3]))
    assert vc.bias.ALiBi.of_heads(1) == vc.bias.ALiBi([2.0**-8])


def test_content_and_repr():
    one, two = vc.bias.ALiBi(SLOPES), vc.bias.ALiBi(SLOPES.tolist())
    assert one == two
    assert hash(one) == hash(two)
    assert one != vc.bias.ALiBi(SLOPES, offset=1)
    assert vc.bias.Relative(TABLE) != vc.bias.Relative(TABLE + 1)
    assert pickle.loads(pickle.dumps(one)) == one
    assert repr(one.shifted(2)) == "ALiBi([0.5, 0.0625], offset=2)"
    assert repr(vc.bias.Relative(TABLE)) == "Relative(2 × 5 numbers from 0 to 9)"
    slopes = SLOPES.copy()
    kept = vc.bias.ALiBi(slopes)
    slopes[:] = 0
    assert kept == one


@pytest.mark.parametrize("near", [None, vc.Window(9, 3), vc.KNearest(7)], ids=str)
def test_every_primitive_takes_them(near, rng, dtype):
    q, x, y = (rng.normal(size=(2, 30, 3)).astype(dtype) for _ in range(3))
    bias = vc.bias.ALiBi(SLOPES, offset=1)
    array = alibi(SLOPES, 30, 30, 1).astype(dtype)
    options = {"neighbors": near, "bandwidth": 0.8}
    got = vc.local_mean(q, x, y, bias=bias, **options)
    assert got.tobytes() == vc.local_mean(q, x, y, bias=array, **options).tobytes()
    stats = vc.local_stats(q, x, y, bias=bias, **options)
    assert stats.mean.tobytes() == vc.local_stats(q, x, y, bias=array, **options).mean.tobytes()
    weights = vc.local_weights(q[0], x[0], bias=vc.bias.ALiBi(0.5, offset=1), **options)
    assert (weights != vc.local_weights(q[0], x[0], bias=array[0], **options)).sum() == 0


def test_keys_in_pieces_know_their_positions(rng):
    q, x, y = (rng.normal(size=(2, 40, 3)) for _ in range(3))
    bias = vc.bias.Relative(np.sin(TABLE), offset=2)
    pieces = vc.LocalMeanAccumulator(q[:, 10:], query_offset=10)
    for start in (0, 15, 20):
        stop = {0: 15, 15: 20, 20: 40}[start]
        pieces.update(x[:, start:stop], y[:, start:stop], bias=bias)
    whole = vc.local_mean(q, x, y, bias=bias)[:, 10:]
    np.testing.assert_allclose(pieces.result().mean, whole, atol=1e-13)
    with pytest.raises(ValueError, match="offset='end' needs the number of all keys"):
        pieces.update(x, y, bias=vc.bias.Relative(TABLE, offset="end"))


def test_dask_arrays_keep_positions_across_chunks(rng):
    da = pytest.importorskip("dask.array")
    q, x, y = (rng.normal(size=(40, 3)) for _ in range(3))
    bias = vc.bias.Relative(np.sin(TABLE[0]), offset=2)
    lazy = (da.from_array(a, chunks=(rows, 3)) for a, rows in ((q, 17), (x, 12), (y, 12)))
    got = vc.dask.local_mean(*lazy, bias=bias).compute(scheduler="sync")
    np.testing.assert_allclose(got, vc.local_mean(q, x, y, bias=bias), atol=1e-13)
