"""
A tree of nearest rows of higher density
========================================

Quick shift links every row to the nearest one where the density is higher. Links that are longer
than `max_distance` are cut; what still hangs together is a cluster, of any shape.
"""

# %%
# Two moons and a blob.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_blobs, make_moons

from vicinal.models import QuickShift

moons, _ = make_moons(400, noise=0.06, random_state=0)
blob, _ = make_blobs(100, centers=[[1.9, 1.1]], cluster_std=0.15, random_state=0)
X = np.concatenate([moons, blob])

# %%
# One tree serves every `max_distance`: the cut decides.
fig, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained", sharey=True)
for axis, longest in zip(axes, (0.2, 0.6, 3.0), strict=True):
    model = QuickShift(bandwidth=0.18, max_distance=longest).fit(X)
    parents = model.parents_
    for row in np.flatnonzero(parents != np.arange(len(X))):
        axis.plot(*X[[row, parents[row]]].T, color="0.6", lw=0.6, zorder=1)
    for cluster in np.unique(model.labels_):
        rows = X[model.labels_ == cluster]
        axis.scatter(*rows.T, s=12, marker="os^vDP*"[cluster % 7], zorder=2)
    count = len(np.unique(model.labels_))
    axis.set(title=f"max_distance = {longest:g}: {count} clusters", xlabel="x")
axes[0].set(ylabel="y")
plt.show()
