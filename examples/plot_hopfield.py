"""
Patterns retrieved from parts of them
=====================================

A Hopfield network stores patterns, here digits of 8 × 8 pixels, and completes what it is shown by
local means of them: q ← m(q). With a high inverse temperature β the updates end at one stored
pattern, with a lower one in a metastable state between several, and at last in the mean of all.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from vicinal.models import Hopfield

images = load_digits().data / 16 - 0.5
patterns = images[:200]
shown = patterns[[0, 3, 8, 25]].copy()
shown[:, 32:] = 0  # the lower half is hidden

# %%
# The answer for three inverse temperatures, and how many patterns share it.
betas = (20.0, 2.0, 0.2)
figure, axes = plt.subplots(4, 4, figsize=(6.5, 7.2), layout="constrained")
for row, image in zip(axes, shown, strict=True):
    row[0].imshow(image.reshape(8, 8), cmap="gray_r", vmin=-0.5, vmax=0.5)
axes[0, 0].set_title("shown")
for column, beta in enumerate(betas, start=1):
    found = Hopfield(beta=beta).fit(patterns).recall(shown)
    axes[0, column].set_title(f"β = {beta:g}")
    for row, image, ess in zip(axes, found.states, found.ess, strict=True):
        row[column].imshow(image.reshape(8, 8), cmap="gray_r", vmin=-0.5, vmax=0.5)
        row[column].set_xlabel(f"{ess:.1f} patterns", fontsize=11)
for ax in axes.ravel():
    ax.set(xticks=[], yticks=[])

# %%
# The energy of every state falls with every update.
trace = Hopfield(beta=2.0, tol=1e-6).fit(patterns).recall(shown, trace=True)
assert np.diff(trace.energy, axis=0).max() < 1e-12
figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
for energy, style, number in zip(trace.energy.T, ("-", "--", "-.", ":"), range(1, 5), strict=True):
    ax.plot(energy - trace.energy.min(), f"k{style}", label=f"image {number}")
ax.set(xlabel="update", ylabel="energy above the lowest", title="β = 2")
ax.legend()
