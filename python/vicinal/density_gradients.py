"""Derivatives of the logarithm of a kernel density: its score and its Hessian."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vicinal.arrays import Array, as_array, as_points, working_dtype
from vicinal.gradients import local_mean_vjp
from vicinal.graph import as_neighbor_set
from vicinal.kernels.lowering import fill
from vicinal.kernels.shadow import Pull, pulls
from vicinal.neighbor_sets import Both, Either, KNearest, Radius
from vicinal.problem import spread
from vicinal.stats import local_stats

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
    kernel: str | Kernel = "gaussian",
    bandwidth: ArrayLike | None = None,
    metric: Metric | None = None,
    neighbors: Neighborhood = None,
    weights: ArrayLike | None = None,
    log_weights: ArrayLike | None = None,
    num_threads: int | None = None,
) -> Array:
    r"""Return ``∇² log Σ_j w(q, x_j) v`` of a kernel density: its Hessian times a direction.

    The slope of a kernel is a kernel again (Cheng, 1995), so that the score is ``r M (m − q)`` with
    a local mean m of the keys, and the product the gradient of ``v · r M (m − q)``. No matrix of
    size d × d is made. Of a Gaussian it is ``H⁻¹ Cov_P(x) H⁻¹ v − H⁻¹ v`` with ``H = diag(h²)``.

    Parameters
    ----------
    direction : array_like, broadcast to (..., m, d)
        v, one for each query.
    queries : array_like of shape (..., m, d)
        The points asked about.
    keys : array_like of shape (..., n, d)
        The sample.
    kernel : str or Kernel
        A kernel without negative weights and with a slope at 0 (not laplace, triangular, Matérn
        1/2), or a product or sum of such ones. Where its second derivative jumps, as at the edge of
        a compact kernel, one side counts.
    bandwidth : float or array_like of shape (d,), optional
        As in `local_mean`, where it is a number or one per feature.
    metric : str or Mahalanobis, optional
        Euclidean or Mahalanobis.
    neighbors, weights, log_weights, num_threads
        As in `local_mean`; a kernel other than the Gaussian takes no sets that ask for it,
        `KNearest` and `Radius`.

    Returns
    -------
    ndarray of shape (..., m, d)
        0 where no key has a weight.

    Raises
    ------
    ValueError, TypeError
        As `local_mean`; for kernels without a second derivative.

    Examples
    --------
    >>> import vicinal as vc
    >>> vc.density_hessian_product([[1.0]], [[0.0]], [[-1.0], [1.0]], bandwidth=2.0)
    array([[-0.1875]])
    """
    q, x = as_points(queries, "queries"), as_points(getattr(keys, "keys", keys), "keys")
    dtype = working_dtype(q, x)
    shape = (*np.broadcast_shapes(q.shape[:-2], x.shape[:-2]), *q.shape[-2:])
    q = spread(q.astype(dtype, copy=False), shape, "queries")
    v = spread(as_array(direction, "direction").astype(np.float64), shape, "direction")
    filled = fill(kernel, bandwidth, metric, shape[-1])
    terms = _smooth(filled, shape[-1])
    near = None if neighbors is None else as_neighbor_set(neighbors)
    if _asks_kernel(near) and any(term.kernel != filled for term in terms):
        raise ValueError(
            f"neighbors={near} ask the kernel, and its slope is another one; take the kernel "
            "gaussian, or a Graph of the neighbors"
        )
    options: dict[str, Any] = {"weights": weights, "log_weights": log_weights, "neighbors": near}
    return _Hessian(q, keys, x, filled, options | {"num_threads": num_threads}).times(v, terms)


class _Hessian:
    """Of the logarithm of a kernel density."""

    def __init__(
        self, queries: Array, keys: Any, points: Array, kernel: Kernel, options: dict[str, Any]
    ) -> None:
        self.queries, self.keys, self.points = queries, keys, points
        self.kernel, self.options = kernel, options

    def times(self, v: Array, terms: list[Pull]) -> Array:
        """Return its products: the score is Σ r M (m − q), with one term for each of the slope."""
        logs = np.asarray(self._stats(None, self.kernel, "log_mass").log_mass)
        total, score = np.zeros(v.shape), np.zeros(v.shape)
        along = np.zeros(v.shape[:-1])  # v · score
        for term in terms:
            mv = _applied(term, v[..., term.columns])
            if all(other.kernel == self.kernel for other in terms):  # Gaussians alone: r is 1
                total += self._gradient(term, mv)
                total[..., term.columns] -= mv
                continue
            stats = self._stats(term, term.kernel, ("mean", "log_mass"))
            r = _ratio(stats.log_mass, logs)[..., None]
            gaps = np.where(r != 0, stats.mean - self.queries[..., term.columns], 0)
            of_mass = (r * mv * gaps).sum(axis=-1)
            total += self._gradient(term, r * mv, forward=stats, log_mass_grad=of_mass)
            total[..., term.columns] -= r * mv
            score[..., term.columns] += r * _applied(term, gaps)
            along += of_mass
        product = np.where(np.isneginf(logs)[..., None], 0, total - along[..., None] * score)
        return product.astype(self.queries.dtype)

    def _stats(self, term: Pull | None, kernel: Kernel, names: Any) -> Any:
        values = None if term is None else self.points[..., term.columns]
        given = self.queries, self.keys, values
        return local_stats(*given, statistics=names, kernel=kernel, **self.options)

    def _gradient(self, term: Pull, grad: Array, **more: Any) -> Array:
        given = grad, self.queries, self.keys, self.points[..., term.columns]
        options = self.options | more
        found = local_mean_vjp(*given, wrt=["queries"], kernel=term.kernel, **options)
        assert found.queries is not None
        return found.queries


def _smooth(kernel: Kernel, d: int) -> list[Pull]:
    """Return the terms of the slope of a kernel that has a second derivative."""
    terms = pulls(kernel, d)
    if any(term.cusp for term in terms):
        raise ValueError(
            f"the kernel {kernel!r} has a cusp at 0 and no second derivative there; take gaussian, "
            "logistic or Matérn 3/2"
        )
    return terms


def _asks_kernel(near: Any) -> bool:
    if isinstance(near, Both | Either):
        return _asks_kernel(near.a) or _asks_kernel(near.b)
    return isinstance(near, KNearest | Radius)


def _applied(term: Pull, gaps: Array) -> Array:
    return term.applied(gaps.reshape(-1, gaps.shape[-1])).reshape(gaps.shape)


def _ratio(logs: Any, of: Any) -> Array:
    nothing = np.isneginf(logs) | np.isneginf(of)
    with np.errstate(invalid="ignore"):
        return np.where(nothing, 0, np.exp(logs.astype(np.float64) - of))
