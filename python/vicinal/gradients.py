"""Gradients of local means with respect to everything that they depend on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array, as_array, as_rows
from vicinal.bandwidth_gradients import bandwidth_gradient
from vicinal.bias import PositionBias
from vicinal.evaluate import as_empty, as_tol, missing_values
from vicinal.gradient_calls import GradientCall
from vicinal.gradient_parts import Wanted, gradients_of, gradients_omitting
from vicinal.problem import Problem, prepare, spread
from vicinal.progress import Report, reporter
from vicinal.results import line_of

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.bandwidth.given import AdaptiveBandwidth
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.problem import Bias, Neighborhood
    from vicinal.results import LocalStats

__all__ = ["LocalMeanGradient", "local_mean_vjp"]

NAMES = ("queries", "keys", "values", "bandwidth", "log_weights", "bias")


@dataclass(frozen=True, eq=False, repr=False)
class LocalMeanGradient:
    """Gradients of a loss by the inputs of a local mean; one that was not asked for is None.

    Parameters
    ----------
    queries, keys, values : ndarray, optional
        In the shape of the input; what was broadcast has the sum over all its copies.
    bandwidth : float, ndarray or tuple, optional
        In the shape of the one given: a number, one per feature, or that of the `h` of `PerKey` and
        `PerQuery`. Of a kernel's own: the same, or for a product or sum a tuple with one entry for
        each of ``kernel.leaves()``, None where that has no gradient.
    log_weights, bias : ndarray, optional
        In the shape of the input, as for `queries`.
    """

    queries: Array | None = None
    keys: Array | None = None
    values: Array | None = None
    bandwidth: float | Array | None = None
    log_weights: Array | None = None
    bias: Array | None = None

    def __repr__(self) -> str:
        return line_of(self)


def local_mean_vjp(
    grad: ArrayLike,
    queries: ArrayLike,
    keys: ArrayLike,
    values: ArrayLike,
    *,
    wrt: Iterable[str] | None = None,
    forward: LocalStats | None = None,
    log_mass_grad: ArrayLike | None = None,
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
    tol: float = 0.0,
    empty: str | float = "nan",
    nan_policy: str = "propagate",
    num_threads: int | None = None,
    progress: bool | Report = False,
) -> LocalMeanGradient:
    r"""Return the gradients of a loss by the inputs of `local_mean`, given that by its result.

    With ``P = w / Σ w`` and ``a[i, j] = P[i, j] · grad[i] · (y[j] − m[i])``, the gradient of the
    log-weight of a pair: values get ``Σ_i P[i, j] grad[i]``, log-weights ``Σ_i a[i, j]``, a bias
    ``a`` itself; queries, keys and bandwidths get ``a`` times the derivative of the log-weight.

    Parameters
    ----------
    grad : array_like of the shape of the means
        Gradient of the loss by the result of `local_mean`.
    queries : array_like of shape (..., m, d)
        As in `local_mean`.
    keys : array_like of shape (..., n, d)
        As in `local_mean`.
    values : array_like of shape (..., n, p) or (..., n)
        As in `local_mean`.
    wrt : iterable of str, optional
        Which of "queries", "keys", "values", "bandwidth", "log_weights" and "bias" get one; None
        is every one given that has one: not a bias that is no array, a bandwidth found by a rule
        or of ordered categories. "bandwidth" without any given is that of the kernel. "bias" needs
        memory of the size of the bias, else nothing is m × n.
    forward : LocalStats, optional
        `mean` and `log_mass` of the same call of `local_stats`: saves computing them again.
    log_mass_grad : array_like of shape (..., m), optional
        Gradient of the loss by the `log_mass` of `local_stats`, where it depends on that too: ``a``
        then has the term ``P[i, j] · log_mass_grad[i]`` besides.
    kernel, bandwidth, metric, neighbors, weights, log_weights, bias, mask
        As in `local_mean`. `weights` have a gradient as log-weights alone.
    exclude_self, self_indices, tol
        As in `local_mean`.
    empty : {"nan", "zero", "nearest", "raise"} or float
        As in `local_mean`, where it is a constant: it changes no gradient.
    nan_policy : {"propagate", "omit", "raise"}
        NaN in values that are used spoils the gradients of their pairs; "omit" leaves each out of
        its own column's mean, and its gradient is 0.
    num_threads, progress
        As in `local_mean`.

    Returns
    -------
    LocalMeanGradient
        In the dtype of the means.

    Raises
    ------
    ValueError
        For shapes that do not fit, a name in `wrt` that is not known or has no gradient: a bias
        that is no array, bandwidths found by a rule, of ordered categories, of graphs with
        distances, of angles and of signed sums with categories beside other factors.
    TypeError
        For arrays that are not real numbers on the CPU.

    Notes
    -----
    Sets of neighbors, bandwidths found by a rule and the share left out by `tol` are constants.
    Where a distance or profile has no derivative 0 is taken: coincident points under laplace,
    Matérn 1/2, triangular and inverse distance, equal coordinates under manhattan; under
    chebyshev the first of the widest features counts. Uniform, constant and category kernels have
    the gradient 0 by queries and keys. A query without any weight has the gradient 0, whatever
    `empty` puts in its place; one that holds NaN, or sees a key that does, has NaN and adds
    nothing to the gradients of keys and values.

    Bits do not depend on the number of threads; those of a query's gradient nor on the other
    queries.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> keys = np.array([[0.0], [1.0], [2.0]])
    >>> gradient = vc.local_mean_vjp([1.0], [[1.0]], keys, [0.0, 1.0, 5.0], bandwidth=0.5)
    >>> gradient.values.round(3), gradient.queries.round(3)
    (array([0.107, 0.787, 0.107]), array([[2.13]]))
    """
    given = {
        "queries": queries,
        "keys": keys,
        "values": values,
        "bandwidth": bandwidth,
        "log_weights": log_weights,
        "bias": bias,
    }
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
    )
    if problem.values is None:
        raise TypeError("values must be an array, got None")
    as_empty(empty)
    missing = missing_values(problem, nan_policy)
    names = _names(wrt, given)
    required = wrt is not None and "bandwidth" in names
    scale = None
    if "bandwidth" in names:
        scale = bandwidth_gradient(
            problem, kernel, bandwidth, metric, of_graph=_has_numbers(neighbors), required=required
        )
        if scale is None:
            names.remove("bandwidth")
        else:
            problem = scale.problem
    upstream = _as_grad(grad, problem), _as_log_mass_grad(log_mass_grad, problem)
    call = GradientCall(problem, upstream, forward, as_tol(tol), num_threads)
    wanted = Wanted(names, given, scale)
    with reporter(progress) as report:
        if missing:
            return LocalMeanGradient(**gradients_omitting(call, missing, wanted, report))
        return LocalMeanGradient(**gradients_of(call, wanted, report))


def _names(wrt: Iterable[str] | None, given: dict[str, Any]) -> list[str]:
    no_array = callable(given["bias"]) or isinstance(given["bias"], PositionBias)
    if wrt is None:
        return [n for n in NAMES if given[n] is not None and not (n == "bias" and no_array)]
    if not isinstance(wrt, Iterable):
        raise TypeError(f"wrt must be names, or None for every array given, got {wrt!r}")
    names = [wrt] if isinstance(wrt, str) else list(wrt)
    for name in names:
        if name not in NAMES:
            raise ValueError(f"wrt must be among {', '.join(NAMES)}, got {name!r}")
    if "bias" in names and no_array:
        raise ValueError(
            "a bias that is a function, or one of positions, has no gradient; pass its array"
        )
    return names


def _has_numbers(neighbors: Neighborhood) -> bool:
    """Tell whether pairs have distances or weights of a graph."""
    if neighbors is None:
        return False
    from vicinal.graph import as_neighbor_set

    return as_neighbor_set(neighbors).edge_data != "pattern"


def _as_grad(grad: ArrayLike, problem: Problem) -> Array:
    array = as_array(grad, "grad")
    if problem.one_value:
        array = array[..., None]
    shape = (*problem.lead, problem.m, problem.p)
    if array.shape == shape:
        return as_rows(array, problem.dtype)
    try:
        full = np.broadcast_to(array, shape)
    except ValueError:
        expected = shape[:-1] if problem.one_value else shape
        raise ValueError(
            f"grad must have the shape of the means, {expected}, got {as_array(grad, 'grad').shape}"
        ) from None
    return as_rows(full, problem.dtype)


def _as_log_mass_grad(grad: ArrayLike | None, problem: Problem) -> Array | None:
    if grad is None:
        return None
    array, shape = as_array(grad, "log_mass_grad"), (*problem.lead, problem.m)
    return as_rows(spread(array, shape, "log_mass_grad"), problem.dtype)
