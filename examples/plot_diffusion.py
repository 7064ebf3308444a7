"""
Digits out of noise
===================

Each step of diffusion sampling is one local mean of the digits: mean shift with falling bandwidth.
Rows are walks from pure noise; the last column is the training digit nearest to the end.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import vicinal as vc
from vicinal.models import Denoiser, noise_levels

digits = load_digits().data
model = Denoiser(sigma=1.0).fit(digits)
levels = noise_levels(60, 1.0, 80.0)
shown = [0, 12, 20, 28, 36, 44, 60]
seen = {}


def keep(step, sigma, rows):
    """Remember the rows of a level, and what the denoiser makes of them."""
    if step in shown:
        seen[step] = rows, model.predict(rows, sigma)


start = digits[:4] + 80 * np.random.default_rng(3).normal(size=(4, 64))
seen[0] = start, model.predict(start, 80.0)
ends = model.sample(sigmas=levels, start=start, callback=keep)
nearest = digits[vc.knn(ends, digits, 1).indices[:, 0]]

figure, axes = plt.subplots(
    8, len(shown) + 1, figsize=(8, 8.2), layout="constrained", height_ratios=[1] * 8
)
for column, step in enumerate(shown):
    axes[0, column].set_title(f"σ = {levels[step]:.3g}", fontsize=11)
    for row in range(4):
        for part, image in enumerate((seen[step][0][row], seen[step][1][row])):
            axes[2 * row + part, column].imshow(image.reshape(8, 8), cmap="gray_r")
axes[0, -1].set_title("nearest", fontsize=11)
for row in range(4):
    axes[2 * row, -1].imshow(nearest[row].reshape(8, 8), cmap="gray_r")
    axes[2 * row, 0].set_ylabel("walk", fontsize=10)
    axes[2 * row + 1, 0].set_ylabel("denoised", fontsize=10)
for axis in axes.flat:
    axis.set(xticks=[], yticks=[])
for axis in axes[1::2, -1]:
    axis.axis("off")
figure.suptitle("Walks down the noise σ (gray levels), and the local mean at each")
plt.show()
