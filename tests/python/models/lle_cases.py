"""Manifolds with known coordinates, and how embeddings are compared."""

from __future__ import annotations

import numpy as np


def swiss_roll(n, seed=0, hole=False):
    """Return points of a swiss roll and their isometric coordinates (arc length, height)."""
    rng = np.random.default_rng(seed)
    size = 3 * n if hole else n
    angle, height = rng.uniform(4.7, 14.1, size), rng.uniform(0, 21, size)
    if hole:
        kept = (np.abs(angle - 10.5) > 1.5) | (np.abs(height - 10) > 5)
        angle, height = angle[kept][:n], height[kept][:n]
    points = np.column_stack([angle * np.cos(angle), height, angle * np.sin(angle)])
    length = (angle * np.hypot(1, angle) + np.arcsinh(angle)) / 2
    return points, np.column_stack([length, height])


def sine_of_angle(a, b):
    """Return the sine of the largest principal angle between two column spaces."""
    a, b = np.linalg.qr(a)[0], np.linalg.qr(b)[0]
    return np.linalg.norm(a - b @ (b.T @ a), 2)


def affine_error(embedding, truth):
    """Return the relative error of the best affine map from an embedding to the truth."""
    columns = np.column_stack([np.ones(len(embedding)), embedding])
    fitted = columns @ np.linalg.lstsq(columns, truth, rcond=None)[0]
    return np.linalg.norm(fitted - truth) / np.linalg.norm(truth - truth.mean(axis=0))
