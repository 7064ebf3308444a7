"""The figures of docs/reliability.md as assertions."""

from __future__ import annotations

import numpy as np

ORDINARY = {np.dtype("float32"): 1e-5, np.dtype("float64"): 1e-13}


def ulps(value, dtype) -> float:
    """Return one unit in the last place of `value` in the working type."""
    return float(np.spacing(np.asarray(np.abs(value)).astype(dtype)))


def largest_error(got, exact) -> float:
    """Return the largest absolute difference, measured in long double."""
    got = np.asarray(got)
    exact = np.asarray(exact, dtype=np.longdouble)
    assert got.shape == exact.shape, f"shape {got.shape}, expected {exact.shape}"
    if got.size == 0:
        return 0.0
    difference = np.abs(got.astype(np.longdouble) - exact)
    assert not np.isnan(difference).any(), f"NaN in {int(np.isnan(difference).sum())} places"
    return float(difference.max())


def assert_accurate(got, exact, plain, *, scale, dtype, ordinary=True, condition=1.0, label=""):
    """Assert error ≤ 2 × the error of plain numpy in the same dtype + 4 ulp of the largest value.

    On ordinary data it is also at most 1e-5 (float32) or 1e-13 (float64) of the largest value.
    `condition` is Σ|w| / |Σw| of the worst row: 1 unless the kernel is signed.
    """
    assert np.asarray(got).dtype == dtype, f"{label}: {np.asarray(got).dtype}, expected {dtype}"
    error = largest_error(got, exact)
    bound = 2 * largest_error(plain, exact) + 4 * ulps(scale, dtype) * condition
    assert error <= bound, f"{label}: error {error:.3g} > {bound:.3g} = 2 × plain numpy + 4 ulp"
    if ordinary:
        figure = ORDINARY[np.dtype(dtype)] * float(scale) * condition
        assert error <= figure, f"{label}: error {error:.3g} > {figure:.3g} on ordinary data"


def near(got, exact, dtype, *, scale=None):
    """Assert the figure for ordinary data alone: 1e-5 or 1e-13 of the largest value."""
    exact = np.asarray(exact, dtype=np.longdouble)
    scale = float(np.abs(exact).max()) if scale is None else float(scale)
    error = largest_error(got, exact)
    assert error <= ORDINARY[np.dtype(dtype)] * scale, f"error {error:.3g} of {scale:.3g}"
