"""Kernels of the oracle: one plain numpy formula per profile and metric.

Nothing is shared with the engine. Every function works in the dtype of its inputs: the oracle
calls them in long double, the yardstick "plain numpy in the same dtype" in float32 or float64.
Shapes: queries (m, d), keys (n, d), scores and weights (m, n).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

EXACT = np.longdouble
EARTH_RADIUS_KM = 6371.0088
DOT_PROFILES = {"softmax", "von_mises_fisher", "polynomial", "sigmoid"}
CATEGORY_PROFILES = {"aitchison_aitken", "wang_van_ryzin"}


@dataclass(frozen=True)
class Factor:
    """One kernel on some columns; `shape` is nu, alpha, degree, power, levels or softcap."""

    profile: str
    bandwidth: object = 1.0
    metric: str | None = None
    columns: tuple[int, ...] | None = None
    components: object = None
    shape: float = 0.0
    offset: float = 0.0
    rectified: bool = False
    function: Callable | None = None
    log: bool = False

    @property
    def score(self) -> str:
        """The metric with the default of the profile filled in."""
        if self.metric is not None:
            return self.metric
        if self.profile in DOT_PROFILES:
            return "cosine" if self.profile == "von_mises_fisher" else "dot"
        return "category" if self.profile in CATEGORY_PROFILES else "euclidean"


@dataclass(frozen=True)
class Terms:
    """A sum of coefficient × product of factors."""

    terms: tuple[tuple[float, tuple[Factor, ...]], ...] = field(default=())


def product(*factors: Factor) -> Terms:
    """Return the product kernel."""
    return Terms(((1.0, factors),))


def sum_of(*factors: Factor, coefficients=None) -> Terms:
    """Return the weighted sum of kernels."""
    coefficients = (1.0,) * len(factors) if coefficients is None else coefficients
    return Terms(tuple((float(c), (f,)) for c, f in zip(coefficients, factors, strict=True)))


def as_terms(kernel: Factor | Terms) -> Terms:
    """Return a kernel in the form of a sum of products."""
    return kernel if isinstance(kernel, Terms) else product(kernel)


def haversine(q: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the angle between points (latitude, longitude), all in radians."""
    difference = q[:, None, :] - x[None, :, :]
    cosines = np.cos(q[:, None, 0]) * np.cos(x[None, :, 0])
    half = np.sin(difference[..., 0] / 2) ** 2 + cosines * np.sin(difference[..., 1] / 2) ** 2
    return 2 * np.arcsin(np.sqrt(np.clip(half, 0, 1)))


