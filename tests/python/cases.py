"""Every kernel and metric twice: as vicinal's object and as the oracle's formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import reference_kernels as rk
import vicinal as vc

Factor = rk.Factor
COMPACT = {
    "epanechnikov",
    "biweight",
    "triweight",
    "tricube",
    "triangular",
    "cosine",
    "uniform",
    "wendland_c2",
}


@dataclass(frozen=True)
class Case:
    """A kernel of vicinal, `make()`, and the same for the oracle, `spec`; no bandwidth."""

    name: str
    make: Callable[[], object]
    spec: Factor

    def at(self, bandwidth) -> Factor:
        """Return the oracle's kernel with this bandwidth."""
        return Factor(**{**self.spec.__dict__, "bandwidth": bandwidth})


def _inverse_quadric(u):
    return 1 / (1 + u * u) ** 1.5


def _log_quartic(u):
    return -u * u / 2 - u**3 / 10


k = vc.kernels
DISTANCE_CASES = [
    Case("gaussian", lambda: "gaussian", Factor("gaussian")),
    Case("laplace", lambda: "laplace", Factor("laplace")),
    Case("logistic", lambda: "logistic", Factor("logistic")),
    Case("cauchy", lambda: "cauchy", Factor("cauchy")),
    Case("student_t", lambda: k.StudentT(nu=3), Factor("student_t", shape=3.0)),
    Case("student_t_2.5", lambda: k.StudentT(nu=2.5), Factor("student_t", shape=2.5)),
    Case("rational", lambda: k.RationalQuadratic(1.0), Factor("rational_quadratic", shape=1.0)),
    Case("rational_0.7", lambda: k.RationalQuadratic(0.7), Factor("rational_quadratic", shape=0.7)),
    *(
        Case(f"matern_{nu}", lambda nu=nu: k.Matern(nu=nu), Factor("matern", shape=nu))
        for nu in (0.5, 1.5, 2.5)
    ),
    *(
        Case(name, lambda name=name: name, Factor(name))
        for name in ("epanechnikov", "biweight", "triweight", "tricube", "triangular", "cosine")
    ),
    Case("uniform", lambda: "uniform", Factor("uniform")),
    Case("wendland", lambda: k.Wendland(), Factor("wendland_c2")),
    Case("shepard", lambda: k.InverseDistance(power=2), Factor("inverse_distance", shape=2.0)),
    Case("shepard_3.5", lambda: k.InverseDistance(3.5), Factor("inverse_distance", shape=3.5)),
    Case(
        "custom_log",
        lambda: k.Custom(_log_quartic, log=True),
        Factor("custom", function=_log_quartic, log=True),
    ),
]
DOT_CASES = [
    Case("softmax", lambda: "softmax", Factor("softmax")),
    Case("softcap", lambda: k.Softmax(softcap=2.0), Factor("softmax", shape=2.0)),
    Case("von_mises_fisher", lambda: "von_mises_fisher", Factor("von_mises_fisher")),
    Case("polynomial", lambda: k.Polynomial(), Factor("polynomial", shape=2.0, offset=1.0)),
    Case(
        "polynomial_3",
        lambda: k.Polynomial(degree=3, offset=0.5),
        Factor("polynomial", shape=3.0, offset=0.5),
    ),
    Case(
        "rectified",
        lambda: k.Polynomial(degree=3, offset=0.1, rectified=True),
        Factor("polynomial", shape=3.0, offset=0.1, rectified=True),
    ),
    Case("sigmoid", lambda: k.Sigmoid(offset=0.25), Factor("sigmoid", offset=0.25)),
]
CONSTANT_CASE = Case("constant", lambda: k.Constant(), Factor("constant"))
METRICS = ["euclidean", "manhattan", "chebyshev", "mahalanobis"]
POSITIVE = {"polynomial", "polynomial_3", "sigmoid"}  # data that keep these weights positive


def components(d: int) -> np.ndarray:
    """Return a well-conditioned linear map, (d, d)."""
    rng = np.random.default_rng(d)
    return np.eye(d) + 0.3 * rng.normal(size=(d, d)) / np.sqrt(d)


def with_metric(case: Case, metric: str, d: int) -> tuple[Case, object]:
    """Return the case under another metric, and the `metric=` argument that says so."""
    if metric == "mahalanobis":
        linear = components(d)
        spec = Factor(**{**case.spec.__dict__, "metric": metric, "components": linear})
        return Case(case.name, case.make, spec), k.Mahalanobis(linear)
    return Case(case.name, case.make, Factor(**{**case.spec.__dict__, "metric": metric})), metric


def sample(case: Case, m: int, n: int, d: int, p: int, dtype, seed=0):
    """Return (queries, keys, values) of one dtype; queries sit inside the cloud of keys."""
    rng = np.random.default_rng([seed, m, n, d, p])
    q, x, y = 0.5 * rng.normal(size=(m, d)), rng.normal(size=(n, d)), rng.normal(size=(n, p))
    if case.name in POSITIVE:
        q, x = np.abs(q) + 0.01, np.abs(x)
    if case.spec.score in ("haversine", "great_circle"):
        q, x = 0.4 * q, 0.4 * x
    if case.spec.score == "great_circle":
        q, x = np.degrees(q), np.degrees(x)
    return q.astype(dtype), x.astype(dtype), y.astype(dtype)


def ordinary_bandwidth(case: Case, q: np.ndarray, x: np.ndarray) -> float:
    """Return a bandwidth that reaches many keys, with no pair at the support's edge."""
    if case.spec.score == "cosine":
        return 0.61
    if case.spec.score == "dot":
        return float(np.sqrt(q.shape[1]))
    u = np.sort(rk.distances(case.at(1.0), q.astype(np.float64), x.astype(np.float64)), axis=None)
    if case.spec.profile not in COMPACT:
        return float(0.61 * np.median(u))
    middle = u[int(0.5 * u.size) : int(0.7 * u.size) + 2]
    widest = int(np.argmax(np.diff(middle)))
    return float((middle[widest] + middle[widest + 1]) / 2)
