"""
One map, applied to its own output
==================================

A lazy map answers a query from stored pairs. Applied again to its own answer it arrives at models
that have names: with the points as their own values at mean shift, whose fixed points are modes;
with labels as values, and the known ones put back, at label propagation.
"""

# %%
# Two bent clusters.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

import vicinal as vc
from vicinal.models import LocalMeanRegressor, iterate_lazy_map

points, truth = make_moons(300, noise=0.07, random_state=0)
points = points[np.argsort(truth)]

# %%
# Points as values. Every step is kept, so that the walks can be drawn.
walks = [points]
shift = LocalMeanRegressor(bandwidth=0.25).fit(points, points)
modes = iterate_lazy_map(
    shift,
    points,
    max_iter=1000,
    callback=lambda iteration, error, state: walks.append(state.copy()),
)
print(f"mean shift: {modes.n_iter} steps, {len(np.unique(modes.points.round(2), axis=0))} modes")

# %%
# Labels as values: one of each kind is known, and is put back after every step.
known = np.isin(np.arange(300), [20, 280])
labels = np.where(known, np.where(np.arange(300) < 150, -1.0, 1.0), 0.0)[:, None]
spread = iterate_lazy_map(
    lambda scores: vc.local_mean(points, points, scores, bandwidth=0.1),
    labels,
    clamp=lambda scores: np.where(known[:, None], labels, scores),
    rowwise=False,
    max_iter=20_000,
)
print(f"label propagation: {spread.n_iter} steps")

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
paths = np.stack(walks)[:, ::3]
left.plot(*paths.transpose(2, 0, 1), color="0.7", lw=0.7)
left.scatter(*points.T, s=8, color="C0", label="points")
left.scatter(*modes.points.T, s=90, marker="*", color="k", label="fixed points", zorder=3)
left.set(title="points averaged: mean shift", xlabel="x", ylabel="y")
left.legend(loc="lower left")
shown = right.scatter(*points.T, s=14, c=spread.points[:, 0], cmap="cividis", vmin=-1, vmax=1)
right.scatter(*points[known].T, s=120, facecolor="none", edgecolor="k", label="known labels")
right.set(title="labels averaged: label propagation", xlabel="x")
right.legend(loc="lower left")
fig.colorbar(shown, ax=right, label="label")
plt.show()
