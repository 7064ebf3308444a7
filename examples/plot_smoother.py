"""
A kernel smoother and the weights behind it
===========================================

The mean at a point is the weighted average of its neighbors' values. Leave-one-out chooses the
bandwidth; the shading shows what one query sees.
"""

import matplotlib.pyplot as plt
import numpy as np

import vicinal as vc

rng = np.random.default_rng(1)
x = np.sort(rng.uniform(0, 10, 300))[:, None]
y = np.sin(x[:, 0]) + 0.1 * x[:, 0] + rng.normal(scale=0.3, size=300)
grid = np.linspace(0, 10, 400)[:, None]

bandwidth = vc.bandwidth.select(x, y).bandwidth
mean = vc.local_mean(grid, x, y, bandwidth=bandwidth)
query = np.array([[6.0]])
weights = vc.local_weights(query, x, bandwidth=bandwidth)[0]

figure, (top, bottom) = plt.subplots(
    2, 1, figsize=(8, 5), sharex=True, height_ratios=[3, 1], layout="constrained"
)
top.scatter(x[:, 0], y, s=8, c=weights, cmap="viridis_r", label="data, darker = more weight")
top.plot(grid[:, 0], mean, color="C3", label="local mean")
top.axvline(query[0, 0], color="0.5", lw=1, label="one query")
top.set(ylabel="y")
top.legend()
bottom.stem(x[:, 0], weights, markerfmt=" ", basefmt=" ")
bottom.set(xlabel="x", ylabel="weight")
plt.show()
