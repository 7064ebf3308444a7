"""
Sunspots, continued by their own past
=====================================

What came after similar windows of the yearly sunspot numbers, averaged. The last 33 years, three
cycles, are held out.
"""

import matplotlib.pyplot as plt
import numpy as np
import statsmodels.api as sm

from vicinal.models import LocalAutoregressor

data = sm.datasets.sunspots.load_pandas().data
years, numbers = data["YEAR"].to_numpy(), data["SUNACTIVITY"].to_numpy()
known, ahead = numbers[:-33], numbers[-33:]

means = LocalAutoregressor(lags=12, horizon=33).fit(known)
lines = LocalAutoregressor(lags=12, degree=1, ridge=100.0).fit(known)

figure, axis = plt.subplots(figsize=(9, 4), layout="constrained")
axis.plot(years[-110:], numbers[-110:], color="0.6", lw=2, label="sunspot numbers")
for model, style, name in (
    (means, "o-", "local means, all years at once"),
    (lines, "s--", "local lines, year by year"),
):
    forecast = model.forecast(33)
    error = np.sqrt(np.mean((forecast - ahead) ** 2))
    axis.plot(years[-33:], forecast, style, markersize=4, label=f"{name}: error {error:.0f}")
axis.axvline(years[-33] - 0.5, color="k", lw=1)
axis.set(xlabel="year", ylabel="sunspots per year", ylim=(-10, 230))
axis.legend(ncols=2, loc="upper left")
plt.show()
