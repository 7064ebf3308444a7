"""The steps of a mean shift: seeds, walks as the variant has them, modes, labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array

from vicinal.arrays import Array
from vicinal.ascent import CONVERGED, ORPHAN
from vicinal.kernels import Uniform, as_kernel
from vicinal.models.landscape import Landscape
from vicinal.models.mean_shift_checks import check_parameters, check_state
from vicinal.models.mode_seeker import ModeSeeker
from vicinal.models.mode_variants import blur, blurred, medoid_ends, walk_medoids
from vicinal.models.modes import Walked, merged, walk, walk_sharing
from vicinal.models.seeding import binned_seeds
from vicinal.neighbors import knn

__all__ = ["MeanShiftSteps"]

CAPTURE = 0.5  # of a bandwidth: the ball around a mode that stops ascents


class MeanShiftSteps(ModeSeeker):
    """What `MeanShift`, which has the parameters, does in `fit` and `predict`."""

    seeds: Any
    bin_seeding: bool
    min_bin_freq: int
    cluster_all: bool
    max_iter: int
    tol: float
    assign: str
    variant: str
    alpha: float
    capture: Any
    verbose: int
    callback: Any
    progress: Any
    n_iter_: int
    converged_: bool
    n_orphans_: int
    n_steps_: int
    n_pairs_: int
    assign_: str
    labels_: Array
    n_features_in_: int
    _frames: Array
    _medoids: Array
    _state = (*ModeSeeker._state, "n_iter_", "converged_", "n_orphans_", "assign_")
    _optional = (*ModeSeeker._optional, "_frames", "_medoids", "n_steps_", "n_pairs_")

    def _check_parameters(self) -> None:
        check_parameters(self)

    def _check_state(self, state: dict[str, Any]) -> None:
        check_state(state, self.variant)

    def _seeds(self, land: Landscape) -> Array | None:
        """Return the seeds in working units, None = every row."""
        if self.seeds is not None:
            seeds = check_array(self.seeds, dtype=self.keys_.dtype, order="C")
            if seeds.shape[1] != self.n_features_in_:
                raise ValueError(
                    f"seeds have {seeds.shape[1]} features, but X has {self.n_features_in_}"
                )
            return land.enter(seeds)
        if not self.bin_seeding or np.isinf(land.radius):
            return None
        return binned_seeds(land.keys, land.radius, self.min_bin_freq, self.sample_weight_)

    def _walk_options(self, land: Landscape) -> dict[str, Any]:
        # scikit-learn makes a last step after max_iter of them.
        return {
            "alpha": self.alpha,
            "tol": self.tol * land.radius,
            "max_iter": int(self.max_iter) + 1,
        }

    def _walk(self, land: Landscape, seeds: Array) -> Walked:
        """Walk all seeds as the variant has it."""
        with self._monitored(self.verbose, self.callback, self.progress) as look:
            options = {**self._walk_options(land), "callback": look}
            if self.variant == "blurring":
                walked, self._frames = blur(land, **options)
                return walked.of(self._present())
            if self.variant == "medoid":
                walked, self._medoids = walk_medoids(land, seeds)
                return walked
            capture = self._capture_radius() * land.radius
            every = self.seeds is None and not self.bin_seeding
            if every and 0 < capture < np.inf:
                return walk_sharing(land, seeds, capture, **options)
            return walk(land, seeds, **options)

    def _capture_radius(self) -> float:
        if self.capture != "auto":
            return float(self.capture)
        return 0.0 if isinstance(as_kernel(self.kernel), Uniform) else CAPTURE

    def _take_modes(self, land: Landscape, walked: Walked) -> None:
        """Store what seeds found; raise if they found nothing, warn of what they did not."""
        found = ~walked.orphans
        self.n_orphans_ = int(np.count_nonzero(~found))
        if not found.any():
            raise ValueError(
                f"No point was within bandwidth={land.radius:f} of any seed. Try a different "
                "seeding strategy or increase the bandwidth."
            )
        if self.n_orphans_:
            self._warn(
                f"{self.n_orphans_} of {len(found)} seeds have no row in the support of the kernel "
                "and are dropped; widen the bandwidth or place the seeds among the rows"
            )
        self.n_iter_ = max(walked.steps - 1, 0)
        self.n_steps_, self.n_pairs_ = land.work
        moving = int(np.count_nonzero(walked.status[found] != CONVERGED))
        self.converged_ = moving == 0
        if moving:
            self._warn(
                f"{moving} of {len(found)} seeds still moved after max_iter={self.max_iter} steps; "
                "raise max_iter or tol",
                ConvergenceWarning,
            )
        ends = walked.ends[found]
        kept = merged(ends, walked.log_mass[found], land.radius, self.n_jobs)
        self.cluster_centers_ = land.leave(ends[kept]).astype(self.keys_.dtype)

    def _take_distinct(self) -> None:
        """Make every distinct row a mode: the limit of a bandwidth of 0."""
        present = self._present()
        weights = None if self.sample_weight_ is None else self.sample_weight_[present]
        centers, of_row = np.unique(self.keys_[present], axis=0, return_inverse=True)
        counts = np.bincount(of_row.ravel(), weights)
        order = np.lexsort((*centers.T[::-1], counts))[::-1]
        self.cluster_centers_ = centers[order]
        self.n_iter_, self.converged_, self.n_orphans_ = 0, True, 0
        self.n_steps_ = self.n_pairs_ = 0
        self.assign_ = "attractor" if self.assign == "auto" else self.assign
        self.labels_ = self._label(self.keys_, self.assign_)[0]
        self._warn_of_no_bandwidth(len(centers))

    def _labels_of_walked(self, points: Array, ends: Array) -> Array:
        """Return the labels of all rows, of which those of positive weight walked to `ends`."""
        present, labels = self._present(), np.empty(len(points), np.int64)
        labels[present] = self._labels_of(points[present], self._nearest(ends)[0])
        absent = np.setdiff1d(np.arange(len(points)), present)
        if absent.size:
            labels[absent] = self._label(points[absent], self.assign_)[0]
        return labels

    def _label(self, points: Array, rule: str) -> tuple[Array, int]:
        """Return the labels of points in working units, and how many are orphans."""
        if rule == "nearest" or self._land is None:
            labels, distances = self._nearest(points)
            return self._cut(labels, distances), 0
        ends, lost = self._ends(self._land, points)
        return self._labels_of(points, self._nearest(ends)[0]), int(np.count_nonzero(lost))

    def _ends(self, land: Landscape, points: Array) -> tuple[Array, Array]:
        """Return where points end as the variant has it, and tell which are orphans."""
        if self.variant == "blurring":
            return blurred(land, points, self._frames, self.alpha)
        if self.variant == "medoid":
            return medoid_ends(land, points, self._medoids)
        found = land.ascend(points, **self._walk_options(land))
        return found.ends, found.status == ORPHAN

    def _nearest(self, points: Array) -> tuple[Array, Array]:
        near = knn(points, self._centers(), 1, num_threads=self.n_jobs)
        return near.indices[:, 0], near.distances[:, 0]

    def _centers(self) -> Array:
        centers = self.cluster_centers_
        return centers if self._land is None else self._land.enter(centers)

    def _labels_of(self, points: Array, labels: Array) -> Array:
        if self.cluster_all:
            return labels
        gaps = points - self._centers()[labels]
        return self._cut(labels, np.sqrt(np.square(gaps, dtype=np.float64).sum(axis=1)))

    def _cut(self, labels: Array, distances: Array) -> Array:
        """Return −1 for rows farther from their center than the bandwidth."""
        radius = 0.0 if self._land is None else self._land.radius
        return labels if self.cluster_all else np.where(distances <= radius, labels, -1)
