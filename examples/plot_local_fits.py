"""
Local fits: constants, lines, parabolas, and outliers
=====================================================

A mean bends at the border and cuts peaks; a line keeps the border, a parabola the peaks, too. A
robust fit forgets the outliers. All four fits have the same kernel and bandwidth.
"""

import matplotlib.pyplot as plt
import numpy as np

from vicinal.models import LocalPolynomialRegressor

rng = np.random.default_rng(1)
x = np.sort(rng.uniform(0, 1, size=(150, 1)), axis=0)


def truth(t):
    """Rise at the left border and have a peak."""
    return 2 * t[:, 0] + np.exp(-((t[:, 0] - 0.6) ** 2) / 0.008)


y = truth(x) + 0.08 * rng.normal(size=150)
outliers = rng.choice(150, size=10, replace=False)
y[outliers] += 2.5

grid = np.linspace(0, 1, 300)[:, None]
FITS = (
    ("degree 0 (mean)", "C1", ":", {"degree": 0}),
    ("degree 1", "C2", "--", {"degree": 1}),
    ("degree 2", "C3", "-.", {"degree": 2}),
    ("degree 2, robust", "C0", "-", {"degree": 2, "family": "robust"}),
)

figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
axes.plot(x, y, "o", color="0.65", markersize=4, label="data with 10 outliers")
axes.plot(grid, truth(grid), color="black", linewidth=1, label="truth")
for label, color, style, options in FITS:
    model = LocalPolynomialRegressor(kernel="tricube", bandwidth=0.15, **options).fit(x, y)
    axes.plot(grid, model.predict(grid), style, color=color, linewidth=2.2, label=label)
axes.set(xlabel="x (no unit)", ylabel="y (no unit)", title="Local fits under one bandwidth")
axes.set_ylim(-0.4, 6.4)
axes.legend(loc="upper left", fontsize=9, ncols=2)
plt.show()
