"""Blobs to find by mean shift, and how to tell whether they were found."""

from dataclasses import dataclass, replace

import numpy as np
from problem import Verdict

CENTERS, BOX = 10, 20.0
LARGEST_FOR_PEER = 10_000  # points whose clusters scikit-learn is asked for, every point a seed


@dataclass(frozen=True)
class Clusters:
    """Contenders return a cluster for each point, the centers, and what else is to be told."""

    points: np.ndarray  # (n, d)
    truth: np.ndarray  # (n,)
    bandwidth: float
    kernel: str = "flat"
    binned: bool = False  # seeds: the corners of a grid, else the points
    count: int = 0  # of the seeds that are walked
    tol: float = 0.0  # the share of a row's mass that vicinal may leave out
    shared: bool = True  # vicinal may stop in the ball of a mode that is known

    @property
    def d(self):
        return self.points.shape[1]

    @property
    def rows(self):
        return self.count

    @property
    def pairs(self):
        return self.count * len(self.points)

    @property
    def flops(self):
        """Count one fma per feature of a pair and one per sum."""
        return 4 * self.d * self.pairs

    @property
    def seeds(self):
        """The first of the points, or None: all."""
        return None if self.count == len(self.points) else self.points[: self.count]

    def first(self, share):
        return self if self.binned else replace(self, count=max(1, round(self.count * share)))

    @property
    def answer_key(self):
        return id(self.points), self.kernel, self.binned

    def expected(self):
        """Ask scikit-learn for its centers where it can be waited for."""
        if self.kernel != "flat" or self.binned or len(self.points) > LARGEST_FOR_PEER:
            return None
        from sklearn.cluster import MeanShift

        return MeanShift(bandwidth=self.bandwidth).fit(self.points).cluster_centers_

    def judge(self, result, expected):
        """Compare centers to scikit-learn's, and labels to the truth."""
        from sklearn.metrics import adjusted_rand_score

        labels, centers, *told = result
        rand = adjusted_rand_score(self.truth, labels)
        note = ", ".join([f"{len(centers)} clusters, ARI {rand:.4f}", *told])
        if expected is None or self.count < len(self.points):
            return Verdict(1 - rand, "ok" if rand > 0.5 else "wrong", note)
        if len(centers) != len(expected):
            return Verdict(np.inf, "wrong", f"{note}, scikit-learn {len(expected)}")
        apart = np.linalg.norm(centers[:, None] - expected, axis=2).min(1).max() / self.bandwidth
        return Verdict(float(apart), "ok" if apart < 1e-6 else "wrong", note)


def blobs(n, d, bandwidth, *, dtype="float64", seed=3, **options):
    """Ten blobs of spread 1."""
    from sklearn.datasets import make_blobs

    points, truth = make_blobs(
        n, d, centers=CENTERS, cluster_std=1.0, center_box=(-BOX, BOX), random_state=seed
    )
    return Clusters(points.astype(dtype), truth, bandwidth, count=n, **options)
