"""
Out of a swiss roll, and back
=============================

Locally linear embedding finds two coordinates of a surface in three dimensions.
``inverse_transform`` is the way back, and new points need no new fit.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_swiss_roll

from vicinal.models import LocallyLinearEmbedding

X, place = make_swiss_roll(22_000, random_state=0)
known, new = slice(0, 20_000), slice(20_000, None)

# %%
# The fit, and what it keeps of points that it has not seen.
started = time.perf_counter()
model = LocallyLinearEmbedding(n_neighbors=12, n_components=2, method="modified").fit(X[known])
seconds = time.perf_counter() - started
Z = model.transform(X[new])
back = model.inverse_transform(Z)
lost = np.square(X[new] - back).sum() / np.square(X[new] - X[new].mean(axis=0)).sum()
print(f"fit of 20,000 points: {seconds:.2f} s; lost of 2,000 new points there and back: {lost:.1e}")

# %%
# Colors go along the roll: neighbors on the surface stay neighbors.
fig = plt.figure(figsize=(11, 3.8), layout="constrained")
style = {"cmap": "cividis", "s": 3}
before, after = (fig.add_subplot(1, 3, i, projection="3d") for i in (1, 3))
plane = fig.add_subplot(1, 3, 2)
before.scatter(*X[new].T, c=place[new], **style)
dots = plane.scatter(*Z.T, c=place[new], **style)
after.scatter(*back.T, c=place[new], **style)
for ax, title in ((before, "2,000 new points"), (after, "back from the plane")):
    ax.set(title=title, xlabel="x", ylabel="y", zlabel="z")
    ax.set_yticks([0, 10, 20])
    ax.view_init(8, -65)
    ax.set_box_aspect(None, zoom=0.8)
plane.set(title="their embedding", xlabel="first coordinate", ylabel="second coordinate")
fig.colorbar(dots, ax=plane, label="place along the roll (radians)")
plt.show()
