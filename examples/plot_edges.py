"""
A regression that keeps edges
=============================

The weights look at the targets, too: beside an edge the far side weighs nothing.
"""

import matplotlib.pyplot as plt
import numpy as np

from vicinal.models import LocalMeanRegressor, SelfLocalRegressor

rng = np.random.default_rng(4)
x = np.sort(rng.uniform(0, 10, 400))[:, None]
truth = np.where(x[:, 0] < 4, 0.3 * x[:, 0], 3.0 - 0.2 * x[:, 0]) - 2.0 * (x[:, 0] > 7)
y = truth + rng.normal(scale=0.2, size=400)
grid = np.linspace(0, 10, 800)[:, None]

pilot = LocalMeanRegressor(bandwidth=0.4).fit(x, y)
model = SelfLocalRegressor(bandwidth=0.4).fit(x, y)

figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
axis.plot(x[:, 0], y, ".", color="0.7", markersize=4, label="data")
axis.plot(grid[:, 0], pilot.predict(grid), "--", color="C0", lw=2, label="local mean")
axis.plot(grid[:, 0], model.predict(grid), color="C3", lw=2, label="self-local regression")
axis.set(xlabel="x", ylabel="y")
axis.legend()
plt.show()
