"""Profiles by their formulas, and statistics by the weights that they give."""

from __future__ import annotations

import numpy as np

import vicinal as vc

N = 300
PROFILES = {
    "gaussian": lambda u: np.exp(-u * u / 2),
    "laplace": lambda u: np.exp(-u),
    "cauchy": lambda u: 1 / (1 + u * u),
    "tricube": lambda u: np.maximum(1 - u**3, 0) ** 3,
    "uniform": lambda u: (u <= 1) * 1.0,
}


def check(got: vc.LocalStats, w: np.ndarray, y: np.ndarray, atol: float) -> None:
    mass = w.sum(1)
    full = mass > 0
    np.testing.assert_allclose(got.mean[full], (w @ y)[full] / mass[full, None], atol=atol)
    solid = mass > 1e-6  # at the edge of a compact support the mass is all rounding
    np.testing.assert_allclose(got.log_mass[solid], np.log(mass[solid]), atol=10 * atol)
    np.testing.assert_array_equal(np.isneginf(got.log_mass), ~full)
