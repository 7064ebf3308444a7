"""
Which keys a query sees
=======================

Sensors in a square, and one of them as a query: the keys that count under six sets of neighbors.
Shades are the weights under a Gaussian kernel; the star is the query, crosses are keys that it does
not see.
"""

import matplotlib.pyplot as plt
import numpy as np

import vicinal as vc

rng = np.random.default_rng(5)
side = 15
row, column = np.divmod(np.arange(side * side), side)
keys = np.stack([column, row], 1) + 0.6 * rng.uniform(-1, 1, size=(side * side, 2))
query = side * 8 + 6  # row by row, from below

# %%
# Rows of the data count the sensors row by row, so a `Grid` and a `Window` of rows know neighbors
# without looking at coordinates; the other sets look at nothing else.
sets = {
    "KNearest(24)": vc.KNearest(24),
    "Radius(3.5)": vc.Radius(3.5),
    "KNearest(24) & Radius(2)": vc.KNearest(24) & vc.Radius(2),
    "Window(2, 1, on=0) & Radius(6)": vc.Window(2, 1, on=0) & vc.Radius(6),
    "Grid((15, 15), (1, 3))": vc.Grid((side, side), (1, 3)),
    "Window(20, 0) | KNearest(12)": vc.Window(20, 0) | vc.KNearest(12),
}
figure, panels = plt.subplots(
    2, 3, figsize=(9, 6.6), sharex=True, sharey=True, layout="constrained"
)
for panel, (title, near) in zip(panels.flat, sets.items(), strict=True):
    weights = vc.local_weights(keys, keys, bandwidth=2.5, neighbors=near, normalize=False)
    seen = weights[[query]].toarray()[0]
    used = seen > 0
    panel.plot(*keys[~used].T, "x", color="0.7", markersize=3)
    points = panel.scatter(
        *keys[used].T, s=32, c=seen[used], cmap="Greys", vmin=0, vmax=1, edgecolors="black"
    )
    panel.plot(*keys[query], "*", color="white", markeredgecolor="black", markersize=15)
    panel.set_title(f"{title}\n{used.sum()} keys", fontsize="medium")
    panel.set(aspect="equal", xticks=[0, 5, 10, 15], yticks=[0, 5, 10, 15])
for panel in panels[-1]:
    panel.set_xlabel("east (m)")
for panel in panels[:, 0]:
    panel.set_ylabel("north (m)")
figure.colorbar(points, ax=panels, label="weight (1 at distance 0)", shrink=0.6)
plt.show()

# %%
# `KNearest` takes the nearest of what the other sets leave: within a radius of 2 m there are fewer
# than 24 keys, and all of them count.
for title, near in sets.items():
    stats = vc.local_stats(keys, keys, bandwidth=2.5, neighbors=near, statistics="count")
    print(f"{title:32} {stats.count.min():3} to {stats.count.max():3} keys per query")
