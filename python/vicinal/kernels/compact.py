"""Kernels of a distance that are zero beyond the bandwidth: u = distance / bandwidth ≤ 1."""

from __future__ import annotations

import math
from typing import ClassVar

from vicinal.kernels.base import ProfileKernel

__all__ = [
    "Biweight",
    "Cosine",
    "Epanechnikov",
    "Triangular",
    "Tricube",
    "Triweight",
    "Uniform",
    "Wendland",
]


class _Compact(ProfileKernel):
    @property
    def compact(self) -> bool:
        return True


class Epanechnikov(_Compact):
    """Epanechnikov kernel, ``(1 − u²)₊``: the least mean squared error in density estimation.

    Parameters
    ----------
    bandwidth, metric, columns
        See `ProfileKernel`; the bandwidth is the radius beyond which the weight is zero.
    """

    profile: ClassVar[str] = "epanechnikov"

    @property
    def half_width(self) -> float:
        return math.sqrt(0.5)

    def log_radial_integral(self, d: int) -> float:
        return _log_beta(0.5 * d, 2) - math.log(2)


class Biweight(_Compact):
    """Biweight kernel, ``(1 − u²)²₊``; name "biweight", "quartic" or "bisquare".

    Parameters
    ----------
    bandwidth, metric, columns
        See `ProfileKernel`; the bandwidth is the radius beyond which the weight is zero.
    """

    profile: ClassVar[str] = "biweight"

    @property
    def half_width(self) -> float:
        return math.sqrt(1 - math.sqrt(0.5))

    def log_radial_integral(self, d: int) -> float:
        return _log_beta(0.5 * d, 3) - math.log(2)


class Triweight(_Compact):
    """Triweight kernel, ``(1 − u²)³₊``.

    Parameters
    ----------
    bandwidth, metric, columns
        See `ProfileKernel`; the bandwidth is the radius beyond which the weight is zero.
    """

    profile: ClassVar[str] = "triweight"

    @property
    def half_width(self) -> float:
        return math.sqrt(1 - math.pow(0.5, 1 / 3))

    def log_radial_integral(self, d: int) -> float:
        return _log_beta(0.5 * d, 4) - math.log(2)


class Tricube(_Compact):
    """Tricube kernel, ``(1 − u³)³₊`` (Cleveland, 1979).

    Parameters
    ----------
    bandwidth, metric, columns
        See `ProfileKernel`; the bandwidth is the radius beyond which the weight is zero.
    """

    profile: ClassVar[str] = "tricube"

    @property
    def half_width(self) -> float:
        return math.pow(1 - math.pow(0.5, 1 / 3), 1 / 3)

    def log_radial_integral(self, d: int) -> float:
        return _log_beta(d / 3, 4) - math.log(3)


class Triangular(_Compact):
    """Triangular kernel, ``(1 − u)₊``; name "triangular" or "linear".

    Parameters
    ----------
    bandwidth, metric, columns
        See `ProfileKernel`; the bandwidth is the radius beyond which the weight is zero.
    """

    profile: ClassVar[str] = "triangular"

    @property
    def half_width(self) -> float:
        return 0.5

    def log_radial_integral(self, d: int) -> float:
        return _log_beta(d, 2)


class Cosine(_Compact):
    """Cosine kernel, ``cos(πu/2)`` for u ≤ 1 (not the cosine *metric*).

    Parameters
    ----------
    bandwidth, metric, columns
        See `ProfileKernel`; the bandwidth is the radius beyond which the weight is zero.
    """

    profile: ClassVar[str] = "cosine"

    @property
    def half_width(self) -> float:
        return 2 / 3

    def log_radial_integral(self, d: int) -> float:
        # cos(πu/2) = sin(πv/2) with v = 1 − u; integrate its series term by term against
        # (1 − v)^(d−1): π/2 · Γ(d)/Γ(d+2) · Σ (−1)^k (π/2)^{2k} / ((d+2) … (d+2k+1)).
        square, term, total = (0.5 * math.pi) ** 2, 1.0, 0.0
        for k in range(40):
            total += term
            term *= -square / ((d + 2 * k + 2) * (d + 2 * k + 3))
        return math.log(0.5 * math.pi * total) - math.log(d * (d + 1))


class Uniform(_Compact):
    """Uniform kernel, 1 for u ≤ 1 (closed ball); name "uniform", "flat", "tophat" or "boxcar".

    Parameters
    ----------
    bandwidth, metric, columns
        See `ProfileKernel`; the bandwidth is the radius beyond which the weight is zero.
    """

    profile: ClassVar[str] = "uniform"

    @property
    def half_width(self) -> float:
        return 1.0

    def log_radial_integral(self, d: int) -> float:
        return -math.log(d)


class Wendland(_Compact):
    """Wendland's C2 kernel, ``(1 − u)⁴₊ (4u + 1)`` (Wendland, 1995).

    Parameters
    ----------
    bandwidth, metric, columns
        See `ProfileKernel`; the bandwidth is the radius beyond which the weight is zero.
    """

    profile: ClassVar[str] = "wendland_c2"

    @property
    def half_width(self) -> float:
        return 0.31381017045569753  # root of (1 − u)⁴ (4u + 1) = 1/2

    def log_radial_integral(self, d: int) -> float:
        # 4 B(d+1, 5) + B(d, 5), and B(d+1, 5) = B(d, 5) d / (d + 5).
        return _log_beta(d, 5) + math.log(1 + 4 * d / (d + 5))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
