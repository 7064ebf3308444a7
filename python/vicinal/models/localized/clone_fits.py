"""Clones of an estimator, fitted once for each distinct row of weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.parallel import Parallel, delayed

import vicinal
from vicinal.arrays import Array
from vicinal.models.localized.one_fit import LocalJob, groups_of
from vicinal.progress import reporter

__all__ = ["CloneFits"]

PAIRS = 1 << 22  # weights of a strip of queries


class CloneFits:
    """Answer queries by fits of the estimator itself, where no local fit does."""

    estimator: Any
    strategy: str
    mass_tol: float
    random_state: int
    n_jobs: int | None
    verbose: int
    keys_: Array
    rows_: Array
    values_: Array
    sample_weight_: Array | None
    _search_keys: Any

    @property
    def _classes(self) -> int:
        raise NotImplementedError

    @property
    def _present(self) -> Array | None:
        raise NotImplementedError

    def _weighing(self, places: Array, own: Array | None) -> dict[str, Any]:
        raise NotImplementedError

    def _fitted_answers(
        self, places: Array, rows: Array, method: str, leave_out: bool
    ) -> tuple[Array, Array]:
        m, step = len(places), max(1, PAIRS // len(self.keys_))
        job = LocalJob(
            self.estimator,
            self.rows_,
            self.values_,
            method,
            self._classes,
            self.strategy == "resample",
            int(self.random_state),
        )
        found: list[Any] = [None] * m
        without = []
        with reporter(self.verbose > 0) as report:
            for at in range(0, m, step):
                strip = slice(at, min(at + step, m))
                own = np.arange(m)[strip] if leave_out else None
                weights = self._weights(places[strip], own)
                groups, empty = groups_of(weights, self.mass_tol)
                without.append(empty + at)
                tasks = [
                    (kept, self._counted(own_weights, kept), rows[strip][queries])
                    for queries, kept, own_weights in groups
                ]
                answers = self._run(job, tasks)
                for (queries, _, _), answer in zip(groups, answers, strict=True):
                    for i, value in zip(queries, answer, strict=True):
                        found[at + i] = value
                if report is not None:
                    report(strip.stop / m)
        return self._stacked(found, method), np.concatenate(without) if without else np.zeros(
            0, int
        )

    def _counted(self, weights: Array, rows: Array) -> Array:
        """Return kernel weights times the sample weights of their rows."""
        return weights if self.sample_weight_ is None else weights * self.sample_weight_[rows]

    def _weights(self, places: Array, own: Array | None) -> Array:
        """Return the weights of the kernel at the rows that are present, (m, n)."""
        options = {**self._weighing(places, own), "weights": self._present}
        found = vicinal.local_weights(places, self._search_keys, **options)
        return found if isinstance(found, np.ndarray) else found.toarray()

    def _run(self, job: LocalJob, tasks: list[Any]) -> list[Any]:
        if self.n_jobs in (None, 1) or len(tasks) < 2:
            return [job.answers(*task) for task in tasks]
        return list(Parallel(n_jobs=self.n_jobs)(delayed(job.answers)(*task) for task in tasks))

    def _stacked(self, found: list[Any], method: str) -> Array:
        """Return answers as an array; places without one are filled later."""
        if method == "predict_proba":
            shape: tuple[int, ...] = (len(found), self._classes)
        else:
            shape = (len(found), *self.values_.shape[1:])
        whole = method == "predict" and self._classes > 0
        result = np.zeros(shape, np.int64) if whole else np.full(shape, np.nan)
        for i, value in enumerate(found):
            if value is not None:
                result[i] = value
        return result
