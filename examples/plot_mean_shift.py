"""
Ways to the modes, and their basins
===================================

Mean shift moves every row to the local mean around it, again and again. Rows that end at one mode
are a cluster, and the places from which ways lead there are its basin.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image, make_blobs

from vicinal.models import MeanShift
from vicinal.plotting import TrajectoryDisplay

centers, spreads = [[0, 0], [4, 0], [3, 5], [-3, 4]], [0.7, 1.2, 0.9, 1.1]
X, _ = make_blobs([150, 250, 150, 150], centers=centers, cluster_std=spreads, random_state=1)
model = MeanShift(kernel="gaussian", bandwidth=0.9).fit(X)
print(f"{len(model.cluster_centers_)} modes, at most {model.n_iter_} steps")

# %%
# ``predict`` walks from any place, so it also tells where the basins end.
display = TrajectoryDisplay.from_estimator(model, X[:100])
low, high = X.min(axis=0) - 0.5, X.max(axis=0) + 0.5
x, y = np.linspace(low[0], high[0], 80), np.linspace(low[1], high[1], 80)
places = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
basins = model.predict(places).reshape(80, 80)
for mode in range(len(model.cluster_centers_)):
    display.ax_.contour(x, y, basins == mode, levels=[0.5], colors="black", linewidths=0.8)
display.ax_.set(title="100 ways, and where the basins meet")
plt.show()

# %%
# Pixels are rows, too: place in units of 8 pixels, color in units of a tenth. Every segment is
# painted in its mean color. The whole photograph is in ``examples/segmentation.py``.
rgb = load_sample_image("china.jpg")[::3, ::3] / 255.0
rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
pixels = np.concatenate([np.stack([columns, rows], axis=-1) / 8, rgb / 0.1], axis=-1).reshape(-1, 5)
labels = MeanShift(bandwidth=1.0).fit(pixels).labels_
counts = np.bincount(labels)
colors = [np.bincount(labels, channel) / counts for channel in rgb.reshape(-1, 3).T]
segments = np.stack(colors, axis=-1)[labels].reshape(rgb.shape)

figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
titles = (f"{len(pixels):,} pixels", f"{len(counts):,} segments")
for ax, title, picture in zip(axes, titles, (rgb, segments), strict=True):
    ax.imshow(picture)
    ax.set(title=title, xlabel="x (pixels)", ylabel="y (pixels)")
plt.show()
