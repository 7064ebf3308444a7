"""Local means over all keys, and their weights as a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vicinal.arrays import Array
from vicinal.evaluate import Request, allocate, evaluate
from vicinal.problem import Problem, prepare
from vicinal.sparse_weights import sparse_weights

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from vicinal.arrays import ArrayLike
    from vicinal.bandwidth.given import AdaptiveBandwidth
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.problem import Bias, Neighborhood
    from vicinal.progress import Report

__all__ = ["local_mean", "local_weights"]


def local_mean(
    queries: ArrayLike | None,
    keys: ArrayLike | None,
    values: ArrayLike,
    *,
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
    out: Array | None = None,
) -> Array:
    """Average the values of the keys near each query.

    ``m(q) = Σ w y / Σ w`` with ``w = profile(score) · weights · exp(log_weights + bias)``
    (Nadaraya, 1964; Watson, 1964).

    Parameters
    ----------
    queries : array_like of shape (..., m, d)
        The points asked about.
    keys : array_like of shape (..., n, d)
        The neighbors' positions. Leading dimensions broadcast as in numpy.
    values : array_like of shape (..., n, p) or (..., n)
        What is averaged; with one dimension fewer than `keys` it is one number per key.
    kernel : str or Kernel
        A name or an object of `vicinal.kernels`.
    bandwidth : float or array_like of shape (d,), optional
        Scale of the distance or of the dot product, one number or one per feature; None is the
        kernel's own, else 1. Infinite is the plain weighted mean. One per key or query: `PerKey`,
        `PerQuery`, `KthNeighbor`, `Abramson` or `Perplexity` of `vicinal.bandwidth`.
    metric : str, GreatCircle or Mahalanobis, optional
        Metric of the kernel, if the kernel leaves it open; see `vicinal.kernels`.
    neighbors : NeighborSet or Neighbors, optional
        Which keys each query sees: `KNearest`, `Radius`, `Window`, `Grid`, `Graph`, `BlockMask`,
        `Segments`, joined with ``&`` and ``|``, or the result of `knn`; None is all keys. With a
        graph of distances or weights `queries` and `keys` may be None.
    weights, log_weights : array_like of shape (..., n), optional
        Prior weight of each key, ≥ 0, or its logarithm (−inf = absent); not both.
    bias : array_like broadcastable to (..., m, n), or callable, optional
        Added to the log-weight of each pair; ``bias(rows, cols)`` gets int64 index arrays and
        returns (len(rows), len(cols)), a strip at a time.
    mask : array_like of bool broadcastable to (..., m, n), optional
        True = the key is used.
    exclude_self : bool
        Leave out each query's own key.
    self_indices : array_like of int, shape (..., m), optional
        Each query's own key, −1 = none; the row numbers if m = n, else required where it matters.
    tol : float
        At most this share of a query's mass is left out, so that the mean moves by at most ``tol ·
        (max y − min y)``; 0 leaves nothing out. It pays for decaying distance kernels, few
        features and many keys.
    empty : {"nan", "zero", "nearest", "raise"} or float
        What a query without any weight gets.
    nan_policy : {"propagate", "omit", "raise"}
        What NaN in `values` does; "omit" leaves it out of its own column's mean.
    num_threads : int, optional
        Threads of this call, −1 = all; None is `get_num_threads`. The result does not depend on it.
    progress : bool or callable
        True shows a bar (tqdm, else lines on stderr); or a function of the finished fraction.
    out : ndarray, optional
        Where the result goes: its shape and dtype, C-contiguous, overlapping no input.

    Returns
    -------
    ndarray of shape (..., m, p) or (..., m)
        In the result type of the floating arrays among `queries`, `keys` and `values`.

    Raises
    ------
    ValueError
        For shapes that do not fit, a bandwidth that is not positive, prior weights that are NaN or
        negative, empty rows with ``empty="raise"``, NaN with ``nan_policy="raise"``.
    TypeError
        For arrays that are not real numbers on the CPU; the message names the way out.

    Notes
    -----
    A row's bits depend neither on the other queries nor on the number of threads, and no memory
    of size m × n is used.

    Examples
    --------
    >>> import numpy as np, vicinal as vc
    >>> keys = np.array([[0.0], [1.0], [2.0]])
    >>> vc.local_mean([[1.0]], keys, [0.0, 1.0, 5.0], bandwidth=0.5).round(3)
    array([1.32])
    """
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
        raise TypeError("values must be an array, got None; vicinal.local_stats works without")
    request = Request(tol=tol, empty=empty, nan_policy=nan_policy, num_threads=num_threads)
    if out is None:
        outputs = allocate(problem.lead, problem.sizes, problem.dtype, ("mean",))
    else:
        shape = (*problem.lead, problem.m, problem.p)
        _check_out(out, shape[:-1] if problem.one_value else shape, problem)
        outputs = {"mean": out.reshape(shape)}
    evaluate(problem, request, outputs, progress)
    if out is not None:
        return out
    return outputs["mean"][..., 0] if problem.one_value else outputs["mean"]


def local_weights(
    queries: ArrayLike | None,
    keys: ArrayLike | None,
    *,
    normalize: bool = True,
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
    num_threads: int | None = None,
    progress: bool | Report = False,
    out: Array | None = None,
) -> Array | csr_array:
    """Return the weight of every key for every query: the local mean as a matrix.

    Parameters
    ----------
    queries : array_like of shape (..., m, d)
        The points asked about.
    keys : array_like of shape (..., n, d)
        The neighbors' positions.
    normalize : bool
        Divide each row by its sum.
    kernel, bandwidth, metric, neighbors, weights, log_weights, bias, mask
        As in `local_mean`.
    exclude_self, self_indices, tol, empty, num_threads, progress
        As in `local_mean`.
    out : ndarray, optional
        As in `local_mean`; for a dense result.

    Returns
    -------
    ndarray of shape (..., m, n), or csr_array of shape (m, n)
        Sparse if `neighbors` are given or ``tol > 0``: the weights that are not 0, by row; a query
        that holds NaN has none.

    Raises
    ------
    ValueError, TypeError
        As `local_mean`.

    Examples
    --------
    >>> import vicinal as vc
    >>> vc.local_weights([[0.0]], [[-1.0], [1.0], [5.0]], kernel="triangular", bandwidth=2.0)
    array([[0.5, 0.5, 0. ]])
    """
    problem = prepare(
        queries,
        keys,
        None,
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
    request = Request(tol=tol, empty=empty, num_threads=num_threads, normalize=normalize)
    if problem.neighbors is not None or request.tol > 0:
        if out is not None:
            raise ValueError("out takes a dense result, but with neighbors or tol > 0 it is sparse")
        return sparse_weights(problem, request, progress)
    if out is None:
        outputs = allocate(problem.lead, problem.sizes, problem.dtype, ("weights",))
    else:
        _check_out(out, (*problem.lead, problem.m, problem.n), problem)
        outputs = {"weights": out}
    evaluate(problem, request, outputs, progress)
    return outputs["weights"]


def _check_out(out: Array, shape: tuple[int, ...], problem: Problem) -> None:
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a numpy array, got {type(out).__name__}")
    if out.shape != shape or out.dtype != problem.dtype:
        raise ValueError(
            f"out must have shape {shape} and dtype {problem.dtype}, got shape {out.shape} and "
            f"dtype {out.dtype}"
        )
    if not (out.flags.c_contiguous and out.flags.writeable and out.flags.aligned):
        raise ValueError("out must be C-contiguous and writeable; pass numpy.empty(shape, dtype)")
    if any(_overlaps(out, array) for array in problem.given):
        raise ValueError("out overlaps an input; pass an array of its own memory")


def _overlaps(out: Array, array: Array) -> bool:
    if not np.may_share_memory(out, array):
        return False
    try:
        return np.shares_memory(out, array, max_work=100_000)  # type: ignore[arg-type]  # any int
    except np.exceptions.TooHardError:
        return True
