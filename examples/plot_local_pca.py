"""
Axes that turn with the data
============================

Points near a spiral. One set of principal axes for all of them says nothing; around every point the
first local axis is the tangent, and the number of axes that take part tells line from plane.
"""

# %%
# A spiral with noise, and a disk whose points spread both ways.
import matplotlib.pyplot as plt
import numpy as np

from vicinal.models import LocalPCA

rng = np.random.default_rng(0)
angle = np.sqrt(rng.uniform(1, 16, size=700)) * np.pi
spiral = 0.25 * (angle * np.array([np.cos(angle), np.sin(angle)])).T
disk = rng.normal(size=(300, 2)) * 0.45 + [4.6, 2.6]
points = np.concatenate([spiral + 0.05 * rng.normal(size=spiral.shape), disk])

# %%
# Every row is weighted by a Gaussian of width 0.25, once.
model = LocalPCA(1, bandwidth=0.25).fit(points)
tangents = model.tangent_spaces(points)[:, 0]
projected = model.inverse_transform(model.transform(points), points)
print(f"mean distance to the local axis: {np.linalg.norm(points - projected, axis=1).mean():.3f}")

# %%
# Left the tangents at some points; right how many axes take part: 1 on a line, 2 in the disk.
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
some = rng.choice(len(points), 110, replace=False)
left.scatter(*points.T, s=4, color="0.75")
left.quiver(
    *points[some].T, *tangents[some].T, pivot="mid", scale=22, width=0.005, color="C0",
    headwidth=0, headlength=0, headaxislength=0,
)  # fmt: skip
left.set(title="first local axis", aspect="equal", xlabel="x", ylabel="y")
shown = right.scatter(*points.T, s=8, c=model.dimension(points), cmap="viridis", vmin=1, vmax=2)
fig.colorbar(shown, ax=right, label="axes that take part", shrink=0.75)
right.set(title="local dimension", aspect="equal", xlabel="x", ylabel="y")
plt.show()
