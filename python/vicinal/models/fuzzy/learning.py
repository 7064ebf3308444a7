"""Rules from data: a rule at each center, with a local fit weighted by its own firing strength."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vicinal.arrays import Array, as_array
from vicinal.models.fuzzy.memberships import Gauss

__all__ = ["Learned", "learn"]

_GRID = tuple(0.1 * 1.35**step for step in range(12))  # widths from 0.1 to 2.7 standard deviations
_MOST_LEVERAGE = 1 - 1e-9  # above it a fit is its own row's: without the row there is none
_LEAST = 1e-10  # singular values below this share of the largest count as 0


@dataclass(frozen=True)
class Learned:
    """What was found.

    Parameters
    ----------
    centers : ndarray of shape (rules, inputs)
    widths : ndarray of shape (inputs,)
        Of the memberships, in units of the inputs.
    functions : ndarray of shape (rules, outputs, 1 or 1 + inputs)
        Constants and slopes.
    ranges : list of (float, float)
        Of every output in the data.
    candidates : ndarray of shape (c,)
        Widths that were compared, in standard deviations.
    errors : ndarray of shape (c,)
        Mean squared errors of left-out rows.
    """

    centers: Array
    widths: Array
    functions: Array
    ranges: list[tuple[float, float]]
    candidates: Array
    errors: Array

    def as_rules(
        self, names: list[str], outputs: list[str]
    ) -> tuple[dict[str, dict[str, Gauss]], list[str], Array]:
        """Return inputs, outputs and the table of rules, equal memberships once."""
        inputs, columns = {}, []
        for name, column, width in zip(names, self.centers.T, self.widths, strict=True):
            values, numbers = np.unique(column, return_inverse=True)
            inputs[name] = {f"near {x:.17g}": Gauss(float(x), float(width)) for x in values}
            columns.append(numbers.ravel())
        return inputs, outputs, np.stack(columns, axis=1)


def learn(
    X: Any, y: Any, order: int, centers: Any, width: Any, random_state: int | None
) -> Learned:
    """Find centers, the best width, and a function at every center."""
    rows, values = _pairs(X, y)
    if order not in (0, 1):
        raise ValueError(f"order must be 0 or 1, got {order!r}")
    spread = rows.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    found = _centers(centers, rows, spread, random_state)
    candidates = _candidates(width)
    fits = [_fit(rows, values, found, spread * c, order) for c in candidates]
    errors = np.array([error for _, error in fits])
    if not np.isfinite(errors).any() and len(candidates) > 1:
        raise ValueError(
            f"width: no candidate up to {candidates[-1]:.3g} standard deviations predicts left-out "
            "rows; give larger ones, or fewer centers"
        )
    best = int(np.argmin(np.where(np.isfinite(errors), errors, np.inf)))
    return Learned(
        found,
        spread * candidates[best],
        fits[best][0],
        [_range(column) for column in values.T],
        candidates,
        errors,
    )


def _fit(rows: Array, values: Array, centers: Array, widths: Array, order: int) -> tuple[Any, Any]:
    """Return the functions, and the mean squared error of left-out rows.

    The prediction of a left-out row errs by Σ_r ŵ_r e_r / (1 − a_r): ŵ its shares of the rules, e_r
    its residual in the fit of rule r and a_r its leverage there.
    """
    logs = np.zeros((len(rows), len(centers)))
    for x, c, h in zip(rows.T, centers.T, widths, strict=True):
        logs -= 0.5 * ((x[:, None] - c) / h) ** 2
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    missed = np.zeros_like(values)
    functions = np.empty((len(centers), values.shape[1], 1 + order * rows.shape[1]))
    for r, center in enumerate(centers):
        design = np.ones((len(rows), 1))
        if order:
            design = np.hstack([design, (rows - center) / widths])
        root = np.exp((logs[:, r] - logs[:, r].max()) / 2)[:, None]
        u, s, vt = np.linalg.svd(root * design, full_matrices=False)
        kept = s > _LEAST * s[0]
        u, s, vt = u[:, kept], s[kept], vt[kept]
        beta = vt.T @ ((u.T @ (root * values)) / s[:, None])
        leverage = (u**2).sum(axis=1)
        alone = leverage > _MOST_LEVERAGE
        rest = np.where(alone, np.nan, 1 - leverage)[:, None]
        share = shares[:, r, None]
        missed += np.where(share > 0, share * (values - design @ beta) / rest, 0)
        if order:
            beta[1:] /= widths[:, None]
            beta[0] -= center @ beta[1:]
        functions[r] = beta.T
    return functions, np.mean(missed**2)


def _centers(centers: Any, rows: Array, spread: Array, random_state: int | None) -> Array:
    if np.ndim(centers) == 0:
        from sklearn.cluster import KMeans

        count = int(centers)
        if not 1 <= count <= len(rows):
            raise ValueError(f"centers must be from 1 to {len(rows)} rules, got {centers!r}")
        model = KMeans(count, n_init=3, random_state=random_state).fit(rows / spread)
        return np.asarray(model.cluster_centers_, np.float64) * spread
    found = as_array(centers, "centers").astype(np.float64)
    if found.ndim != 2 or found.shape[1] != rows.shape[1] or not len(found):
        raise ValueError(
            f"centers must be (rules, {rows.shape[1]}), at least one, got shape {found.shape}"
        )
    if not np.isfinite(found).all():
        raise ValueError("centers must be finite")
    return found


def _range(values: Array) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _candidates(width: Any) -> Array:
    if isinstance(width, str):
        if width != "loo":
            raise ValueError(f"width must be 'loo', a number or several, got {width!r}")
        return np.array(_GRID)
    found = np.atleast_1d(as_array(width, "width")).astype(np.float64)
    if found.ndim != 1 or not found.size or not (np.isfinite(found) & (found > 0)).all():
        raise ValueError(f"width must be positive and finite, got {width!r}")
    return found


def _pairs(X: Any, y: Any) -> tuple[Array, Array]:
    rows, values = as_array(X, "X").astype(np.float64), as_array(y, "y").astype(np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if rows.ndim != 2 or values.ndim != 2 or len(rows) != len(values) or 0 in rows.shape:
        raise ValueError(
            f"X must be (n, inputs) and y (n,) or (n, outputs), got {rows.shape} and {np.shape(y)}"
        )
    for name, numbers in (("X", rows), ("y", values)):
        if not np.isfinite(numbers).all():
            raise ValueError(f"{name} must be finite; leave out rows with NaN or infinity")
    return rows, values
