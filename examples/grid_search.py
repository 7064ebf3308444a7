"""Search the bandwidth of a compact kernel with GridSearchCV; no candidate is NaN.

A compact kernel sees nothing in empty regions. With ``empty="nearest"`` such a query takes its
nearest key's target, so every candidate has a score.
"""

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vicinal.models import LocalMeanRegressor

X, y = load_diabetes(return_X_y=True)
model = make_pipeline(
    StandardScaler(), LocalMeanRegressor(kernel="epanechnikov", bandwidth=1.0, empty="nearest")
)
search = GridSearchCV(model, {"localmeanregressor__bandwidth": np.geomspace(0.2, 20, 12)}, cv=5)
search.fit(X, y)

scores = search.cv_results_["mean_test_score"]
for bandwidth, score in zip(
    search.cv_results_["param_localmeanregressor__bandwidth"], scores, strict=True
):
    print(f"bandwidth {bandwidth:7.3f}   mean R² {score:6.3f}")
assert np.isfinite(scores).all()
best = search.best_params_["localmeanregressor__bandwidth"]
print(f"best: bandwidth {best:.3f}, R² {search.best_score_:.3f}")
