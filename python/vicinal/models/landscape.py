"""The density that mean shift climbs: keys, weights and a kernel, in units that suit it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import vicinal
from vicinal import _core
from vicinal.arrays import Array
from vicinal.ascent import Ascents, ascend
from vicinal.bandwidth.given import PerKey
from vicinal.kernels import Kernel, ProfileKernel, Uniform, as_kernel
from vicinal.kernels.lowering import fill
from vicinal.key_index import is_tree_sized
from vicinal.models.adaptive import log_bandwidths, scaled_features
from vicinal.models.mode_bandwidth import check_leaf
from vicinal.models.model_keys import EVERYWHERE
from vicinal.neighbors import knn

__all__ = ["Landscape"]


class Landscape:
    """Keys in units in which all features share one radius, and what is asked of them.

    Parameters
    ----------
    keys : ndarray of shape (n, d)
        Training rows.
    weights : ndarray of shape (n,) or None
        Their sample weights.
    kernel : str or Kernel
        A kernel of Euclidean distances.
    bandwidth : float, array of shape (d,), PerKey or None
        As `settled_bandwidth` returns it, not 0.
    mass_tol, num_threads
        As in `vicinal.local_mean`.

    Attributes
    ----------
    keys : ndarray of shape (n, d)
        The keys in working units; in float64 for the flat kernel.
    radius : float
        The bandwidth in working units: 1 where features have different ones. With a bandwidth of
        each key it is their geometric mean.
    """

    def __init__(
        self,
        keys: Array,
        weights: Array | None,
        kernel: Any,
        bandwidth: Any,
        mass_tol: float,
        num_threads: int | None,
    ) -> None:
        d = keys.shape[1]
        given = as_kernel(kernel)
        adaptive = bandwidth if isinstance(bandwidth, PerKey) else None
        base = bandwidth if adaptive is None else adaptive.base
        filled = fill(given, base if given.needs_bandwidth else None, None, d)
        for leaf in filled.leaves():
            check_leaf(leaf)
        if filled.signed:
            raise ValueError(f"kernel must have no negative weights, got {kernel!r}")
        own = _bandwidths(filled, d)
        shared = bool((own == own[0]).all())
        self.radius = float(own[0]) if shared else 1.0
        self._unit = None if shared else own
        self._rest = _constants(keys, own)
        self._filled, self._mass_tol, self._num_threads = filled, mass_tol, num_threads
        flat = isinstance(filled, Uniform)  # the drop-in: in double, as scikit-learn
        self._dtype = np.dtype(np.float64) if flat else keys.dtype
        self.keys = self.enter(keys)
        self.sample_weight = self._weights = weights
        self._log_h = None if adaptive is None else log_bandwidths(adaptive)
        if adaptive is None:
            self._kernel = filled if shared else filled.rebuilt(lambda leaf: _in_units(leaf, own))
            self._bandwidth = None
        else:
            self._kernel, self._bandwidth = given, PerKey(adaptive.h, unit=self.radius)
            # Variable-bandwidth mean shift (Comaniciu, Ramesh & Meer, 2001).
            scaled = np.exp(-(d + 2) * self._log_h)
            self._weights = scaled if weights is None else weights * scaled
        everywhere = all(leaf.profile in EVERYWHERE for leaf in filled.leaves())
        pruned = is_tree_sized(self.keys) and not (everywhere and mass_tol == 0)
        self._index = vicinal.KeyIndex(self.keys, num_threads=num_threads) if pruned else None
        self._memory = _core.MeanShiftMemory()

    def enter(self, X: Array) -> Array:
        """Return points of the data in working units."""
        X = X.astype(self._dtype, copy=False)
        return X if self._unit is None else np.ascontiguousarray(X / self._unit, self._dtype)

    def leave(self, points: Array) -> Array:
        """Return points in the units of the data."""
        if self._unit is None:
            return points
        finite = np.isfinite(self._unit)
        scaled = points * np.where(finite, self._unit, 1)
        return np.where(finite, scaled, self._rest).astype(points.dtype)

    def ascend(self, seeds: Array, **options: Any) -> Ascents:
        """Walk seeds uphill; options are those of `vicinal.ascent.ascend`."""
        return ascend(
            seeds,
            self.keys,
            kernel=self._kernel,
            bandwidth=self._bandwidth,
            weights=self._weights,
            index=self._index,
            mass_tol=self._mass_tol,
            num_threads=self._num_threads,
            memory=self._memory,
            **options,
        )

    @property
    def work(self) -> tuple[int, int]:
        """The steps that all ascents took, and the pairs of points and keys that were weighed."""
        return self._memory.walked, self._memory.pairs_visited

    def means(self, points: Array, keys: Array | None = None) -> Array:
        """Return the local mean of the keys, or of where they have moved, at points.

        NaN for orphans.
        """
        known = self._known if keys is None else keys
        values = self.keys if keys is None else keys
        options = self._options(self._weights)
        return vicinal.local_mean(points, known, values, tol=self._mass_tol, **options)

    def nearest(self, points: Array) -> Array:
        """Return the row of the key of positive weight that is nearest to each point."""
        if self.sample_weight is None:
            return knn(points, self._known, 1, num_threads=self._num_threads).indices[:, 0]
        present = np.flatnonzero(self.sample_weight)
        near = knn(points, self.keys[present], 1, num_threads=self._num_threads)
        return np.asarray(present[near.indices[:, 0]])

    def log_mass(self, points: Array, keys: Array | None = None) -> Array:
        """Return the logarithm of the mass that `means` are taken over, (m,)."""
        return self._log_mass(points, self._known if keys is None else keys, weights=self._weights)

    def log_density(self, points: Array) -> Array:
        """Return the logarithm of the density under the kernel at points, (m,).

        Raises
        ------
        ValueError
            If the kernel has no finite integral.
        """
        d = self.keys.shape[1]
        normalizer = self._filled.log_normalizer(None, d)
        prior: dict[str, Any] = {"weights": self.sample_weight}
        if self._log_h is not None:  # every kernel has a normalizer of its own
            with np.errstate(divide="ignore"):
                counts = 0 if self.sample_weight is None else np.log(self.sample_weight)
            factors = -scaled_features(self._filled, d) * self._log_h
            prior = {"weights": None, "log_weights": counts + factors}
        total = len(self.keys) if self.sample_weight is None else self.sample_weight.sum()
        return np.asarray(
            self._log_mass(points, self._known, **prior) + normalizer - math.log(total)
        )

    def _log_mass(self, points: Array, keys: Any, **prior: Any) -> Array:
        log_mass = vicinal.local_stats(
            points,
            keys,
            statistics=("log_mass",),
            tol=self._mass_tol,
            **self._options(None) | prior,
        ).log_mass
        assert log_mass is not None
        return log_mass

    @property
    def _known(self) -> Any:
        return self.keys if self._index is None else self._index

    def _options(self, weights: Array | None) -> dict[str, Any]:
        return {
            "kernel": self._kernel,
            "bandwidth": self._bandwidth,
            "weights": weights,
            "num_threads": self._num_threads,
        }


def _bandwidths(kernel: Kernel, d: int) -> Array:
    """Return the smallest bandwidth that a filled kernel has in every feature, (d,)."""
    own, seen = np.full(d, np.inf), np.zeros(d, bool)
    for leaf in kernel.leaves():
        columns = list(leaf.resolved_columns(d))
        own[columns] = np.minimum(own[columns], np.asarray(leaf.bandwidth, float))
        seen[columns] = True
    if not seen.all():
        raise ValueError(
            f"kernel must look at every feature, but {kernel!r} leaves out columns "
            f"{np.flatnonzero(~seen).tolist()}; leave them out of X"
        )
    return own


def _constants(keys: Array, own: Array) -> Array:
    """Return the first key; refuse features of infinite bandwidth that vary, beside finite ones."""
    varies = np.isinf(own) & np.isfinite(own).any() & (keys != keys[0]).any(axis=0)
    if varies.any():
        raise ValueError(
            f"bandwidth is infinite in columns {np.flatnonzero(varies).tolist()}, which vary: "
            "leave them out of X, or make all bandwidths infinite"
        )
    return np.asarray(keys[0])


def _in_units(leaf: ProfileKernel, own: Array) -> ProfileKernel:
    columns = list(leaf.resolved_columns(len(own)))
    h = np.broadcast_to(np.asarray(leaf.bandwidth, float), (len(columns),))
    ratio = np.divide(h, own[columns], out=np.ones(len(columns)), where=np.isfinite(own[columns]))
    same = bool((ratio == ratio[0]).all())
    return leaf.filled(bandwidth=float(ratio[0]) if same else tuple(ratio.tolist()))
