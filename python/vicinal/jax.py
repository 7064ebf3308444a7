"""Local means of jax arrays, with gradients, inside `jax.jit`, `jax.grad` and `jax.vmap`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    import jax
except ImportError as error:
    raise ImportError("vicinal.jax needs jax: pip install jax") from error

from vicinal.jax_attention import attention
from vicinal.jax_call import PerKey, PerQuery, mean_and_log_mass

if TYPE_CHECKING:
    from vicinal.bandwidth.given import AdaptiveBandwidth
    from vicinal.kernels import Kernel
    from vicinal.kernels.metrics import Metric
    from vicinal.problem import Bias, Neighborhood

__all__ = ["PerKey", "PerQuery", "attention", "local_mean"]


def local_mean(
    queries: jax.Array,
    keys: jax.Array,
    values: jax.Array,
    *,
    kernel: str | Kernel = "gaussian",
    bandwidth: jax.Array | PerKey | PerQuery | AdaptiveBandwidth | float | None = None,
    metric: Metric | None = None,
    neighbors: Neighborhood = None,
    weights: jax.Array | None = None,
    log_weights: jax.Array | None = None,
    bias: jax.Array | Bias | None = None,
    mask: jax.Array | None = None,
    exclude_self: bool = False,
    self_indices: Any = None,
    tol: float = 0.0,
    empty: str | float = "nan",
    nan_policy: str = "propagate",
    num_threads: int | None = None,
) -> jax.Array:
    """Average the values of the keys near each query; every floating array gets its gradient.

    As `vicinal.local_mean`, whose bits it has.

    Parameters
    ----------
    queries : jax.Array of shape (..., m, d)
        The points asked about.
    keys : jax.Array of shape (..., n, d)
        The neighbors' positions.
    values : jax.Array of shape (..., n, p) or (..., n)
        What is averaged.
    kernel : str or Kernel
        As in `vicinal.local_mean`.
    bandwidth : jax.Array, PerKey, PerQuery, float or rule, optional
        An array of jax of no dimension or of shape (d,), `PerKey` and `PerQuery` of this module
        have a gradient; numbers and rules of `vicinal.bandwidth` have none.
    metric, neighbors
        As in `vicinal.local_mean`.
    weights, log_weights : jax.Array of shape (..., n), optional
        As in `vicinal.local_mean`; `weights` has no gradient.
    bias : jax.Array broadcastable to (..., m, n), ALiBi, Relative or callable, optional
        As in `vicinal.local_mean`; an array has a gradient.
    mask : jax.Array of bool broadcastable to (..., m, n), optional
        True = the key is used.
    exclude_self, self_indices, tol, empty, nan_policy, num_threads
        As in `vicinal.local_mean`, and known when a function is traced.

    Returns
    -------
    jax.Array of shape (..., m, p) or (..., m)
        In the result type of the floating arrays among `queries`, `keys` and `values`; float16 and
        bfloat16 become float32.

    Raises
    ------
    ValueError, TypeError
        For shapes and types when a function is traced; for numbers in the arrays when it runs.
    ImportError
        On import of this module, if jax is not installed.

    Notes
    -----
    The work is done by the engine on the CPU, in a callback that keeps no state (`pure_callback`).
    Under `jax.vmap` a batch is one call, with one more leading dimension. The gradient is that of
    `vicinal.local_mean_vjp`; there is no second derivative.

    Examples
    --------
    >>> import jax, jax.numpy as jnp
    >>> from vicinal.jax import local_mean
    >>> keys = jnp.array([[0.0], [1.0], [3.0]])
    >>> def error(h):
    ...     return local_mean(keys, keys, keys[:, 0], bandwidth=h, exclude_self=True).sum()
    >>> jax.grad(error)(1.0).shape
    ()
    """
    return mean_and_log_mass(
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
        tol=tol,
        empty=empty,
        nan_policy=nan_policy,
        num_threads=num_threads,
    )[0]
