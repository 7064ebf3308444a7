"""Plain float64 formulas that the models are compared with; nothing of vicinal is used."""

from __future__ import annotations

import numpy as np


def gaussian(queries, keys, h):
    """Return exp(−‖q − x‖²/2h²) by the plain formula, (m, n)."""
    gap = (queries[:, None, :] - keys[None, :, :]) / h
    return np.exp(-0.5 * (gap**2).sum(-1))


def epanechnikov(queries, keys, h):
    """Return (1 − ‖q − x‖²/h²)₊ by the plain formula, (m, n)."""
    gap = (queries[:, None, :] - keys[None, :, :]) / h
    return np.maximum(1 - (gap**2).sum(-1), 0)


def mean(w, values):
    """Return Σ w y / Σ w per row, (m,) or (m, p)."""
    total = w.sum(1)
    return (w @ values) / (total if values.ndim == 1 else total[:, None])
