"""
Local means of local means
==========================

A hierarchy averages the rows near a row, maps the mean and hands it to the next level; the last one
averages the targets. Here the first levels take noise away before the last one compares.
"""

# %%
# Rows near a circle in the plane; the target is a wave along the circle.
import matplotlib.pyplot as plt
import numpy as np

from vicinal.models import HierarchicalLocalModel, Level, LocalMeanRegressor

rng = np.random.default_rng(0)


def rows(count):
    """Return rows near the circle and the angle of each."""
    angle = rng.uniform(-np.pi, np.pi, count)
    return np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(0, 0.18, (count, 2)), angle


X, angle = rows(600)
y = np.sin(4 * angle) + rng.normal(0, 0.2, 600)

# %%
# Two levels move every row to the mean of those near it; the last one's bandwidth is chosen by rows
# that are left out.
levels = [Level(bandwidth=0.25), Level(bandwidth=0.15), Level(bandwidth="loo")]
hierarchy = HierarchicalLocalModel(levels).fit(X, y)
one = LocalMeanRegressor(bandwidth="loo").fit(X, y)
asked, truth = rows(2000)
for name, model in (("one level", one), ("three levels", hierarchy)):
    print(f"{name}: R² of new rows {model.score(asked, np.sin(4 * truth)):.3f}")

# %%
# Left the rows and what the last level compares; right both answers around the circle.
moved = hierarchy.transform(X)
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
left.scatter(*X.T, s=6, color="0.75", label="rows")
left.scatter(*moved.T, s=6, c=y, cmap="RdBu_r", label="as the last level sees them")
left.set(aspect="equal", title="two levels of local means", xlabel="x", ylabel="y")
left.set(ylim=(-1.5, 2.1))
left.legend(loc="upper center")
turn = np.linspace(-np.pi, np.pi, 300)
circle = np.column_stack([np.cos(turn), np.sin(turn)])
right.plot(turn, np.sin(4 * turn), "k-", lw=1, label="truth")
right.plot(turn, one.predict(circle), "--", label="one level")
right.plot(turn, hierarchy.predict(circle), label="three levels")
right.set(title="answers on the circle", xlabel="angle", ylabel="target", ylim=(-1.1, 1.5))
right.legend(loc="upper center", ncols=3)
plt.show()
