"""Local fits: weighted least squares and likelihoods around every query."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import as_array, as_points, working_dtype
from vicinal.evaluate import Request, allocate, evaluate
from vicinal.fit_arguments import Settings, basis_of, check_values, model_of, settings_of
from vicinal.line_fits import LineFits, as_fit, squared_problem
from vicinal.list_fits import fit_lists
from vicinal.polynomial_fits import grid_of, polynomial_fits
from vicinal.problem import Problem, prepare
from vicinal.progress import Report, reporter
from vicinal.results import LocalFit
from vicinal.robust_fits import check_robust, robust_fits

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.bandwidth.given import AdaptiveBandwidth
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.problem import Bias, Neighborhood

__all__ = ["local_fit"]


def local_fit(
    queries: ArrayLike | None,
    keys: ArrayLike | None,
    values: ArrayLike,
    *,
    degree: int = 1,
    design: ArrayLike | None = None,
    query_design: ArrayLike | None = None,
    ridge: ArrayLike = 0.0,
    family: str = "gaussian",
    quantile: float = 0.5,
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
    r"""Fit a polynomial, or given columns, to the values of the keys near each query.

    ``argmin Σ w (y − bᵀz)² / Σ w + ridge · ‖b‖²`` with the monomials of x − q up to a degree as z
    (Cleveland, 1979), or the columns of a design: the fit at the query, its coefficients and
    derivatives. Degree 0 is `local_mean`.

    Parameters
    ----------
    queries : array_like of shape (..., m, d)
        The points asked about.
    keys : array_like of shape (..., n, d)
        The neighbors' positions.
    values : array_like of shape (..., n, p) or (..., n)
        What is fitted, each column for itself.
    degree : {1, 0, 2, 3}
        Lines, constants, quadratics or cubics in all features; not read with a design.
    design : array_like of shape (..., n, r), optional
        Columns of the keys that are fitted instead: they weigh nothing and `keys` locate. There is
        an intercept only where they hold one, a column that is the same number for every key.
    query_design : array_like of shape (..., m, r), optional
        The same columns at the queries, where the fit is taken; needed with `design`.
    ridge : float or array_like of shape (..., m)
        Penalty of the coefficients but the intercept, at least 0, in squared units of a column; one
        for all or one per query.
    family : {"gaussian", "binomial", "poisson", "quantile", "robust"}
        Squared residuals, or twice a negative log likelihood in their place: of values from 0 to 1
        with a logit link, of values from 0 on with a logarithm (Fan & Gijbels, 1996, §5.4);
        ``|r| · (quantile if r > 0 else 1 − quantile)`` (Koenker, 2005); or squared residuals under
        weights of keys that resist outliers, those of loess (Cleveland & Devlin, 1988).
    quantile : float
        Between 0 and 1, for family "quantile".
    statistics : str or iterable of str
        What else to compute: "standard_errors", "self_weight" (with `edf`), "weights".
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
        As `local_mean`, and for another degree or family, an unknown statistic, a negative ridge,
        a design that does not fit, values outside the range of a family.
    TypeError
        As `local_mean`.

    Notes
    -----
    Lines of squared residuals, of more than 16 keys per coefficient, follow from the weighted means
    and covariances of (x, y), which are computed in double:
    ``b = (C_xx + ridge · I)⁻¹ C_xy``, ``a = ȳ + bᵀ(q − x̄)``.
    So do quadratics and cubics, lines in their monomials about the middle of a cell as wide as the
    weights, under a Gaussian or a compact kernel that sees many keys. Everything else, and what
    moments do not determine to many digits, comes from each query's list of keys, whose normal
    equations are solved in double, once more for the residuals, and for a likelihood by Newton's
    method. Where the keys do not determine the fit (fewer distinct keys than coefficients, keys on
    a line), which shows in a pivot under 1e-12 of the trace between columns of unit variance, or
    under the rounding of the moments, 1e-10 of the trace (or that rounding) is added and the row
    counted in `regularized`; a column that is constant there has coefficient 0. A likelihood
    without a maximum (values that a plane separates, counts of 0 alone) gets a penalty of 1e-6 of
    the scaled coefficients and is counted, too. A query without any weight gets what `empty` says
    and slopes of 0 (NaN with NaN).

    The robust weights are bisquares of the residuals of fits at the keys over six times their
    median, four times over, for each column of values; what `statistics` say of such a fit holds
    them for given. A quantile ends at a duality gap of 1e-14 of the sum of absolute residuals
    (Portnoy & Koenker, 1997); where several fits are as good, it is between them.

    Standard errors are those of the sandwich ``σ² (XᵀWX)⁻¹ XᵀW²X (XᵀWX)⁻¹`` with the local residual
    variance ``σ² = Σ w r² / tr(W − WX(XᵀWX)⁻¹XᵀW)`` (Fan & Gijbels, 1996, §4.3), of a likelihood
    with the variances of its values: they hold for a ridge of 0 and do not know the bias of the
    fit.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> x = np.array([[0.0], [1.0], [3.0]])
    >>> fit = vc.local_fit([[2.0], [5.0]], x, 1 + 2 * x[:, 0], bandwidth=2.0)
    >>> fit.fitted.round(6), fit.derivatives[:, 0].round(6)
    (array([ 5., 11.]), array([2., 2.]))
    >>> parabola = vc.local_fit([[2.0]], x, x[:, 0] ** 2, degree=2, bandwidth=2.0)
    >>> parabola.coefficients.round(6)
    array([[4., 4., 1.]])
    """
    given: dict[str, Any] = {
        "kernel": kernel,
        "bandwidth": bandwidth,
        "metric": metric,
        "neighbors": neighbors,
    }
    settings = settings_of(degree, design, query_design, ridge, family, quantile, statistics, given)
    dtype = None
    if not settings.is_mean:
        queries, keys, values, dtype = _in_double(queries, keys, values, settings)
    priors = {**given, "weights": weights, "log_weights": log_weights}
    problem = prepare(
        queries,
        keys,
        values,
        **priors,
        bias=bias,
        mask=mask,
        exclude_self=exclude_self,
        self_indices=self_indices,
        needs_self="self_weight" in settings.statistics,
    )
    request = Request(empty=empty, num_threads=num_threads)
    if settings.is_mean:
        return _constants(problem, request, settings.statistics, progress)
    assert dtype is not None
    if not (settings.needs_lists or settings.has_few(problem)):
        return _lines(problem, request, settings, dtype, progress)
    check_values(problem, settings)
    at_keys = None
    if settings.family == "robust":
        check_robust(bandwidth, neighbors, bias, mask, problem.n, problem.lead)
        at_keys = prepare(keys, keys, values, **priors)
    with reporter(progress) as report:
        return _from_lists(problem, at_keys, request, settings, dtype, report)


def _in_double(
    queries: Any, keys: Any, values: Any, settings: Settings
) -> tuple[Any, Any, Any, np.dtype[Any]]:
    """Return arrays that are computed with in double, and the dtype of the results."""
    if queries is None or keys is None:
        if not settings.has_design:
            raise ValueError(
                f"queries and keys must be given for degree {settings.degree}; the fit is in them"
            )
        y = as_array(values, "values")
        return queries, keys, y.astype(np.float64), working_dtype(y)
    q, x = as_points(queries, "queries"), as_points(keys, "keys")
    y = as_array(values, "values")
    dtype = working_dtype(q, x, y)
    if dtype == np.float32:
        queries, keys, values = (array.astype(np.float64) for array in (q, x, y))
    return queries, keys, values, dtype


def _lines(
    problem: Problem,
    request: Request,
    settings: Settings,
    dtype: np.dtype[Any],
    progress: bool | Report,
) -> LocalFit:
    lines = LineFits(
        problem, settings.d(problem), request, float(settings.ridge), settings.statistics
    )
    if "standard_errors" in settings.statistics:
        lines.squared = squared_problem(problem, lines.d, **settings.weighing)
    with reporter(progress) as report:
        regularized = lines.run(report)
    return as_fit(lines.fits, problem.one_value, regularized, dtype)


def _from_lists(
    problem: Problem,
    at_keys: Problem | None,
    request: Request,
    settings: Settings,
    dtype: np.dtype[Any],
    report: Report | None,
) -> LocalFit:
    basis, model, wanted = (
        basis_of(problem, settings),
        model_of(problem, settings),
        settings.statistics,
    )
    grid = grid_of(problem, basis.degree, settings.weighing) if settings.has_moments else None
    if grid is not None:
        given = problem, basis.degree, grid, request, wanted, report
        fits, regularized = polynomial_fits(*given)
    elif at_keys is None:
        fits, regularized = fit_lists(problem, basis, model, request, wanted, report)
    else:
        bases = basis, basis._replace(queries=basis.keys)
        fits, regularized = robust_fits(problem, at_keys, bases, model, request, wanted, report)
    slopes = None
    if basis.degree > 0:
        slopes = fits["coefficients"][..., 1 : 1 + basis.keys.shape[-1], :]
        mean = fits["fitted"][..., None, :]
        if model.family == "binomial":
            slopes = slopes * (mean * (1 - mean))
        elif model.family == "poisson":
            slopes = slopes * mean
    return as_fit({**fits, "derivatives": slopes}, problem.one_value, regularized, dtype)


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
