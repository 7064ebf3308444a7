"""What clusterings by the modes of a density share: data, bandwidth, landscape, files, reports."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted, validate_data

import vicinal
from vicinal.arrays import Array
from vicinal.ascent import MOVING, Ascents
from vicinal.models.base import FLOATS
from vicinal.models.caller import levels_to_the_caller
from vicinal.models.checks import check_number, check_rows
from vicinal.models.landscape import Landscape
from vicinal.models.mode_bandwidth import settled_bandwidth
from vicinal.models.model_checks import as_weights
from vicinal.models.saved import Saved
from vicinal.models.state import check_names, check_training_set
from vicinal.progress import reporter

__all__ = ["ModeSeeker"]

Report = Callable[[int, float, Ascents], Any]


class ModeSeeker(ClusterMixin, Saved, BaseEstimator):  # type: ignore[misc]
    """Keep the rows and the bandwidth of a density, and answer from its landscape.

    A subclass names the fitted attributes that a saved file holds (`_state`, `_optional`).
    """

    kernel: Any
    bandwidth: Any
    mass_tol: Any
    n_jobs: Any
    keys_: Array
    sample_weight_: Array | None
    bandwidth_: Any
    cluster_centers_: Array
    _land: Landscape | None
    _state: ClassVar[tuple[str, ...]] = (
        "keys_",
        "sample_weight_",
        "bandwidth_",
        "cluster_centers_",
        "labels_",
        "n_features_in_",
    )
    _optional: ClassVar[tuple[str, ...]] = ("feature_names_in_",)

    @property
    def log_density_(self) -> Array:
        """The log-density under the kernel at every cluster center, (k,)."""
        check_is_fitted(self)
        if self._land is None:
            raise AttributeError("log_density_ does not exist for a bandwidth of 0")
        return self._land.log_density(self._land.enter(self.cluster_centers_))

    def _remember(self, X: Any, sample_weight: Any) -> Array:
        """Store the rows, settle the bandwidth and return the rows in working units."""
        share = self.mass_tol
        check_number(share, "mass_tol", lambda part: 0 <= part < 1, "at least 0 and below 1")
        X = validate_data(self, X, dtype=FLOATS, order="C")
        self.keys_ = X
        self.sample_weight_ = None if sample_weight is None else as_weights(sample_weight, X)
        self.bandwidth_ = settled_bandwidth(
            self.kernel, self.bandwidth, X, self.sample_weight_, float(share), self.n_jobs
        )
        return self._build()

    def _build(self) -> Array:
        """Make the landscape, None at a bandwidth of 0, and return the rows in its units."""
        if isinstance(self.bandwidth_, float) and self.bandwidth_ == 0:
            self._land = None
            return self.keys_
        self._land = Landscape(
            self.keys_,
            self.sample_weight_,
            self.kernel,
            self.bandwidth_,
            float(self.mass_tol),
            self.n_jobs,
        )
        return self._land.keys

    def _queries(self, X: Any) -> Array:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=self.keys_.dtype, order="C")
        return np.asarray(X) if self._land is None else self._land.enter(X)

    def _present(self) -> Array:
        """Return the numbers of the rows of positive weight."""
        if self.sample_weight_ is None:
            return np.arange(len(self.keys_))
        return np.flatnonzero(self.sample_weight_)

    def _warn(self, text: str, category: type[Warning] = vicinal.LocalizationWarning) -> None:
        warnings.warn(text, category, stacklevel=levels_to_the_caller())

    def _warn_of_no_bandwidth(self, count: int) -> None:
        reason = "many rows coincide" if count < len(self._present()) else "too few rows are given"
        self._warn(
            f"the estimated bandwidth is 0, because {reason}: every one of the {count} distinct "
            "rows is a mode; give a bandwidth"
        )

    def _get_state(self) -> dict[str, Any]:
        names = (*self._state, *self._optional)
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def _set_state(self, state: dict[str, Any]) -> None:
        """Take fitted attributes over from a file, after every check that `fit` would make."""
        check_names(state, self._state, self._optional)
        check_training_set(state)
        rows, d = state["keys_"].shape
        centers, labels = state["cluster_centers_"], state["labels_"]
        if not isinstance(centers, np.ndarray) or centers.dtype != state["keys_"].dtype:
            raise ValueError("cluster_centers_ is no array of the type of keys_")
        if centers.ndim != 2 or centers.shape[1] != d:
            raise ValueError("cluster_centers_ does not fit keys_")
        if not np.isfinite(centers).all() or not len(centers):
            raise ValueError("cluster_centers_ is empty or not finite")
        check_rows(labels, "labels_", rows, -1, len(centers))
        self._check_parameters()
        self._check_state(state)
        self.__dict__.update(state)
        self._build()

    def _check_state(self, state: dict[str, Any]) -> None:
        """Check the attributes that only a subclass has."""

    def _check_parameters(self) -> None:
        """Check parameters that are not of the landscape."""
        raise NotImplementedError

    @contextmanager
    def _monitored(self, verbose: Any, callback: Any, progress: Any) -> Iterator[Report | None]:
        """Give the callback of an ascent that serves all who look on, or None if nobody does."""
        land = self._land
        assert land is not None
        with reporter(progress) as report:
            if not verbose and callback is None and report is None:
                yield None
                return

            def look(iteration: int, error: float, now: Ascents) -> Any:
                moving = np.count_nonzero(now.status == MOVING)
                length = error / land.radius
                if verbose:
                    print(
                        f"{type(self).__name__}: step {iteration}, longest {length:.2g} "
                        f"bandwidths, {moving} of {len(now.status)} still move"
                    )
                if report is not None:
                    report(1 - moving / len(now.status))
                if callback is not None:
                    return callback(iteration, length, land.leave(now.ends))
                return False

            yield look
            if report is not None:
                report(1.0)
