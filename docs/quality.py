"""The quality tables of mean-shift.md and lle.md, as Markdown.

`python docs/quality.py clusters` and `python docs/quality.py embeddings` take some minutes each,
nearly all of it in scikit-learn. Every data set, split and solver has a fixed seed.
"""

from __future__ import annotations

import sys
import warnings
from functools import partial

import numpy as np
from sklearn.cluster import MeanShift as ScikitMeanShift
from sklearn.datasets import load_digits, make_blobs, make_moons, make_swiss_roll
from sklearn.manifold import LocallyLinearEmbedding as ScikitEmbedding
from sklearn.manifold import trustworthiness
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import train_test_split

from vicinal.bandwidth import Abramson
from vicinal.models import LocallyLinearEmbedding, MeanShift, QuickShift
from vicinal.models.neighborhoods import Points, interpolate


def ten_blobs(d, seed):
    """The blobs of the benchmarks: spread 1, centers in ±20."""
    return make_blobs(2000, d, centers=10, center_box=(-20, 20), random_state=seed)


def unequal_blobs(seed):
    """A dense blob beside a looser one, and a wide one that reaches into both."""
    centers, spreads = [[0, 0], [4, 0], [12, 1]], [0.5, 1, 3]
    return make_blobs([300, 180, 120], centers=centers, cluster_std=spreads, random_state=seed)


def moons(seed):
    return make_moons(600, noise=0.06, random_state=seed)


def spirals(seed):
    """Two arms of one and a half turns, half a turn apart, equally dense along the arm."""
    rng = np.random.default_rng(seed)
    arm = np.arange(600) % 2
    angle = 3 * np.pi * np.sqrt(rng.uniform(0.05, 1, 600))
    turned = angle + np.pi * arm
    points = angle[:, None] * np.stack([np.cos(turned), np.sin(turned)], axis=1)
    return points + rng.normal(scale=0.25, size=points.shape), arm


CLUSTER_SETS = {  # points with their truth by seed, seeds, and the flat kernel's bandwidths to try
    "ten blobs, d = 2": (partial(ten_blobs, 2), [3], [2.0]),
    "ten blobs, d = 3": (partial(ten_blobs, 3), [3], [2.5]),
    "ten blobs, d = 16": (partial(ten_blobs, 16), [3], [8.0]),
    "three unequal blobs": (unequal_blobs, range(3), np.geomspace(0.8, 5, 6)),
    "two moons": (moons, range(3), np.geomspace(0.25, 0.9, 6)),
    "two spirals": (spirals, range(3), np.geomspace(1, 5, 6)),
}
CLUSTERINGS = {  # of h, the flat bandwidth, and g, the Gaussian one of the same variance
    "scikit-learn": lambda h, g: ScikitMeanShift(bandwidth=h),
    "flat": lambda h, g: MeanShift(bandwidth=h),
    "Gaussian": lambda h, g: MeanShift(kernel="gaussian", bandwidth=g),
    "Gaussian, `Abramson`": lambda h, g: MeanShift(kernel="gaussian", bandwidth=Abramson(g)),
    "`QuickShift`": lambda h, g: QuickShift(bandwidth=g, max_distance=h),
}


def agreement(make, points, truth, bandwidths):
    """Return the best adjusted Rand index of all bandwidths, and the clusters it has."""
    found = []
    for h in bandwidths:
        model = make(h, h / np.sqrt(points.shape[1] + 2)).fit(points)
        count = len(model.cluster_centers_)
        found.append((adjusted_rand_score(truth, model.labels_), -count))
    rand, count = max(found)
    return rand, -count


def clusters():
    """Print adjusted Rand indices to the truth and numbers of clusters, medians over seeds."""
    print(f"| | {' | '.join(CLUSTERINGS)} |\n|{'---|' * (len(CLUSTERINGS) + 1)}")
    for name, (draw, seeds, bandwidths) in CLUSTER_SETS.items():
        cells = []
        for make in CLUSTERINGS.values():
            found = [agreement(make, *draw(seed), bandwidths) for seed in seeds]
            rand, count = np.median(found, axis=0)
            cells.append(f"{rand:.3f} ({count:.0f})")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def roll(noise, seed):
    return make_swiss_roll(3000, noise=noise, random_state=seed)[0]


def digits(seed):
    return load_digits().data


EMBEDDED_SETS = {  # rows by seed, neighbors, components, seeds
    "swiss roll, k = 12, d = 2": (partial(roll, 0.0), 12, 2, range(5)),
    "the same, noise 0.3": (partial(roll, 0.3), 12, 2, range(5)),
    "digits, k = 30, d = 2": (digits, 30, 2, range(5)),
    "digits, k = 80, d = 10": (digits, 80, 10, range(1)),
}


def kept(model, rows, seed):
    """Return trustworthiness and the share of held-out variance lost there and back.

    Both are NaN where the fit fails, for a matrix that is singular.
    """
    train, test = train_test_split(rows, test_size=1 / 3, random_state=seed)
    try:
        model.fit(train)
    except ValueError:
        return np.nan, np.nan
    trust = trustworthiness(train, model.embedding_, n_neighbors=12)
    placed, coordinates = model.transform(test), Points(model.embedding_, "euclidean", None)
    back = interpolate(coordinates, placed, train, model.n_neighbors, model.reg, None)
    return trust, np.square(test - back).sum() / np.square(test - test.mean(axis=0)).sum()


def median(values, form):
    """Return the median of the fits that did not fail, and how many did."""
    failed = int(np.isnan(values).sum())
    if failed == len(values):
        return "fails"
    note = f" ({failed} of {len(values)} fail)" if failed else ""
    return f"{np.nanmedian(values):{form}}{note}"


def embeddings():
    """Print what embeddings keep, with both embeddings decoded by `inverse_transform`'s rule."""
    print("| | method | trustworthiness | scikit-learn | unexplained | scikit-learn |")
    print(f"|{'---|' * 6}")
    for name, (draw, k, d, seeds) in EMBEDDED_SETS.items():
        for method in ("standard", "modified", "hessian", "ltsa"):
            options = {"n_neighbors": k, "n_components": d, "method": method}
            ours, theirs = LocallyLinearEmbedding(**options), ScikitEmbedding(**options)
            theirs.set_params(random_state=0)
            pairs = [np.array([kept(m, draw(s), s) for s in seeds]) for m in (ours, theirs)]
            cells = [median(of[:, i], (".3f", ".2g")[i]) for i in range(2) for of in pairs]
            print(f"| {name} | {method} | {' | '.join(cells)} |", flush=True)
            name = ""


if __name__ == "__main__":
    parts = {"clusters": clusters, "embeddings": embeddings}
    if len(sys.argv) != 2 or sys.argv[1] not in parts:
        sys.exit(f"usage: python {sys.argv[0]} {{{','.join(parts)}}}")
    warnings.simplefilter("ignore")  # rows that are nobody's neighbor, seeds that still move
    parts[sys.argv[1]]()
