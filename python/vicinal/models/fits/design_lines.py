"""Weighted least squares on columns of their own: lines in covariates, localized elsewhere.

With w̃ the normalised weights of a query, z̄, ȳ the weighted means of covariates and target and C
their covariance, the slopes are ``b = C_zz⁻¹ C_zy`` and the line passes through (z̄, ȳ). So one pass
of `local_stats` over the values (z, y) holds all that a fit needs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import vicinal
from vicinal.arrays import Array
from vicinal.bandwidth.given import AdaptiveBandwidth, PerQuery
from vicinal.kernels.lowering import fill
from vicinal.kernels.square import squared, squared_profile

__all__ = ["DesignFit", "DesignLines", "solved"]

MOMENTS = ("mean", "covariance", "log_mass")
NOISE = 16 * np.finfo(np.float64).eps  # of a variance, in squared means
SINGULAR = 1e-12  # of the trace: a direction that the rows do not determine …
RIDGE = 1e-10  # … and what such a row gets


class DesignLines:
    """Lines of targets in covariates, with the keys elsewhere.

    Parameters
    ----------
    keys : ndarray of shape (n, c) or KeyIndex
        Where the rows are.
    covariates : ndarray of shape (n, d), float64
        The columns of the lines.
    y : ndarray of shape (n,) or (n, p), float64
        The targets.
    weights : ndarray of shape (n,) or None
        Prior weights, which count equal rows.
    """

    def __init__(self, keys: Any, covariates: Array, y: Array, weights: Array | None) -> None:
        self.keys, self.weights = keys, weights
        # The rounding of second moments grows with the squared distance from their center.
        self.center = np.average(covariates, axis=0, weights=weights)
        self.points = covariates - self.center
        self.values = np.column_stack([self.points, y])

    def at(
        self,
        queries: Array,
        covariates: Array,
        own: Array | None = None,
        ridge: Any = 0.0,
        **options: Any,
    ) -> DesignFit:
        """Fit lines at every query; `own` are the keys whose influence is asked for, or −1.

        The penalty of the slopes is `ridge`, as in `solved`.
        """
        names = MOMENTS if own is None else (*MOMENTS, "self_weight")
        stats = self._stats(queries, names, self_indices=own, **options)
        fit = DesignFit(stats, covariates - self.center, self.center, ridge)
        if own is not None:
            fit.measure_influence(self.points[np.maximum(own, 0)], stats.self_weight)
        return fit

    def sandwich(self, queries: Array, fit: DesignFit, **options: Any) -> Array:
        """Return Σ (∂ coefficient / ∂ yⱼ)² over the rows, (m, 1 + d), constant first."""
        given = (options.pop(name) for name in ("kernel", "bandwidth", "metric"))
        kernel, bandwidth = _squared(*given, d=queries.shape[1])
        options |= {"kernel": kernel, "bandwidth": bandwidth}
        return fit.sandwich(self._stats(queries, MOMENTS, **options))

    def _stats(self, queries: Array, names: tuple[str, ...], **options: Any) -> Any:
        return vicinal.local_stats(
            queries, self.keys, self.values, statistics=names, weights=self.weights, **options
        )


class DesignFit:
    """The lines at some queries, from their moments; covariates as seen from `center`."""

    def __init__(self, stats: Any, covariates: Array, center: Array, ridge: Any) -> None:
        d = len(center)
        self._mean, self._log_mass = stats.mean[:, :d], stats.log_mass
        covariance = stats.covariance[:, :d, :d]
        empty = np.isneginf(stats.log_mass)
        if empty.any():  # no line: the value that the policy gives, and slopes of 0
            covariance = np.where(empty[:, None, None], 0.0, covariance)
        self._inverse, self.singular = solved(covariance, self._mean, ridge)
        towards = stats.covariance[:, :d, d:]
        self.slopes = np.zeros((len(covariates), d, towards.shape[2]))
        for a in range(d):
            for b in range(d):
                self.slopes[:, a] += self._inverse[:, a, b, None] * towards[:, b]
        value = stats.mean[:, d:]
        self.slopes[empty] = np.where(np.isnan(value[empty]), np.nan, 0.0)[:, None, :]
        self._offset = np.where(empty[:, None], 0.0, covariates - self._mean)
        from_origin = np.where(empty[:, None], 0.0, -center - self._mean)
        self.fitted = _along(self.slopes, self._offset, value)
        self.constant = _along(self.slopes, from_origin, value)
        self.variance = stats.covariance[:, d:, d:]
        self.singular &= ~empty
        self._from_origin, self.influence = from_origin, np.zeros(0)

    @property
    def coefficients(self) -> Array:
        """The constants at covariates of 0 and the slopes, (m, 1 + d, p)."""
        return np.concatenate([self.constant[:, None], self.slopes], axis=1)

    def measure_influence(self, points: Array, share: Array) -> None:
        """Store ∂ fit / ∂ y of the own key, w̃ (1 + (z − z̄)ᵀ C⁻¹ (q − z̄)), (m,)."""
        own = np.where(share[:, None] > 0, points - self._mean, 0.0)
        sums = np.ones(len(own))
        for a in range(own.shape[1]):
            for b in range(own.shape[1]):
                sums += own[:, a] * self._inverse[:, a, b] * self._offset[:, b]
        self.influence = np.where(share > 0, share * sums, 0.0)

    def sandwich(self, squares: Any) -> Array:
        """Return Σ lⱼ² for the weights lⱼ = w̃ⱼ (a + (zⱼ − z̄)ᵀ v) of every coefficient.

        Under w̃², whose mass is A, mean z̄ + s and covariance S, it is A ((a + sᵀv)² + vᵀSv); a = 1
        for the constant and 0 for a slope.
        """
        d = self._inverse.shape[1]
        constant = (self._inverse * self._from_origin[:, None, :]).sum(axis=2)
        directions = np.concatenate([constant[:, None, :], self._inverse], axis=1)
        shift = squares.mean[:, :d] - self._mean
        along = (directions * shift[:, None, :]).sum(axis=2)
        along[:, 0] += 1
        spread = np.matmul(directions, squares.covariance[:, :d, :d])
        mass = np.exp(squares.log_mass - 2 * self._log_mass)
        return np.asarray(mass[:, None] * (along**2 + (spread * directions).sum(axis=2)))


def solved(covariance: Array, mean: Array, ridge: Any = 0.0) -> tuple[Array, Array]:
    """Return (C + ridge · I)⁻¹ of every row, (m, d, d), and which rows are singular, (m,).

    Between features of unit variance a direction under 1e-12 of the trace is not determined: its
    slope is 0, and the row gets 1e-10 of the trace. A feature that is constant but for the
    rounding of its variance has slope 0. `ridge` is a number or (m,).
    """
    m, d = mean.shape
    penalty = np.broadcast_to(np.asarray(ridge, dtype=np.float64), (m,))
    variance = covariance[:, np.arange(d), np.arange(d)] + penalty[:, None]
    varies = np.isfinite(variance) & (variance > NOISE * mean**2)
    unit = np.where(varies, 1 / np.sqrt(np.where(varies, variance, 1.0)), 0.0)
    scaled = unit[:, :, None] * unit[:, None, :] * np.where(np.isfinite(covariance), covariance, 0)
    scaled[:, np.arange(d), np.arange(d)] = varies
    values, vectors = np.linalg.eigh(scaled)
    trace = varies.sum(axis=1)
    kept = values > SINGULAR * np.maximum(trace, 1)[:, None]
    singular = kept.sum(axis=1) < d
    values = values + np.where(singular, RIDGE * trace, 0.0)[:, None]
    weight = np.where(kept, 1 / np.where(kept, values, 1.0), 0.0)
    inverse = np.zeros((m, d, d))
    for k in range(d):
        column = vectors[:, :, k] * unit
        inverse += weight[:, k, None, None] * column[:, :, None] * column[:, None, :]
    return inverse, singular


def _along(slopes: Array, offset: Array, value: Array) -> Array:
    """Return value + offsetᵀ slopes of every row, (m, p)."""
    result = value.copy()
    for a in range(offset.shape[1]):
        result += offset[:, a, None] * slopes[:, a]
    return result


def _squared(kernel: Any, bandwidth: Any, metric: Any, *, d: int) -> tuple[Any, Any]:
    """Return the kernel whose weights are squares, and its open bandwidth."""
    if isinstance(bandwidth, AdaptiveBandwidth):
        (leaf,) = fill(kernel, 1.0, metric, d).leaves()
        kernel, factor = squared_profile(leaf.filled(bandwidth=None))
        numbers = bandwidth.numbers()
        assert numbers is not None
        return kernel, PerQuery.found(numbers * factor)
    own = fill(kernel, bandwidth, metric, d)
    leaves = own.leaves()
    if len(leaves) == 1 and leaves[0].compact:
        return squared_profile(leaves[0])[0], None
    return squared(own), None
