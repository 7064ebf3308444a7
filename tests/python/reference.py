"""The oracle: every statistic and policy, written slowly and plainly in long double and log space.

Used by tests only; users cannot reach it. `local_stats` is the reference, `plain` is the yardstick
"plain numpy in the same dtype" of docs/reliability.md. Shapes: queries (m, d), keys (n, d),
values (n, p).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reference_kernels import (
    EXACT,
    Factor,
    Terms,
    as_terms,
    log_weights,
    scaled,
    take_columns,
    weights,
)


@dataclass(frozen=True)
class Stats:
    """The answer, all floats long double; the costly statistics are computed when asked for."""

    mean: np.ndarray  # (m, p)
    log_mass: np.ndarray  # (m,)
    ess: np.ndarray  # (m,)
    count: np.ndarray  # (m,)
    self_weight: np.ndarray  # (m,)
    weights: np.ndarray  # (m, n), normalized
    condition: np.ndarray  # (m,) Σ|w| / |Σw|, 1 for non-negative kernels
    empty_rows: int
    log_weights: np.ndarray  # (m, n), relative to the row's largest
    values: np.ndarray  # (n, p)
    k: int

    @property
    def deviations(self) -> np.ndarray:
        """Return y − mean where a key has weight, else 0, (m, n, p)."""
        used = (self.weights != 0)[:, :, None]
        return np.where(used, self.values[None] - self.mean[:, None], 0)

    @property
    def variance(self) -> np.ndarray:
        """Return Σ w (y − mean)² / Σ w, (m, p)."""
        return np.einsum("ij,ijp->ip", self.weights, self.deviations**2)

    @property
    def covariance(self) -> np.ndarray:
        """Return Σ w (y − mean)(y − mean)ᵀ / Σ w, (m, p, p)."""
        return np.einsum("ij,ija,ijb->iab", self.weights, self.deviations, self.deviations)

    @property
    def top_k(self) -> tuple[np.ndarray, np.ndarray]:
        """Return indices and shares of the heaviest keys, ties by index, (m, k) each."""
        (m, n), k = self.weights.shape, self.k
        indices, best = np.full((m, k), -1), np.zeros((m, k), dtype=EXACT)
        for i in range(m):
            order = np.lexsort((np.arange(n), -self.log_weights[i]))[:k]
            order = order[self.log_weights[i, order] > -np.inf]
            indices[i, : len(order)] = order
            best[i, : len(order)] = self.weights[i, order]
        return indices, best


def candidates(m, n, *, mask=None, prior=None, bias=None, own=None, exclude_self=False):
    """Return which keys each query may use, (m, n), before the kernel looks at them."""
    allowed = np.ones((m, n), dtype=bool)
    if mask is not None:
        allowed &= np.broadcast_to(mask, (m, n))
    if prior is not None:
        allowed &= prior != -np.inf
    if bias is not None:
        allowed &= np.broadcast_to(bias, (m, n)) != -np.inf
    if exclude_self:
        has_own = own >= 0
        allowed[np.flatnonzero(has_own), own[has_own]] = False
    return allowed


def nearness(kernel: Factor | Terms, q: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return what `empty="nearest"` minimizes: u, the largest u over factors, minus the score."""
    factors = [f for _, group in as_terms(kernel).terms for f in group]
    parts = []
    for factor in factors:
        u = scaled(factor, take_columns(factor, q), take_columns(factor, x))
        parts.append(-u if factor.score in ("dot", "cosine") else u)
    return np.max(parts, axis=0)


def _weighted_columns(w, y):
    """Return Σ w y / Σ w per row with absent keys skipped, so that 0 · NaN never appears."""
    used = (w != 0)[:, :, None]
    terms = np.where(used, w[:, :, None] * np.where(used, y[None], 0), 0)
    return terms.sum(1) / w.sum(1)[:, None]


def _log_prior(weights_, log_weights_):
    if weights_ is not None:
        with np.errstate(divide="ignore"):
            return np.log(np.asarray(weights_, dtype=EXACT))
    return None if log_weights_ is None else np.asarray(log_weights_, dtype=EXACT)


def log_terms(kernel, q, x, *, prior, bias, allowed):
    """Return (log |w|, sign) with priors and bias, −inf where a key is not used."""
    logw, sign = log_weights(kernel, q, x)
    with np.errstate(all="ignore"):
        if prior is not None:
            logw = logw + prior
        if bias is not None:
            bias = np.broadcast_to(np.asarray(bias, dtype=EXACT), logw.shape)
            logw = logw + np.where(bias == np.inf, np.nan, bias)
    used = allowed & ~np.isinf(x).any(1)[None, :] & ~np.isinf(q).any(1)[:, None]
    return np.where(used, logw, -np.inf), np.where(used, sign, 0)


