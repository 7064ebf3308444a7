"""Kernels for the hooks of `vicinal._core` that Python users do not reach."""

from __future__ import annotations

import numpy as np

from vicinal import _core


def one_factor(profile: str, *, metric: str, bandwidth=1.0, components=None) -> _core.Kernel:
    """Return an engine kernel of one factor with parameters at their defaults."""
    factor = {
        "profile": profile,
        "metric": metric,
        "bandwidth": np.atleast_1d(np.asarray(bandwidth, dtype=np.float64)),
        "columns": None,
        "components": components,
        "shape": 0.0,
        "offset": 0.0,
        "rectified": False,
        "scale": 1.0,
        "table": None,
        "function": None,
    }
    return _core.Kernel([(1.0, [factor])])
