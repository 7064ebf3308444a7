"""
Rules in words, and rules from data
===================================

A Mamdani system of four rules in text: its memberships and the tip that it proposes for every pair
of marks. Below, rules that a Takagi–Sugeno system has learned from noisy numbers: a line at each
center, joined by a local mean over the rules.
"""

import matplotlib.pyplot as plt
import numpy as np

import vicinal as vc
from vicinal.plotting import RuleDisplay

mf = vc.models.fuzzy
tip = vc.models.Mamdani(
    inputs={
        "service (points)": {
            "poor": mf.Triangle(0, 0, 5),
            "fair": mf.Triangle(0, 5, 10),
            "good": mf.Triangle(5, 10, 10),
        },
        "food (points)": {"bad": mf.Trapezoid(0, 0, 2, 6), "fine": mf.Trapezoid(2, 6, 10, 10)},
    },
    outputs={
        "tip (percent)": {
            "low": mf.Triangle(0, 0, 13),
            "medium": mf.Triangle(0, 13, 25),
            "high": mf.Triangle(13, 25, 25),
        }
    },
    rules="""
        IF "service (points)" IS poor OR "food (points)" IS bad THEN "tip (percent)" IS low
        IF "service (points)" IS fair THEN "tip (percent)" IS medium
        IF "service (points)" IS good AND "food (points)" IS NOT bad THEN "tip (percent)" IS high
        IF "service (points)" IS good AND "food (points)" IS bad THEN "tip (percent)" IS medium
    """,
)
RuleDisplay.from_estimator(tip)

# %%
# Six rules from 150 numbers. Width of the memberships by leave-one-out.
rng = np.random.default_rng(0)
x = rng.uniform(0, 10, 150)
y = np.sin(x) + 0.2 * x + rng.normal(0, 0.2, x.size)
model = vc.models.TakagiSugeno.learn(x[:, None], y, centers=6, input_names=["time"])
grid = np.linspace(0, 10, 400)

figure, (above, below) = plt.subplots(
    2, 1, sharex=True, figsize=(8, 6), height_ratios=[3, 1], layout="constrained"
)
above.plot(x, y, ".", color="gray", label="measured")
above.plot(grid, model.infer({"time": grid})["y"], "k-", label="joined rules")
strengths = model.firing_strengths({"time": grid})
for r, (constant, slope) in enumerate(model.learned_.functions[:, 0]):
    near = strengths[:, r] > 0.3
    line = constant + slope * grid[near]
    above.plot(grid[near], line, "--", color="C1", label="rule" if r == 0 else None)
    below.plot(grid, strengths[:, r], color="C1")
above.set_ylabel("temperature (°C)")
above.legend()
below.set_ylabel("firing strength")
below.set_xlabel("time (h)")
best = model.learned_.errors.min()
print(f"{model}; mean squared error of left-out rows {best:.3f}, noise 0.040")
plt.show()
