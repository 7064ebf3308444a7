"""
A density of Old Faithful's kind
================================

``KernelDensity`` is the mass of a local mean. Leave-one-out likelihood picks the bandwidth; Scott's
rule, meant for one bump, blurs two.
"""

import matplotlib.pyplot as plt
import numpy as np

from vicinal.models import KernelDensity

rng = np.random.default_rng(2)
short = rng.normal([2.0, 54], [0.3, 6], size=(97, 2))
long = rng.normal([4.3, 80], [0.4, 6], size=(175, 2))
eruptions = np.concatenate([short, long])

duration, wait = np.meshgrid(np.linspace(1, 5.6, 200), np.linspace(35, 100, 200))
points = np.column_stack([duration.ravel(), wait.ravel()])

figure, panels = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
for panel, rule in zip(panels, ["scott", "loo"], strict=True):
    density = KernelDensity(bandwidth=rule).fit(eruptions)
    height = np.exp(density.score_samples(points)).reshape(duration.shape)
    panel.contourf(duration, wait, height, levels=12, cmap="Blues")
    panel.scatter(*eruptions.T, s=3, color="k", alpha=0.4)
    panel.set(title=f'bandwidth="{rule}"', xlabel="duration (min)")
panels[0].set_ylabel("wait (min)")
plt.show()
