"""
Bandwidth, kernels and metric from leave-one-out
================================================

A local mean needs to know what near means. Leave-one-out tells: every row is predicted by the
others, and whatever lowers that error, a bandwidth, weights of several kernels or a linear map of
the features, is a better notion of near. The data are Friedman's: ten features, of which the last
five say nothing.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_friedman1
from sklearn.pipeline import make_pipeline

from vicinal.kernels import Gaussian
from vicinal.models import LocalMeanRegressor, MetricLearner, MultiKernelRegressor

X, y = make_friedman1(1000, n_features=10, noise=1.0, random_state=0)
known, new = slice(0, 500), slice(500, None)
X, y, X_new, y_new = X[known], y[known], X[new], y[new]

# %%
# One bandwidth for all features can be a rule of thumb or chosen by leave-one-out. Several kernels,
# here Gaussians of three widths on the first five features, on the last five and on all, get
# weights on a simplex. A linear map starts from the rule of thumb and follows the exact gradient.
scott = LocalMeanRegressor().fit(X, y).bandwidth_
groups = {"1–5": tuple(range(5)), "6–10": tuple(range(5, 10)), "all": tuple(range(10))}
kernels = [
    Gaussian(bandwidth=width * scott[list(columns)], columns=columns)
    for columns in groups.values()
    for width in (0.25, 0.5, 1.0)
]
models = {
    "Scott's bandwidths": LocalMeanRegressor(),
    "bandwidth by leave-one-out": LocalMeanRegressor(bandwidth="loo"),
    "weights of nine kernels": MultiKernelRegressor(kernels),
    "metric of 10 dimensions": make_pipeline(MetricLearner(), LocalMeanRegressor(bandwidth=1.0)),
    "metric of 4 dimensions": make_pipeline(
        MetricLearner(n_components=4), LocalMeanRegressor(bandwidth=1.0)
    ),
}
print("R² of                             known rows left out   new rows")
for name, model in models.items():
    model.fit(X, y)
    learned = hasattr(model, "steps")  # a metric, in front of a model
    held_out = 1 - model[0].loss_curve_[-1] if learned else model.loo_score()
    print(f"{name:33s} {held_out:12.3f} {model.score(X_new, y_new):18.3f}")

# %%
# What was learned: the loss falls with every step, and the map stretches the features that matter.
# The length of a column of the map is how much a step along that feature counts, in bandwidths.
learner = models["metric of 4 dimensions"][0]
mixture = models["weights of nine kernels"]
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
for name, style in (("metric of 10 dimensions", "k--"), ("metric of 4 dimensions", "k-")):
    left.plot(models[name][0].loss_curve_, style, label=name.removeprefix("metric of "))
left.set(xlabel="step", ylabel="leave-one-out error (1 − R²)", title="Learning a metric")
left.legend()
features = np.arange(1, 11)
lengths = np.linalg.norm(learner.components_, axis=0)
middle.bar(features, lengths, color="0.75", edgecolor="k", label="learned (4 dimensions)")
middle.plot(features, 1 / scott, "kx", ms=8, label="Scott's rule")
middle.set(xlabel="feature", ylabel="bandwidths per unit", xticks=features)
middle.set_title("How much a feature counts")
middle.legend()
shares = mixture.shares_.reshape(3, 3)
for width, gray, offset in zip(("¼", "½", "1"), ("0.9", "0.6", "0.3"), (-1, 0, 1), strict=True):
    at = np.arange(3) + 0.27 * offset
    right.bar(at, shares[:, offset + 1], 0.25, color=gray, edgecolor="k", label=f"{width} × Scott")
right.set(xlabel="features of the kernel", ylabel="share of the mass", xticks=range(3))
right.set_xticklabels(groups)
right.set_title("Weights of nine kernels")
right.legend()
