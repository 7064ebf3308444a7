"""The updates of a Hopfield network, their energies and reports."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

import vicinal
from vicinal.arrays import Array
from vicinal.kernels import Kernel, Polynomial, Softmax
from vicinal.models.caller import levels_to_the_caller
from vicinal.models.checks import check_choice, check_number, check_whole
from vicinal.models.memory.recall import Energy, Step, Walked, lengths, walk
from vicinal.models.memory.signs import as_signs, dense_energy, sweep
from vicinal.models.memory.stored import check_memory
from vicinal.models.saved import Saved
from vicinal.models.sets import check_neighbors

__all__ = ["HopfieldSteps"]

MEMORIES = ("modern", "polynomial", "dense", "classical")
UPDATES = ("asynchronous", "synchronous")


class HopfieldSteps(Saved, BaseEstimator):  # type: ignore[misc]
    """What `Hopfield`, which has the parameters, does between `fit` and an answer."""

    memory: Any
    beta: Any
    degree: Any
    update: Any
    neighbors: Any
    max_iter: Any
    tol: Any
    n_jobs: Any
    verbose: Any
    callback: Any
    keys_: Array
    values_: Array | None
    sample_weight_: Array | None
    beta_: float
    scale_: float
    n_features_in_: int
    _search_keys: Array | vicinal.KeyIndex
    _state: ClassVar[tuple[str, ...]] = (
        *("keys_", "values_", "sample_weight_", "beta_", "scale_", "n_features_in_"),
    )

    @property
    def _signs(self) -> bool:
        return self.memory in ("dense", "classical")

    @property
    def _degree(self) -> int:
        return 2 if self.memory == "classical" else int(self.degree)

    def _check_parameters(self) -> None:
        check_choice(self.memory, "memory", MEMORIES)
        check_choice(self.update, "update", UPDATES)
        check_whole(self.degree, "degree", 2)
        check_whole(self.max_iter, "max_iter", 1)
        check_number(self.tol, "tol", lambda t: 0 <= t < np.inf, "a number from 0 on")
        if self.beta is not None:
            check_number(self.beta, "beta", lambda b: 0 < b < np.inf, "positive and finite")
        if not (self.neighbors is None or isinstance(self.neighbors, vicinal.KNearest)):
            raise ValueError(
                f"neighbors must be None or vicinal.KNearest(k), got {self.neighbors!r}"
            )
        if self.neighbors is not None and self._signs:
            raise ValueError(f"memory={self.memory!r} sums over all patterns; drop neighbors")
        if self.callback is not None and not callable(self.callback):
            raise TypeError(
                "callback must be None or callable(iteration, error, state), got "
                f"{type(self.callback).__name__}"
            )

    def _build(self) -> None:
        cut = self.neighbors is not None
        self._search_keys = vicinal.KeyIndex(self.keys_, metric="dot") if cut else self.keys_

    def _queries(self, X: Any) -> Array:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=self.keys_.dtype, order="C")
        return as_signs(X) if self._signs else np.asarray(X)

    def _kernel(self) -> Kernel:
        if self.memory == "modern":
            return Softmax(bandwidth=1 / self.beta_)
        return Polynomial(degree=self._degree, offset=0.0, bandwidth=float(self.n_features_in_))

    def _options(self, neighbors: Any) -> dict[str, Any]:
        return {
            "kernel": self._kernel(),
            "weights": self.sample_weight_,
            "neighbors": neighbors,
            "num_threads": self.n_jobs,
        }

    def _means(self, states: Array, values: Array, **more: Any) -> Array:
        options = {**self._options(self.neighbors), **more}
        return vicinal.local_mean(states, self._search_keys, values, **options)

    def _stepper(self) -> Step:
        if self._signs:
            one_by_one = self.update == "asynchronous"
            weights, degree = self.sample_weight_, self._degree
            return lambda states: sweep(states, self.keys_, weights, degree, one_by_one)
        return lambda states: self._means(states, self.keys_, empty="zero")

    def _walk(self, queries: Array, energy: Energy | None = None) -> Walked:
        tol = 0.0 if self._signs else float(self.tol) * self.scale_
        look = self._look if self.verbose or self.callback is not None else None
        options: dict[str, Any] = {"tol": tol, "max_iter": int(self.max_iter)}
        found = walk(queries, self._stepper(), energy=energy, look=look, **options)
        self._warn(found)
        return found

    def _look(self, iteration: int, error: float, states: Array) -> Any:
        length = error / self.scale_
        if self.verbose:
            print(f"Hopfield: update {iteration}, longest {length:.2g} of a pattern")
        return self.callback is not None and self.callback(iteration, length, states.copy())

    def _warn(self, found: Walked) -> None:
        count, level = len(found.states), levels_to_the_caller()
        zero = int(np.count_nonzero(~found.states.any(axis=1)))
        if zero and self.memory == "polynomial":
            warnings.warn(
                f"no pattern weighs in {zero} of {count} states, which became 0; begin nearer to "
                "the patterns, or take an even degree",
                vicinal.LocalizationWarning,
                stacklevel=level,
            )
        moving = int(np.count_nonzero(~found.converged))
        if moving and self.max_iter > 1:
            warnings.warn(
                f"{moving} of {count} states still moved after max_iter={self.max_iter} updates; "
                "raise max_iter or tol, or look at recall(X).residual",
                ConvergenceWarning,
                stacklevel=level,
            )

    def _read(self, states: Array) -> Array:
        """Return the answer for states at rest."""
        if self.values_ is None:
            return states
        return self._means(states, self.values_, empty="zero")

    def _energies(self, states: Array) -> Array:
        if self.memory != "modern":
            return dense_energy(states, self.keys_, self.sample_weight_, self._degree)
        log_mass = self._log_mass(states).astype(np.float64)
        return np.asarray(lengths(states) ** 2 / 2 - log_mass / self.beta_)

    def _log_mass(self, states: Array) -> Array:
        options = self._options(self.neighbors)
        stats = vicinal.local_stats(states, self._search_keys, statistics=("log_mass",), **options)
        return np.asarray(stats.log_mass)

    def _dropped(self, states: Array, log_mass: Any) -> Array:
        if self.neighbors is None:
            return np.zeros(len(states))
        kept = np.exp(self._log_mass(states).astype(np.float64) - np.asarray(log_mass))
        return np.asarray(np.clip(1 - kept, 0, 1))

    def _get_state(self) -> dict[str, Any]:
        names = (*self._state, "feature_names_in_")
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def _set_state(self, state: dict[str, Any]) -> None:
        """Take fitted attributes over from a file, after every check that `fit` would make."""
        check_memory(state, self._state, self._signs)
        self._check_parameters()
        check_neighbors(self.neighbors, len(state["keys_"]))
        self.__dict__.update(state)
        self._build()
