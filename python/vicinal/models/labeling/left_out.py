"""Labels of training rows as the rows around them have it."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from vicinal.arrays import Array

__all__ = ["LeftOutLabels"]


class LeftOutLabels:
    """Name every training row by the others, and compare with what spreading gave it."""

    classes_: Array
    transduction_: Array

    def _shares_of_others(self) -> Array:
        """Return the mean of the shares of the rows near each training row but itself."""
        raise NotImplementedError

    def loo_predict(self) -> Array:
        """Name the class of each training row by the shares of the others near it.

        Returns
        -------
        y : ndarray of shape (n,)
            Labels. The shares are those of the fit, which knew every label: to judge spreading
            itself, hide labels (−1) and compare them with `transduction_`.
        """
        check_is_fitted(self)
        return np.asarray(self.classes_[np.argmax(self._shares_of_others(), axis=1)])

    def loo_score(self) -> float:
        """Return how many training rows have the label that the others give them.

        Returns
        -------
        score : float
            The share of rows whose `loo_predict` is their `transduction_`: low where labels lie
            mixed, or where `alpha` let a row keep what its neighbors contradict.
        """
        return float(np.mean(self.loo_predict() == self.transduction_))
