"""Derivatives of the logarithm of a kernel density: its score and its Hessian."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array, as_array, as_points
from vicinal.gradients import local_mean_vjp
from vicinal.problem import spread

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.bandwidth.given import AdaptiveBandwidth
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.problem import Neighborhood

__all__ = ["density_hessian_product", "density_score"]


def density_score(
    queries: ArrayLike,
    keys: ArrayLike,
    *,
    kernel: str | Kernel = "gaussian",
    bandwidth: ArrayLike | AdaptiveBandwidth | None = None,
    metric: Metric | None = None,
    neighbors: Neighborhood = None,
    weights: ArrayLike | None = None,
    log_weights: ArrayLike | None = None,
    exclude_self: bool = False,
    self_indices: ArrayLike | None = None,
    num_threads: int | None = None,
) -> Array:
    r"""Return the score of a kernel density, ``∇ log Σ_j w(q, x_j)`` at each query.

    Of a Gaussian it is the mean shift over ``h²`` (Fukunaga & Hostetler, 1975). A normaliser is a
    constant, so that it does not matter.

    Parameters
    ----------
    queries : array_like of shape (..., m, d)
        The points asked about.
    keys : array_like of shape (..., n, d)
        The sample.
    kernel, bandwidth, metric, neighbors, weights, log_weights
        As in `local_mean`.
    exclude_self, self_indices, num_threads
        As in `local_mean`.

    Returns
    -------
    ndarray of shape (..., m, d)
        0 where no key has a weight.

    Raises
    ------
    ValueError, TypeError
        As `local_mean`.

    Examples
    --------
    >>> import vicinal as vc
    >>> vc.density_score([[0.0], [1.0]], [[1.0]], bandwidth=2.0)
    array([[0.25],
           [0.  ]])
    """
    points = as_points(getattr(keys, "keys", keys), "keys")
    nothing = np.empty((*points.shape[:-1], 0), np.result_type(points.dtype, np.float32))
    gradient = local_mean_vjp(
        np.empty((1, 0), nothing.dtype),
        queries,
        keys,
        nothing,
        wrt=["queries"],
        log_mass_grad=1.0,
        kernel=kernel,
        bandwidth=bandwidth,
        metric=metric,
        neighbors=neighbors,
        weights=weights,
        log_weights=log_weights,
        exclude_self=exclude_self,
        self_indices=self_indices,
        num_threads=num_threads,
    )
    assert gradient.queries is not None
    return gradient.queries


def density_hessian_product(
    direction: ArrayLike,
    queries: ArrayLike,
    keys: ArrayLike,
    *,
    bandwidth: ArrayLike | None = None,
    neighbors: Neighborhood = None,
    weights: ArrayLike | None = None,
    log_weights: ArrayLike | None = None,
    num_threads: int | None = None,
) -> Array:
    r"""Return ``∇² log Σ_j w(q, x_j) v`` of a Gaussian density: its Hessian times a direction.

    With ``H = diag(h²)`` and P the shares of the keys, ``H⁻¹ Cov_P(x) H⁻¹ v − H⁻¹ v``: the
    gradient of a local mean of the keys. No matrix of size d × d is made.

    Parameters
    ----------
    direction : array_like, broadcast to (..., m, d)
        v, one for each query.
    queries : array_like of shape (..., m, d)
        The points asked about.
    keys : array_like of shape (..., n, d)
        The sample.
    bandwidth : float or array_like of shape (d,), optional
        h of the Gaussian, finite; None is 1.
    neighbors, weights, log_weights, num_threads
        As in `local_mean`.

    Returns
    -------
    ndarray of shape (..., m, d)

    Raises
    ------
    ValueError, TypeError
        As `local_mean`; for a bandwidth that is neither a number nor one per feature.

    Examples
    --------
    >>> import vicinal as vc
    >>> vc.density_hessian_product([[1.0]], [[0.0]], [[-1.0], [1.0]], bandwidth=2.0)
    array([[-0.1875]])
    """
    q, v = as_points(queries, "queries"), as_array(direction, "direction")
    d = q.shape[-1]
    h = as_array(1.0 if bandwidth is None else bandwidth, "bandwidth").astype(np.float64)
    if h.shape not in ((), (d,)) or not np.all((h > 0) & (h < np.inf)):
        raise ValueError(f"bandwidth must be a positive number or {d} of them, got {bandwidth!r}")
    sharp = _in_type_of(spread(v / (h * h), q.shape, "direction"), q)
    options: dict[str, Any] = {"weights": weights, "log_weights": log_weights}
    gradient = local_mean_vjp(
        sharp,
        queries,
        keys,
        getattr(keys, "keys", keys),
        wrt=["queries"],
        bandwidth=bandwidth,
        neighbors=neighbors,
        num_threads=num_threads,
        **options,
    )
    assert gradient.queries is not None
    return gradient.queries - sharp


def _in_type_of(array: Array, like: Array) -> Array:
    return array.astype(like.dtype if like.dtype.kind == "f" else np.float64)
