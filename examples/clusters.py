"""A million points of sixteen blobs, clustered by the modes of their density.

The blobs differ in size and spread and run into each other, so no clustering can be right
everywhere: the last line of the table is the one that knows the blobs' own densities.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from cost import measured
from matplotlib.colors import LogNorm
from sklearn.cluster import MeanShift as ScikitMeanShift
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from vicinal.models import MeanShift

OUT = Path("out")
BLOBS, BOX = 16, 20.0
OPTIONS = {"bandwidth": 1.5, "bin_seeding": True, "min_bin_freq": 10}
FEW = 20_000  # rows, for scikit-learn
SEEN = 5  # points that a place needs for its basin to be shown


def blobs(count):
    """Return points (count, 2), the blob of each, and the blob of the largest density there."""
    rng = np.random.default_rng(6)
    shares, spreads = rng.uniform(0.5, 2, BLOBS), rng.uniform(0.7, 1.6, BLOBS)
    sizes = np.diff(np.round(np.cumsum([0, *shares]) / shares.sum() * count).astype(int))
    centers = rng.uniform(-BOX, BOX, (BLOBS, 2))
    points, truth = make_blobs(sizes, centers=centers, cluster_std=spreads, random_state=6)
    likeliest, highest = np.zeros(count, int), np.full(count, -np.inf)
    for blob, (size, center, spread) in enumerate(zip(sizes, centers, spreads, strict=True)):
        squares = np.square(points - center).sum(axis=1)
        log_density = np.log(size / spread**2) - squares / (2 * spread**2)
        likeliest[log_density > highest] = blob
        np.maximum(highest, log_density, out=highest)
    return points, truth, likeliest, centers


def report(name, points, truth, labels, cost):
    """Print a line of the table."""
    rand = adjusted_rand_score(truth, labels)
    count = len(np.unique(labels))
    print(f"  {name:<42}{len(points):>10,}{count:>10}{rand:>9.4f}   {cost}")


def fitted(name, model, points, truth):
    """Fit a model, print its line and return it."""
    _, cost = measured(lambda: model.fit(points))
    report(name, points, truth, model.labels_, cost)
    return model


def basins(model, x, y):
    """Return the cluster to whose mode each place of a grid climbs, −1 where few rows are."""
    places = np.stack(np.meshgrid(x, y), axis=-1)
    held, *_ = np.histogram2d(*model.keys_.T, bins=[edges(x), edges(y)])
    labels = np.full(held.T.shape, -1)
    near = held.T >= SEEN
    labels[near] = model.predict(places[near], mode="attractor")
    return labels


def edges(middles):
    """Return the edges of bins around equally spaced places."""
    half = (middles[1] - middles[0]) / 2
    return np.append(middles - half, middles[-1] + half)


def draw(path, model, true_centers):
    """Show the density with the blobs' centers and the modes, and the basins of the modes."""
    low, high = model.keys_.min(axis=0), model.keys_.max(axis=0)
    x, y = np.linspace(low[0], high[0], 120), np.linspace(low[1], high[1], 120)
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(12, 5), sharex=True, sharey=True, layout="constrained"
    )
    *_, picture = left.hist2d(*model.keys_.T, bins=300, norm=LogNorm(), cmap="Greys")
    figure.colorbar(picture, ax=left, label="points per pixel")
    centers = model.cluster_centers_
    left.plot(*centers.T, "o", mfc="none", mec="white", ms=13, mew=4.5)  # halos of the marks
    left.plot(*true_centers.T, "+", color="white", ms=10, mew=4)
    left.plot(*centers.T, "o", mfc="none", mec="tab:red", ms=13, mew=2, label="mode found")
    left.plot(*true_centers.T, "+", color="black", ms=9, mew=1.8, label="center of a blob")
    left.set(title=f"{len(model.keys_):,} points")
    left.legend(loc="lower center")
    labels = basins(model, x, y)
    shown = np.ma.masked_less(labels, 0)
    right.pcolormesh(x, y, shown % 7, cmap="Pastel2", shading="nearest")
    for cluster, center in enumerate(centers):
        right.contour(x, y, labels == cluster, levels=[0.5], colors="black", linewidths=0.9)
        right.annotate(f"{cluster}", center, ha="center", va="center", fontsize=10)
    right.set(title="basins of the modes, numbered by falling density")
    for ax in (left, right):
        ax.set(xlabel="first feature (units of X)", ylabel="second feature (units of X)")
        ax.set_aspect("equal")
        ax.tick_params(labelleft=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def cluster_million(path, count=1_000_000):
    """Cluster the blobs, print adjusted Rand indices, times and memory, and draw the basins."""
    print(
        f"Mean shift of {BLOBS} blobs, seeds from bins of at least {OPTIONS['min_bin_freq']} points"
    )
    print(f"  {'':<42}{'points':>10}{'clusters':>10}{'ARI':>9}   time and memory of fit")
    points, truth, *_ = blobs(FEW)
    fitted("scikit-learn, flat of bandwidth 1.5", ScikitMeanShift(**OPTIONS), points, truth)
    fitted("vicinal, the same", MeanShift(**OPTIONS), points, truth)
    points, truth, likeliest, centers = blobs(count)
    model = fitted("vicinal, the same", MeanShift(**OPTIONS), points, truth)
    smooth = MeanShift(bandwidth=0.7, kernel="gaussian", mass_tol=1e-3)
    fitted("vicinal, Gaussian of 0.7, every point a seed", smooth, points, truth)
    report("the blob of the largest density", points, truth, likeliest, "– (knows the truth)")
    draw(path, model, centers)


def main():
    OUT.mkdir(exist_ok=True)
    cluster_million(OUT / "clusters.png")


if __name__ == "__main__":
    main()
