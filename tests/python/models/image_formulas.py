"""Non-local means and bilateral filters as written in the papers: float64, one pixel at a time."""

from __future__ import annotations

import itertools

import numpy as np


def patch_weights(shape, size, patch):
    """Return the weights of a patch, sum 1; one pixel along axes of one pixel."""
    sides = [size // 2 if length > 1 else 0 for length in shape]
    offsets = np.meshgrid(*[np.arange(-side, side + 1) for side in sides], indexing="ij")
    squares = sum(o**2 for o in offsets)
    g = np.ones(squares.shape) if patch == "box" else np.exp(-squares / (2 * ((size - 1) / 4) ** 2))
    return g / g.sum()


def window_of(pixel, shape, reach):
    """Return the pixels at most `reach` away along every axis."""
    axes = [
        range(max(0, i - reach), min(n, i + reach + 1)) for i, n in zip(pixel, shape, strict=True)
    ]
    return list(itertools.product(*axes))


def non_local_means(image, size, reach, h, sigma=0.0, patch="box", used=None, filled=False):
    """Denoise (…, channels); `used` pixels alone count, in patches too."""
    shape = image.shape[:-1]
    used = np.ones(shape, bool) if used is None else used
    g = patch_weights(shape, size, patch)
    margins = [(side // 2, side // 2) for side in g.shape]
    padded = np.pad(np.where(used[..., None], image, 0), [*margins, (0, 0)], mode="reflect")
    counts = np.pad(used, margins, mode="reflect")

    def patch_at(pixel, array):
        return array[tuple(slice(i, i + side) for i, side in zip(pixel, g.shape, strict=True))]

    out = image.copy()
    for p in np.ndindex(shape):
        if not (used[p] or filled):
            continue
        total, mass = np.zeros(image.shape[-1]), 0.0
        for q in window_of(p, shape, reach):
            share = g * patch_at(p, counts) * patch_at(q, counts)
            if not used[q] or share.sum() == 0:
                continue
            squares = ((patch_at(p, padded) - patch_at(q, padded)) ** 2).mean(axis=-1)
            d2 = (share * squares).sum() / share.sum()
            w = np.exp(-max(d2 - 2 * sigma**2, 0) / h**2)
            total, mass = total + w * image[q], mass + w
        if mass > 0:
            out[p] = total / mass
    return out


def bilateral(image, guide, reach, sigma_color, sigma_spatial):
    """Denoise (…, channels) under the colors of a guide (…, channels)."""
    shape, out = image.shape[:-1], np.empty(image.shape)
    for p in np.ndindex(shape):
        near = window_of(p, shape, reach)
        q = tuple(np.array(near).T)
        place = ((np.array(near) - np.array(p)) ** 2).sum(axis=1) / sigma_spatial**2
        color = ((guide[q] - guide[p]) ** 2).sum(axis=-1) / sigma_color**2
        w = np.exp(-(place + color) / 2)
        out[p] = (w[:, None] * image[q]).sum(axis=0) / w.sum()
    return out
