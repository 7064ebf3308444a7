"""Kernel density: the mass of the weights, normalized by the kernel's integral."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import DensityMixin
from sklearn.utils.validation import validate_data

import vicinal
from vicinal.arrays import Array
from vicinal.bandwidth.given import AdaptiveBandwidth, PerQuery
from vicinal.kernels import as_kernel
from vicinal.kernels.normalizer import refuse_without_density
from vicinal.models.adaptive import log_bandwidths, scaled_features
from vicinal.models.base import FLOATS
from vicinal.models.distribution import Distribution
from vicinal.models.model_checks import as_weights
from vicinal.models.state import check_training_set


class KernelDensity(DensityMixin, Distribution):  # type: ignore[misc]
    r"""Estimate a probability density by the mass of the kernel around a query.

    .. math:: \hat p(q) = \frac{c(h, d)}{\sum_j w_j} \sum_j w_j K(q, x_j)

    with :math:`c` the inverse of the kernel's integral, so that the density integrates to 1.

    Parameters
    ----------
    kernel : str or kernel, default="gaussian"
        A name or an object of `vicinal.kernels` that has a finite integral.
    bandwidth : float, array-like of shape (d,), str or rule, default="scott"
        In units of `X`, one for all features or one each. "scott" and "silverman" are rules of
        thumb from the spread of each feature (scikit-learn's leave the spread out); "plugin" is
        Sheather and Jones' rule, see `vicinal.bandwidth.plugin`; "loo" chooses the bandwidth of the
        largest leave-one-out likelihood. A feature that does not vary is left out: its bandwidth is
        infinite, and the density is that of the others. A kernel that has its own bandwidth keeps
        it. A bandwidth of each row is
        `vicinal.bandwidth.KthNeighbor`, `Perplexity` (of each query) or `Abramson` (of each
        training row, from all of them): sample weights count equal rows, and leave-one-out leaves
        the row out of the rule of a query; those of Abramson stay.
    metric : str or metric, default=None
        Distance; None is the kernel's own.
    neighbors : NeighborSet, default=None
        Which training rows a query sees: `vicinal.KNearest`, `vicinal.Radius`,
        ``vicinal.Window(…, on=column)`` and what ``&`` and ``|`` make of them; None is all.
        With a bandwidth for each of several features, as "scott" is, `KNearest` and `Radius` count
        in bandwidths; with one number in the units of the data.
    mass_tol : float, default=0.0
        At most this share of a query's mass is left out, see `vicinal.local_mean`; 0 is exact.
    empty : {"zero", "nan", "nearest", "raise"} or float, default="zero"
        The density of a query with no key in the support of the kernel: 0, that is a log-density
        of −inf, with one `LocalizationWarning`; NaN; the density at the nearest key (no
        likelihood: do not choose a bandwidth with it); a ValueError; or this number.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.

    Attributes
    ----------
    keys_ : ndarray of shape (n, d)
        The training rows, float32 if they came so, else float64; not a copy of rows that are
        contiguous already.
    values_ : None
        A density averages nothing; its answer is the mass.
    sample_weight_ : ndarray of shape (n,) or None
        The weights given to `fit`.
    bandwidth_ : float, ndarray of shape (d,), tuple, PerKey or rule
        The bandwidth in use; of a composed kernel with bandwidths of its own, one per factor. Of
        `Abramson` a `vicinal.bandwidth.PerKey` with that of every training row; a rule of queries
        is kept as it is.
    empty_rows_ : int
        Training rows with no other row in their support; computed on first use.
    n_features_in_ : int
        Number of features seen by `fit`.
    feature_names_in_ : ndarray of shape (d,)
        Their names, when `X` had string column names.

    See Also
    --------
    vicinal.local_stats : Its `log_mass` is the sum above.

    Notes
    -----
    Parzen (1962). A sample weight counts equal rows: an integer weight does what repeating the
    row would do. A row of `score_samples(X)` has the same bits whatever other rows are asked
    with it.

    With a bandwidth of each training row (`Abramson`) every kernel has its own normalizer, and the
    density integrates to 1. With one of each query (`KthNeighbor`, `Perplexity`) the mass is
    divided by the volume at the query: the balloon estimator of Loftsgaarden & Quesenberry (1965),
    which is no density: it does not integrate to 1, and is infinite where k rows coincide (Terrell
    & Scott, 1992).

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import KernelDensity
    >>> model = KernelDensity(kernel="triangular", bandwidth=2.0).fit([[0.0], [1.0]])
    >>> np.exp(model.score_samples([[0.5], [2.0]]))
    array([0.375, 0.125])
    """

    _policies = ("zero", "nan", "nearest", "raise")
    _loss = "negative log-likelihood (nats per row)"
    _empty_becomes = "a log-density of −inf"

    def __init__(
        self,
        *,
        kernel: Any = "gaussian",
        bandwidth: Any = "scott",
        metric: Any = None,
        neighbors: Any = None,
        mass_tol: float = 0.0,
        empty: Any = "zero",
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(
            kernel=kernel,
            bandwidth=bandwidth,
            metric=metric,
            neighbors=neighbors,
            mass_tol=mass_tol,
            empty=empty,
            n_jobs=n_jobs,
        )

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> KernelDensity:
        """Remember the training set and settle the bandwidth.

        Parameters
        ----------
        X : array-like of shape (n, d)
            Training rows.
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights; 0 makes a row absent.

        Returns
        -------
        self : KernelDensity
            The fitted model.

        Raises
        ------
        ValueError
            If `X` is not finite, shapes differ, a parameter does not fit, or the kernel has no
            finite integral in this dimension.
        """
        X = validate_data(self, X, dtype=FLOATS, order="C")
        refuse_without_density(as_kernel(self.kernel))
        self._remember(X, None, sample_weight)
        return self

    def score_samples(self, X: Any) -> Array:
        """Return the log-density at each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.

        Returns
        -------
        log_density : ndarray of shape (m,)
            In the dtype of `keys_`; −inf where no key is in the support, unless `empty` says else.
        """
        queries = self._queries(X)
        log_density = self._log_density(queries)
        empty = np.isneginf(log_density)
        self._report_empty(empty, self._empty_becomes)
        if empty.any():
            log_density[empty] = self._empty_answer(queries[empty])
        return log_density

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the total log-likelihood of the rows of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.
        y : None
            Ignored.
        sample_weight : array-like of shape (m,), default=None
            Counts of the rows.

        Returns
        -------
        score : float
            The sum of `score_samples`.
        """
        log_density = self.score_samples(X)
        if sample_weight is not None:
            sample_weight = as_weights(sample_weight, log_density[:, None])
        return _total(log_density, sample_weight)

    def loo_predict(self) -> Array:
        """Return the log-density at every training row from the others.

        Returns
        -------
        log_density : ndarray of shape (n,)
            From sums accumulated without the row itself, −inf where no other row is near; a row of
            sample weight w > 1 keeps w − 1 of itself, as if it were repeated.
        """
        log_density = self._loo_log_density()
        self._warn_of_empty(np.isneginf(log_density))
        return log_density

    def loo_score(self) -> float:
        """Return the total leave-one-out log-likelihood of the training rows.

        Returns
        -------
        score : float
            The sum of `loo_predict`, weighted by the sample weights.
        """
        log_density = self._loo_log_density()
        self._warn_of_empty(np.isneginf(log_density))
        return _total(log_density, self.sample_weight_)

    def _check_empty(self) -> None:
        super()._check_empty()
        if not isinstance(self.empty, str) and not self.empty >= 0:
            raise ValueError(f"empty is a density and must be at least 0, got {self.empty!r}")

    def _try_kernel(self) -> None:
        super()._try_kernel()
        self._log_normalizer()  # raises where the integral is infinite
        self._log_volumes(self._bandwidth_at(self.keys_[:1]))  # … or no power of a bandwidth

    def _check_state(self, state: dict[str, Any]) -> None:
        check_training_set(state)
        if state["values_"] is not None:
            raise ValueError("values_ of a density must be None")

    def _log_density(self, queries: Array) -> Array:
        options = self._options(queries)
        log_mass = vicinal.local_stats(
            queries, self._search_keys, statistics=("log_mass",), tol=self.mass_tol, **options
        ).log_mass
        assert log_mass is not None
        weights = self.sample_weight_
        total = len(self.keys_) if weights is None else np.sum(weights, dtype=np.float64)
        shift = self._log_normalizer() - np.log(total) - self._log_volumes(options["bandwidth"])
        return np.asarray(log_mass + np.asarray(shift, log_mass.dtype))

    def _options(self, queries: Array) -> dict[str, Any]:
        options, factors = super()._options(queries), self._log_factors()
        if factors is not None:
            options["log_weights"] = self._log_counts() + factors
            options["weights"] = None
        return options

    def _log_volumes(self, bandwidth: Any) -> Array | float:
        """Return what bandwidths of queries add to the logarithm of the kernel's integral, (m,)."""
        if not isinstance(bandwidth, AdaptiveBandwidth):
            return 0.0
        power = scaled_features(self._filled_kernel(), self.keys_.shape[1])
        return power * log_bandwidths(bandwidth) if isinstance(bandwidth, PerQuery) else 0.0

    def _loo_log_density(self) -> Array:
        bandwidth = self._bandwidth_without_own()
        left_out = self._left_out(bandwidth)
        log_mass = left_out.log_mass - self._log_volumes(bandwidth)
        weights = np.ones(len(log_mass)) if self.sample_weight_ is None else self.sample_weight_
        left = np.sum(weights, dtype=np.float64) - np.minimum(weights, 1, dtype=np.float64)
        # Nothing left means no mass either: −inf, not a difference of infinities.
        shift = self._log_normalizer() - np.log(np.maximum(left, np.finfo(np.float64).tiny))
        return np.asarray((log_mass + shift).astype(left_out.log_mass.dtype))

    def _engine_policy(self) -> Any:
        return "nan"  # an empty mass needs no answer from the engine: it is −inf

    @cached_property
    def _at_keys(self) -> Array:
        """The log-density at every key, computed when the first empty row asks for it."""
        return self._log_density(self.keys_)

    def _empty_answer(self, queries: Array) -> Any:
        """Return the log-density of the rows of `queries`, none of which has a key near."""
        if self.empty == "nearest":
            return vicinal.local_mean(
                queries, self.keys_, self._at_keys, empty="nearest", **self._options(queries)
            )
        density = {"zero": 0.0, "nan": np.nan}.get(self.empty, self.empty)
        return np.log(density) if density else -np.inf

    def _log_normalizer(self) -> float:
        """Return log of one over the integral of the kernel over the features it sees."""
        return self._filled_kernel().log_normalizer(None, self.keys_.shape[1])


def _total(log_density: Array, weights: Array | None) -> float:
    if weights is None:
        return float(np.sum(log_density, dtype=np.float64))
    present = weights > 0
    return float(np.sum(weights[present] * log_density[present], dtype=np.float64))
