"""What models that keep their keys share: constructor, bandwidth, empty rows, leave-one-out."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

import vicinal
from vicinal.arrays import Array
from vicinal.bandwidth.adaptive import RuleOfQueries
from vicinal.bandwidth.given import AdaptiveBandwidth
from vicinal.bandwidth.selection import OF_VALUES, BandwidthSelection, select
from vicinal.kernels import Kernel, as_kernel
from vicinal.leave_one_out import LeftOut, leave_one_out
from vicinal.models.adaptive import check_count
from vicinal.models.caller import levels_to_the_caller as levels_to_the_caller
from vicinal.models.model_bandwidth import bandwidth_of
from vicinal.models.model_checks import as_weights, check_empty, check_mass_tol
from vicinal.models.model_keys import EVERYWHERE, search_keys_of
from vicinal.models.saved import Saved
from vicinal.models.sets import check_neighbors
from vicinal.models.state import check_names, check_training_set, check_values

FLOATS = [np.float64, np.float32]
_OPTIONAL_STATE = ("feature_names_in_",)


class LocalModel(Saved, BaseEstimator):  # type: ignore[misc]  # scikit-learn carries no types
    """Keep keys and values and leave all arithmetic to the primitives.

    A subclass states the policies it accepts for empty rows (`_policies`), what such a row becomes
    by default (`_empty_becomes`), what bandwidths are compared by (`_loss`) and the fitted
    attributes that a saved file holds (`_state`).
    """

    _policies: ClassVar[tuple[str, ...]] = ("nan", "zero", "nearest", "raise")
    _takes_number: ClassVar[bool] = True
    _empty_becomes: ClassVar[str] = "NaN"
    _loss: ClassVar[str]
    keys_: Array
    values_: Any
    sample_weight_: Array | None
    _state: ClassVar[tuple[str, ...]] = (
        "keys_",
        "values_",
        "sample_weight_",
        "bandwidth_",
        "n_features_in_",
    )

    def __init__(
        self,
        *,
        kernel: Any = "gaussian",
        bandwidth: Any = "scott",
        metric: Any = None,
        neighbors: Any = None,
        mass_tol: Any = 0.0,
        empty: Any = "nan",
        n_jobs: int | None = None,
    ) -> None:
        self.kernel = kernel
        self.bandwidth = bandwidth
        self.metric = metric
        self.neighbors = neighbors
        self.mass_tol = mass_tol
        self.empty = empty
        self.n_jobs = n_jobs

    def explain(self, X: Any, k: int = 5) -> tuple[Array, Array]:
        """Name the training rows that weigh most in the answer for each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.
        k : int, default=5
            How many training rows to name per query.

        Returns
        -------
        indices : ndarray of shape (m, k), int64
            Training rows, heaviest first, ties by index; −1 where the support holds fewer.
        weights : ndarray of shape (m, k)
            Their shares of the whole weight of the row; 0 where the index is −1.
        """
        queries = self._queries(X)
        stats = vicinal.local_stats(
            queries, self.keys_, statistics=("top_k",), k=k, **self._options(queries)
        )
        assert stats.top_k is not None
        return stats.top_k

    @cached_property
    def empty_rows_(self) -> int:
        """Count the training rows without another row in their support; computed on first use."""
        check_is_fitted(self)
        kernel, weights = as_kernel(self.kernel), self.sample_weight_
        present = len(self.keys_) if weights is None else np.count_nonzero(weights)
        everywhere = self.neighbors is None and all(
            leaf.profile in EVERYWHERE for leaf in kernel.leaves()
        )
        if everywhere and not kernel.signed and present > 1:
            return 0
        bandwidth = self._bandwidth_at(self.keys_, np.arange(len(self.keys_)))
        log_mass = self._left_out_of(None, weights, bandwidth).log_mass
        return int(np.count_nonzero(np.isneginf(log_mass)))

    def _remember(self, X: Array, values: Array | None, sample_weight: Any) -> None:
        """Store the training set and settle the bandwidth."""
        for name in ("empty_rows_", "_at_keys", "_search_keys"):  # of the last fit
            self.__dict__.pop(name, None)
        self._check_empty()
        check_mass_tol(self.mass_tol, self.kernel)
        check_neighbors(self.neighbors, len(X))
        self.keys_ = X
        self.values_ = values
        self.sample_weight_ = None if sample_weight is None else as_weights(sample_weight, X)
        self.bandwidth_ = self._settled_bandwidth()
        self._try_kernel()
        self._search_keys = search_keys_of(self)

    def _settled_bandwidth(self) -> Any:
        return bandwidth_of(self)

    def _try_kernel(self) -> None:
        """Send one row through the engine: what does not fit together fails here."""
        row = self.keys_[:1]
        # k nearest need k keys, and bandwidths of keys all of them
        whole = self.neighbors is not None or isinstance(self.bandwidth_, AdaptiveBandwidth)
        keys = self.keys_ if whole else row
        vicinal.local_stats(row, keys, statistics=("count",), **self._kernel_options(row))

    def _get_state(self) -> dict[str, Any]:
        """Return the fitted attributes that a file holds."""
        names = (*self._state, *_OPTIONAL_STATE)
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def _set_state(self, state: dict[str, Any]) -> None:
        """Take fitted attributes over from a file, after every check that `fit` would make."""
        check_names(state, self._state, _OPTIONAL_STATE)
        self._check_state(state)
        self._check_empty()
        check_mass_tol(self.mass_tol, self.kernel)
        check_neighbors(self.neighbors, len(state["keys_"]))
        self.__dict__.update(state)
        self._try_kernel()
        self._search_keys = search_keys_of(self)

    def _check_state(self, state: dict[str, Any]) -> None:
        check_training_set(state)
        check_values(state)

    def _check_empty(self) -> None:
        check_empty(self.empty, self._policies, self._takes_number)

    def _select_bandwidth(self, criterion: str, **options: Any) -> BandwidthSelection:
        """Compare bandwidths on the training set."""
        rows = self._compared_rows() if criterion in OF_VALUES else slice(None)
        weights = self.sample_weight_
        return select(
            self.keys_[rows],
            None if self.values_ is None else self.values_[rows],
            kernel=self.kernel,
            metric=self.metric,
            neighbors=self._neighbors,
            criterion=criterion,
            sample_weight=None if weights is None else weights[rows],
            tol=self.mass_tol,
            num_threads=self.n_jobs,
            **options,
        )

    def _compared_rows(self) -> Any:
        return slice(None)

    def _kernel_has_bandwidth(self) -> bool:
        return isinstance(self.kernel, Kernel) and not self.kernel.needs_bandwidth

    def _need_two_rows(self, what: str) -> None:
        if len(self.keys_) < 2:
            raise ValueError(f"{what} needs at least 2 training rows, got n_samples=1")

    @property
    def _neighbors(self) -> Any:
        """The set of neighbors, with columns by number."""
        if self.neighbors is None:
            return None
        names = getattr(self, "feature_names_in_", None)
        return self.neighbors.by_number({"X": None if names is None else list(names)})

    def _kernel_options(self, queries: Array) -> dict[str, Any]:
        return {
            "kernel": self.kernel,
            "bandwidth": self._bandwidth_at(queries),
            "metric": self.metric,
            "neighbors": self._neighbors,
            "num_threads": self.n_jobs,
        }

    def _open_bandwidth(self) -> Any:
        return None if self._kernel_has_bandwidth() else self.bandwidth_

    def _bandwidth_at(self, queries: Array, own: Array | None = None) -> Any:
        """Return the bandwidth of the primitives at these queries, of which `own` are keys."""
        rule = self._open_bandwidth()
        if not isinstance(rule, RuleOfQueries):
            return rule
        if own is not None:
            check_count(rule, self.kernel, self.keys_, self.sample_weight_, own=True)
        return rule.at(
            queries,
            getattr(self, "_search_keys", self.keys_),
            self.kernel,
            self.metric,
            weights=self.sample_weight_,
            own=own,
            num_threads=self.n_jobs,
        )

    def _options(self, queries: Array) -> dict[str, Any]:
        return {"weights": self.sample_weight_, **self._kernel_options(queries)}

    def _queries(self, X: Any) -> Array:
        check_is_fitted(self)
        return np.asarray(validate_data(self, X, reset=False, dtype=self.keys_.dtype))

    def _engine_policy(self) -> Any:
        return self.empty

    def _mean_options(self) -> dict[str, Any]:
        return {}

    def _means(self, queries: Array) -> Array:
        """Return the local mean at every row of `queries`, as the policy for empty rows has it."""
        options = {
            "tol": self.mass_tol,
            "empty": self._engine_policy(),
            **self._mean_options(),
            **self._options(queries),
        }
        return vicinal.local_mean(queries, self._search_keys, self.values_, **options)

    def _left_out(self, bandwidth: Any = None) -> LeftOut:
        bandwidth = self._bandwidth_without_own() if bandwidth is None else bandwidth
        return self._left_out_of(self.values_, self.sample_weight_, bandwidth)

    def _bandwidth_without_own(self) -> Any:
        """Return the bandwidth at every key, which is not among the keys of a rule."""
        check_is_fitted(self)
        self._need_two_rows("leave-one-out")
        return self._bandwidth_at(self.keys_, np.arange(len(self.keys_)))

    def _left_out_of(self, values: Array | None, weights: Array | None, bandwidth: Any) -> LeftOut:
        empty = "nan" if values is None else self._engine_policy()
        left_out = leave_one_out(
            self._search_keys,
            values,
            weights,
            [bandwidth],
            log_factors=self._log_factors(),
            empty=empty,
            kernel=self.kernel,
            metric=self.metric,
            neighbors=self._neighbors,
            tol=self.mass_tol,
            num_threads=self.n_jobs,
        )
        return next(left_out)

    def _log_factors(self) -> Array | None:
        """Return log factors of the weights of keys, besides their counts, (n,)."""
        return None

    def _warn_of_empty(self, empty: Array, becomes: str | None = None) -> None:
        """Count the rows that no key could answer, once per call of a public method."""
        count = int(np.count_nonzero(empty))
        if count:
            warnings.warn(
                f"{count} of {len(empty)} rows have no key in the support of the kernel: "
                f"{becomes or self._empty_becomes}; set empty='nearest' or widen the bandwidth",
                vicinal.LocalizationWarning,
                stacklevel=levels_to_the_caller(),
            )
