"""
A picture guided by another
===========================

A bilateral filter averages pixels that are near in place and in color. In the joint filter the
color is that of a guide: a dim, noisy picture keeps the edges of a bright one of the same place.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from vicinal.models import Bilateral

rng = np.random.default_rng(0)
bright = load_sample_image("flower.jpg")[100:300, 180:420] / 255
warm = bright * [1.0, 0.8, 0.5] * 0.4
dim = warm + rng.normal(scale=0.1, size=warm.shape)
guide = bright + rng.normal(scale=0.02, size=bright.shape)

pictures = {
    "guide": guide,
    "dim and noisy": dim,
    "bilateral": Bilateral(sigma_color=0.3, sigma_spatial=3).denoise(dim, channel_axis=-1),
    "guided": Bilateral(sigma_color=0.08, sigma_spatial=3).denoise(dim, -1, guide=guide),
}

# %%
# The dim pictures are shown twice as bright.
figure, axes = plt.subplots(2, 2, figsize=(9, 7.6), layout="constrained")
for ax, (name, picture) in zip(axes.flat, pictures.items(), strict=True):
    error = np.sqrt(np.mean((picture - warm) ** 2))
    title = name if name == "guide" else f"{name}: error {error:.3f}"
    ax.imshow(np.clip(picture * (1 if name == "guide" else 2), 0, 1))
    ax.set(title=title, xlabel="x (pixels)", ylabel="y (pixels)")
    print(title)
plt.show()