def distances(factor: Factor, q: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return u[i, j] = distance / h; for dot q·x / h; for cosine the cosine itself."""
    kind, dtype = factor.score, q.dtype
    h = np.asarray(factor.bandwidth, dtype=dtype)
    if kind in ("dot", "cosine"):
        if kind == "cosine":
            unit = [a / np.sqrt((a * a).sum(-1, keepdims=True)) for a in (q, x)]
            return (unit[0][:, None, :] * unit[1][None, :, :]).sum(-1)
        return (q[:, None, :] * x[None, :, :] / h).sum(-1)
    if kind == "haversine":
        return haversine(q, x) / h
    if kind == "great_circle":
        radians = (
            dtype.type(np.pi) / 180 if dtype != EXACT else EXACT("3.14159265358979323846") / 180
        )
        return haversine(q * radians, x * radians) * dtype.type(EARTH_RADIUS_KM) / h
    difference = q[:, None, :] - x[None, :, :]
    if kind == "mahalanobis":
        components = np.asarray(factor.components, dtype=dtype)
        difference = np.einsum("mnd,rd->mnr", difference, components)
    if h.ndim:
        difference, h = difference / h, dtype.type(1)
    return NORMS[kind](difference) / h  # divided last: equal distances stay equal for any h


NORMS: dict[str, Callable] = {
    "manhattan": lambda difference: np.abs(difference).sum(-1),
    "chebyshev": lambda difference: np.abs(difference).max(-1),
    "euclidean": lambda difference: np.sqrt((difference * difference).sum(-1)),
    "mahalanobis": lambda difference: np.sqrt((difference * difference).sum(-1)),
}


def scaled(factor: Factor, q: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the argument of the profile: u for distances, q·x/h, cos/h (von Mises–Fisher)."""
    u = distances(factor, q, x)
    if factor.score == "cosine":
        h = np.asarray(factor.bandwidth, dtype=q.dtype)
        return u / h if factor.profile in DOT_PROFILES else (1 - u) / h
    return u


def _positive(x):
    return np.maximum(x, 0)


def _matern(u, f):
    s = u * np.sqrt(u.dtype.type(2 * f.shape))
    return {0.5: 1 + 0 * s, 1.5: 1 + s, 2.5: 1 + s + s * s / 3}[f.shape] * np.exp(-s)


def _log_matern(u, f):
    s = u * np.sqrt(u.dtype.type(2 * f.shape))
    return np.log1p({0.5: 0 * s, 1.5: s, 2.5: s + s * s / 3}[f.shape]) - s


def _half_pi(u):
    return EXACT("1.57079632679489661923").astype(u.dtype)


def _softcap(s, f):
    return f.shape * np.tanh(s / f.shape) if f.shape else s


def _polynomial(s, f):
    t = s + f.offset
    return (_positive(t) if f.rectified else t) ** f.shape


# The table of api.md, word for word: u or s = q·x/h on the left, the weight on the right.
WEIGHT: dict[str, Callable] = {
    "gaussian": lambda u, f: np.exp(-u * u / 2),
    "laplace": lambda u, f: np.exp(-u),
    "logistic": lambda u, f: 1 / (np.exp(u) + 2 + np.exp(-u)),
    "cauchy": lambda u, f: 1 / (1 + u * u),
    "student_t": lambda u, f: (1 + u * u / f.shape) ** (-(f.shape + 1) / 2),
    "rational_quadratic": lambda u, f: (1 + u * u / (2 * f.shape)) ** -f.shape,
    "matern": _matern,
    "epanechnikov": lambda u, f: _positive(1 - u * u),
    "biweight": lambda u, f: _positive(1 - u * u) ** 2,
    "triweight": lambda u, f: _positive(1 - u * u) ** 3,
    "tricube": lambda u, f: _positive(1 - u * u * u) ** 3,
    "triangular": lambda u, f: _positive(1 - u),
    "cosine": lambda u, f: np.where(u < 1, np.cos(_half_pi(u) * u), 0 * u),
    "uniform": lambda u, f: (u <= 1).astype(u.dtype),
    "wendland_c2": lambda u, f: _positive(1 - u) ** 4 * (4 * u + 1),
    "inverse_distance": lambda u, f: u**-f.shape,
    "constant": lambda u, f: np.ones_like(u),
    "softmax": lambda s, f: np.exp(_softcap(s, f)),
    "von_mises_fisher": lambda s, f: np.exp(s),
    "polynomial": _polynomial,
    "sigmoid": lambda s, f: np.tanh(s + f.offset),
    "custom": lambda u, f: np.exp(f.function(u)) if f.log else f.function(u),
}

# Log weights where exp would underflow or overflow; the other profiles take log |weight|.
LOG_WEIGHT: dict[str, Callable] = {
    "gaussian": lambda u, f: -u * u / 2,
    "laplace": lambda u, f: -u,
    "logistic": lambda u, f: -u - 2 * np.log1p(np.exp(-u)),
    "cauchy": lambda u, f: -np.log1p(u * u),
    "student_t": lambda u, f: -(f.shape + 1) / 2 * np.log1p(u * u / f.shape),
    "rational_quadratic": lambda u, f: -f.shape * np.log1p(u * u / (2 * f.shape)),
    "matern": _log_matern,
    "inverse_distance": lambda u, f: -f.shape * np.log(u),
    "softmax": _softcap,
    "von_mises_fisher": lambda s, f: s,
}


def category_weight(factor: Factor, q: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the product over columns of the category kernel."""
    h = np.broadcast_to(np.asarray(factor.bandwidth, dtype=q.dtype), q.shape[-1:])
    gap = np.abs(q[:, None, :] - x[None, :, :])
    if factor.profile == "aitchison_aitken":
        per_column = np.where(gap == 0, 1 - h, h / (factor.shape - 1))
    else:
        per_column = np.where(gap == 0, 1 - h, (1 - h) / 2 * h**gap)
    return per_column.prod(-1)


def take_columns(factor: Factor, a: np.ndarray) -> np.ndarray:
    """Return the columns a factor looks at."""
    return a if factor.columns is None else a[:, list(factor.columns)]


def factor_weight(factor: Factor, q: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the weights of one factor by the formula of the table."""
    q, x = take_columns(factor, q), take_columns(factor, x)
    if factor.profile in CATEGORY_PROFILES:
        return category_weight(factor, q, x)
    u = scaled(factor, q, x)
    return np.where(np.isnan(u), u, WEIGHT[factor.profile](u, factor))


def factor_log_weight(factor: Factor, q: np.ndarray, x: np.ndarray):
    """Return (log |weight|, sign) of one factor."""
    columns_q, columns_x = take_columns(factor, q), take_columns(factor, x)
    if factor.profile == "custom" and factor.log:
        log = factor.function(scaled(factor, columns_q, columns_x))
        return log, np.ones_like(log)
    if factor.profile in LOG_WEIGHT:
        log = LOG_WEIGHT[factor.profile](scaled(factor, columns_q, columns_x), factor)
        return log, np.ones_like(log)
    weight = factor_weight(factor, q, x)
    return np.log(np.abs(weight)), np.sign(weight)


def weights(kernel: Factor | Terms, q: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the kernel's weights by the plain formulas, in the dtype of the inputs."""
    total = np.zeros((len(q), len(x)), dtype=q.dtype)
    for coefficient, factors in as_terms(kernel).terms:
        term = q.dtype.type(coefficient)
        for factor in factors:
            term = term * factor_weight(factor, q, x)
        total = total + term
    return total


def log_weights(kernel: Factor | Terms, q: np.ndarray, x: np.ndarray):
    """Return (log |weight|, sign) of the kernel, safe against underflow and overflow."""
    logs, signs = [], []
    with np.errstate(all="ignore"):
        for coefficient, factors in as_terms(kernel).terms:
            parts = [factor_log_weight(factor, q, x) for factor in factors]
            logs.append(sum(p[0] for p in parts) + np.log(np.abs(q.dtype.type(coefficient))))
            signs.append(np.prod([p[1] for p in parts], axis=0) * np.sign(coefficient))
        if len(logs) == 1:
            return logs[0], signs[0]
        peak = np.max(logs, axis=0)
        base = np.where(np.isfinite(peak), peak, 0)
        total = sum(s * np.exp(v - base) for v, s in zip(logs, signs, strict=True))
        return np.log(np.abs(total)) + base, np.sign(total)
