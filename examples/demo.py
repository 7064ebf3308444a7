"""The main job: regression, classification, densities, photographs, clusters and embeddings.

Run by `make demo`; prints tables and writes pictures under out/. `--full` also smooths the
photograph over all pairs, to compare, and takes the digits with more folds.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from attractor import million_points
from clusters import cluster_million
from embeddings import embed_digits, unroll
from photograph import smooth_photograph
from segmentation import segment_photograph
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import vicinal as vc
from vicinal.models import KernelDensity, LocalMeanClassifier, LocalMeanRegressor
from vicinal.plotting import BandwidthCurveDisplay

OUT = Path("out")
NEIGHBORS = {"n_neighbors": [1, 2, 3, 5, 8, 12, 20, 30, 50]}


def best_knn(estimator, X, y):
    """Return scikit-learn's nearest neighbors with k chosen by cross-validation."""
    return GridSearchCV(estimator, NEIGHBORS, cv=5).fit(X, y)


def compare(name, ours, theirs, X, y, folds):
    """Print held-out scores of both, mean and spread over folds."""
    row = [name]
    for model in (ours, theirs):
        start = time.perf_counter()
        scores = cross_val_score(model, X, y, cv=folds)
        row += [f"{scores.mean():.3f} ± {scores.std():.3f}", f"{time.perf_counter() - start:.1f} s"]
    print("  {:<28}{:>16}{:>8}{:>18}{:>8}".format(*row))


def held_out_scores(full):
    """Regression on the diabetes data, classification on the digits."""
    print("Held-out scores (R², accuracy), bandwidth by leave-one-out against kNN with k by CV")
    print(f"  {'data':<28}{'vicinal':>16}{'':>8}{'scikit-learn kNN':>18}")
    X, y = load_diabetes(return_X_y=True)
    regressor = make_pipeline(StandardScaler(), LocalMeanRegressor(bandwidth="loo"))
    neighbors = GridSearchCV(KNeighborsRegressor(), NEIGHBORS, cv=5)
    compare("diabetes, 442 × 10", regressor, make_pipeline(StandardScaler(), neighbors), X, y, 5)
    X, y = load_digits(return_X_y=True)
    classifier = LocalMeanClassifier(bandwidth="loo")
    neighbors = GridSearchCV(KNeighborsClassifier(), NEIGHBORS, cv=5)
    compare("digits, 1797 × 64", classifier, neighbors, X / 16.0, y, 10 if full else 5)


def bandwidth_curve():
    """The leave-one-out score over the grid of bandwidths."""
    X, y = load_diabetes(return_X_y=True)
    X_train, _, y_train, _ = train_test_split(X, y, random_state=0)
    model = LocalMeanRegressor(bandwidth="loo").fit(X_train[:, [2]], y_train)
    figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    BandwidthCurveDisplay.from_estimator(model, ax=ax)
    ax.set_title("diabetes: progression from body mass index alone")
    figure.savefig(OUT / "bandwidth.png", dpi=120)
    plt.close(figure)


def density():
    """The density of petal length and width, on a grid."""
    X = load_iris().data[:, 2:]
    model = KernelDensity(bandwidth="loo").fit(X)
    length, width = np.linspace(0, 8, 240), np.linspace(-0.4, 3.2, 200)
    points = np.stack(np.meshgrid(length, width), axis=-1).reshape(-1, 2)
    values = np.exp(model.score_samples(points)).reshape(200, 240)
    figure, ax = plt.subplots(figsize=(6.5, 4.5), layout="constrained")
    levels = ax.contourf(length, width, values, levels=12, cmap="viridis")
    ax.scatter(*X.T, s=8, color="white", edgecolor="black", lw=0.5, label="flowers")
    ax.set(
        xlabel="petal length (cm)",
        ylabel="petal width (cm)",
        title="iris: density by leave-one-out",
    )
    ax.legend()
    figure.colorbar(levels, label="density (cm⁻²)")
    figure.savefig(OUT / "density.png", dpi=120)
    plt.close(figure)
    h = np.atleast_1d(model.bandwidth_)
    print(f"Density of 150 flowers at 48,000 points, bandwidths {np.round(h, 3)} cm")


def main():
    """Run every part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="photograph over all pairs, more folds")
    full = parser.parse_args().full
    OUT.mkdir(exist_ok=True)
    print(f"vicinal {vc.__version__}, {vc.get_num_threads()} threads\n")
    held_out_scores(full)
    print()
    bandwidth_curve()
    density()
    million_points(OUT / "attractor.png")
    smooth_photograph(OUT / "photograph.png", all_pairs=full)
    segment_photograph(OUT / "segmentation.png")
    print()
    cluster_million(OUT / "clusters.png")
    print()
    embed_digits(OUT / "digits.png")
    unroll(OUT / "swiss_roll.png")
    print("\nPictures: " + ", ".join(str(p) for p in sorted(OUT.glob("*.png"))))


if __name__ == "__main__":
    main()
