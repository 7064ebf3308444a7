"""What models that spread labels over their training rows share."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import vicinal
from vicinal import _core
from vicinal.arrays import Array
from vicinal.models.caller import levels_to_the_caller
from vicinal.models.checks import check_choice, check_number, check_whole
from vicinal.models.labeling.walks import Walk
from vicinal.threads import resolve_num_threads

__all__ = ["Propagation"]

SOLVERS = ("auto", "iterate", "krylov")

Look = Callable[[int, float, Array], bool]  # iteration, residual, shares -> stop?


class Propagation:
    """Spread labels, report how, and answer for new rows."""

    n_jobs: Any
    alpha: Any
    solver: Any
    max_iter: Any
    tol: Any
    verbose: Any
    callback: Any
    classes_: Array
    class_prior_: Array
    label_distributions_: Array
    transduction_: Array
    n_iter_: int
    residual_: float
    _own_state: ClassVar[tuple[str, ...]] = (
        *("classes_", "class_prior_", "label_distributions_", "transduction_"),
        *("n_iter_", "residual_"),
    )

    def _check_spreading(self) -> None:
        check_choice(self.solver, "solver", SOLVERS)
        check_whole(self.max_iter, "max_iter", 1)
        check_number(self.tol, "tol", lambda t: 0 <= t < np.inf, "a number from 0 on")
        if self.alpha is not None:
            rule = "None (labels are held) or a number between 0 and 1"
            check_number(self.alpha, "alpha", lambda a: 0 < a < 1, rule)
        if self.callback is not None and not callable(self.callback):
            raise TypeError(
                "callback must be None or callable(iteration, error, state), got "
                f"{type(self.callback).__name__}"
            )

    def _spread(self, walk: Walk, codes: Array, dtype: Any, balanced: bool = False) -> None:
        """Set distributions, of `dtype`, and transduction; `codes` are those of `encoded`."""
        n, count = len(codes), len(self.classes_)
        order = slice(None) if walk.order is None else walk.order
        shares = np.empty((n, count))
        self.n_iter_, self.residual_ = _core.label_propagation(
            np.ascontiguousarray(codes[order]),
            shares,
            alpha=None if self.alpha is None else float(self.alpha),
            balanced=balanced,
            symmetric=walk.symmetric,
            solver=self.solver,
            tol=float(self.tol),
            max_iter=int(self.max_iter),
            num_threads=resolve_num_threads(self.n_jobs),
            callback=self._look_in(order) if self.verbose or self.callback is not None else None,
            **walk.passing(),
        )
        known = np.bincount(codes[codes >= 0], minlength=count)
        self.class_prior_ = known / known.sum()
        unreached = np.flatnonzero(~shares.any(axis=1))
        shares[unreached] = self.class_prior_
        self.label_distributions_ = np.empty((n, count), dtype)
        self.label_distributions_[order] = shares
        self.transduction_ = np.empty(n, self.classes_.dtype)
        self.transduction_[order] = self.classes_[np.argmax(shares, axis=1)]
        self._warn_of_spread(walk, unreached)

    def _look_in(self, order: Any) -> Look:
        """Return what is called after every step with rows in this order."""

        def look(iteration: int, error: float, state: Array) -> bool:
            if self.verbose:
                print(f"{type(self).__name__}: step {iteration}, largest change {error:.2g}")
            if self.callback is None:
                return False
            shares = np.empty_like(state)
            shares[order] = state
            return bool(self.callback(iteration, error, shares))

        return look

    def _warn_of_spread(self, walk: Walk, unreached: Array) -> None:
        level = levels_to_the_caller()
        if len(unreached):
            parts = walk.parts(unreached)
            warnings.warn(
                f"{len(unreached)} rows in {parts} {'part' if parts == 1 else 'parts'} of the "
                "graph have no way to a label and get the class frequencies; label a row of each "
                "part, or take more neighbors or a wider bandwidth",
                vicinal.LocalizationWarning,
                stacklevel=level,
            )
        if not self.residual_ <= self.tol:
            warnings.warn(
                f"distributions still changed by {self.residual_:.2g} after max_iter="
                f"{self.max_iter} steps; raise max_iter or tol",
                ConvergenceWarning,
                stacklevel=level,
            )

    def _mixed(self, means: Array) -> tuple[Array, Array]:
        """Return rows that sum to 1, class frequencies where there is no mean, and which."""
        empty = np.isnan(means).any(axis=1)
        totals = np.where(empty, 1.0, means.sum(axis=1)).astype(means.dtype)
        empty |= totals <= 0
        means = means / np.where(empty, 1, totals)[:, None]
        means[empty] = self.class_prior_
        return means, empty

    def _check_spread_state(self, state: dict[str, Any]) -> None:
        classes, rows = state["classes_"], state["label_distributions_"]
        prior, found = state["class_prior_"], state["transduction_"]
        fits = isinstance(classes, np.ndarray) and classes.ndim == 1 and classes.size > 0
        if not fits or classes.tolist() != sorted(set(classes.tolist())):
            raise ValueError("classes_ is no sorted array of labels")
        shaped = isinstance(rows, np.ndarray) and rows.dtype.kind == "f" and rows.ndim == 2
        if not shaped or rows.shape[1] != len(classes) or not np.isfinite(rows).all():
            raise ValueError("label_distributions_ is no array of finite numbers, one per class")
        if not isinstance(prior, np.ndarray) or prior.shape != classes.shape:
            raise ValueError("class_prior_ is not one number per class")
        if not isinstance(found, np.ndarray) or found.shape != (len(rows),):
            raise ValueError("transduction_ is not one label per row")
        if not np.isin(found, classes).all():
            raise ValueError("transduction_ holds labels that are not of classes_")
        check_whole(state["n_iter_"], "n_iter_", 1)
        check_number(state["residual_"], "residual_", lambda r: r >= 0, "at least 0")
