"""The density of a million points of a strange attractor, beside a histogram of the same pixels.

Clifford's map, x' = sin(a y) + c cos(a x), y' = sin(b x) + d cos(b y), visits its attractor
unevenly: a sharp picture needs a small bandwidth and many points, and nearly all pairs weigh
nothing.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from cost import measured
from matplotlib.colors import PowerNorm

from vicinal.models import KernelDensity


def clifford(count, a=-1.4, b=1.6, c=1.0, d=0.7):
    """Return (count, 2) points: many orbits side by side, their first steps dropped."""
    orbits, settle = 1000, 50
    x, y = np.random.default_rng(0).uniform(-1, 1, size=(2, orbits))
    points = np.empty((count // orbits, orbits, 2), dtype=np.float32)
    for step in range(-settle, len(points)):
        x, y = np.sin(a * y) + c * np.cos(a * x), np.sin(b * x) + d * np.cos(b * y)
        if step >= 0:
            points[step] = np.stack([x, y], axis=-1)
    return points.reshape(-1, 2)


def draw(path, panels, extent):
    """Write the pictures side by side, all on one scale of brightness."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.7), layout="constrained")
    norm = PowerNorm(0.5, vmin=0, vmax=np.quantile(panels[-1][1], 0.999))
    for ax, (title, values) in zip(axes, panels, strict=True):
        picture = ax.imshow(values, norm=norm, cmap="cividis", extent=extent, origin="lower")
        ax.set(title=title, xlabel="x (dimensionless)", ylabel="y (dimensionless)")
    label = "density (per unit of x and y)"
    figure.colorbar(picture, ax=axes, label=label, extend="max", shrink=0.8)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def million_points(path, count=1_000_000, bandwidth=0.01, columns=640, rows=480):
    """Draw the density at every pixel; print time and how many pairs were visited."""
    points = clifford(count)
    low, high = points.min(axis=0) - 0.05, points.max(axis=0) + 0.05
    x, y = np.linspace(low[0], high[0], columns), np.linspace(low[1], high[1], rows)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)
    model = KernelDensity(bandwidth=bandwidth, mass_tol=1e-4)
    log_density, cost = measured(lambda: model.fit(points).score_samples(grid))
    density = np.exp(log_density).reshape(rows, columns)
    print(
        f"Density of {count:,} points at {len(grid):,} pixels, bandwidth {bandwidth}, "
        f"mass_tol 1e-4: {cost}"
    )
    extent = (low[0], high[0], low[1], high[1])
    span = [extent[:2], extent[2:]]
    counted, *_ = np.histogram2d(*points.T, bins=(columns, rows), range=span, density=True)
    panels = [("histogram, a bin per pixel", counted.T), (f"density, h = {bandwidth}", density)]
    draw(path, panels, extent)
