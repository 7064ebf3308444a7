"""Mean-shift segmentation of a photograph: every pixel climbs to a mode of place and color.

Pixels are points in (x, y, L, a, b); those whose ascents end at one mode are a segment, which is
painted in the mode's color (Comaniciu & Meer, 2002).
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import numpy as np
from cost import measured
from photograph import draw, features_of
from sklearn.datasets import load_sample_image

from vicinal.models import MeanShift

OUT = Path("out")


def mean_colors(rgb, labels):
    """Return the picture with every segment in its mean color."""
    counts = np.bincount(labels)
    pixels = rgb.reshape(-1, 3)
    means = [np.bincount(labels, pixels[:, c]) / counts for c in range(3)]
    return np.stack(means, axis=-1)[labels].reshape(rgb.shape)


def segment_photograph(path, place=12.0, color=9.0):
    """Segment china.jpg, `place` pixels and `color` units of Lab wide; write the pictures."""
    rgb = load_sample_image("china.jpg") / 255.0
    points = features_of(rgb, place, color).astype("float64")
    model, cost = measured(lambda: MeanShift(bandwidth=1.0).fit(points))
    sizes = np.bincount(model.labels_)
    print(
        f"Mean shift of {rgb.shape[1]} × {rgb.shape[0]} = {len(points):,} pixels in 5 features, "
        f"each a seed: {len(sizes):,} segments, {np.count_nonzero(sizes >= 100)} of them of at "
        f"least 100 pixels, at most {model.n_iter_} steps; {cost}"
    )
    draw(path, [("photograph", rgb), ("segments", mean_colors(rgb, model.labels_))])


def main():
    OUT.mkdir(exist_ok=True)
    segment_photograph(OUT / "segmentation.png")


if __name__ == "__main__":
    main()
