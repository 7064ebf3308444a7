"""
Every profile
=============

What each kernel makes of a distance of u bandwidths. Weights are scaled to 1 at u = 0, except
inverse distance, which has no largest weight.
"""

import matplotlib.pyplot as plt
import numpy as np

import vicinal as vc

DECAYING = ["gaussian", "laplace", "matern", "logistic"]
HEAVY = ["cauchy", "student_t", "rational_quadratic", "inverse_distance"]
COMPACT = ["epanechnikov", "biweight", "triweight", "tricube", "triangular", "cosine", "uniform"]

u = np.linspace(0.01, 3, 300)
query = np.zeros((1, 1))

figure, panels = plt.subplots(1, 3, figsize=(11, 3.6), sharey=True, layout="constrained")
groups = {"decaying": DECAYING, "heavy tails": HEAVY, "compact": [*COMPACT, "wendland_c2"]}
for panel, (title, names) in zip(panels, groups.items(), strict=True):
    for name in names:
        keys = np.append(u, 1e-9)[:, None]
        weights = vc.local_weights(query, keys, kernel=name, normalize=False)[0]
        top = 1 if name == "inverse_distance" else weights[-1]
        panel.plot(u, weights[:-1] / top, label=name)
    panel.set(title=title, xlabel="u = distance / bandwidth", ylim=(0, 1.1))
    panel.legend(fontsize="small")
panels[0].set_ylabel("weight")
plt.show()
