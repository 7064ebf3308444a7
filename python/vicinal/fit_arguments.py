"""What a local fit was asked for: checks, and which way it is computed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from vicinal.arrays import Array, as_array, as_index, as_points
from vicinal.errors import did_you_mean
from vicinal.graph import edges_of
from vicinal.kernels.names import as_kernel
from vicinal.line_fits import has_squares
from vicinal.list_fits import Basis, Model
from vicinal.neighbor_sets import NeighborSet
from vicinal.problem import Problem, spread

__all__ = ["Settings", "basis_of", "check_values", "model_of", "settings_of"]

STATISTICS = ("standard_errors", "self_weight", "weights")
FAMILIES = ("gaussian", "binomial", "poisson", "quantile", "robust")
DEGREES = (0, 1, 2, 3)
FEW = 16  # keys per coefficient


class Settings(NamedTuple):
    """The arguments of a local fit besides those of its weights; checked."""

    degree: int  # −1: a design
    design: Array | None
    query_design: Array | None
    ridge: Array  # 0-d, or (…, m)
    family: str
    quantile: float
    statistics: tuple[str, ...]
    weighing: dict[str, Any]  # kernel, bandwidth, metric, neighbors
    needs_lists: bool

    @property
    def has_design(self) -> bool:
        """Tell whether columns were given."""
        return self.degree < 0

    @property
    def is_mean(self) -> bool:
        """Tell whether local means answer."""
        return self.degree == 0 and not self.needs_lists

    @property
    def has_moments(self) -> bool:
        """Tell whether polynomials of squared residuals are asked for whose moments may do."""
        rest = set(self.statistics) - {"self_weight"}
        return self.degree > 1 and self.family == "gaussian" and not rest and not self.ridge.any()

    def has_few(self, problem: Problem) -> bool:
        """Tell whether keys are so few that lines are nearly undetermined: lists keep digits."""
        return problem.n <= FEW * (1 + self.d(problem))

    def d(self, problem: Problem) -> int:
        """Return the number of features; bandwidths of keys and features stand beside them."""
        per_feature = getattr(self.weighing["bandwidth"], "per_feature", False)
        width = int(problem.keys.shape[-1])
        return width // 2 if per_feature else width


def settings_of(
    degree: Any,
    design: Any,
    query_design: Any,
    ridge: Any,
    family: Any,
    quantile: Any,
    statistics: str | Iterable[str],
    weighing: dict[str, Any],
) -> Settings:
    """Check what does not depend on the sizes of arrays."""
    if family not in FAMILIES:
        hint = did_you_mean(family, FAMILIES)
        known = ", ".join(f'"{name}"' for name in FAMILIES)
        raise ValueError(f"family must be one of {known}, got {family!r}{hint}")
    degree = as_index(degree, "degree")
    if degree not in DEGREES:
        raise ValueError(f"degree must be 0 (constants), 1 (lines), 2 or 3, got {degree}")
    columns = _designs(degree, design, query_design)
    degree = degree if columns is None else -1
    wanted = _as_statistics(statistics)
    penalty = as_array(ridge, "ridge").astype(np.float64)
    if not ((penalty >= 0) & (penalty < np.inf)).all():
        raise ValueError(f"ridge must be finite and at least 0, got {ridge}")
    level = _as_quantile(quantile, family, penalty, wanted)
    lists = degree not in (0, 1) or family != "gaussian" or "weights" in wanted
    lists = lists or penalty.ndim > 0
    if degree != 0 or lists:
        _refuse_signed(degree, weighing)
    if degree == 1 and "standard_errors" in wanted:
        lists = lists or not has_squares(**weighing)
    given, at_queries = columns or (None, None)
    return Settings(degree, given, at_queries, penalty, family, level, wanted, weighing, lists)


def _designs(degree: int, design: Any, query_design: Any) -> tuple[Array, Array] | None:
    if (design is None) != (query_design is None):
        missing = "query_design" if query_design is None else "design"
        raise ValueError(
            f"{missing} must be given, too: columns are fitted at the keys (design) and the fit is "
            "taken at the queries (query_design)"
        )
    if design is None:
        return None
    if degree > 1:
        raise ValueError(
            f"degree must not be given with a design, whose columns are all that is fitted; got "
            f"{degree}"
        )
    x, q = as_points(design, "design"), as_points(query_design, "query_design")
    if x.shape[-1] != q.shape[-1]:
        raise ValueError(
            f"design has {x.shape[-1]} columns and query_design has {q.shape[-1]}, got shapes "
            f"{x.shape} and {q.shape}; both need the same columns"
        )
    return x, q


def _as_statistics(statistics: str | Iterable[str]) -> tuple[str, ...]:
    names = (statistics,) if isinstance(statistics, str) else tuple(statistics)
    for name in names:
        if name not in STATISTICS:
            hint = did_you_mean(name, STATISTICS)
            raise ValueError(
                f"statistics must be among {', '.join(STATISTICS)}, got {name!r}{hint}"
            )
    return names


def _as_quantile(quantile: Any, family: str, ridge: Array, wanted: tuple[str, ...]) -> float:
    level = float(as_array(quantile, "quantile"))
    if not 0 < level < 1:
        raise ValueError(f"quantile must be above 0 and below 1, got {level}")
    if family == "quantile":
        if ridge.any():
            raise ValueError(f"ridge must be 0 for family 'quantile', got {ridge}")
        if wanted:
            raise ValueError(
                f"statistics must be empty for family 'quantile', got {', '.join(wanted)}; its fit "
                "is no smooth function of the values"
            )
    elif level != 0.5:
        raise ValueError(f"quantile is of family 'quantile', got {level} with family {family!r}")
    return level


def _refuse_signed(degree: int, weighing: dict[str, Any]) -> None:
    neighbors = weighing["neighbors"]
    negative = as_kernel(weighing["kernel"]).signed
    if isinstance(neighbors, NeighborSet) and neighbors.edge_data == "weight":
        negative = bool((edges_of(neighbors) < 0).any())
    if negative:
        what = "a design" if degree < 0 else f"degree {degree}"
        raise ValueError(
            f"{what} needs weights that are not negative: of others there is no least sum of "
            "squares; take another kernel, or degree 0"
        )


def check_values(problem: Problem, settings: Settings) -> None:
    """Raise for values outside the range of the family; NaN passes."""
    y = problem.values
    assert y is not None
    if settings.family == "binomial" and ((y < 0) | (y > 1)).any():
        least, most = np.nanmin(y), np.nanmax(y)
        raise ValueError(f"values must be from 0 to 1 for family 'binomial', got {least} to {most}")
    if settings.family == "poisson" and (y < 0).any():
        raise ValueError(f"values must be at least 0 for family 'poisson', got {np.nanmin(y)}")
    of_one = settings.family != "gaussian" and problem.p > 1
    if of_one and {"self_weight", "weights"} & set(settings.statistics):
        raise ValueError(
            f"self_weight and weights of family {settings.family!r} depend on the values; give one "
            f"column of them at a time, got {problem.p}"
        )


def basis_of(problem: Problem, settings: Settings) -> Basis:
    """Return what is fitted, in the leading shape of the problem."""
    lead, m, n = problem.lead, problem.m, problem.n
    if settings.design is None or settings.query_design is None:
        d = settings.d(problem)
        x, q = problem.keys[..., :d], problem.queries[..., :d]
    else:
        r = settings.design.shape[-1]
        x = spread(settings.design, (*lead, n, r), "design")
        q = spread(settings.query_design, (*lead, m, r), "query_design")
    of_keys = np.ascontiguousarray(x, dtype=np.float64)
    return Basis(np.asarray(q, dtype=np.float64), of_keys, settings.degree)


def model_of(problem: Problem, settings: Settings) -> Model:
    """Return how the values are fitted."""
    family = "gaussian" if settings.family == "robust" else settings.family
    if settings.ridge.ndim == 0:
        return Model(family, settings.quantile, float(settings.ridge))
    ridge = spread(settings.ridge, (*problem.lead, problem.m), "ridge")
    return Model(family, settings.quantile, np.asarray(ridge))
