"""Local lines from the weighted moments of (x, y), a strip of queries at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from vicinal import _core
from vicinal.arrays import Array, as_rows
from vicinal.evaluate import Request, allocate, raise_if_empty
from vicinal.kernels.names import as_kernel
from vicinal.neighbor_sets import Radius
from vicinal.problem import Problem
from vicinal.progress import Report, share
from vicinal.results import LocalFit
from vicinal.strips import run_rows, with_index

__all__ = ["LineFits", "as_fit", "has_squares", "squared_problem"]

NUMBERS = 1 << 20  # of the covariances of a strip


class LineFits:
    """The lines of a problem in float64, under a penalty of the slopes.

    They are lines in the first `d` features, or in columns given for keys and for queries, near 0
    where they weigh: moments lose the digits that a distance takes.
    """

    def __init__(
        self,
        problem: Problem,
        d: int,
        request: Request,
        ridge: float,
        wanted: tuple[str, ...],
        columns: tuple[Array, Array] | None = None,
    ) -> None:
        assert problem.values is not None
        if columns is None:
            # The rounding of second moments grows with the squared distance from their center.
            # Bandwidths of keys and features may stand beside them.
            center = _center(problem.keys[..., :d])
            columns = problem.keys[..., :d] - center, problem.queries[..., :d] - center
        points: Array = columns[0]
        self.queries: Array = columns[1]
        self.d = int(points.shape[-1])
        stacked = np.concatenate([points, problem.values], axis=-1)
        self.problem = problem._replace(values=as_rows(stacked, stacked.dtype), given=())
        self.points, self.p = points, problem.p
        self.squared: Problem | None = None  # what standard errors need
        self.request, self.ridge = request, ridge
        shape = (*problem.lead, problem.m)
        self.fits = {"coefficients": np.empty((*shape, 1 + self.d, self.p))}
        if "standard_errors" in wanted:
            self.fits["standard_errors"] = np.empty((*shape, 1 + self.d, self.p))
        if "self_weight" in wanted:
            self.fits["self_weight"] = np.empty(shape)
        if "pivots" in wanted:  # how well keys determine a line, and what they weigh
            self.fits |= {"pivots": np.empty(shape), "log_mass": np.empty(shape)}

    def run(self, report: Report | None) -> int:
        """Fit every query; return how many were regularised."""
        m = self.problem.m
        strips = list(self._strips())
        if len(strips) > 1:
            self.problem = with_index(self.problem, self.request.engine_options["num_threads"])
        if self.squared is not None:
            self.squared = self.squared._replace(values=self.points)
        regularized = empty = 0
        for rows in strips:
            moments, none = self._moments(rows, share(report, rows.start / m, rows.stop / m))
            regularized += self._fit(rows, moments)
            empty += none
        if self.request.empty == "raise":
            raise_if_empty(empty, self.problem.lead, m)
        return regularized

    def _strips(self) -> Iterator[slice]:
        m, items = self.problem.m, math.prod(self.problem.lead)
        step = max(1, NUMBERS // max(1, items * (self.d + self.p) ** 2))
        return (slice(at, min(at + step, m)) for at in range(0, m if items else 0, step))

    def _moments(self, rows: slice, report: Report | None) -> tuple[dict[str, Array], int]:
        names = ["mean", "covariance", "log_mass"]
        if "self_weight" in self.fits:
            names.append("self_weight")
        halves = 1.0 if self.squared is None else 0.5
        out, counts = self._run(self.problem, rows, names, share(report, 0, halves))
        moments = {
            "queries": np.ascontiguousarray(self.queries[..., rows, :]),
            "mean": out["mean"],
            "covariance": _flat(out["covariance"]),
            "log_mass": out["log_mass"],
        }
        if "self_weight" in self.fits:
            moments |= {"self_share": out["self_weight"], "self_points": self._own_points(rows)}
        if self.squared is not None:
            out, _ = self._run(self.squared, rows, names[:3], share(report, halves, 1))
            moments |= {
                "squared_mean": out["mean"],
                "squared_covariance": _flat(out["covariance"]),
                "squared_log_mass": out["log_mass"],
            }
        return moments, int(counts["empty_rows"])

    def _run(
        self, problem: Problem, rows: slice, names: list[str], report: Report | None
    ) -> tuple[dict[str, Array], dict[str, Any]]:
        sizes = (rows.stop - rows.start, problem.n, problem.p)
        out = allocate(problem.lead, sizes, problem.dtype, names)
        counts = run_rows(problem, rows, out, self.request.engine_options, report)
        return out, counts

    def _own_points(self, rows: slice) -> Array:
        own = self.problem.self_indices
        assert own is not None
        if self.problem.n == 0:
            return np.zeros((*own[..., rows].shape, self.d))
        at = np.maximum(own[..., rows], 0)[..., None]  # without an own key its share is 0
        return np.ascontiguousarray(np.take_along_axis(self.points, at, axis=-2))

    def _fit(self, rows: slice, moments: dict[str, Array]) -> int:
        lead, count = self.problem.lead, rows.stop - rows.start
        fits = {
            "fitted": np.empty((*lead, count, self.p)),
            "slopes": np.empty((*lead, count, self.d * self.p)),
        }
        if "standard_errors" in self.fits:
            fits["standard_errors"] = np.empty((*lead, count, (1 + self.d) * self.p))
        if "self_weight" in self.fits:
            fits["self_weight"] = np.empty((*lead, count))
        if "pivots" in self.fits:
            fits["pivots"] = np.empty((*lead, count))
            self.fits["log_mass"][..., rows] = moments["log_mass"]
        regularized = _core.fit_moments(
            moments,
            fits,
            ridge=self.ridge,
            num_threads=self.request.engine_options["num_threads"],
        )
        target = self.fits["coefficients"][..., rows, :, :]
        target[..., 0, :] = fits["fitted"]
        target[..., 1:, :] = fits["slopes"].reshape(target[..., 1:, :].shape)
        if "standard_errors" in self.fits:
            errors = self.fits["standard_errors"][..., rows, :, :]
            errors[...] = fits["standard_errors"].reshape(errors.shape)
        if "self_weight" in self.fits:
            self.fits["self_weight"][..., rows] = fits["self_weight"]
        if "pivots" in self.fits:
            self.fits["pivots"][..., rows] = fits["pivots"]
        return regularized


def has_squares(kernel: Any, bandwidth: Any, metric: Any, neighbors: Any) -> bool:
    """Tell whether the squares of these weights are the weights of a kernel again."""
    from vicinal.kernels import Product
    from vicinal.kernels.base import ProfileKernel
    from vicinal.kernels.square import squared

    if getattr(neighbors, "edge_data", "pattern") == "weight" or hasattr(bandwidth, "resolve"):
        return False
    own = as_kernel(kernel)
    if isinstance(own, ProfileKernel):
        own = replace(own, bandwidth=1.0)
    square = squared(own, rescale=np.ndim(bandwidth) == 0)
    return not (_has_radius(neighbors) and isinstance(square, Product))


def squared_problem(
    problem: Problem, d: int, *, kernel: Any, bandwidth: Any, metric: Any, neighbors: Any
) -> Problem:
    """Return the problem whose weights are the squares of this one's, if it `has_squares`."""
    from vicinal.kernels.lowering import fill, lower
    from vicinal.kernels.square import squared

    own = fill(kernel, bandwidth, metric, d)
    # A radius counts in bandwidths per feature, and has no meaning under a product of kernels.
    square = squared(own, rescale=not (_has_radius(neighbors) and np.ndim(bandwidth) > 0))
    bias: Any = problem.bias
    twice = (lambda rows, columns: 2 * np.asarray(bias(rows, columns))) if callable(bias) else None
    if bias is not None and twice is None:
        bias = 2 * bias
    return problem._replace(
        kernel=lower(square, None, None, d),
        weights=None if problem.weights is None else problem.weights**2,
        log_weights=None if problem.log_weights is None else 2 * problem.log_weights,
        bias=twice or bias,
    )


