"""Local quadratics and cubics from weighted moments, without lists of pairs.

A polynomial is a line in its monomials (x − c)^α, so that means and covariances of them and of the
values hold all that a fit needs: the moments up to twice the degree. The center c is the middle of
the query's cell in a grid as wide as the weights, and keys beyond reach of a cell take no part in
it: no digits are lost to a distant center. Taylor's formula moves the coefficients to the query.
Cells are those of a grid over all space: what a row gets does not depend on the rows beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import numpy as np

from vicinal.arrays import Array
from vicinal.evaluate import Request
from vicinal.kernels.base import ProfileKernel
from vicinal.kernels.distance import Gaussian
from vicinal.kernels.lowering import fill
from vicinal.kernels.metrics import PER_COORDINATE
from vicinal.line_fits import LineFits
from vicinal.list_fits import Basis, Model, fit_lists
from vicinal.problem import Problem
from vicinal.progress import Report, share

__all__ = ["Grid", "grid_of", "polynomial_fits"]

KEYS = 64  # per coefficient: with fewer, lists are as fast
ROWS = 16  # of a cell, if as many rows as keys are asked, whose lists take as long
PIVOT = 1e-5  # under it the moments leave a fit fewer digits than its list does
GAUSSIAN_REACH = 12.0  # in bandwidths: weights beyond are under e^−72 …
LEAST_LOG_MASS = -26.0  # … and of no account beside such a mean weight
SPREAD = 0.4  # of the weights of a compact kernel, in bandwidths


class Grid(NamedTuple):
    """The cells in which queries lie."""

    sizes: Array  # (m, d): edges of a query's cell, powers of √2
    numbers: Array  # (m, d): of the cell
    fits: Array  # (m,) bool: whose cells are few and whose numbers are finite
    reach: float  # how far weights matter, in edges
    least: float  # log of the least mass of a row that its near keys determine

    def cells(self) -> Iterator[tuple[Array, Array, Array]]:
        """Yield the rows of a cell, its edges and its middle."""
        rows = np.flatnonzero(self.fits)
        if not rows.size:
            return
        labels = np.concatenate([self.sizes[rows], self.numbers[rows]], axis=1)
        order = np.lexsort(labels.T)
        changes = (labels[order[1:]] != labels[order[:-1]]).any(axis=1)
        starts = np.flatnonzero(changes) + 1
        for part in np.split(rows[order], starts):
            size = self.sizes[part[0]]
            yield part, size, (self.numbers[part[0]] + 0.5) * size


def grid_of(problem: Problem, degree: int, weighing: dict[str, Any]) -> Grid | None:
    """Return the cells of queries whose fits follow from moments; None: take lists."""
    n, d = problem.keys.shape[-2:]
    plain = all(
        given is None
        for given in (problem.bias, problem.mask, problem.neighbors, problem.key_bandwidths)
    )
    few = n < KEYS * math.comb(d + degree, degree)
    if problem.lead or not plain or problem.pages is not None or few:
        return None
    leaf = _leaf(problem, d, weighing)
    if leaf is None or not np.isfinite(problem.keys).all():
        return None
    compact = leaf.compact
    h = np.ones((problem.m, d)) * (1.0 if leaf.bandwidth is None else leaf.bandwidth)
    if problem.query_bandwidths is not None:
        h = h * problem.query_bandwidths[:, None]
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        width = 2 * (SPREAD if compact else 1.0) * h
        sizes = np.exp2(np.ceil(2 * np.log2(width)) / 2)
        numbers = np.floor(problem.queries / sizes)
        extent = np.ptp(problem.keys, axis=0)
        count = np.prod(extent / sizes + 1, axis=1)
        small = (np.abs(numbers) < 2**40).all(axis=1) & (sizes < 2**500).all(axis=1)
        fits = small & (sizes > 2**-500).all(axis=1)
        fits &= count <= (2 * math.sqrt(n) if compact else n / ROWS)
    total = n if problem.weights is None else float(problem.weights.sum())
    reach = 0.5 + (1 / (2 * SPREAD) if compact else GAUSSIAN_REACH / 2)
    least = -math.inf if compact else math.log(max(total, 1e-300)) + LEAST_LOG_MASS
    return Grid(sizes, numbers, fits, reach, least) if fits.any() else None


def _leaf(problem: Problem, d: int, weighing: dict[str, Any]) -> ProfileKernel | None:
    """Return the kernel if it weighs nothing beyond some bandwidths along every feature."""
    bandwidth = weighing["bandwidth"]
    given = None if hasattr(bandwidth, "resolve") else bandwidth
    if problem.log_weights is not None or (given is None) != (problem.query_bandwidths is not None):
        return None
    leaves = fill(weighing["kernel"], given, weighing["metric"], d).leaves()
    leaf = leaves[0] if len(leaves) == 1 else None
    if not isinstance(leaf, ProfileKernel) or leaf.columns is not None:
        return None
    near = leaf.compact or isinstance(leaf, Gaussian)
    return leaf if near and leaf.metric in PER_COORDINATE else None


def polynomial_fits(
    problem: Problem,
    degree: int,
    grid: Grid,
    request: Request,
    wanted: tuple[str, ...],
    report: Report | None,
) -> tuple[dict[str, Any], int]:
    """Return fits in float64 by name, (m, …), and how many were regularised."""
    fits = _Fits(problem, degree, request, wanted)
    done, m = 0, max(1, problem.m)
    for rows, size, middle in grid.cells():
        fits.run(rows, size, middle, grid, share(report, done / m, (done + rows.size) / m))
        done += rows.size
    fits.move_to_queries(grid)
    regularized = fits.take_lists(share(report, done / m, 1.0))
    return fits.fits, regularized


class _Fits:
    def __init__(
        self, problem: Problem, degree: int, request: Request, wanted: tuple[str, ...]
    ) -> None:
        self.problem, self.degree, self.wanted = problem, degree, wanted
        self.request, self.quiet = request, replace(request, empty="nan")
        d = problem.keys.shape[-1]
        self.exponents = _exponents(d, degree)
        shape = (problem.m, 1 + len(self.exponents), problem.p)
        self.fits: dict[str, Any] = {"coefficients": np.empty(shape)}
        if "self_weight" in wanted:
            self.fits["self_weight"] = np.empty(problem.m)
        self.found = np.zeros(problem.m, bool)

    def run(
        self, rows: Array, size: Array, middle: Array, grid: Grid, report: Report | None
    ) -> None:
        """Fit the rows of a cell about its middle, in units of its edges."""
        keys = self.problem.keys
        inside = np.ones(len(keys), bool)
        for feature, (center, reach) in enumerate(zip(middle, grid.reach * size, strict=True)):
            inside &= np.abs(keys[:, feature] - center) <= reach
        near = None if inside.all() else np.flatnonzero(inside)
        if near is not None and near.size < len(self.exponents):
            return
        part = _part_of(self.problem, rows, near)
        at_keys, at_queries = (
            _monomials((points - middle) / size, self.exponents)
            for points in (part.keys, part.queries)
        )
        lines = LineFits(
            part,
            keys.shape[-1],
            self.quiet,
            0.0,
            (*self.wanted, "pivots"),
            columns=(at_keys, at_queries),
        )
        lines.run(report)
        for name, fit in self.fits.items():
            fit[rows] = lines.fits[name]
        heavy = lines.fits["log_mass"] > grid.least
        self.found[rows] = heavy & (lines.fits["pivots"] >= PIVOT)

    def move_to_queries(self, grid: Grid) -> None:
        """Replace coefficients about the middles of cells by those about the queries."""
        rows = np.flatnonzero(self.found)
        sizes = grid.sizes[rows]
        offset = self.problem.queries[rows] / sizes - (grid.numbers[rows] + 0.5)
        about = self.fits["coefficients"][rows]
        moved = about.copy()
        for g, low in enumerate(self.exponents):
            moved[:, 1 + g] = 0
            for a, high in enumerate(self.exponents):
                if (high >= low).all():
                    ways = math.prod(map(math.comb, high.tolist(), low.tolist()))
                    factor = ways * np.prod(offset ** (high - low), axis=1)
                    moved[:, 1 + g] += factor[:, None] * about[:, 1 + a]
            moved[:, 1 + g] /= np.prod(sizes**low, axis=1)[:, None]
        self.fits["coefficients"][rows] = moved

    def take_lists(self, report: Report | None) -> int:
        """Fit the rows that are left from lists of their keys; return how many regularised."""
        rows = np.flatnonzero(~self.found)
        regularized = 0
        if rows.size:
            part = _part_of(self.problem, rows, None)
            basis = Basis(part.queries, np.ascontiguousarray(part.keys), self.degree)
            fits, regularized = fit_lists(part, basis, Model(), self.request, self.wanted, report)
            for name, fit in self.fits.items():
                fit[rows] = fits[name]
        self.fits["fitted"] = self.fits["coefficients"][:, 0].copy()
        return regularized


def _part_of(problem: Problem, rows: Array, near: Array | None) -> Problem:
    """Return the problem of some queries and, if given, of some keys."""
    own, of_queries = problem.self_indices, problem.query_bandwidths
    part = problem._replace(
        queries=np.ascontiguousarray(problem.queries[rows]),
        self_indices=None if own is None else own[rows],
        query_bandwidths=None if of_queries is None else of_queries[rows],
        given=(),
    )
    if near is None:
        return part
    place = np.full(problem.n + 1, -1, np.int64)  # the last is where −1, no key, points
    place[near] = np.arange(near.size)
    assert problem.values is not None
    return part._replace(
        keys=problem.keys[near],
        values=problem.values[near],
        weights=None if problem.weights is None else problem.weights[near],
        self_indices=None if own is None else place[own[rows]],
        key_index=None,
    )


def _exponents(d: int, degree: int) -> list[Array]:
    """Return the exponents of monomials but the constant, by degree, then by feature."""
    features = range(d)
    chosen = (
        choice
        for power in range(1, degree + 1)
        for choice in combinations_with_replacement(features, power)
    )
    return [np.bincount(choice, minlength=d) for choice in chosen]


def _monomials(points: Array, exponents: list[Array]) -> Array:
    """Return the monomials of points, (n, r): each is an earlier one times a feature."""
    columns = np.empty((len(points), len(exponents)))
    places: dict[tuple[int, ...], int] = {}
    for i, exponent in enumerate(exponents):
        feature = int(np.flatnonzero(exponent)[0])
        rest = exponent.copy()
        rest[feature] -= 1
        columns[:, i] = points[:, feature]
        if rest.any():
            columns[:, i] *= columns[:, places[tuple(rest.tolist())]]
        places[tuple(exponent.tolist())] = i
    return columns
