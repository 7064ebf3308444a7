"""KeOps: reductions of symbolic kernels, compiled when they run (it needs a C++ compiler)."""

from __future__ import annotations

import numpy as np
import pytest
from pykeops.numpy import LazyTensor

import vicinal as vc

FIGURE = {"float32": 1e-5, "float64": 1e-12}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gaussian_and_laplace(dtype, rng):
    q, x, y = (rng.normal(size=shape).astype(dtype) for shape in ((70, 3), (900, 3), (900, 2)))
    difference = LazyTensor(q[:, None]) - LazyTensor(x[None])
    squared = (difference**2).sum(-1)
    one = np.ones((900, 1), dtype)
    for kernel, weights in {
        "gaussian": (-squared / 2).exp(),
        "laplace": (-(squared.sqrt())).exp(),
    }.items():
        expected = (weights @ y) / (weights @ one)
        got = vc.local_stats(q, x, y, kernel=kernel)
        assert np.abs(got.mean - expected).max() <= FIGURE[dtype] * np.abs(y).max()
        mass = np.log(weights @ one)[:, 0]
        assert np.abs(got.log_mass - mass).max() <= FIGURE[dtype] * np.abs(mass).max()
