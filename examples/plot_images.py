"""
Denoising pictures and point clouds
===================================

Every pixel becomes the mean of pixels near it: near in place and color (bilateral), or in the
middle of patches that look alike (non-local means). Missing pixels are filled from their patches.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from vicinal.models import Bilateral, NonLocalMeans, estimate_sigma

rng = np.random.default_rng(0)
clean = load_sample_image("china.jpg")[60:220, 200:420] / 255
noisy = clean + rng.normal(scale=0.1, size=clean.shape)
holes = np.where(rng.random((*clean.shape[:2], 1)) < 0.3, np.nan, noisy)
sigma = estimate_sigma(noisy, channel_axis=-1)
print(f"noise {sigma:.3f}, added 0.100")


def decibels(picture):
    """Peak signal-to-noise ratio; the largest value is 1."""
    return -10 * np.log10(np.mean((picture - clean) ** 2))


# %%
# The widths are shares of the noise.
box = NonLocalMeans(sigma=sigma, h=0.7 * sigma, patch_distance=10)
gaussian = NonLocalMeans(sigma=sigma, h=0.8 * sigma, patch_distance=10, patch="gaussian")
bilateral = Bilateral(sigma_color=3 * sigma, sigma_spatial=2)
filling = NonLocalMeans(sigma=sigma, h=0.7 * sigma, patch_distance=10, nan_policy="omit")
pictures = {
    "noisy": noisy,
    "bilateral": bilateral.denoise(noisy, channel_axis=-1),
    "non-local means, box": box.denoise(noisy, channel_axis=-1),
    "non-local means, Gaussian": gaussian.denoise(noisy, channel_axis=-1),
    "30 % missing": holes,
    "filled": filling.denoise(holes, channel_axis=-1),
}
for name, picture in pictures.items():
    if np.isfinite(picture).all():
        print(f"{name:26} {decibels(picture):5.2f} dB")

figure, axes = plt.subplots(2, 3, figsize=(11, 6), layout="constrained")
for ax, (name, picture) in zip(axes.T.flat, pictures.items(), strict=True):
    ax.imshow(np.clip(np.nan_to_num(picture), 0, 1))
    title = f"{name}: {decibels(picture):.1f} dB" if np.isfinite(picture).all() else name
    ax.set(title=title, xlabel="x (pixels)", ylabel="y (pixels)")
plt.show()

# %%
# Points have no grid: their surroundings are told by the mean and the spread of the nearest values.
points = rng.uniform(size=(3000, 2))
true = (np.hypot(points[:, 0] - 0.5, points[:, 1] - 0.5) < 0.3) + 0.0
measured = true + rng.normal(scale=0.3, size=3000)
model = NonLocalMeans(h=0.15)
means = model.denoise_points(points, measured, n_neighbors=100, patch_neighbors=12)
panels = {"measured": measured, "non-local means": means}
figure, axes = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained", sharey=True)
for ax, (name, values) in zip(axes, panels.items(), strict=True):
    dots = ax.scatter(*points.T, c=values, s=8, cmap="cividis", vmin=-0.5, vmax=1.5)
    error = np.sqrt(np.mean((values - true) ** 2))
    ax.set(title=f"{name}: error {error:.2f}", xlabel="x", ylabel="y", aspect="equal")
figure.colorbar(dots, ax=axes, label="height")
plt.show()
