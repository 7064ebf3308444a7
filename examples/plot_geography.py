"""
A slope that changes from place to place
========================================

Rents rise with the size of a flat, but more steeply near the center of a city. One line for all
flats misses this; geographically weighted regression fits a line around every place.
"""

# %%
# Made flats: the slope falls from 20 to 8 per square meter with the distance from the center.
import matplotlib.pyplot as plt
import numpy as np

from vicinal.models import GeographicallyWeightedRegressor
from vicinal.plotting import CoefficientMapDisplay

rng = np.random.default_rng(0)
places = rng.uniform(-10, 10, size=(900, 2))
size = rng.uniform(30, 120, size=900)
slope = 8 + 12 * np.exp(-(places**2).sum(axis=1) / 50)
rent = 100 + slope * size + rng.normal(0, 120, size=900)
X = np.column_stack([places, size])

# %%
# The number of neighbors is chosen by Akaike's corrected criterion.
model = GeographicallyWeightedRegressor([0, 1]).fit(X, rent)
print(model.bandwidth_, f"leave-one-out R² {model.loo_score():.3f}")

# %%
# Left the slope on the map, right against the truth.
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
CoefficientMapDisplay.from_estimator(model, 1, ax=left)
left.set(xlabel="east (km)", ylabel="north (km)", title="slope, rent per square meter")
distance = np.sqrt((places**2).sum(axis=1))
order = np.argsort(distance)
right.plot(distance[order], slope[order], "k-", label="truth")
right.scatter(distance, model.coefficients_[:, 1], s=8, marker="o", color="C0", label="local lines")
right.axhline(np.polyfit(size, rent, 1)[0], ls="--", color="C1", label="one line for all")
right.set(xlabel="distance from the center (km)", ylabel="rent per square meter")
right.legend()
plt.show()
