"""What a kernel density offers as a distribution: draws, and the gradient of its logarithm."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

import vicinal
from vicinal.arrays import Array, as_index
from vicinal.bandwidth.adaptive import RuleOfQueries
from vicinal.bandwidth.given import PerKey
from vicinal.kernels import Kernel
from vicinal.kernels.base import ProfileKernel
from vicinal.kernels.lowering import fill
from vicinal.kernels.sampling import draw
from vicinal.kernels.shadow import Pull, pulls
from vicinal.models.adaptive import base_of, log_bandwidths, scaled_features
from vicinal.models.base import LocalModel


class Distribution(LocalModel):
    """The part of `KernelDensity` beyond numbers of the density."""

    def sample(self, n_samples: int = 1, random_state: Any = None) -> Array:
        """Draw points from the density: a key by its weight, and the kernel around it.

        Parameters
        ----------
        n_samples : int, default=1
            How many.
        random_state : int, RandomState or None, default=None
            Seed or generator, as in scikit-learn.

        Returns
        -------
        X : ndarray of shape (n_samples, d)
            In the dtype of `keys_`. A feature with an infinite bandwidth, which the density leaves
            out, keeps the number of the key.

        Raises
        ------
        ValueError
            For a kernel with negative weights, unordered categories or a metric of a sphere, and
            with a bandwidth of each query (`KthNeighbor`, `Perplexity`).

        Notes
        -----
        A radial kernel is a radius times a point on the unit sphere of the metric. Radii are drawn
        exactly, from distributions of the beta and gamma family or by rejection; those of a
        `vicinal.kernels.Custom` kernel from a table of their distribution function.

        Examples
        --------
        >>> from vicinal.models import KernelDensity
        >>> model = KernelDensity(kernel="uniform", bandwidth=0.5).fit([[0.0], [10.0]])
        >>> X = model.sample(1000, random_state=0)
        >>> X.shape, bool(abs(X - 10 * (X > 5)).max() <= 0.5)
        ((1000, 1), True)
        """
        check_is_fitted(self)
        size = as_index(n_samples, "n_samples")
        if size < 1:
            raise ValueError(f"n_samples must be at least 1, got {size}")
        rng = check_random_state(random_state)
        n, d = self.keys_.shape
        weights = self.sample_weight_
        shares = None if weights is None else weights / weights.sum()
        self._refuse_rule_of_queries("sample", "it is no mixture of kernels")
        chosen = rng.choice(n, size=size, p=shares)
        around = draw(self._filled_kernel(), d, size, rng)
        if isinstance(self.bandwidth_, PerKey):
            around *= np.asarray(self.bandwidth_.h)[chosen, None]
        keys = self.keys_[chosen]
        return np.asarray((keys + around).astype(keys.dtype))

    def gradient(self, X: Any) -> Array:
        r"""Return the gradient of the log-density at each row of `X`.

        .. math:: \nabla \log \hat p(q) = \frac{\sum_j w_j\, g(u_j)\, (x_j - q)/h^2}
                  {\sum_j w_j\, k(u_j)}, \quad g(u) = -k'(u)/u

        for the profile k of :math:`u_j = \lVert q - x_j \rVert / h`; for a Gaussian kernel
        :math:`(m(q) - q)/h^2` with the local mean m of the keys.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.

        Returns
        -------
        gradient : ndarray of shape (m, d)
            Computed in float64, in the dtype of `keys_`. Along categories and features with an
            infinite bandwidth it is 0. Where no key is in the support it is that of the constant
            that `empty` puts there, 0; NaN with ``empty="nan"``.

        Raises
        ------
        ValueError
            For a metric other than Euclidean and Mahalanobis, a kernel with negative weights or of
            an unknown derivative (`vicinal.kernels.Custom`); with a bandwidth of each query
            (`KthNeighbor`, `Perplexity`); with `Abramson` also for a Laplace, Matérn ½, triangular
            or Wendland kernel.

        Notes
        -----
        Fukunaga and Hostetler (1975); g for other kernels than the Gaussian, Cheng (1995). At a key
        where the profile has a cusp (Laplace, Matérn ½, triangular) that key's part is 0, and the
        others' are exact to about 1e-8 of a bandwidth. That of a uniform kernel is 0. With
        ``mass_tol > 0`` the sums leave out what `vicinal.local_mean` does.

        Examples
        --------
        >>> from vicinal.models import KernelDensity
        >>> model = KernelDensity(kernel="epanechnikov", bandwidth=2.0).fit([[0.0], [1.0]])
        >>> model.gradient([[0.5], [1.5]])
        array([[ 0.        ],
               [-0.72727273]])
        """
        queries = self._queries(X)
        self._refuse_rule_of_queries("gradient", "how its bandwidth moves is not known")
        kernel, d = self._filled_kernel(), queries.shape[1]
        terms = _by_kernel(pulls(kernel, d))
        points = queries.astype(np.float64)
        # Of Gaussian factors the same sums divide out, unless keys are scaled.
        scaled = isinstance(self.bandwidth_, PerKey)
        own = [] if scaled else terms.pop(kernel, [])
        power = scaled_features(kernel, d) if scaled else 0  # of 1/h_j in the density
        log_mass, gaps = self._sums(points, kernel, power, with_gaps=bool(own))
        empty = np.isneginf(log_mass)
        self._report_empty(empty, f"a gradient of {'NaN' if self.empty == 'nan' else 0}")
        result = np.zeros(points.shape)
        _add(result, own, gaps)
        for under, group in terms.items():
            exact = any(pull.cusp for pull in group)
            log_share, gaps = self._sums(points, under, power + 2, exact=exact)
            share = np.exp(log_share - np.where(empty, 0, log_mass))
            _add(result, group, gaps * share[:, None])
        result[empty] = np.nan if self.empty == "nan" else 0
        return result.astype(queries.dtype)

    def _sums(
        self,
        points: Array,
        kernel: Kernel,
        power: int,
        *,
        with_gaps: bool = True,
        exact: bool = False,
    ) -> tuple[Array, Array]:
        """Return log Σ w K and the mean of x − q under a kernel, (m,) and (m, d), in float64.

        Where keys have bandwidths of their own, w is divided by h_j^power.
        """
        doubles = self.keys_.dtype == np.float64
        # About their mean, so that an offset of the keys costs no digits.
        centre = np.average(self.keys_, axis=0, weights=self.sample_weight_).astype(np.float64)
        stats = vicinal.local_stats(
            points,
            self._search_keys if doubles else self.keys_.astype(np.float64),
            self.keys_ - centre if with_gaps else None,
            statistics=("log_mass", "mean") if with_gaps else ("log_mass",),
            neighbors=self._neighbors,
            **self._scaled(kernel, power),
            tol=0 if exact else self.mass_tol,
            empty="zero",
            num_threads=self.n_jobs,
        )
        assert stats.log_mass is not None
        gaps = points if stats.mean is None else stats.mean - (points - centre)
        return stats.log_mass, gaps

    def _scaled(self, kernel: Kernel, power: int) -> dict[str, Any]:
        """Return a filled kernel and the weights, times the bandwidths of the keys."""
        h = self.bandwidth_
        if not isinstance(h, PerKey):
            return {"kernel": kernel, "weights": self.sample_weight_}
        if not isinstance(kernel, ProfileKernel):
            raise ValueError(
                f"gradient with a bandwidth of each key knows no kernel {self.kernel!r}, which has "
                "a cusp or is a Wendland kernel; take a smooth one, such as gaussian"
            )
        own = PerKey(h.h, unit=kernel.bandwidth)
        logs = self._log_counts() - power * log_bandwidths(h)
        return {"kernel": kernel.filled(bandwidth=None), "bandwidth": own, "log_weights": logs}

    def _log_counts(self) -> Array:
        """Return the logarithms of the sample weights, (n,)."""
        if self.sample_weight_ is None:
            return np.zeros(len(self.keys_))
        with np.errstate(divide="ignore"):  # a weight of 0 is absent
            return np.log(self.sample_weight_)

    def _log_factors(self) -> Array | None:
        """Return the logarithm of what the volumes of kernels divide the weights of keys by."""
        h = self.bandwidth_
        if not isinstance(h, PerKey):
            return None
        return -scaled_features(self._filled_kernel(), self.keys_.shape[1]) * log_bandwidths(h)

    def _refuse_rule_of_queries(self, method: str, why: str) -> None:
        if isinstance(self.bandwidth_, RuleOfQueries):
            raise ValueError(
                f"{method} is not defined for a density with bandwidth={self.bandwidth_!r}, of "
                f"each query: {why}; take Abramson or one bandwidth for all"
            )

    def _filled_kernel(self) -> Kernel:
        return fill(self.kernel, base_of(self._open_bandwidth()), self.metric, self.keys_.shape[1])

    def _report_empty(self, empty: Array, becomes: str) -> None:
        """Raise or warn of rows without a key in the support, as `empty` has it."""
        count = np.count_nonzero(empty)
        if count and self.empty == "raise":
            raise ValueError(
                f"{count} rows have no key in the support of the kernel; widen the bandwidth or "
                "take another policy than empty='raise'"
            )
        if self.empty in ("zero", "nan"):
            self._warn_of_empty(empty, becomes)


def _by_kernel(terms: list[Pull]) -> dict[Kernel, list[Pull]]:
    groups: dict[Kernel, list[Pull]] = {}
    for pull in terms:
        groups.setdefault(pull.kernel, []).append(pull)
    return groups


def _add(result: Array, group: list[Pull], gaps: Array) -> None:
    for pull in group:
        result[:, pull.columns] += pull.applied(gaps[:, pull.columns])
