"""Kernels of a distance with tails: u = distance / bandwidth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from vicinal.kernels.base import ProfileKernel, positive

__all__ = [
    "Cauchy",
    "Constant",
    "Gaussian",
    "InverseDistance",
    "Laplace",
    "Logistic",
    "Matern",
    "RationalQuadratic",
    "StudentT",
]


class Gaussian(ProfileKernel):
    """Gaussian kernel, ``exp(−u²/2)``; name "gaussian" or "normal".

    Parameters
    ----------
    bandwidth, metric, columns
        See `ProfileKernel`; the bandwidth is the standard deviation.

    Examples
    --------
    >>> import vicinal as vc
    >>> vc.local_mean([[0.0]], [[-1.0], [1.0]], [1.0, 3.0], kernel=vc.kernels.Gaussian())
    array([2.])
    """

    profile: ClassVar[str] = "gaussian"

    @property
    def half_width(self) -> float:
        return math.sqrt(2 * math.log(2))

    def log_radial_integral(self, d: int) -> float:
        return (0.5 * d - 1) * math.log(2) + math.lgamma(0.5 * d)


class Laplace(ProfileKernel):
    """Laplace kernel, ``exp(−u)``; name "laplace" or "exponential".

    Parameters
    ----------
    bandwidth, metric, columns
        See `ProfileKernel`.
    """

    profile: ClassVar[str] = "laplace"

    @property
    def half_width(self) -> float:
        return math.log(2)

    def log_radial_integral(self, d: int) -> float:
        return math.lgamma(d)


class Logistic(ProfileKernel):
    """Logistic kernel, ``1/(eᵘ + 2 + e⁻ᵘ)``, the density of the logistic distribution.

    Parameters
    ----------
    bandwidth, metric, columns
        See `ProfileKernel`.
    """

    profile: ClassVar[str] = "logistic"

    @property
    def half_width(self) -> float:
        return math.acosh(3)  # 1/(2 cosh u + 2) = 1/8

    def log_radial_integral(self, d: int) -> float:
        # Expand e^{-u}/(1 + e^{-u})² = Σ (−1)^{k+1} k e^{-ku}: Γ(d) η(d − 1), Dirichlet's eta.
        return math.lgamma(d) + math.log(_dirichlet_eta(d - 1))


class Cauchy(ProfileKernel):
    """Cauchy kernel, ``1/(1 + u²)``.

    Parameters
    ----------
    bandwidth, metric, columns
        See `ProfileKernel`.
    """

    profile: ClassVar[str] = "cauchy"
    density_condition: ClassVar[str] = "d = 1"

    @property
    def half_width(self) -> float:
        return 1.0

    def log_radial_integral(self, d: int) -> float:
        return math.log(0.5 * math.pi) if d == 1 else math.inf


@dataclass(frozen=True, repr=False)
class StudentT(ProfileKernel):
    """Student's t kernel, ``(1 + u²/ν)^(−(ν+1)/2)``.

    Parameters
    ----------
    nu : float
        Degrees of freedom, positive; 1 is the Cauchy kernel.
    bandwidth, metric, columns
        See `ProfileKernel`.

    Raises
    ------
    ValueError
        If `nu` is not positive and finite.
    """

    nu: float = 3.0

    profile: ClassVar[str] = "student_t"
    density_condition: ClassVar[str] = "nu + 1 > d"

    def __post_init__(self) -> None:
        object.__setattr__(self, "nu", positive(self.nu, "nu"))
        super().__post_init__()

    @property
    def half_width(self) -> float:
        return math.sqrt(self.nu * math.expm1(2 * math.log(2) / (self.nu + 1)))

    def log_radial_integral(self, d: int) -> float:
        return _log_power_tail(self.nu, 0.5 * (self.nu + 1), d)

    def engine_parameters(self) -> dict[str, Any]:
        return {"shape": self.nu}


@dataclass(frozen=True, repr=False)
class RationalQuadratic(ProfileKernel):
    """Rational quadratic kernel, ``(1 + u²/2α)^(−α)``, a mixture of Gaussians.

    Parameters
    ----------
    alpha : float
        Positive; the larger, the nearer to the Gaussian.
    bandwidth, metric, columns
        See `ProfileKernel`.

    Raises
    ------
    ValueError
        If `alpha` is not positive and finite.
    """

    alpha: float = 1.0

    profile: ClassVar[str] = "rational_quadratic"
    density_condition: ClassVar[str] = "2 alpha > d"

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", positive(self.alpha, "alpha"))
        super().__post_init__()

    @property
    def half_width(self) -> float:
        return math.sqrt(2 * self.alpha * math.expm1(math.log(2) / self.alpha))

    def log_radial_integral(self, d: int) -> float:
        return _log_power_tail(2 * self.alpha, self.alpha, d)

    def engine_parameters(self) -> dict[str, Any]:
        return {"shape": self.alpha}


@dataclass(frozen=True, repr=False)
class Matern(ProfileKernel):
    """Matérn kernel of half-integer smoothness, with v = √(2ν) u.

    ``exp(−v)`` for ν = ½, ``(1 + v) exp(−v)`` for 3⁄2, ``(1 + v + v²/3) exp(−v)`` for 5⁄2.

    Parameters
    ----------
    nu : {0.5, 1.5, 2.5}
        Smoothness.
    bandwidth, metric, columns
        See `ProfileKernel`.

    Raises
    ------
    ValueError
        If `nu` is none of the three.
    """

    nu: float = 1.5

    profile: ClassVar[str] = "matern"

    def __post_init__(self) -> None:
        if self.nu not in (0.5, 1.5, 2.5):
            raise ValueError(f"nu must be 0.5, 1.5 or 2.5, got {self.nu!r}")
        object.__setattr__(self, "nu", float(self.nu))
        super().__post_init__()

    @property
    def half_width(self) -> float:
        # Roots of (1 + v) e^{-v} = 1/2 and (1 + v + v²/3) e^{-v} = 1/2, in units of u = v / √(2ν).
        v = {0.5: math.log(2), 1.5: 1.6783469900166605, 2.5: 2.3302561921560074}[self.nu]
        return v / math.sqrt(2 * self.nu)

    def log_radial_integral(self, d: int) -> float:
        factor = {0.5: 1.0, 1.5: 1.0 + d, 2.5: 1.0 + d + d * (d + 1) / 3}[self.nu]
        return math.lgamma(d) - 0.5 * d * math.log(2 * self.nu) + math.log(factor)

    def engine_parameters(self) -> dict[str, Any]:
        return {"shape": self.nu}


@dataclass(frozen=True, repr=False)
class InverseDistance(ProfileKernel):
    """Inverse-distance weights, ``u^(−power)`` (Shepard, 1968); name "inverse_distance", "shepard".

    A query that coincides with keys gets the mean of those keys.

    Parameters
    ----------
    power : float
        Positive exponent.
    bandwidth, metric, columns
        See `ProfileKernel`; the bandwidth changes the mass, not the mean.

    Raises
    ------
    ValueError
        If `power` is not positive and finite.
    """

    power: float = 2.0

    profile: ClassVar[str] = "inverse_distance"
    infinite_bandwidth: ClassVar[bool] = False
    density_condition: ClassVar[str] = "never"

    def __post_init__(self) -> None:
        object.__setattr__(self, "power", positive(self.power, "power"))
        super().__post_init__()

    def engine_parameters(self) -> dict[str, Any]:
        return {"shape": self.power}


class Constant(ProfileKernel):
    """The weight 1 for every key: the (weighted) mean of all keys that a query sees.

    Parameters
    ----------
    bandwidth, metric, columns
        See `ProfileKernel`; without effect on the weight.
    """

    profile: ClassVar[str] = "constant"
    metrics: ClassVar[tuple[str, ...]] = (*ProfileKernel.metrics, "dot")
    density_condition: ClassVar[str] = "never"


def _log_power_tail(scale: float, exponent: float, d: int) -> float:
    # ∫ (1 + u²/scale)^(−exponent) u^(d−1) du = scale^(d/2) B(d/2, exponent − d/2) / 2.
    rest = exponent - 0.5 * d
    if rest <= 0:
        return math.inf
    log_beta = math.lgamma(0.5 * d) + math.lgamma(rest) - math.lgamma(exponent)
    return 0.5 * d * math.log(scale) + log_beta - math.log(2)


def _dirichlet_eta(s: int) -> float:
    # Σ (−1)^{k+1} k^{−s}, accelerated by Chebyshev weights (Cohen, Rodriguez Villegas and Zagier,
    # 2000): 30 terms give full double precision.
    terms = 30
    base = (3 + math.sqrt(8)) ** terms
    scale = 0.5 * (base + 1 / base)
    b, c, total = -1.0, -scale, 0.0
    for k in range(terms):
        c = b - c
        total += c * float(k + 1) ** -s
        b *= (k + terms) * (k - terms) / ((k + 0.5) * (k + 1))
    return total / scale
