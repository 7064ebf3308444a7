"""Local constants and local linear fits: weighted least squares around every query."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from vicinal.arrays import as_array, as_index, as_points, working_dtype
from vicinal.errors import did_you_mean
from vicinal.evaluate import Request, allocate, evaluate
from vicinal.graph import edges_of
from vicinal.kernels.names import as_kernel
from vicinal.line_fits import LineFits, as_fit, squared_problem
from vicinal.neighbor_sets import NeighborSet
from vicinal.problem import Problem, prepare
from vicinal.progress import Report, reporter
from vicinal.results import LocalFit

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.bandwidth.given import AdaptiveBandwidth
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.problem import Bias, Neighborhood

__all__ = ["local_fit"]

STATISTICS = ("standard_errors", "self_weight")


def local_fit(
    queries: ArrayLike | None,
    keys: ArrayLike | None,
    values: ArrayLike,
    *,
    degree: int = 1,
    ridge: float = 0.0,
    family: str = "gaussian",
    statistics: str | Iterable[str] = (),
    kernel: str | Kernel = "gaussian",
    bandwidth: ArrayLike | AdaptiveBandwidth | None = None,
    metric: Metric | None = None,
    neighbors: Neighborhood = None,
    weights: ArrayLike | None = None,
    log_weights: ArrayLike | None = None,
    bias: ArrayLike | Bias | None = None,
    mask: ArrayLike | None = None,
    exclude_self: bool = False,
    self_indices: ArrayLike | None = None,
    empty: str | float = "nan",
    num_threads: int | None = None,
    progress: bool | Report = False,
) -> LocalFit:
    r"""Fit a constant or a line to the values of the keys near each query.

    ``argmin Σ w (y − a − bᵀ(x − q))² / Σ w + ridge · ‖b‖²`` (Cleveland, 1979): the fit at the query
    is a, its derivative b. Degree 0 has no b and is `local_mean`.

    Parameters
    ----------
    queries : array_like of shape (..., m, d)
        The points asked about.
    keys : array_like of shape (..., n, d)
        The neighbors' positions.
    values : array_like of shape (..., n, p) or (..., n)
        What is fitted, each column for itself.
    degree : {1, 0}
        Lines or constants.
    ridge : float
        Penalty of the slopes, at least 0, in squared units of a feature.
    family : {"gaussian"}
        Squared residuals.
    statistics : str or iterable of str
        What else to compute: "standard_errors", "self_weight" (with `edf`).
    kernel, bandwidth, metric, neighbors, weights, log_weights, bias, mask
        As in `local_mean`.
    exclude_self, self_indices, empty, num_threads, progress
        As in `local_mean`.

    Returns
    -------
    LocalFit
        A field that was not asked for is None.

    Raises
    ------
    ValueError
        As `local_mean`, and for another degree or family, an unknown statistic, a negative ridge.
    TypeError
        As `local_mean`.

    Notes
    -----
    The fit follows from the weighted means and covariances of (x, y), which are computed in
    double: ``b = (C_xx + ridge · I)⁻¹ C_xy``, ``a = ȳ + bᵀ(q − x̄)``. Where C_xx is singular
    (fewer distinct keys than features, keys on a line), which shows in a pivot under 1e-12 of its
    trace between features of unit variance, or under the rounding of the moments, 1e-10 of the
    trace (or that rounding) is added and the row counted in `regularized`; a feature that is
    constant there has slope 0. A query without any weight gets what `empty` says and slopes of 0
    (NaN with NaN).

    Standard errors are those of the sandwich ``σ² (XᵀWX)⁻¹ XᵀW²X (XᵀWX)⁻¹`` with the local residual
    variance ``σ² = Σ w r² / tr(W − WX(XᵀWX)⁻¹XᵀW)`` (Fan & Gijbels, 1996, §4.3): they hold for a
    ridge of 0 and do not know the bias of the fit. They take a second pass over the keys, and
    for lines one bandwidth for all.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> x = np.array([[0.0], [1.0], [3.0]])
    >>> fit = vc.local_fit([[2.0], [5.0]], x, 1 + 2 * x[:, 0], bandwidth=2.0)
    >>> fit.fitted.round(6), fit.derivatives[:, 0].round(6)
    (array([ 5., 11.]), array([2., 2.]))
    """
    if family != "gaussian":
        raise ValueError(f'family must be "gaussian", got {family!r}')
    degree = as_index(degree, "degree")
    if degree not in (0, 1):
        raise ValueError(f"degree must be 0 (constants) or 1 (lines), got {degree}")
    wanted = _as_statistics(statistics)
    penalty = float(as_array(ridge, "ridge"))
    if not 0 <= penalty < np.inf:
        raise ValueError(f"ridge must be finite and at least 0, got {penalty}")
    if degree == 1:
        _refuse_signed(kernel, neighbors)
        if queries is None or keys is None:
            raise ValueError("queries and keys must be given for degree 1; the line is in them")
        q, x = as_points(queries, "queries"), as_points(keys, "keys")
        y = as_array(values, "values")
        dtype = working_dtype(q, x, y)
        if dtype == np.float32:  # the lines are computed in double
            queries, keys, values = (array.astype(np.float64) for array in (q, x, y))
    problem = prepare(
        queries,
        keys,
        values,
        kernel=kernel,
        bandwidth=bandwidth,
        metric=metric,
        neighbors=neighbors,
        weights=weights,
        log_weights=log_weights,
        bias=bias,
        mask=mask,
        exclude_self=exclude_self,
        self_indices=self_indices,
        needs_self="self_weight" in wanted,
    )
    request = Request(empty=empty, num_threads=num_threads)
    if degree == 0:
        return _constants(problem, request, wanted, progress)
    lines = LineFits(problem, x.shape[-1], request, penalty, wanted)
    if "standard_errors" in wanted:
        lines.squared = squared_problem(problem, x.shape[-1], kernel, bandwidth, metric, neighbors)
    with reporter(progress) as report:
        regularized = lines.run(report)
    return as_fit(lines.fits, problem.one_value, regularized, dtype)


def _as_statistics(statistics: str | Iterable[str]) -> tuple[str, ...]:
    names = (statistics,) if isinstance(statistics, str) else tuple(statistics)
    for name in names:
        if name not in STATISTICS:
            hint = did_you_mean(name, STATISTICS)
            raise ValueError(
                f"statistics must be among {', '.join(STATISTICS)}, got {name!r}{hint}"
            )
    return names


def _refuse_signed(kernel: str | Kernel, neighbors: Neighborhood) -> None:
    negative = as_kernel(kernel).signed
    if isinstance(neighbors, NeighborSet) and neighbors.edge_data == "weight":
        negative = bool((edges_of(neighbors) < 0).any())
    if negative:
        raise ValueError(
            "degree 1 needs weights that are not negative: of others there is no least sum of "
            "squares; take another kernel, or degree 0"
        )


def _constants(
    problem: Problem, request: Request, wanted: tuple[str, ...], progress: bool | Report
) -> LocalFit:
    names = ["mean"]
    if "standard_errors" in wanted:
        names += ["variance", "ess"]
    if "self_weight" in wanted:
        names += ["self_weight"]
    out = allocate(problem.lead, problem.sizes, problem.dtype, names)
    evaluate(problem, request, out, progress)
    fits = {"coefficients": out["mean"][..., None, :]}
    if "standard_errors" in wanted:  # σ² = variance / (1 − 1/ess), that of the mean σ² / ess
        free = out["ess"] - 1
        free[~(free > 1e-12)] = np.nan
        fits["standard_errors"] = np.sqrt(out["variance"] / free[..., None])[..., None, :]
    if "self_weight" in wanted:
        fits["self_weight"] = out["self_weight"]
    return as_fit(fits, problem.one_value, 0, problem.dtype)
