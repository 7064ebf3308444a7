"""From the strengths of an output's terms to one number.

The terms, cut off or scaled at their strengths and joined, are a curve over the output's range.
With triangles and trapezoids it is piecewise linear: it is integrated exactly, between all points
where it may bend, by two Gauss points a piece. Other memberships are integrated so over a grid.
"""

from __future__ import annotations

from itertools import combinations
from math import sqrt

import numpy as np

from vicinal.arrays import Array
from vicinal.models.fuzzy.memberships import Membership, Piecewise

__all__ = ["METHODS", "Curve"]

METHODS = ("centroid", "bisector", "mean_of_maximum", "smallest_of_maximum", "largest_of_maximum")
ROWS_OF_A_STRIP = 1024
NUMBERS_OF_A_STRIP = 1 << 16  # which the cache holds
MOST_CUTS = 64  # of a sum whose every bend is found
_SAME = 1 - 1e-12  # heights of at least this share of the largest are at the maximum


class Curve:
    """The curve of one output.

    Parameters
    ----------
    terms : list of Membership
        A term may stand there for each of its rules.
    ends : (float, float)
        The range of the output.
    implication : {"min", "product"}
        How a strength bounds its term.
    aggregation : {"max", "sum"}
        How terms are joined.
    resolution : int
        Pieces of the grid, where a term is not piecewise linear, or where more than 64 terms that
        are cut off add up.
    """

    def __init__(
        self,
        terms: list[Membership],
        ends: tuple[float, float],
        implication: str,
        aggregation: str,
        resolution: int,
    ) -> None:
        self.terms, self.ends = terms, ends
        self.cuts, self.adds = implication == "min", aggregation == "sum"
        straight = [term for term in terms if isinstance(term, Piecewise)]
        many = self.cuts and self.adds and len(terms) > MOST_CUTS
        exact = len(straight) == len(terms) and not many
        bends = [term.knots for term in straight] if exact else np.linspace(*ends, resolution + 1)
        self._fixed = np.unique(np.clip(np.append(bends, ends), *ends))
        self._lines: list[tuple[float, float, float, float, int]] = []
        # A sum of terms that are scaled bends at their knots alone.
        for t, term in enumerate(straight if exact and (self.cuts or not self.adds) else ()):
            self._lines += [(*side, t) for side in term.sides]
            _, b, c, _ = term.knots
            if b < c and not self.cuts:  # scaling lowers a plateau; a cut is one
                self._lines.append((0.0, 1.0, b, c, t))
        self._meet()

    def _meet(self) -> None:
        """Find which lines can meet: those of two terms, and sides with the cuts of a term.

        A sum bends only where a term meets its own cut.
        """
        lines = self._lines
        pairs = [
            (i, j)
            for i, j in combinations(range(len(lines)), 2)
            if lines[i][4] != lines[j][4] and _overlap(lines[i][2:4], lines[j][2:4])
        ]
        cuts = [
            (t, i)
            for t, term in enumerate(self.terms)
            for i, line in enumerate(lines)
            if self.cuts and _overlap(term.support, line[2:4])
        ]
        if self.adds:
            pairs, cuts = [], [(line[4], i) for i, line in enumerate(lines)]
        self._pairs, self._cuts = (np.array(p, int).reshape(-1, 2).T for p in (pairs, cuts))

    def numbers(self, strengths: Array, method: str) -> Array:
        """Return one number for every row of strengths, (m, terms); NaN where there is no area."""
        result = np.empty(len(strengths))
        per_row = max(1, 2 * self._points(strengths[:1]).shape[1])
        step = max(1, min(ROWS_OF_A_STRIP, NUMBERS_OF_A_STRIP // per_row))
        for first in range(0, len(strengths), step):
            rows = slice(first, first + step)
            points = self._points(strengths[rows])
            with np.errstate(invalid="ignore", divide="ignore"):
                result[rows] = getattr(self, f"_{method}")(strengths[rows], points)
        return result

    def heights(self, strengths: Array, y: Array) -> Array:
        """Return the curve at `y`, (m, k), of strengths (m, terms)."""
        total = np.zeros(np.broadcast_shapes(y.shape, (len(strengths), 1)))
        for t, term in enumerate(self.terms):
            degree, strength = term(y), strengths[:, t, None]
            part = np.minimum(strength, degree) if self.cuts else strength * degree
            total = total + part if self.adds else np.maximum(total, part)
        return total

    def _points(self, strengths: Array) -> Array:
        """Return where the curve may bend, ascending, (m or 1, k): sides meet, or a cut."""
        if not self._lines:
            return self._fixed[None]
        lines = np.array(self._lines)
        slope, height, term = lines[:, 0], lines[:, 1], lines[:, 4].astype(int)
        (i, j), (cut, side) = self._pairs, self._cuts
        scale = np.ones_like(strengths) if self.cuts else strengths
        slopes, heights = scale[:, term] * slope, scale[:, term] * height
        with np.errstate(invalid="ignore", divide="ignore"):
            sides = (heights[:, j] - heights[:, i]) / (slopes[:, i] - slopes[:, j])
            meet = np.hstack([sides, (strengths[:, cut] - height[side]) / slope[side]])
        low, high = self.ends
        meet = np.where((meet > low) & (meet < high), meet, low)
        fixed = np.broadcast_to(self._fixed, (len(meet), len(self._fixed)))
        return np.sort(np.hstack([fixed, meet]), axis=1)

    def _pieces(self, strengths: Array, points: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Return half widths and middles of pieces, heights at two Gauss points, their offset."""
        half, middle = np.diff(points) / 2, (points[:, 1:] + points[:, :-1]) / 2
        offset = half / sqrt(3)
        left = self.heights(strengths, middle - offset)
        return half, middle, left, self.heights(strengths, middle + offset), offset

    def _centroid(self, strengths: Array, points: Array) -> Array:
        half, middle, left, right, offset = self._pieces(strengths, points)
        area = (half * (left + right)).sum(axis=1)
        origin = points[:, :1]  # moments about the low end lose no digits far from 0
        moment = half * ((middle - origin) * (left + right) + offset * (right - left))
        return np.asarray(origin[:, 0] + moment.sum(axis=1) / area)

    def _bisector(self, strengths: Array, points: Array) -> Array:
        """Solve a t + b t²/2 = what is left of half the area, inside the piece that holds it."""
        half, _, left, right, offset = np.broadcast_arrays(*self._pieces(strengths, points))
        areas = half * (left + right)
        total = np.cumsum(areas, axis=1)
        goal = total[:, -1:] / 2
        piece = np.argmax(total >= goal, axis=1)
        row = np.arange(len(piece))
        rest = goal[:, 0] - (total - areas)[row, piece]
        slope = np.where(offset > 0, (right - left) / (2 * offset), 0.0)[row, piece]
        start = ((left + right) / 2)[row, piece] - slope * half[row, piece]
        root = np.sqrt(np.maximum(start * start + 2 * slope * rest, 0))
        begins = np.broadcast_to(points, (len(row), points.shape[1]))[row, piece]
        step = np.where(rest > 0, 2 * rest / (start + root), 0.0)
        return np.asarray(np.where(total[:, -1] > 0, begins + step, np.nan))

    def _top(self, strengths: Array, points: Array) -> tuple[Array, Array]:
        """Return the points, (m, k), and which of them are at the maximum."""
        heights = self.heights(strengths, points)
        return np.broadcast_to(points, heights.shape), heights >= heights.max(1)[:, None] * _SAME

    def _smallest_of_maximum(self, strengths: Array, points: Array) -> Array:
        points, top = self._top(strengths, points)
        return np.asarray(np.where(top, points, np.inf).min(axis=1))

    def _largest_of_maximum(self, strengths: Array, points: Array) -> Array:
        points, top = self._top(strengths, points)
        return np.asarray(np.where(top, points, -np.inf).max(axis=1))

    def _mean_of_maximum(self, strengths: Array, points: Array) -> Array:
        """Average over the plateaus at the maximum; over single points where there is none."""
        spread, top = self._top(strengths, points)
        half, middle, left, right, _ = self._pieces(strengths, points)
        highest = self.heights(strengths, points).max(axis=1)[:, None] * _SAME
        width = np.where((left >= highest) & (right >= highest), half, 0.0)
        flat = (width * middle).sum(axis=1) / width.sum(axis=1)
        apart = np.diff(spread, axis=1, prepend=-np.inf) > 1e-12 * (self.ends[1] - self.ends[0])
        top = top & apart  # a corner that two sides share counts once
        single = np.where(top, spread, 0.0).sum(axis=1) / top.sum(axis=1)
        return np.asarray(np.where(width.sum(axis=1) > 0, flat, single))


def _overlap(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return max(a[0], b[0]) <= min(a[1], b[1])
