"""Sheather and Jones' bandwidth of a density (1991), on binned points of one feature."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vicinal.arrays import Array
from vicinal.bandwidth.sample import quantile, spread_of

__all__ = ["equivalent_deviation"]

FINE = 64  # bins per bandwidth of the normal reference
COARSE = 8  # bins per bandwidth found; fewer, and it is found again
MOST_BINS = 1 << 20
BISECTIONS = 30
REACH = 9.0  # beyond it no derivative of the normal density counts: 1e-16 of its peak

# Pilot bandwidths that are best for a normal density of deviation 1, times n^(−1/7) and n^(−1/9),
# and the factor of the pilot bandwidth that goes with h (Wand and Jones, 1995, §3.6).
PILOT_4 = (16 * math.sqrt(2) / 5) ** (1 / 7)
PILOT_6 = (32 * math.sqrt(2) / 7) ** (1 / 9)
PILOT_OF_H = (6 * math.sqrt(2)) ** (1 / 7)


def equivalent_deviation(x: Array, weights: Array | None) -> float:
    """Return the deviation of the normal density that has the roughness ∫ f″² found for `x`.

    Parameters
    ----------
    x : ndarray of float64, shape (n,)
        One feature, not constant.
    weights : ndarray of shape (n,) or None
        Counts of equal points.

    Returns
    -------
    float
        σ such that ``σ (4/(3n))^(1/5)`` is the bandwidth that solves the equation of Sheather and
        Jones.
    """
    present = slice(None) if weights is None else weights > 0
    x = x[present]
    weights = np.ones(len(x)) if weights is None else weights[present]
    _, deviation, n = spread_of(x[:, None], weights)
    sigma = float(deviation[0])
    z = (x - x[0]) / sigma
    quartiles = quantile(z, weights, 0.75) - quantile(z, weights, 0.25)
    scale = min(1.0, quartiles / 1.349) or 1.0  # 1.349 deviations in a normal distribution
    reference = (4 / (3 * n)) ** (1 / 5)
    gap = 4 * REACH * max(1, reference)  # no bandwidth below exceeds 4 deviations
    step = scale * reference / FINE
    while True:
        pairs = _binned(z, weights, step, gap)
        h = _solution(pairs, n, scale)
        if h >= COARSE * pairs.step or pairs.full:
            return float(sigma * h / reference)
        step = h / FINE


@dataclass(frozen=True)
class _Pairs:
    """How the pairs (i, j) are shared out over distances; own pairs and both orders count."""

    shares: Array  # (lags,), of the pairs at distance l · step
    step: float
    full: bool  # there may be no more bins

    def roughness(self, order: int, g: float) -> float:
        """Return ∫ (D^(order/2) f)² of the density smoothed by g/√2: positive always.

        (−1)^(order/2) Σ_ij φ_g^(order)(x_i − x_j) / n², own pairs included (Hall and Marron, 1987;
        Jones and Sheather, 1991).
        """
        lags = min(len(self.shares), int(REACH * g / self.step) + 2)
        u = np.arange(lags) * (self.step / g)
        hermite = np.polynomial.hermite_e.hermeval(u, [0] * order + [1])
        total = float(np.sum(self.shares[:lags] * hermite * np.exp(-0.5 * u * u)))
        return (-1.0) ** (order // 2) * total / (math.sqrt(2 * math.pi) * g ** (order + 1))


def _binned(z: Array, weights: Array, step: float, gap: float) -> _Pairs:
    """Bin linearly and count pairs by distance."""
    order = np.argsort(z, kind="stable")
    # No pair counts across a wide gap, however wide.
    place = np.concatenate([[0.0], np.cumsum(np.minimum(np.diff(z[order]), gap))])
    step = max(step, place[-1] / (MOST_BINS - 2))
    bins = int(place[-1] / step) + 2
    left = np.minimum((place / step).astype(np.int64), bins - 2)
    right_share = place / step - left
    share = weights[order] / weights.sum()
    mass = np.bincount(left, share * (1 - right_share), bins)
    mass += np.bincount(left + 1, share * right_share, bins)
    length = 1 << (2 * bins - 1).bit_length()
    shares = np.fft.irfft(np.abs(np.fft.rfft(mass, length)) ** 2, length)[:bins]
    shares[1:] *= 2
    return _Pairs(shares, step, full=bins >= MOST_BINS - 2)


def _solution(pairs: _Pairs, n: float, scale: float) -> float:
    """Solve h = (R(K) / (n ψ₄(γ(h))))^(1/5), at its largest root, in the unit of the points.

    As h → 0 the right side's share of own pairs makes it exceed h, as h → ∞ h exceeds it: there is
    a root always.
    """
    psi_4 = pairs.roughness(4, scale * PILOT_4 * n ** (-1 / 7))
    psi_6 = pairs.roughness(6, scale * PILOT_6 * n ** (-1 / 9))
    pilot = PILOT_OF_H * (psi_4 / psi_6) ** (1 / 7)

    def excess(log_h: float) -> float:
        h = math.exp(log_h)
        roughness = pairs.roughness(4, pilot * h ** (5 / 7))
        return 5 * log_h + math.log(2 * math.sqrt(math.pi) * n * roughness)

    high = math.log(1.144) - math.log(n) / 5  # no density of deviation 1 has a larger optimum
    while excess(high) < 0:
        high += 0.1
    low = high - 0.1
    while excess(low) > 0:
        high, low = low, low - 0.1
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return math.exp(high)
