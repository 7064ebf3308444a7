"""
Kernels of attention
====================

Sixty tokens walk three times around a circle and slowly away from it. Each picture shows who looks
at whom: the values are unit vectors, so that what attention returns are the weights themselves.
The softmax likes long keys, wherever they are: the tokens at the end. A Gaussian likes near ones,
and gives the same with prior weights of the keys. Compact kernels and neighbors leave most pairs
out altogether, and what depends on positions multiplies what depends on content.
"""

import matplotlib.pyplot as plt
import numpy as np

import vicinal as vc

n = 60
angle = np.linspace(0, 6 * np.pi, n, endpoint=False)
radius = np.linspace(1, 1.6, n)
tokens = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
norms = (tokens**2).sum(axis=1)

scale = 4.0
CASES = {
    "softmax": {"scale": scale},
    "Gaussian": {"kernel": "gaussian", "scale": scale},
    "Gaussian with prior weights": {
        "kernel": "gaussian",
        "scale": scale,
        "log_weights": scale * norms / 2,
    },
    "Epanechnikov": {"kernel": "epanechnikov", "bandwidth": 1.0},
    "softmax, 5 heaviest keys": {"scale": scale, "neighbors": vc.KNearest(5)},
    "softmax, causal, with ALiBi": {"scale": scale, "causal": True, "alibi_slopes": 0.05},
}

figure, panels = plt.subplots(2, 3, figsize=(10, 7), sharex=True, sharey=True, layout="constrained")
for panel, (title, options) in zip(panels.flat, CASES.items(), strict=True):
    weights = vc.attention(tokens, tokens, np.eye(n), **options)
    image = panel.imshow(np.where(weights > 0, weights, np.nan), cmap="Blues", vmin=0, vmax=0.2)
    panel.set_title(title)
    panel.patch.set(hatch="////", facecolor="white", edgecolor="0.8", linewidth=0)
    assert np.allclose(weights.sum(axis=1), 1)
for panel in panels[:, 0]:
    panel.set_ylabel("query (number of the token)")
for panel in panels[1]:
    panel.set_xlabel("key (number of the token)")
figure.colorbar(image, ax=panels, label="weight (hatched: exactly 0)", extend="max", shrink=0.7)
plt.show()
