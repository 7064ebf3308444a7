"""Quadratics and cubics from moments about cells, against least squares in float64 and lists."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import vicinal as vc
from vicinal import fits, polynomial_fits

N, M = 1500, 40


def monomials(x, degree):
    parts = [np.ones(len(x))]
    for power in range(1, degree + 1):
        for chosen in combinations_with_replacement(range(x.shape[1]), power):
            parts.append(np.prod(x[:, chosen], axis=1))
    return np.stack(parts, axis=1)


def expected(q, x, y, weights, degree):
    """Coefficients by least squares of scaled columns, for every query."""
    result = []
    for point, w in zip(q, weights, strict=True):
        z, root = monomials(x - point, degree), np.sqrt(w)[:, None]
        unit = np.sqrt(w @ z**2 / w.sum())
        result.append(np.linalg.lstsq(root * z / unit, root * y, rcond=None)[0] / unit[:, None])
    return np.array(result)


@pytest.fixture
def lists_alone(monkeypatch):
    def take():
        monkeypatch.setattr(fits, "grid_of", lambda *_: None)

    return take


@pytest.fixture
def taken(monkeypatch):
    """Collect how many rows were left to lists."""
    counts = []
    own = polynomial_fits._Fits.take_lists

    def watched(self, report):
        counts.append(int((~self.found).sum()))
        return own(self, report)

    monkeypatch.setattr(polynomial_fits._Fits, "take_lists", watched)
    return counts


@pytest.mark.parametrize("degree", [2, 3])
@pytest.mark.parametrize("kernel", ["gaussian", "tricube"])
@pytest.mark.parametrize("d", [1, 2])
def test_moments_hold_weighted_least_squares(degree, kernel, d, rng, taken):
    scale = np.array([1.0, 10.0])[:d]
    x = rng.uniform(size=(N, d)) * scale + 5 * scale
    y = np.c_[np.sin(6 * x[:, 0]), x.sum(1) ** 2] + 0.1 * rng.normal(size=(N, 2))
    q = x[:M] + 0.001
    h = scale * (0.15 if kernel == "gaussian" else 0.5)
    u2 = (((q[:, None] - x) / h) ** 2).sum(-1)
    w = np.exp(-u2 / 2) if kernel == "gaussian" else np.maximum(1 - u2**1.5, 0) ** 3
    fit = vc.local_fit(q, x, y, degree=degree, kernel=kernel, bandwidth=h)
    assert taken == [0]
    wanted = expected(q, x, y, w, degree)
    size = np.abs(wanted).max(axis=(0, 2))[:, None]
    assert_allclose(fit.coefficients / size, wanted / size, rtol=0, atol=1e-8)
    assert_array_equal(fit.fitted, fit.coefficients[:, 0])
    assert_array_equal(fit.derivatives, fit.coefficients[:, 1 : 1 + d])


def test_they_are_the_fits_of_lists(rng, lists_alone):
    x, y = rng.normal(size=(N, 2)), rng.normal(size=N)
    options = {
        "degree": 2,
        "kernel": "tricube",
        "bandwidth": vc.bandwidth.KthNeighbor(400),
        "weights": rng.integers(0, 3, N).astype(float),
        "statistics": "self_weight",
    }
    got = [vc.local_fit(x, x, y, **options, exclude_self=out) for out in (False, True)]
    lists_alone()
    for ours, out in zip(got, (False, True), strict=True):
        theirs = vc.local_fit(x, x, y, **options, exclude_self=out)
        assert_allclose(ours.fitted, theirs.fitted, atol=1e-9)
        size = np.abs(theirs.coefficients).max(0)
        assert_allclose(ours.coefficients / size, theirs.coefficients / size, atol=1e-8)
        assert_allclose(ours.self_weight, theirs.self_weight, atol=1e-9)
        assert ours.regularized == theirs.regularized


def test_what_moments_do_not_determine_comes_from_lists(rng, taken):
    x = rng.uniform(size=(N, 2))
    x[:300, 1] = 0.2 * x[:300, 0] + 2  # far from the others, on a line
    q = np.r_[x[:3], x[300:303], [[50.0, 50.0], [np.nan, 0.0], [0.5, 1.5]]]
    y = np.sin(5 * x[:, 0])
    # Rows on the line, empty ones and NaN; under the Gaussian only the one far away, and NaN.
    for kernel, empty, left in (("tricube", "nearest", 6), ("gaussian", "nan", 2)):
        options = {"degree": 2, "kernel": kernel, "bandwidth": 0.4, "empty": empty}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(polynomial_fits, "KEYS", 16)
            fit = vc.local_fit(q, x, y, **options)
        assert taken.pop() == left
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fits, "grid_of", lambda *_: None)
            lists = vc.local_fit(q, x, y, **options)
        assert_allclose(fit.fitted, lists.fitted, atol=1e-8)
        assert fit.regularized == lists.regularized > 0
        assert np.isnan(fit.fitted[7])


def test_bits_depend_on_neither_batch_nor_threads(rng):
    x, y = rng.normal(size=(N, 2)), rng.normal(size=N)
    for options in ({"bandwidth": 0.5}, {"kernel": "tricube", "bandwidth": 1.3}):
        whole = vc.local_fit(x[:200], x, y, degree=2, num_threads=1, **options)
        again = vc.local_fit(x[:200], x, y, degree=2, num_threads=3, **options)
        assert whole.coefficients.tobytes() == again.coefficients.tobytes()
        for i in (0, 77, 199):
            one = vc.local_fit(x[i : i + 1], x, y, degree=2, **options)
            assert one.coefficients.tobytes() == whole.coefficients[i : i + 1].tobytes()


def test_a_key_that_is_nan_spoils_the_rows_that_see_it(rng):
    x, y = rng.normal(size=(N, 2)), rng.normal(size=N)
    y[5] = np.nan
    fit = vc.local_fit(x[:20], x, y, degree=2, bandwidth=0.5)
    assert np.isnan(fit.fitted).all()
    weights = np.ones(N)
    weights[5] = 0
    fit = vc.local_fit(x[:20], x, y, degree=2, bandwidth=0.5, weights=weights)
    assert np.isfinite(fit.fitted).all()
