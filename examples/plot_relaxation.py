"""
Labels that must agree with their neighbors
===========================================

Relaxation labeling gives every pixel a vector of label probabilities and lets neighbors speak for
and against labels by a matrix of compatibilities. With like for like it cleans a picture; with like
against like it makes a checkerboard out of almost nothing.
"""

import matplotlib.pyplot as plt
import numpy as np

import vicinal as vc
from vicinal.models import RelaxationLabeling

rng = np.random.default_rng(0)
rows, columns = np.mgrid[:48, :48]
picture = ((rows - 24) ** 2 + (columns - 24) ** 2 < 15**2).astype(int)
noisy = picture ^ (rng.random(picture.shape) < 0.15)
pixels = np.column_stack([rows.ravel(), columns.ravel()]).astype(float)
p0 = np.where(noisy.reshape(-1, 1) == [0, 1], 0.7, 0.3)

# %%
# Eight neighbors for the first rule, four for the second.
like = RelaxationLabeling([[1, -1], [-1, 1]], kernel="constant")
cleaned = like.run(p0, vc.Grid((48, 48), 1), points=pixels)
unlike = RelaxationLabeling([[-1, 1], [1, -1]], kernel="constant", max_iter=300)
nearly = np.column_stack([x := 0.5 + 0.01 * rng.normal(size=48 * 48), 1 - x])
board = unlike.run(nearly, vc.Radius(1.0), points=pixels)

figure, axes = plt.subplots(1, 4, figsize=(14, 3.7), layout="constrained")
pictures = {
    "15 % of the pixels wrong": noisy,
    "like for like": cleaned.labels.reshape(48, 48),
    "like against like": board.labels.reshape(48, 48),
}
for ax, (name, image) in zip(axes, pictures.items(), strict=False):
    ax.imshow(image, cmap="gray_r")
    ax.set(title=name, xlabel="column (pixels)", ylabel="row (pixels)")
right = np.mean(cleaned.labels == picture.ravel())
axes[1].set_title(f"like for like: {right:.1%} right")
for found, style, name in ((cleaned, "k-", "like for like"), (board, "k--", "like against like")):
    axes[3].plot(found.consistency / len(pixels), style, label=name)
axes[3].set(xlabel="update", ylabel="consistency per pixel", title="Agreement", xscale="symlog")
axes[3].legend()
