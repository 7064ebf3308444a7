"""
A straight model, fitted around every point
===========================================

A logistic regression draws one straight border. Fitted anew around every point, with the weights of
a kernel, the same estimator follows a border of any shape; its coefficients tell where the border
runs and which way.
"""

# %%
# Two interleaving moons.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression

from vicinal.models import Localized

X, y = make_moons(400, noise=0.25, random_state=0)
everywhere = LogisticRegression().fit(X, y)
around = Localized(LogisticRegression(), bandwidth="loo").fit(X, y)
print(f"bandwidth {around.bandwidth_}, leave-one-out accuracy {around.loo_score():.3f}")
print(f"one border for all: {everywhere.score(X, y):.3f} on its own rows")

# %%
# The border of each on a grid of queries: 4,800 logistic regressions on the right.
across, up = np.meshgrid(np.linspace(-1.8, 2.8, 80), np.linspace(-1.4, 1.9, 60))
grid = np.column_stack([across.ravel(), up.ravel()])
fig, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
for axis, model, title in zip(
    axes, (everywhere, around), ("one for all", "one around every point"), strict=True
):
    share = model.predict_proba(grid)[:, 1].reshape(across.shape)
    shown = axis.contourf(across, up, share, levels=np.linspace(0, 1, 11), cmap="cividis")
    axis.contour(across, up, share, levels=[0.5], colors="k")
    for moon, mark in enumerate("o^"):
        rows = X[y == moon]
        axis.scatter(*rows.T, s=16, marker=mark, c=("C0", "C3")[moon], ec="w", lw=0.4)
    axis.set(title=title, xlabel="first feature")
axes[0].set(ylabel="second feature")
fig.colorbar(shown, ax=axes, label="probability of the second moon")

# %%
# Local coefficients at some places near the border: the direction in which the odds rise.
near = grid[np.abs(around.predict_proba(grid)[:, 1] - 0.5) < 0.12][::4]
slopes = around.coefficients(near)[:, 1:]
slopes /= np.linalg.norm(slopes, axis=1, keepdims=True)
axes[1].quiver(*near.T, *slopes.T, scale=25, width=0.004)
plt.show()
