"""Places and covariates of a geographically weighted regression, and its calls of the engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from vicinal.arrays import Array
from vicinal.bandwidth.adaptive import KthNeighbor
from vicinal.bandwidth.given import PerQuery
from vicinal.errors import did_you_mean
from vicinal.kernels import as_kernel
from vicinal.models.base import LocalModel
from vicinal.models.fits.design_lines import DesignFit, DesignLines
from vicinal.models.fits.gwr_search import CRITERIA, aicc, searched
from vicinal.models.model_bandwidth import bandwidth_of
from vicinal.models.model_checks import check_no_mass_tol
from vicinal.models.model_keys import search_keys_of
from vicinal.models.state import check_geography

__all__ = ["Geography"]

BEYOND = 1 + 1e-7  # times the k-th distance is a bandwidth, as in mgwr
NUMBERS = 1 << 20  # of the covariances of a strip of queries


class Geography(LocalModel):
    """Keep places as keys, covariates beside them, and lines from one to the other."""

    _loss = "mean squared error (units of y²)"
    covariates_: Array
    coordinates_: Array
    _state = (
        *LocalModel._state,
        *("covariates_", "coordinates_", "fitted_", "coefficients_", "influence_"),
        *("effective_parameters_", "sigma2_", "aicc_", "regularized_"),
    )

    def _check_parameters(self) -> None:
        if not isinstance(self.adaptive, bool | np.bool_):
            raise ValueError(f"adaptive must be True or False, got {self.adaptive!r}")
        if isinstance(self.bandwidth, str) and self.bandwidth not in CRITERIA:
            raise ValueError(
                f"bandwidth must be a number, one number per coordinate, a rule of "
                f"vicinal.bandwidth or one of {', '.join(CRITERIA)}, got {self.bandwidth!r}"
                f"{did_you_mean(self.bandwidth, tuple(CRITERIA))}"
            )
        check_no_mass_tol(self.mass_tol)
        if as_kernel(self.kernel).signed:
            raise ValueError(
                "kernel must have no negative weights, of which there is no least sum of squares, "
                f"got {self.kernel!r}"
            )

    def _parted(self, X: Array) -> tuple[Array, Array]:
        """Return places and covariates of checked rows."""
        rest = np.arange(X.shape[1])
        if self.coordinates is not None:
            rest = np.setdiff1d(rest, self.coordinates_)
        return (
            np.ascontiguousarray(X[:, self.coordinates_]),
            np.ascontiguousarray(X[:, rest], dtype=np.float64),
        )

    def _split(self, X: Any) -> tuple[Array, Array]:
        check_is_fitted(self)
        return self._parted(np.asarray(validate_data(self, X, reset=False, dtype=np.float64)))

    def _queries(self, X: Any) -> Array:
        return self._split(X)[0]

    @property
    def _neighbors(self) -> Any:
        if self.neighbors is None:
            return None
        names = getattr(self, "feature_names_in_", None)
        known = None if names is None else list(names[self.coordinates_])
        return self.neighbors.by_number({"X": known})

    def _new_lines(self) -> DesignLines:
        return DesignLines(self._search_keys, self.covariates_, self.values_, self.sample_weight_)

    def _settled_bandwidth(self) -> Any:
        named = isinstance(self.bandwidth, str)
        if self._kernel_has_bandwidth() and (named or self.bandwidth is None):
            own = [leaf.bandwidth for leaf in self.kernel.leaves()]
            return own[0] if len(own) == 1 else tuple(own)
        if not named:
            return bandwidth_of(self)
        self._need_two_rows(f"bandwidth={self.bandwidth!r}")
        columns = 1 + self.covariates_.shape[1]
        most = self._size - (self.bandwidth == "loo")  # the k-th neighbor is another row then
        return searched(self._score, self.keys_, self.metric, columns, most, bool(self.adaptive))

    @property
    def _size(self) -> float:
        """Number of rows, a weight counting equal ones."""
        weights = self.sample_weight_
        return float(len(self.keys_) if weights is None else weights.sum())

    def _score(self, bandwidth: Any) -> float:
        """Return what a search compares bandwidths by."""
        self.bandwidth_ = bandwidth
        self._search_keys = search_keys_of(self)
        self._lines = self._new_lines()
        criterion = CRITERIA[self.bandwidth]
        if criterion is None:
            fitted = self._left_out_fits()
            mean = np.average(self.values_, weights=self.sample_weight_)
            return self._sum((self.values_ - np.where(np.isnan(fitted), mean, fitted)) ** 2)
        fits = list(self._fits_at(self.keys_, self.covariates_, own=True))
        fitted = np.concatenate([fit.fitted[:, 0] for fit in fits])
        trace = np.concatenate([fit.influence for fit in fits]).sum()
        return criterion(self._sum((self.values_ - fitted) ** 2), float(trace), self._size)

    def _sum(self, squares: Array) -> float:
        """Return the sum over the rows that are present, by weight."""
        weights = self.sample_weight_
        if weights is None:
            return float(squares.sum())
        return float((squares[weights > 0] * weights[weights > 0]).sum())

    def _keep(self, fits: Iterator[DesignFit]) -> None:
        """Store what the lines at the training rows say about the whole."""
        parts = list(fits)
        self.fitted_ = np.concatenate([fit.fitted[:, 0] for fit in parts])
        self.coefficients_ = np.concatenate([fit.coefficients[:, :, 0] for fit in parts])
        self.influence_ = np.concatenate([fit.influence for fit in parts])
        self.regularized_ = int(sum(np.count_nonzero(fit.singular) for fit in parts))
        trace, n = float(self.influence_.sum()), self._size
        rss = self._sum((self.values_ - self.fitted_) ** 2)
        self.effective_parameters_ = trace
        self.sigma2_ = rss / (n - trace) if n - trace > 1e-9 * n else float("nan")
        self.aicc_ = aicc(rss, trace, n)

    def _bandwidth_at(self, queries: Array, own: Array | None = None) -> Any:
        found = super()._bandwidth_at(queries, own)
        if isinstance(self._open_bandwidth(), KthNeighbor):
            return PerQuery.found(found.h * BEYOND)
        return found

    def _fits_at(self, places: Array, covariates: Array, own: bool = False) -> Iterator[DesignFit]:
        """Yield the lines at strips of places; `own` places are the keys, in order."""
        for rows in self._strips(len(places)):
            at, keys = places[rows], np.arange(rows.start, rows.stop) if own else None
            yield self._lines.at(at, covariates[rows], keys, **self._line_options(at))

    def _strips(self, m: int) -> Iterator[slice]:
        step = max(1, NUMBERS // (self.covariates_.shape[1] + 1) ** 2)
        return (slice(at, min(at + step, m)) for at in range(0, m, step))

    def _line_options(self, places: Array, own: Array | None = None) -> dict[str, Any]:
        options = self._kernel_options(places)
        rule = self._open_bandwidth()
        reaches_all = isinstance(rule, KthNeighbor) and rule.k > self._size - 1
        if own is not None and not reaches_all:  # else the farthest row is the bandwidth as it is
            options["bandwidth"] = self._bandwidth_at(places, own)
        return {**options, "empty": self._engine_policy()}

    def _sandwich(self) -> Array:
        parts = []
        for rows in self._strips(len(self.keys_)):
            at = self.keys_[rows]
            options = self._line_options(at)
            fit = self._lines.at(at, self.covariates_[rows], **options)
            parts.append(self._lines.sandwich(at, fit, **options))
        return np.concatenate(parts)

    def _left_out_fits(self) -> Array:
        """Return the line at every key without one unit of it, in closed form where others stay.

        A key of weight at most 1 leaves entirely. Of the others one unit, whose influence is
        s = S / w, is taken back: (fit − s y) / (1 − s).
        """
        weights = self.sample_weight_
        several = np.zeros(len(self.keys_), bool) if weights is None else weights > 1
        result = np.empty(len(self.keys_))
        for kept, alone in ((~several, True), (several, False)):
            for rows in self._strips(int(kept.sum())):
                own = np.flatnonzero(kept)[rows]
                at = self.keys_[own]
                options = {**self._line_options(at, own), "exclude_self": alone}
                fit = self._lines.at(at, self.covariates_[own], own, **options)
                result[own] = fit.fitted[:, 0]
                if not alone and weights is not None:
                    share = fit.influence / weights[own]
                    result[own] = (fit.fitted[:, 0] - share * self.values_[own]) / (1 - share)
        return result

    def _set_state(self, state: dict[str, Any]) -> None:
        super()._set_state(state)
        self._lines = self._new_lines()

    def _check_state(self, state: dict[str, Any]) -> None:
        check_geography(state)
