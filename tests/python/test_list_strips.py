"""A callable bias over lists: strips of rows that see what one call sees."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import vicinal as vc
import vicinal.strips
from set_cases import LISTED as N


class _Core:
    """The engine with some of its names replaced."""

    def __init__(self, core, **names):
        self.__dict__.update(vars(core) | names)


def test_a_callable_bias_meets_the_same_pairs(rng, monkeypatch):
    monkeypatch.setattr("vicinal.strips.PAIRS", 1 << 12)  # many strips of few rows
    x = rng.normal(size=(N, 2))
    bias = rng.normal(size=(N, N))
    for near in (vc.Window(4, 2), vc.KNearest(5), vc.Grid((20, 20), 2)):
        by_strips = vc.local_mean(x, x, x, bias=lambda r, c: bias[np.ix_(r, c)], neighbors=near)
        whole = vc.local_mean(x, x, x, bias=bias, neighbors=near)
        np.testing.assert_allclose(by_strips, whole, atol=1e-14)
        sparse = vc.local_weights(x, x, bias=lambda r, c: bias[np.ix_(r, c)], neighbors=near)
        np.testing.assert_allclose(sparse @ x, whole, atol=1e-13)


@pytest.mark.parametrize("near", [vc.KNearest(5), vc.KNearest(5) & vc.Radius(0.5), vc.Radius(0.4)])
def test_strips_of_a_callable_bias_share_one_tree(near, rng, dtype, monkeypatch):
    n = 9000
    x = rng.normal(size=(n, 2)).astype(dtype)
    bias = rng.normal(size=(40, n)).astype(dtype)
    planted = []
    index = vicinal.strips._core.KeyIndex

    def plant(*arguments):
        planted.append(index(*arguments))
        return planted[-1]

    def mean():
        return vc.local_mean(x[:40], x, x, bias=lambda r, c: bias[np.ix_(r, c)], neighbors=near)

    whole = mean()  # in one strip
    assert not planted
    monkeypatch.setattr(vicinal.strips, "PAIRS", 7 * n)
    monkeypatch.setattr(vicinal.strips, "_core", _Core(vicinal.strips._core, KeyIndex=plant))
    assert mean().tobytes() == whole.tobytes()
    assert len(planted) == 1


def test_strips_leave_absent_keys_alone(rng, monkeypatch):
    monkeypatch.setattr("vicinal.strips.PAIRS", 1 << 10)
    x = rng.normal(size=(N, 2))
    options = {"neighbors": vc.KNearest(5), "bias": lambda r, c: np.zeros((len(r), len(c)))}
    weights = np.ones(N)
    weights[7] = 0
    expected = vc.local_mean(x, x, x, weights=weights, **options)
    broken = x.copy()
    broken[7] = np.nan
    for prior in ({"weights": weights}, {"log_weights": np.where(weights == 0, -np.inf, 0)}):
        got = vc.local_mean(np.nan_to_num(x), broken, np.nan_to_num(x), **prior, **options)
        assert_array_equal(got, expected)
