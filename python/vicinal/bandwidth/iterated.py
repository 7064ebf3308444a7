"""An iterated plug-in bandwidth of local means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vicinal.arrays import Array
from vicinal.bandwidth.sample import quantile, spread_of
from vicinal.each_bandwidth import stats_of_each_bandwidth
from vicinal.key_index import KeyIndex, is_tree_sized
from vicinal.neighbors import knn

__all__ = ["iterated_share"]

NEIGHBORS = 4  # rows that the first pilot sees and that the noise is measured on
FLAT = 16.0  # deviations; a wider kernel is a plain mean
NARROWEST = 0.25  # of the first pilot
STEP = 0.1  # half the log ratio of the two bandwidths that a bias is measured with
NOTHING = 1e-12  # share of a mass that is left out: beside STEP it makes no difference …
FEW_FEATURES = 2  # … where a tree saves time: 50 to 70 %, but nothing with 3 features
PASSES, CLOSE = 30, 0.02
FEWEST, MOST = 256, 2048  # rows that the integrals are averaged over …
PAIRS = 1 << 26  # … as many as make about so many pairs


def iterated_share(
    points: Array, values: Array, weights: Array | None, num_threads: int | None
) -> float:
    r"""Return the Gaussian bandwidth of a local mean, in deviations of each feature.

    The density-weighted mean squared error of a local mean with bandwidth h on standardised
    features is, for small h and large n,

    .. math:: \frac{h^4}{4} C + \frac{B}{(2\sqrt\pi)^d\, n h^d}, \quad C = \int r^2 f^2, \;
              B = \int \sigma^2 f, \quad r = \nabla^2 m + 2 \nabla m \cdot \nabla f / f,

    (Ruppert and Wand, 1994), least at :math:`h^{d+4} = d B / ((2\sqrt\pi)^d n C)`. C is estimated
    with a pilot bandwidth g and the result gives the next pilot, g = h n^(1/(d+4) − 1/(d+6)), the
    rate that is best for second derivatives, from one that sees few keys on (Gasser, Kneip and
    Köhler, 1991, for d = 1; Herrmann, Wand, Engel and Gasser, 1995, for d = 2).

    Parameters
    ----------
    points : ndarray of float64, shape (n, d)
        Keys; no feature is constant.
    values : ndarray of shape (n, p)
        Their values; errors are averaged over columns, as in the criteria.
    weights : ndarray of shape (n,) or None
        Counts of equal rows.
    num_threads : int or None
        Threads of the engine.

    Returns
    -------
    float
        At most `FLAT`, which stands for a plain mean, and for exact values that of the first pilot;
        NaN if the values are constant.
    """
    design = _Design.of(points, values, weights, num_threads)
    if not design.y.any():
        return math.nan
    n, d = design.n, design.z.shape[1]
    first, noise = design.start()
    if noise == 0:
        return first
    log_variance = math.log(d * noise / n) - 0.5 * d * math.log(4 * math.pi)
    g, h = first, FLAT
    for _ in range(PASSES):
        log_h = (log_variance - design.log_squared_bias(g)) / (d + 4)
        h = math.exp(min(log_h, math.log(FLAT)))
        pilot = max(first, h * n ** (1 / (d + 4) - 1 / (d + 6)))
        if h >= FLAT or abs(pilot / g - 1) < CLOSE:
            break
        g = pilot
    return max(h, NARROWEST * first)


@dataclass(frozen=True, eq=False)
class _Design:
    """Standardised keys that are present, and the rows that integrals are averaged over."""

    z: Array  # (n, d)
    y: Array  # (n, p), from −1 to 1
    weights: Array  # (n,)
    rows: Array  # (m,)
    n: float
    num_threads: int | None

    @classmethod
    def of(
        cls, points: Array, values: Array, weights: Array | None, num_threads: int | None
    ) -> _Design:
        weights = np.ones(len(points)) if weights is None else weights
        mean, sigma, n = spread_of(points, weights)
        present = weights > 0
        z = np.ascontiguousarray(((points - mean) / sigma)[present])
        y = np.asarray(values, dtype=np.float64)[present]
        y = y - y[0]
        y /= np.abs(y).max() or 1
        m = min(len(z), int(np.clip(PAIRS // len(z), FEWEST, MOST)))
        rows = np.arange(m) * len(z) // m
        return cls(z, y, weights[present], rows, n, num_threads)

    @cached_property
    def keys(self) -> Array | KeyIndex:
        """The keys of every pass, with the tree that narrow kernels meet them through."""
        if self.z.shape[1] > FEW_FEATURES or not is_tree_sized(self.z):
            return self.z
        return KeyIndex(self.z, num_threads=self.num_threads)

    def average(self, numbers: Array) -> float:
        """Return the weighted mean of a number per averaging row."""
        return float(np.average(numbers, weights=self.weights[self.rows]))

    def start(self) -> tuple[float, float]:
        """Return the first pilot bandwidth and the mean variance of the noise.

        The noise is what separates a row from the mean of its nearest others (as Gasser, Sroka and
        Jennen-Steinmetz, 1986, for d = 1): E e² = σ² (1 + 1/k) for k of them.
        """
        z, own = np.unique(self.z, axis=0, return_inverse=True)
        units = np.bincount(own.ravel(), self.weights)
        sums = np.stack([np.bincount(own.ravel(), self.weights * column) for column in self.y.T], 1)
        k = min(NEIGHBORS, len(z) - 1)
        found = knn(self.z[self.rows], z, k + 1, num_threads=self.num_threads)
        weights = self.weights[self.rows]
        unit = np.minimum(weights, 1)
        count, total = units[found.indices], sums[found.indices]
        count[:, 0] -= unit  # a row is nearest to itself
        total[:, 0] -= unit[:, None] * self.y[self.rows]
        seen = np.cumsum(count, axis=1)
        needed = seen - count < k
        others = (count * needed).sum(axis=1)
        means = (total * needed[..., None]).sum(axis=1) / others[:, None]
        errors = ((self.y[self.rows] - means) ** 2).mean(axis=1)
        last = np.clip((seen < k).sum(axis=1), 1, k)  # another position at least
        radii = np.take_along_axis(found.distances, last[:, None], axis=1)[:, 0]
        radius = quantile(radii, weights, 0.5) * _gaussian_of_ball(z.shape[1])
        return radius, self.average(errors / (1 + 1 / others))

    def log_squared_bias(self, g: float) -> float:
        """Return log ∫ r² f² as seen with bandwidth g; −inf where nothing is seen.

        The bias of a local mean is g² r / 2, so r = ∂m/∂(log g) / g²: how the mean moves when the
        bandwidth grows.
        """
        narrow, wide = stats_of_each_bandwidth(
            self.z[self.rows],
            self.keys,
            self.y,
            [g * math.exp(-STEP), g * math.exp(STEP)],
            statistics=("mean", "log_mass"),
            weights=self.weights,
            tol=NOTHING if self.z.shape[1] <= FEW_FEATURES else 0.0,
            num_threads=self.num_threads,
        )
        assert narrow.mean is not None
        assert wide.mean is not None
        assert narrow.log_mass is not None
        assert wide.log_mass is not None
        squares = (((wide.mean - narrow.mean) / (2 * STEP * g**2)) ** 2).mean(axis=1)
        log_mass = 0.5 * (narrow.log_mass + wide.log_mass)
        peak = float(log_mass.max())
        total = self.average(squares * np.exp(log_mass - peak))
        if total == 0:
            return -math.inf
        log_unit = math.log(self.n) + self.z.shape[1] * (0.5 * math.log(2 * math.pi) + math.log(g))
        return float(math.log(total) + peak - log_unit)


def _gaussian_of_ball(d: int) -> float:
    # The deviation of a Gaussian kernel with the integral (2π)^(d/2) σ^d of the unit ball.
    return math.exp(-math.lgamma(0.5 * d + 1) / d) / math.sqrt(2)
