"""Bandwidth selection over a grid of candidates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array, as_array, in_short
from vicinal.bandwidth.criteria import CRITERIA, Candidates, Criterion, Sample
from vicinal.bandwidth.rules import plugin, scott, silverman
from vicinal.bandwidth.sample import as_sample, as_values
from vicinal.bandwidth.scales import category_grid, natural_scale
from vicinal.columns import column_names
from vicinal.errors import did_you_mean
from vicinal.evaluate import as_tol
from vicinal.graph import as_neighbor_set
from vicinal.kernels import Kernel, as_kernel
from vicinal.progress import Report, reporter, share

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.kernels.metrics import Metric
    from vicinal.problem import Neighborhood

__all__ = ["BandwidthSelection", "search", "select"]

STEP = 2**0.5
MULTIPLES = STEP ** np.arange(-8, 5)  # of the natural scale: 1/16 … 4
EXTENSIONS = 3  # times that the grid grows while its best lies at an end …
EXTENDED = 4  # … by so many steps
REFINED = 3  # further candidates on either side of the best
RULES: dict[str, Callable[..., Array]] = {"scott": scott, "silverman": silverman, "plugin": plugin}
NAMES = (*CRITERIA, *RULES)
OF_VALUES = (*CRITERIA, "plugin")  # … that look at y


@dataclass(frozen=True, eq=False, repr=False)
class BandwidthSelection:
    """A bandwidth and how the candidates scored.

    Parameters
    ----------
    bandwidth : float or ndarray of shape (d,)
        The candidate with the smallest score.
    grid : ndarray of shape (g,) or (g, d)
        The candidates, ascending where this function made them.
    scores : ndarray of shape (g,)
        What the criterion gave, smaller is better: mean squared error, its logarithm and a charge
        for "aicc", or minus the mean log likelihood; NaN for the rules "scott", "silverman" and
        "plugin", which compare nothing.
    """

    bandwidth: float | Array
    grid: Array
    scores: Array

    def __repr__(self) -> str:
        h, count = in_short(np.asarray(self.bandwidth)), len(self.grid)
        if np.isnan(self.scores).all():
            return f"BandwidthSelection(bandwidth={h}, by a rule)"
        score = f"score={np.nanmin(self.scores):.6g}"
        return f"BandwidthSelection(bandwidth={h}, of {count} candidates, {score})"


def select(
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    kernel: str | Kernel = "gaussian",
    criterion: str = "loo",
    grid: ArrayLike | None = None,
    metric: Metric | None = None,
    neighbors: Neighborhood = None,
    sample_weight: ArrayLike | None = None,
    tol: float = 0.0,
    num_threads: int | None = None,
    progress: bool | Report = False,
) -> BandwidthSelection:
    """Select a bandwidth for a local mean (`y` given) or a density (`y` None).

    Parameters
    ----------
    X : array_like of shape (n, d)
        The keys.
    y : array_like of shape (n,) or (n, p), optional
        The values; None selects for the density of `X`, by likelihood.
    kernel : str or Kernel
        With an open bandwidth.
    criterion : {"loo", "gcv", "aicc", "scott", "silverman", "plugin"}
        Leave-one-out; generalised cross-validation or Akaike's corrected criterion, which need `y`;
        a rule of thumb; or a plug-in rule, see `vicinal.bandwidth.plugin`.
    grid : array_like of shape (g,) or (g, d), optional
        The candidates; None takes multiples of Scott's rule (of a comparable scale where a metric
        has no such rule), extended while the best lies at an end, and refined around the best.
    metric : str, GreatCircle or Mahalanobis, optional
        Metric of the kernel, if the kernel leaves it open.
    neighbors : NeighborSet, optional
        Which keys a row sees, as in `vicinal.local_mean`; rules of thumb and plug-in rules do not
        read it.
    sample_weight : array_like of shape (n,), optional
        Weights, of the keys and of the errors.
    tol : float
        At most this share of a row's mass is left out, as in `vicinal.local_mean`: a mean moves by
        at most ``tol · (max y − min y)``, a log likelihood by −log(1 − tol). 0 is exact. It pays
        for decaying kernels, many rows and at most 8 features; rules of thumb do not read it.
    num_threads, progress
        As in `vicinal.local_mean`.

    Returns
    -------
    BandwidthSelection

    Raises
    ------
    ValueError
        For `tol` outside [0, 1), an unknown criterion, a single row, NaN in `X` or `y`, a kernel
        with a bandwidth of its own, a kernel without a density if `y` is None, or a rule for a
        metric that is not per coordinate.

    Notes
    -----
    Candidates that are multiples of each other share the distances: a grid takes one pass. Compact
    kernels, and others with ``tol > 0``, leave out the keys that are far, with one index for all.
    Leave-one-out accumulates without the own key. A row with no other key in its support is
    charged the loss of the mean of all others; in a density, that of one normal distribution with
    the mean and the variances of `X` (on a sphere, of the uniform distribution), divided by n, as
    if a single key saw it. Generalised
    cross-validation is Craven and Wahba, 1979; likelihood cross-validation Habbema, Hermans and
    van den Broek, 1974, and Duin, 1976.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> x = np.linspace(0, 6, 60)
    >>> selection = vc.bandwidth.select(x[:, None], np.sin(x))
    >>> bool(0 < selection.bandwidth < 1)
    True
    """
    kernel, tol = as_kernel(kernel), as_tol(tol)
    if neighbors is not None:
        neighbors = as_neighbor_set(neighbors).by_number({"X": column_names(X)})
    points, weights = as_sample(X, sample_weight)
    if not kernel.needs_bandwidth:
        raise ValueError("the kernel has its bandwidth already; leave it None to select one")
    if criterion in RULES:
        own = {"y": y, "num_threads": num_threads} if criterion in OF_VALUES else {}
        h = RULES[criterion](points, kernel=kernel, metric=metric, sample_weight=weights, **own)
        return _selection([(h if h.size > 1 else float(h[0]), np.nan)])
    if criterion not in CRITERIA:
        hint = did_you_mean(criterion, NAMES)
        raise ValueError(f"criterion must be one of {', '.join(NAMES)}, got {criterion!r}{hint}")
    if len(points) < 2:
        raise ValueError(f'criterion "{criterion}" needs at least 2 rows of X, got {len(points)}')
    values = as_values(y, len(points))
    sample = Sample(points, values, weights, kernel, metric, num_threads, neighbors, tol)
    fixed = category_grid(kernel) if grid is None else _as_grid(grid, points.shape[1])
    with reporter(progress) as report:
        return search(sample, CRITERIA[criterion], fixed, report)


def search(
    sample: Sample, criterion: Criterion, fixed: Array | None, report: Report | None
) -> BandwidthSelection:
    """Return the best of a fixed grid, or of one around the natural scale of the sample."""
    score = _Scores(sample, criterion, report)
    if fixed is not None:
        return _selection(score.over(fixed))
    base = natural_scale(sample.X, sample.weights, sample.kernel, sample.metric)
    tried = score.around(base)
    best = _best_multiple(tried, score.rounding)
    return _selection([(m * base, s) for m, s in tried], best)


class _Scores:
    """Scores of candidates, all of a list in one pass, with progress over all lists."""

    def __init__(self, sample: Sample, criterion: Criterion, report: Report | None) -> None:
        self._sample, self._criterion, self._report = sample, criterion, report
        self._done = self._planned = 0
        self.rounding = criterion.rounding(sample)

    def over(self, grid: Array) -> list[tuple[Any, float]]:
        """Return every candidate with its score."""
        self._planned = len(grid)
        return list(zip(grid, self._scores_of(list(grid)), strict=True))

    def around(self, base: float | Array) -> list[tuple[float, float]]:
        """Return multiples of `base` with their scores, ascending."""
        self._planned = len(MULTIPLES) + 2 * REFINED
        tried = self._try(MULTIPLES.tolist(), base)
        for _ in range(EXTENSIONS):
            best = _best_multiple(tried, self.rounding)
            if 0 < best < len(tried) - 1:
                break
            self._planned += EXTENDED
            end, step = (tried[0][0], 1 / STEP) if best == 0 else (tried[-1][0], STEP)
            further = [end * step**i for i in range(1, EXTENDED + 1)]
            tried = sorted(tried + self._try(further, base))
        centre = tried[_best_multiple(tried, self.rounding)][0]
        between = [i / (REFINED + 1) for i in range(-REFINED, REFINED + 1) if i]
        return sorted(tried + self._try([centre * STEP**power for power in between], base))

    def _try(self, multiples: list[float], base: float | Array) -> list[tuple[float, float]]:
        return list(zip(multiples, self._scores_of([m * base for m in multiples]), strict=True))

    def _scores_of(self, candidates: Candidates) -> list[float]:
        start, self._done = self._done, self._done + len(candidates)
        part = share(self._report, start / self._planned, self._done / self._planned)
        return self._criterion.scores(self._sample, candidates, part)


def _best_multiple(tried: Sequence[tuple[float, float]], rounding: float) -> int:
    # Where the bandwidth does not matter (constant, inverse distance) stay at the natural scale;
    # never prefer a narrower kernel, which leaves more rows empty, without need.
    least = min(score for _, score in tried)
    limit = least + rounding + 1e-12 * abs(least)
    ties = [i for i, (_, score) in enumerate(tried) if score <= limit]
    return min(ties, key=lambda i: (tried[i][0] < 0.999, abs(math.log(tried[i][0]))))


def _selection(tried: Sequence[tuple[Any, float]], best: int | None = None) -> BandwidthSelection:
    if all(score == math.inf for _, score in tried):
        raise ValueError(
            "no candidate of grid has a finite score; give larger bandwidths (weights count equal "
            "rows, so their sum must exceed the degrees of freedom of the fit)"
        )
    grid = np.array([h for h, _ in tried], dtype=np.float64)
    chosen = grid[np.argmin([score for _, score in tried]) if best is None else best]
    return BandwidthSelection(
        bandwidth=float(chosen) if chosen.ndim == 0 else chosen,
        grid=grid,
        scores=np.array([score for _, score in tried]),
    )


def _as_grid(grid: ArrayLike, d: int) -> Array:
    candidates = np.asarray(as_array(grid, "grid"), dtype=np.float64)
    fits = candidates.ndim == 1 or (candidates.ndim == 2 and candidates.shape[1] == d)
    if not fits or len(candidates) == 0:
        raise ValueError(
            f"grid must be (g,) bandwidths, or (g, {d}) with one per feature, got shape "
            f"{candidates.shape}"
        )
    return candidates
