"""What surrounds a point of a cloud: the patch of a pixel where there is no grid."""

from __future__ import annotations

import numpy as np

from vicinal.arrays import Array, as_index
from vicinal.neighbor_sets import KNearest
from vicinal.stats import local_stats

__all__ = ["surroundings"]


def surroundings(
    points: Array, values: Array, count: int, nan_policy: str, n_jobs: int | None
) -> Array:
    """Return mean and standard deviation of the values of the `count` nearest points.

    Unlike a list of values they depend neither on the order nor on the directions of the neighbors.
    """
    told = local_stats(
        points,
        points,
        values,
        kernel="constant",
        neighbors=KNearest(min(as_index(count, "patch_neighbors"), len(points))),
        nan_policy="omit" if nan_policy == "omit" else "propagate",
        statistics=("mean", "variance"),
        num_threads=n_jobs,
    )
    assert told.mean is not None
    assert told.variance is not None
    return np.concatenate([told.mean, np.sqrt(told.variance)], axis=1)
