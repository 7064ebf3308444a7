"""Edge-preserving smoothing of a photograph as a local mean of colors (a bilateral filter).

Every pixel is a query and a key in (x, y, L, a, b): near in place and in color. There is no window:
what is left out is what weighs nothing, a share of at most `tol` of every pixel's mass.
"""

from __future__ import annotations

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from cost import measured
from sklearn.datasets import load_sample_image

import vicinal as vc

# sRGB → XYZ (D65) and the white point, IEC 61966-2-1
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(axis=1)
DETAIL = (250, 463, 180, 322)  # columns from and to, rows from and to


def to_lab(rgb):
    """Convert sRGB in [0, 1], shape (..., 3), to CIE L*a*b*."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    t = linear @ TO_XYZ.T / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def features_of(rgb, place, color):
    """Return (pixels, 5): position in units of `place` pixels, color in units of `color`."""
    rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
    position = np.stack([columns, rows], axis=-1) / place
    return np.concatenate([position, to_lab(rgb) / color], axis=-1).reshape(-1, 5).astype("float32")


def draw(path, panels):
    """Write the pictures side by side, and a part of each three times as large below it."""
    figure, axes = plt.subplots(2, len(panels), figsize=(11, 7.4), layout="constrained")
    left, right, top, bottom = DETAIL
    for (above, below), (title, picture) in zip(axes.T, panels, strict=True):
        for ax in (above, below):
            ax.imshow(np.clip(picture, 0, 1))
            ax.set(title=title, xlabel="x (pixels)", ylabel="y (pixels)")
        frame = plt.Rectangle((left, top), right - left, bottom - top, fill=False, ec="black", lw=2)
        above.add_patch(frame)
        below.set(title=f"{title}, the part in the frame", xlim=(left, right), ylim=(bottom, top))
    figure.savefig(path, dpi=120)
    plt.close(figure)


def smooth_photograph(path, all_pairs=False, place=10.0, color=8.0, tol=1e-3):
    """Smooth china.jpg and write the pair of pictures; print times, pairs and differences."""
    rgb = load_sample_image("china.jpg") / 255.0
    points = features_of(rgb, place, color)
    colors = rgb.reshape(-1, 3).astype("float32")
    print(f"Photograph, {rgb.shape[1]} × {rgb.shape[0]} = {len(points):,} pixels in 5 features:")
    means = []
    for share_left_out in (tol, 0.0) if all_pairs else (tol,):
        options = {"statistics": "mean", "tol": share_left_out, "progress": True}
        stats, cost = measured(partial(vc.local_stats, points, points, colors, **options))
        visited = stats.pairs_visited / len(points) ** 2
        print(f"  tol = {share_left_out:g}: {visited:.1%} of all pairs visited; {cost}")
        means.append(stats.mean)
    if all_pairs:
        print(f"  largest difference of a color: {np.abs(means[0] - means[1]).max():.0e} of 1")
    draw(path, [("photograph", rgb), ("local mean of colors", means[0].reshape(rgb.shape))])
