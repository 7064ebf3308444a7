"""
Labels that spread
==================

Two rows have a label, 398 have none. A local mean of the two labels cuts the plane in halves;
labels that spread, as local means of local means, follow the moons. Linear neighborhood
propagation needs no bandwidth: its weights reproduce every row from its neighbors.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

from vicinal.models import LabelPropagation, LinearNeighborhoodPropagation, LocalMeanClassifier

X, truth = make_moons(400, noise=0.06, random_state=0)
known = [int(np.flatnonzero(truth == label)[0]) for label in (0, 1)]
y = np.full(400, -1)
y[known] = truth[known]

# %%
# Answers of three models for all rows.
direct = LocalMeanClassifier(bandwidth=0.3).fit(X[known], y[known])
held = LabelPropagation(bandwidth=0.08).fit(X, y)
linear = LinearNeighborhoodPropagation(8).fit(X, y)
answers = {
    "local mean of two labels": direct.predict(X),
    "label propagation": held.transduction_,
    "linear neighborhood propagation": linear.transduction_,
}
figure, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained", sharey=True)
for ax, (name, labels) in zip(axes, answers.items(), strict=True):
    for label, marker, gray in ((0, "o", "0.7"), (1, "^", "0.25")):
        rows = labels == label
        ax.scatter(*X[rows].T, s=18, marker=marker, color=gray, label=f"class {label}")
    ax.scatter(*X[known].T, s=260, marker="*", color="w", edgecolor="k", label="label given")
    share = np.mean(labels == truth)
    ax.set(xlabel="first feature", title=f"{name}\n{share:.0%} right", aspect="equal")
axes[0].set_ylabel("second feature")
axes[0].legend(loc="lower left", fontsize=9)
print({name: float(np.mean(labels == truth)) for name, labels in answers.items()})