def local_stats(
    kernel,
    queries,
    keys,
    values=None,
    *,
    weights=None,
    log_weights=None,
    bias=None,
    mask=None,
    self_indices=None,
    exclude_self=False,
    k=10,
    empty="nan",
    epsilon=0.0,
) -> Stats:
    """Return every statistic of one problem without batch dimensions."""
    q, x = np.asarray(queries, dtype=EXACT), np.asarray(keys, dtype=EXACT)
    (m, n), y = (len(q), len(x)), np.zeros((len(x), 1), dtype=EXACT)
    if values is not None:
        y = np.asarray(values, dtype=EXACT)
        y = y[:, None] if y.ndim == 1 else y
    prior = _log_prior(weights, log_weights)
    own = np.arange(m) if self_indices is None else np.asarray(self_indices)
    allowed = candidates(
        m, n, mask=mask, prior=prior, bias=bias, own=own, exclude_self=exclude_self
    )
    with np.errstate(all="ignore"):
        logw, sign = log_terms(kernel, q, x, prior=prior, bias=bias, allowed=allowed)
        infinite = np.isposinf(logw)  # Shepard: the coincident keys share the weight
        hit = infinite.any(1, keepdims=True)
        prior_only = np.zeros_like(logw) if prior is None else np.broadcast_to(prior, logw.shape)
        relative = np.where(hit, np.where(infinite, prior_only, -np.inf), logw)
        peak = np.max(relative, axis=1, keepdims=True, initial=-np.inf)
        base = np.where(np.isneginf(peak), 0, peak)
        w = sign * np.exp(relative - base)
        total, absolute = w.sum(1), np.abs(w).sum(1)
        row_empty = (np.abs(total) <= 64 * epsilon * absolute) & ~np.isnan(total)
        mean = _weighted_columns(w, y)
        log_mass = np.where(hit[:, 0], np.inf, np.log(np.abs(total)) + base[:, 0])
        log_mass = np.where(row_empty, -np.inf, log_mass)
        own_weight = np.zeros(m, dtype=EXACT)
        inside = (own >= 0) & (own < n)
        own_weight[inside] = w[np.flatnonzero(inside), own[inside]]
        fill = _fill(kernel, q, x, y, allowed, empty)
        return Stats(
            mean=np.where(row_empty[:, None], fill, mean),
            log_mass=log_mass,
            ess=absolute**2 / (w * w).sum(1),
            count=(logw > -np.inf).sum(1),
            self_weight=own_weight / total,
            weights=w / total[:, None],
            condition=absolute / np.abs(total),
            empty_rows=int(row_empty.sum()),
            log_weights=relative - base,
            values=y,
            k=k,
        )


def _fill(kernel, q, x, y, allowed, empty):
    """Return the rows (m, p) that stand in for empty ones."""
    fill = np.full((len(q), y.shape[1]), np.nan, dtype=EXACT)
    if empty == "zero":
        fill[:] = 0
    elif not isinstance(empty, str):
        fill[:] = empty
    elif empty == "nearest" and len(x):
        u = np.where(allowed, nearness(kernel, q, x), np.inf)
        some = allowed.any(1)
        fill[some] = y[np.argmin(u[some], axis=1)]
    return fill


def plain(kernel, queries, keys, values, *, weights_=None):
    """Return the mean as a user writes it in numpy, all in the dtype of the arrays."""
    w = weights(kernel, queries, keys)
    if weights_ is not None:
        w = w * weights_
    return (w @ values) / w.sum(1, keepdims=True)


def plain_log_space(kernel, queries, keys, values):
    """Return the mean as numpy users write it in log space, in the dtype of the arrays."""
    log, sign = log_weights(kernel, queries, keys)
    w = sign * np.exp(log - log.max(1, keepdims=True))
    return (w @ values) / w.sum(1, keepdims=True)


def plain_stats(kernel, queries, keys, values, *, weights_=None):
    """Return (mean, log_mass, ess, variance) in plain numpy, in the dtype of the arrays."""
    w = weights(kernel, queries, keys)
    if weights_ is not None:
        w = w * weights_
    total = w.sum(1)
    mean = (w @ values) / total[:, None]
    variance = np.einsum("ij,ijp->ip", w, (values[None] - mean[:, None]) ** 2) / total[:, None]
    return mean, np.log(np.abs(total)), total**2 / (w * w).sum(1), variance
