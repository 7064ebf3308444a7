"""Relaxation labeling: label vectors that agree with their neighbors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import vicinal
from vicinal.arrays import Array, as_array, as_points
from vicinal.models.caller import levels_to_the_caller
from vicinal.models.checks import check_choice, check_number, check_whole
from vicinal.models.labeling.labeling import Labeling
from vicinal.models.labeling.projection import onto_simplex
from vicinal.models.labeling.supports import Support

__all__ = ["RelaxationLabeling"]

UPDATES = ("rosenfeld", "projected")


class RelaxationLabeling:
    r"""Let label vectors of points agree with those of their neighbors.

    .. math:: s_i(\lambda) = \sum_j \tilde K_{ij} \sum_\mu R_{\lambda\mu}\, p_j(\mu), \qquad
              p_i(\lambda) \leftarrow
              \frac{p_i(\lambda) (1 + s_i(\lambda))}{\sum_\mu p_i(\mu) (1 + s_i(\mu))}

    (Rosenfeld, Hummel & Zucker, 1976), or :math:`p_i \leftarrow` the nearest point of the simplex
    to :math:`p_i + \eta s_i` (Hummel & Zucker, 1983). The inner sum is a local mean of label
    vectors.

    Parameters
    ----------
    compatibility : array_like of shape (labels, labels)
        ``R[λ, μ]``: how much label μ of a neighbor speaks for (> 0) or against (< 0) label λ of a
        point; need not be symmetric. With "rosenfeld" all within [−1, 1].
    update : {"rosenfeld", "projected"}, default="rosenfeld"
        The rule.
    step : float, default=1.0
        η of "projected".
    kernel, bandwidth, metric
        Weights of neighbors that come as points, as in `vicinal.local_mean`.
    include_self : bool, default=False
        Whether a point is a neighbor of its own, where the neighbors are found among `points`.
    max_iter : int, default=100
        Most updates.
    tol : float, default=1e-4
        Largest change of a probability in the last update.
    consistency_tol : float, default=1e-3
        Largest gap of a labeling that counts as consistent.
    num_threads : int, default=None
        Threads of the engine, −1 = all; the result does not depend on it.
    verbose : int, default=0
        Print a line for every update.
    callback : callable, default=None
        ``callback(iteration, error, state)`` after every update, with the largest change and the
        label vectors; a true answer stops there.

    Raises
    ------
    ValueError
        If `compatibility` is no finite square matrix, or an option does not fit.

    See Also
    --------
    LabelPropagation : Labels of a few points spread to all; R is then the identity.

    Notes
    -----
    For symmetric :math:`\tilde K_{ij} R_{\lambda\mu}` and a small enough step, "projected" raises
    the average local consistency A(p), and its fixed points are the consistent labelings; so does
    "rosenfeld" where R and K̃ are not negative (Baum & Eagon, 1967; Pelillo, 1997).

    Weights are scaled by :math:`\sum_j |K_{ij}|`, so that \|s\| is at most the largest \|R\|. A
    point without neighbors keeps its vector. Where compatibilities contradict each other there is
    no consistent labeling to find: the updates end in a cycle or a compromise, `converged` and
    `gap` say so, and points all of whose labels are ruled out keep their vectors, counted in
    `contradictions` with one `LocalizationWarning`.

    Examples
    --------
    A chain in which neighbors want different labels:

    >>> import numpy as np, vicinal as vc
    >>> chain = vc.Graph.from_indices([[1, -1], [0, 2], [1, 3], [2, -1]], n_keys=4)
    >>> apart = vc.models.RelaxationLabeling([[-1.0, 1.0], [1.0, -1.0]], kernel="constant")
    >>> p0 = [[0.6, 0.4], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]
    >>> found = apart.run(p0, chain, points=np.zeros((4, 1)))
    >>> found.labels
    array([0, 1, 0, 1])
    """

    def __init__(
        self,
        compatibility: Any,
        *,
        update: str = "rosenfeld",
        step: float = 1.0,
        kernel: Any = "gaussian",
        bandwidth: Any = None,
        metric: Any = None,
        include_self: bool = False,
        max_iter: int = 100,
        tol: float = 1e-4,
        consistency_tol: float = 1e-3,
        num_threads: int | None = None,
        verbose: int = 0,
        callback: Callable[[int, float, Array], Any] | None = None,
    ) -> None:
        check_choice(update, "update", UPDATES)
        check_whole(max_iter, "max_iter", 1)
        check_number(step, "step", lambda x: 0 < x < np.inf, "positive and finite")
        for name, number in (("tol", tol), ("consistency_tol", consistency_tol)):
            check_number(number, name, lambda x: 0 <= x < np.inf, "a number from 0 on")
        self.compatibility = _as_compatibility(compatibility, update)
        self.update = update
        self.step = float(step)
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.metric = metric
        self.include_self = bool(include_self)
        self.max_iter = int(max_iter)
        self.tol = float(tol)
        self.consistency_tol = float(consistency_tol)
        self.num_threads = num_threads
        self.verbose = verbose
        self.callback = callback

    def run(self, p0: Any, neighbors: Any = None, *, points: Any = None) -> Labeling:
        """Relax label vectors.

        Parameters
        ----------
        p0 : array_like of shape (n, labels)
            Where to begin: numbers of at least 0, whose rows are scaled to sum to 1.
        neighbors : NeighborSet, Neighbors or None, default=None
            Who supports a point: any set of `vicinal.local_mean`, of n points among themselves;
            ``vicinal.Graph(csr, data="weight")`` gives the weights themselves, of either sign,
            and then `points` and the kernel are not needed. None is all.
        points : array_like of shape (n, d), default=None
            The points, where a kernel weighs them or the set is found among them.

        Returns
        -------
        labeling : Labeling
            Label vectors and how they came about.

        Raises
        ------
        ValueError
            If shapes do not fit, a row of `p0` is negative, not finite or 0, or there is nothing
            that would say who is near.
        """
        p = _as_vectors(p0, len(self.compatibility))
        support = self._support(neighbors, points, len(p))
        s = support(p)
        consistency = [float((p * s).sum())]
        residual, iteration, ruled_out = np.inf, 0, np.zeros(len(p), bool)
        while iteration < self.max_iter and residual > self.tol:
            after, ruled_out = self._updated(p, s)
            residual = float(np.abs(after - p).max(initial=0.0))
            p, iteration = after, iteration + 1
            s = support(p)
            consistency.append(float((p * s).sum()))
            if self._told(iteration, residual, p):
                break
        return self._report(p, s, consistency, ruled_out, iteration, residual)

    def _updated(self, p: Array, s: Array) -> tuple[Array, Array]:
        """Return the next vectors, and which had no label left."""
        if self.update == "projected":
            return onto_simplex(p + self.step * s), np.zeros(len(p), bool)
        raised = p * np.maximum(1 + s, 0)
        total = raised.sum(axis=1)
        ruled_out = total <= 0
        raised[ruled_out] = p[ruled_out]
        return raised / np.where(ruled_out, 1.0, total)[:, None], ruled_out

    def _support(self, neighbors: Any, points: Any, n: int) -> Support:
        if points is None:
            if not (isinstance(neighbors, vicinal.Graph) and neighbors.edge_data != "pattern"):
                raise ValueError(
                    "points must be given unless neighbors is a vicinal.Graph of weights or "
                    f"distances, got points=None and neighbors={neighbors!r}"
                )
            rows = None
        else:
            rows = as_points(points, "points")
            if rows.ndim != 2 or len(rows) != n:
                raise ValueError(f"points must be ({n}, d), one per row of p0, got {rows.shape}")
        weights = isinstance(neighbors, vicinal.Graph) and neighbors.edge_data == "weight"
        given = isinstance(neighbors, vicinal.Graph | vicinal.Neighbors)
        options: dict[str, Any] = {"exclude_self": not (self.include_self or given)}
        if not weights:
            options |= {"kernel": self.kernel, "bandwidth": self.bandwidth, "metric": self.metric}
        return Support(self.compatibility, neighbors, rows, options, self.num_threads)

    def _told(self, iteration: int, error: float, p: Array) -> bool:
        if self.verbose:
            print(f"RelaxationLabeling: update {iteration}, largest change {error:.2g}")
        return self.callback is not None and bool(self.callback(iteration, error, p.copy()))

    def _report(
        self,
        p: Array,
        s: Array,
        consistency: list[float],
        ruled_out: Array,
        iteration: int,
        residual: float,
    ) -> Labeling:
        contradictions = int(np.count_nonzero(ruled_out))
        if contradictions:
            warnings.warn(
                f"compatibilities rule out every label of {contradictions} of {len(p)} points, "
                "which keep their vectors; lower the negative compatibilities below 1 in size, or "
                "begin with no probability of 0",
                vicinal.LocalizationWarning,
                stacklevel=levels_to_the_caller(),
            )
        gap = s.max(axis=1) - (p * s).sum(axis=1)
        return Labeling(
            probabilities=p,
            labels=np.argmax(p, axis=1),
            support=s,
            gap=np.maximum(gap, 0.0),
            consistent=bool((gap <= self.consistency_tol).all()),
            consistency=np.array(consistency),
            contradictions=contradictions,
            n_iter=iteration,
            residual=residual,
            converged=residual <= self.tol,
        )


def _as_compatibility(given: Any, update: str) -> Array:
    matrix = as_array(given, "compatibility").astype(np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ValueError(f"compatibility must be (labels, labels), got shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError("compatibility must be finite")
    largest = np.abs(matrix).max()
    if update == "rosenfeld" and largest > 1:
        raise ValueError(
            f"compatibility must lie in [-1, 1] with update='rosenfeld', got {largest}; divide it "
            "by its largest size, or take update='projected'"
        )
    return np.asarray(matrix)


def _as_vectors(given: Any, labels: int) -> Array:
    p = as_array(given, "p0").astype(np.float64)
    if p.ndim != 2 or p.shape[1] != labels:
        raise ValueError(f"p0 must be (n, {labels}), a column per label, got shape {p.shape}")
    bad = ~np.isfinite(p).all(axis=1) | (p < 0).any(axis=1) | ~(p > 0).any(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"p0 must hold numbers of at least 0, not all 0 in a row, got {p[row]} in row {row}"
        )
    return np.asarray(p / p.sum(axis=1, keepdims=True))
