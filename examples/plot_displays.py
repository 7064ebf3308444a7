"""
What a model looks at, and how its bandwidth was chosen
=======================================================

Two displays: the weights behind one prediction, and the leave-one-out error over the bandwidth.
The data are ten measurements of 442 diabetes patients; two of them are used here.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_diabetes

from vicinal.models import LocalMeanRegressor
from vicinal.plotting import BandwidthCurveDisplay, LocalWeightsDisplay

data = load_diabetes(as_frame=True, scaled=False)
X, y = data.data[["bmi", "bp"]], data.target
model = LocalMeanRegressor(bandwidth="loo").fit(X, y)
patient = X.iloc[[36]]

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
LocalWeightsDisplay.from_estimator(model, patient, ax=left)
BandwidthCurveDisplay.from_estimator(model, ax=right)
left.set_title("Whose progression answers for one patient")
right.set_title("Too small follows noise, too large flattens")

rows, shares = model.explain(patient, k=3)
print(f"predicted progression {model.predict(patient)[0]:.0f}")
print(f"leave-one-out R² {model.loo_score():.2f}")
for row, share in zip(rows[0], shares[0], strict=True):
    print(f"patient {row:3d} with progression {y[row]:3.0f} has {share:.1%} of the weight")
plt.show()
