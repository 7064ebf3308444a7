"""Gradients of local means with respect to everything that they depend on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array, as_array, as_points, as_rows
from vicinal.bandwidth_gradients import BandwidthGradient, bandwidth_gradient
from vicinal.evaluate import as_empty, as_tol
from vicinal.gradient_calls import GradientCall, bias_shape, summed
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
    queries, keys, values, log_weights, bias : ndarray, optional
        In the shape of the input; what was broadcast has the sum over all its copies.
    bandwidth : float or ndarray, optional
        A number, one per feature, or in the shape of the `h` of `PerKey` and `PerQuery`.
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
        is every one given. "bias" needs memory of the size of the bias, else nothing is m × n.
    forward : LocalStats, optional
        `mean` and `log_mass` of the same call of `local_stats`: saves computing them again.
    log_mass_grad : array_like of shape (..., m), optional
        Gradient of the loss by the `log_mass` of `local_stats`, where it depends on that too: ``a``
        then has the term ``P[i, j] · log_mass_grad[i]`` besides.
    kernel, bandwidth, metric, neighbors, weights, log_weights, bias, mask
        As in `local_mean`. `weights` have a gradient as log-weights alone.
    exclude_self, self_indices, tol, num_threads, progress
        As in `local_mean`.
    empty : {"nan", "zero", "nearest", "raise"} or float
        As in `local_mean`, where it is a constant: it changes no gradient.
    nan_policy : {"propagate"}
        NaN in values that are used spoils the gradients of their pairs.

    Returns
    -------
    LocalMeanGradient
        In the dtype of the means.

    Raises
    ------
    ValueError
        For shapes that do not fit, a name in `wrt` that is not known or has no gradient: a bias
        that is a function, bandwidths found by a rule, those of category and composed kernels.
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
    if nan_policy != "propagate":
        raise ValueError(
            f"nan_policy must be 'propagate' for gradients, got {nan_policy!r}; leave keys "
            "with NaN values out by weights of 0"
        )
    names = _names(wrt, given)
    required = wrt is not None and "bandwidth" in names
    scale = bandwidth_gradient(problem, kernel, bandwidth, metric, required=required)
    if "bandwidth" in names and scale is None:
        names.remove("bandwidth")
    upstream = _as_grad(grad, problem), _as_log_mass_grad(log_mass_grad, problem)
    call = GradientCall(problem, upstream, forward, as_tol(tol), num_threads)
    with reporter(progress) as report:
        return _gradients(call, names, given, scale if "bandwidth" in names else None, report)


def _names(wrt: Iterable[str] | None, given: dict[str, Any]) -> list[str]:
    if wrt is None:
        return [
            name
            for name in NAMES
            if given[name] is not None and not (name == "bias" and callable(given[name]))
        ]
    names = [wrt] if isinstance(wrt, str) else list(wrt)
    for name in names:
        if name not in NAMES:
            raise ValueError(f"wrt must be among {', '.join(NAMES)}, got {name!r}")
    if "bias" in names and callable(given["bias"]):
        raise ValueError("a bias that is a function has no gradient; pass its array")
    return names


def _as_grad(grad: ArrayLike, problem: Problem) -> Array:
    array = as_array(grad, "grad")
    if problem.one_value:
        array = array[..., None]
    shape = (*problem.lead, problem.m, problem.p)
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


def _gradients(
    call: GradientCall,
    names: list[str],
    given: dict[str, Any],
    scale: BandwidthGradient | None,
    report: Report | None,
) -> LocalMeanGradient:
    p = call.problem
    shapes = {
        "queries": p.queries.shape,
        "keys": p.keys.shape,
        "values": (*p.lead, p.n, p.p),
        "log_weights": (*p.lead, p.n),
    }
    outputs = {name: np.zeros(shapes[name], p.dtype) for name in shapes if name in names}
    wanted = set(outputs)
    if scale is not None:
        outputs |= scale.outputs(outputs)
    bias = _BiasGradient(call, given["bias"], outputs) if "bias" in names else None
    call.run(outputs, report)
    result: dict[str, Any] = {
        name: _as_given(outputs[name], given[name], name, p) for name in sorted(wanted)
    }
    if bias is not None:
        result["bias"] = bias.finish(outputs)
    if scale is not None:
        result["bandwidth"] = scale.finish(outputs)
    return LocalMeanGradient(**result)


def _as_given(output: Array, given: Any, name: str, problem: Problem) -> Array:
    """Return the gradient of an input in its own shape."""
    if name == "values":
        array = output[..., 0] if problem.one_value else output
        return summed(array, as_array(given, "values").shape)
    if given is None:  # log-weights that are 0, points of a graph that stores its distances
        return output
    if name == "log_weights":
        return summed(output, as_array(given, "log_weights").shape)
    shape = as_points(given, name).shape  # scales may stand beside the features of keys
    return summed(output[..., : shape[-1]], shape)


class _BiasGradient:
    """The gradient of a bias, found by pairs only where it differs from pair to pair."""

    def __init__(self, call: GradientCall, bias: Any, outputs: dict[str, Array]) -> None:
        p = call.problem
        self.call = call
        self.shape = bias_shape(bias, p)
        self.own_shape = self.shape if bias is None else as_array(bias, "bias").shape
        self.by_key = p.m > 1 and self.shape[-2] == 1 and self.shape[-1] == p.n
        self.shared = False
        if self.by_key:  # the sums of log-weights
            outputs.setdefault("log_weights", np.zeros((*p.lead, p.n), p.dtype))
            return
        self.pairs = np.zeros(self.shape, p.dtype)  # a number per query changes no mean
        if self.shape[-2:] == (p.m, p.n):
            self.shared = self.shape != (*p.lead, p.m, p.n)
            if not self.shared:
                outputs["bias"] = self.pairs

    def finish(self, outputs: dict[str, Array]) -> Array:
        if self.by_key:
            return summed(outputs["log_weights"][..., None, :], self.shape).reshape(self.own_shape)
        if self.shared:
            self.call.add_shared_bias(self.pairs)
        return self.pairs.reshape(self.own_shape)
