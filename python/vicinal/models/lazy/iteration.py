"""A lazy map applied to its own output until nothing moves."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array

from vicinal.arrays import Array
from vicinal.models.caller import levels_to_the_caller
from vicinal.models.checks import check_number, check_whole

__all__ = ["LazyIteration", "iterate", "iterate_lazy_map"]


@dataclass(frozen=True)
class LazyIteration:
    """What `iterate_lazy_map` found.

    Parameters
    ----------
    points : ndarray of shape (m, d)
        Where the rows stand.
    errors : ndarray of shape (n_iter,)
        The longest step of a row in every iteration, Euclidean.
    n_iter : int
        Iterations done.
    converged : bool
        Whether no step of the last one was longer than `tol`.
    """

    points: Array
    errors: Array
    n_iter: int
    converged: bool


def iterate_lazy_map(
    T: Any,
    X: Any,
    *,
    step: float = 1.0,
    clamp: Callable[[Array], Array] | None = None,
    rowwise: bool = True,
    tol: float = 1e-6,
    max_iter: int = 300,
    callback: Callable[[int, float, Array], Any] | None = None,
) -> LazyIteration:
    r"""Apply a lazy map to its own output: :math:`q \leftarrow q + \alpha (T(q) - q)`.

    A lazy map answers from training pairs when it is asked, T(x; X, Y). Its fixed points are
    models: of the local mean of rows themselves, T(x; X, X), they are the modes of the density
    (mean shift); of the local mean of the neighbors' labels, those known being put back after each
    step, they are the harmonic labels (label propagation).

    Parameters
    ----------
    T : callable or fitted estimator with `predict`
        Takes rows (m, d) and returns as many of the same width.
    X : array-like of shape (m, d)
        Where the rows start.
    step : float, default=1.0
        Share of the way to T(q), above 0 and at most 1.
    clamp : callable, default=None
        What becomes of all rows after a step: it takes and returns an array (m, d), for instance
        with the known labels put back.
    rowwise : bool, default=True
        Whether T answers for every row by itself. Then a row stops with its own step, so that the
        end of a row does not depend on the others. False keeps all moving until none does, as T
        and `clamp` need that look at several rows.
    tol : float, default=1e-6
        Steps of at most this length, in units of `X`, end the iteration.
    max_iter : int, default=300
        The most iterations; then there is a `ConvergenceWarning`.
    callback : callable, default=None
        Called as ``callback(iteration, error, points)``; a true answer ends the iteration.

    Returns
    -------
    LazyIteration
        The rows, the errors and whether they stand still.

    Raises
    ------
    ValueError
        If T returns another shape, or a parameter does not fit.

    Notes
    -----
    Atkeson, Moore and Schaal (1997) for lazy maps. A row-stochastic T keeps every point inside the
    convex hull of its values. Nothing says that any T converges: `errors` tells.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import LocalMeanRegressor, iterate_lazy_map
    >>> X = np.array([[0.0], [0.2], [0.4], [3.0], [3.2]])
    >>> shift = LocalMeanRegressor(bandwidth=0.5).fit(X, X)  # mean shift
    >>> iterate_lazy_map(shift, X).points[:, 0].round(3)
    array([0.2, 0.2, 0.2, 3.1, 3.1])
    """
    move = T.predict if hasattr(T, "predict") else T
    check_number(step, "step", lambda share: 0 < share <= 1, "above 0 and at most 1")
    check_number(tol, "tol", lambda length: 0 <= length < np.inf, "finite and at least 0")
    check_whole(max_iter, "max_iter", 1)
    if clamp is not None and rowwise:
        raise ValueError("clamp sees all rows at once: it takes rowwise=False")
    points = check_array(X, dtype=[np.float64, np.float32], copy=True, input_name="X")

    def one_step(rows: Array, moving: Array) -> Array:
        after = np.asarray(rows + rows.dtype.type(step) * (_moved(move, rows) - rows))
        return after if clamp is None else np.asarray(clamp(after), dtype=rows.dtype)

    found, moving = iterate(
        one_step, points, rowwise=rowwise, tol=tol, max_iter=max_iter, callback=callback
    )
    if moving and found.n_iter == max_iter:
        warnings.warn(
            f"{moving} of {len(points)} rows still move after max_iter={max_iter} iterations, by "
            f"{found.errors[-1]:.2g}; raise max_iter or tol",
            ConvergenceWarning,
            stacklevel=levels_to_the_caller(),
        )
    return found


def iterate(
    move: Callable[[Array, Array], Array],
    points: Array,
    *,
    tol: float,
    max_iter: int,
    rowwise: bool = True,
    callback: Callable[[int, float, Array], Any] | None = None,
) -> tuple[LazyIteration, int]:
    """Move rows of `points`, in place, until they stand still; return how many do not.

    `move` takes the rows that move and their numbers.
    """
    moving = np.arange(len(points))
    errors: list[float] = []
    while len(moving) and len(errors) < max_iter:
        before = points[moving]
        after = move(before, moving)
        lengths = np.sqrt(np.square(np.ascontiguousarray(after - before)).sum(axis=1))
        points[moving] = after
        errors.append(float(lengths.max()))
        still = lengths <= tol
        moving = moving[~still] if rowwise else moving[: 0 if still.all() else None]
        if callback is not None and callback(len(errors), errors[-1], points):
            break
    found = LazyIteration(points, np.array(errors), len(errors), not len(moving))
    return found, len(moving)


def _moved(move: Callable[[Array], Any], rows: Array) -> Array:
    moved = np.asarray(move(rows), dtype=rows.dtype)
    moved = moved[:, None] if moved.ndim == 1 else moved
    if moved.shape != rows.shape:
        raise ValueError(
            f"T made an array of shape {moved.shape} of one of shape {rows.shape}; a map that is "
            "applied to its own output keeps the shape"
        )
    return moved
