"""Edge-preserving smoothing of a photograph as a local mean of colors (a bilateral filter).

Every pixel is a query and a key in (x, y, L, a, b): near in place and in color. The mean of the
keys' colors is taken over *all* pixels; nothing is cut off.
"""

from __future__ import annotations

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

import vicinal as vc

# sRGB → XYZ (D65) and the white point, IEC 61966-2-1
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(axis=1)


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


def shrink(image, width):
    """Average blocks of pixels down to about `width` columns."""
    step = max(1, image.shape[1] // width)
    height, columns = (s // step * step for s in image.shape[:2])
    blocks = image[:height, :columns].reshape(height // step, step, columns // step, step, 3)
    return blocks.mean(axis=(1, 3))


def fma_peak(threads):
    """Return a rough FMA ceiling in flop/s: the best of a few float32 matrix products."""
    a = np.ones((1536, 1536), dtype=np.float32)
    best = 0.0
    for _ in range(5):
        start = time.perf_counter()
        a @ a
        best = max(best, 2 * 1536**3 / (time.perf_counter() - start))
    return best


def smooth_photograph(path, width, place=6.0, color=8.0):
    """Smooth china.jpg and write the pair of pictures; print time and rate."""
    rgb = shrink(load_sample_image("china.jpg") / 255.0, width)
    points = features_of(rgb, place, color)
    colors = rgb.reshape(-1, 3).astype("float32")
    start = time.perf_counter()
    smooth = vc.local_mean(points, points, colors, kernel="gaussian", progress=True)
    seconds = time.perf_counter() - start
    pairs = float(len(points)) ** 2
    flops = 2 * (points.shape[1] + colors.shape[1])  # multiply-adds of distance and sums alone
    share = flops * pairs / seconds / fma_peak(vc.get_num_threads())
    print(
        f"Photograph, {rgb.shape[1]} × {rgb.shape[0]} = {len(points):,} pixels in 5 features: "
        f"{seconds:.1f} s, {pairs / seconds / 1e9:.2f}·10⁹ pairs/s,\n"
        f"  {flops} flop a pair = {share:.0%} of this machine's float32 matrix-product rate "
        "(the rest is exp)"
    )
    figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for ax, picture, title in (
        (axes[0], rgb, "photograph"),
        (axes[1], smooth.reshape(rgb.shape), "local mean of colors"),
    ):
        ax.imshow(np.clip(picture, 0, 1))
        ax.set(title=title, xlabel="x (pixels)", ylabel="y (pixels)")
    figure.savefig(path, dpi=120)
    plt.close(figure)