def _has_radius(near: Any) -> bool:
    parts = (getattr(near, "a", None), getattr(near, "b", None))
    return isinstance(near, Radius) or any(_has_radius(part) for part in parts if part is not None)


def as_fit(
    fits: dict[str, Any], one_value: bool, regularized: int, dtype: np.dtype[Any]
) -> LocalFit:
    """Wrap coefficients and what else was computed; without `derivatives`, those of lines."""
    column = (..., 0) if one_value else (...,)
    coefficients = fits["coefficients"]
    slopes = coefficients[..., 1:, :] if coefficients.shape[-2] > 1 else None
    found = {"fitted": coefficients[..., 0, :], "derivatives": slopes, **fits}
    own, weights = found.pop("self_weight", None), found.pop("weights", None)
    arrays: dict[str, Any] = {
        name: None if fit is None else fit[column].astype(dtype, copy=False)
        for name, fit in found.items()
    }
    return LocalFit(
        self_weight=None if own is None else own.astype(dtype, copy=False),
        edf=None if own is None else float(own.sum(dtype=np.float64)),
        regularized=regularized,
        weights=None if weights is None else weights.astype(dtype, copy=False),
        **arrays,
    )


def _center(points: Array) -> Array:
    """Return the mean of an item's finite coordinates, (…, 1, d): a function of its keys alone."""
    lead, d = points.shape[:-2], points.shape[-1]
    center = np.zeros((*lead, 1, d))
    for item in np.ndindex(lead):
        for feature in range(d):
            column = np.ascontiguousarray(points[(*item, slice(None), feature)])
            finite = column[np.isfinite(column)]
            mean = finite.mean() if finite.size else 0.0
            center[(*item, 0, feature)] = mean if np.isfinite(mean) else 0.0
    return center


def _flat(covariance: Array) -> Array:
    """Return (…, m, c, c) as (…, m, c²)."""
    return covariance.reshape((*covariance.shape[:-2], covariance.shape[-1] ** 2))
