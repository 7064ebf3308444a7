"""Write the golden files of a release: `python write.py`, once, when its schema or version is new.

Files of earlier releases stay as they are: every later version has to read them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

import vicinal as vc
from vicinal.models import (
    Denoiser,
    EmbeddingDistiller,
    GeographicallyWeightedRegressor,
    HierarchicalAutoencoder,
    HierarchicalLocalModel,
    Hopfield,
    KernelDensity,
    LabelPropagation,
    LazyAutoencoder,
    Level,
    LinearNeighborhoodPropagation,
    LocalAutoregressor,
    Localized,
    LocallyLinearEmbedding,
    LocalMeanClassifier,
    LocalMeanRegressor,
    LocalPCA,
    LocalPolynomialRegressor,
    Mamdani,
    MeanShift,
    MetricLearner,
    MultiKernelRegressor,
    QuickShift,
    SelfLocalRegressor,
    TakagiSugeno,
    fuzzy,
)

METHODS = {
    EmbeddingDistiller: "transform",
    HierarchicalAutoencoder: "transform",
    LazyAutoencoder: "transform",
    KernelDensity: "score_samples",
    LabelPropagation: "predict_proba",
    LinearNeighborhoodPropagation: "predict_proba",
    LocalMeanClassifier: "predict_proba",
    LocalPCA: "explained_variance",
    LocallyLinearEmbedding: "transform",
    Mamdani: "firing_strengths",
    MetricLearner: "transform",
    TakagiSugeno: "firing_strengths",
}
FOLDER = Path(__file__).parent


def models():
    """Return fitted models that between them use everything a file can hold."""
    rng = np.random.default_rng(2026)
    X = rng.normal(size=(20, 2)).round(3)
    frame = pd.DataFrame(X, columns=["width", "höhe"]).assign(constant=1.0)
    kernel = vc.kernels.Product(
        vc.kernels.Matern(nu=2.5, bandwidth=1.5, columns=(0, 1)),
        vc.kernels.Sum(
            vc.kernels.Gaussian(bandwidth=2.0, metric=vc.kernels.Mahalanobis([[1.0, 0.5, 0.0]])),
            "epanechnikov",
            coefficients=(0.75, 0.25),
        ),
    )
    regressor = LocalMeanRegressor(kernel=kernel, bandwidth=9.0, empty=-1.0)
    yield regressor.fit(frame, np.column_stack([X.sum(1), X[:, 0] ** 2]))
    labels = np.array(["ä", "b", "c"])[rng.integers(0, 3, 20)]
    yield LocalMeanClassifier(n_jobs=2).fit(X.astype("f4"), labels, rng.uniform(size=20))
    yield KernelDensity(kernel="student_t").fit(frame.to_numpy())
    yield LocallyLinearEmbedding(n_neighbors=6, landmarks=15, n_components=1).fit(frame)
    Z = np.column_stack([X[:, 0] + X[:, 1] ** 2, X[:, 1]])
    bandwidth = (1.5, vc.bandwidth.KthNeighbor(4))
    yield EmbeddingDistiller(bandwidth=bandwidth).fit(frame, Z)
    bandwidth = vc.bandwidth.Abramson(0.8)
    yield MeanShift(kernel="gaussian", bandwidth=bandwidth, cluster_all=False).fit(frame)
    yield QuickShift(bandwidth=0.7).fit(X.astype("f4"))
    levels = [Level("laplace", values="targets"), {"bandwidth": 0.4, "step": 0.5}, Level()]
    yield HierarchicalLocalModel(levels).fit(frame, X.sum(1))
    kernels = ["gaussian", vc.kernels.Laplace(bandwidth=0.8, metric="manhattan", columns=(0, 1))]
    yield MetricLearner(2, tol=1e-2).fit(frame, labels)
    bandwidth = ((1.5, 0.8, 2.0), vc.bandwidth.KthNeighbor(4))
    yield LazyAutoencoder(kernel="tricube", bandwidth=bandwidth).fit(frame, Z)
    yield HierarchicalAutoencoder(n_levels=3).fit(frame, Z)
    yield SelfLocalRegressor(tol=1e-12).fit(frame, np.column_stack([X.sum(1), X[:, 0] ** 2]))
    yield LocalAutoregressor(3, 2, spacing=2, degree=1, bandwidth=2.0).fit(X)
    yield Denoiser(0.6, neighbors=vc.KNearest(9)).fit(frame)
    yield MultiKernelRegressor(kernels).fit(frame, np.column_stack([X.sum(1), X[:, 0] ** 2]))
    yield Hopfield(beta=2.0, neighbors=vc.KNearest(5)).fit(frame, values=Z.astype("f4"))
    some = np.where(np.arange(20) < 6, labels, "-1")
    yield LabelPropagation(neighbors=vc.KNearest(6), alpha=0.5).fit(frame, some)
    yield LinearNeighborhoodPropagation(4).fit(frame.astype("f4"), some)
    terms = {"low": fuzzy.Trapezoid(-np.inf, -np.inf, -1, 1), "high": fuzzy.Sigmoid(0, 2)}
    inputs = {"a": terms, "b": {"mid": fuzzy.Bell(1, 2, 0), "end": fuzzy.Triangle(0, 2, 2)}}
    rules = ["IF a IS low OR b IS NOT mid THEN c IS d", "IF a IS high THEN c IS e WITH 0.5"]
    outputs = {"c": {"d": fuzzy.Gauss(0, 1), "e": fuzzy.Triangle(0, 1, 1)}}
    yield Mamdani(inputs, outputs, rules, ranges={"c": (-3, 3)})
    table = np.array([[0, -1], [1, 1]])
    consequents = [[[1.0, 0.5, 0.0]], [[0.0, 0.0, -2.0]]]
    yield TakagiSugeno(inputs, ["c"], table, consequents=consequents, norm="lukasiewicz")
    bandwidth = vc.bandwidth.KthNeighbor(12)
    geography = GeographicallyWeightedRegressor(["höhe"], bandwidth=bandwidth, metric="manhattan")
    yield LocalPCA(0.7, kernel="tricube", bandwidth=5.0).fit(frame, sample_weight=np.arange(20.0))
    inner = LocalMeanRegressor(kernel="laplace", bandwidth=0.7)
    yield Localized(inner, on=["höhe"], bandwidth=2.0).fit(frame, X.sum(1))
    yield LocalPolynomialRegressor(2, bandwidth=4.0, ridge=1e-3).fit(frame, X.sum(1) ** 2)
    yield geography.fit(frame.drop(columns="constant"), X.sum(1))


if __name__ == "__main__":
    for model in models():
        queries = np.linspace(-2, 2, 18).reshape(-1, getattr(model, "n_features_in_", 2))
        method = METHODS.get(type(model), "predict")
        known = model.feature_names_in_ if hasattr(model, "feature_names_in_") else None
        X = queries if known is None else pd.DataFrame(queries, columns=known)
        expected = {
            "method": method,
            "queries": queries.tolist(),
            "answers": np.asarray(getattr(model, method)(X), dtype=float).tolist(),
        }
        if hasattr(model, "loo_score"):
            expected["loo_score"] = model.loo_score()
        name = f"{type(model).__name__}-{vc.__version__}"
        model.save(FOLDER / f"{name}.npz")
        (FOLDER / f"{name}.json").write_text(json.dumps(expected, indent=1) + "\n")
