"""What a hierarchy answers by its last level alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

if TYPE_CHECKING:
    from vicinal.arrays import Array
    from vicinal.models.level import FittedLevel
    from vicinal.models.regression import LocalMeanRegressor

__all__ = ["LastLevel"]


class LastLevel:
    """Leave-one-out, explanations and training set of the last level of `levels_`."""

    levels_: list[FittedLevel]

    def _handed_up(self, X: Any, level: int | None = None) -> Array:
        """Return rows as the level below the last one hands them up."""
        raise NotImplementedError

    def loo_predict(self) -> Array:
        """Predict every training row from the others on the last level.

        Returns
        -------
        y : ndarray of shape (n,) or (n, p)
            As `LocalMeanRegressor.loo_predict` of the rows handed up. The levels below keep what
            they learned from all rows; with maps that saw the targets this is a bright estimate,
            and rows held out are the judge.
        """
        check_is_fitted(self)
        return self._last.loo_predict()

    def loo_score(self) -> float:
        """Return R² of `loo_predict`, as `LocalMeanRegressor.loo_score`.

        Returns
        -------
        score : float
            Coefficient of determination, weighted by the sample weights.
        """
        check_is_fitted(self)
        return self._last.loo_score()

    def explain(self, X: Any, k: int = 5) -> tuple[Array, Array]:
        """Name the training rows whose targets weigh most in the prediction for each row of `X`.

        Parameters
        ----------
        X : array-like of shape (m, d)
            Queries.
        k : int, default=5
            How many training rows to name per query.

        Returns
        -------
        indices, weights : ndarray of shape (m, k)
            As `LocalMeanRegressor.explain`.
        """
        rows = self._handed_up(X)
        return self._last.explain(rows, k)

    @property
    def keys_(self) -> Array:
        """The training rows as the last level sees them."""
        return self._last.keys_

    @property
    def values_(self) -> Array:
        """The targets."""
        return np.asarray(self._last.values_)

    @property
    def sample_weight_(self) -> Array | None:
        """The weights given to `fit`."""
        return self._last.sample_weight_

    @property
    def bandwidth_(self) -> list[Any]:
        """The bandwidth of each level."""
        return [fitted.mean.bandwidth_ for fitted in self.levels_]

    @property
    def empty_rows_(self) -> int:
        """Training rows with no other in their support on the last level."""
        return self._last.empty_rows_

    @property
    def _last(self) -> LocalMeanRegressor:
        return self.levels_[-1].mean
