"""The estimator that a display takes."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import check_is_fitted

from vicinal.models.base import LocalModel

__all__ = ["as_model"]


def as_model(estimator: Any, *, fitted: bool) -> LocalModel:
    """Return `estimator` if it is a model that keeps its keys, fitted if it must be."""
    if not isinstance(estimator, LocalModel):
        raise TypeError(
            f"estimator must be a model of vicinal.models, got {type(estimator).__name__}; of a "
            "pipeline pass its last step, pipe[-1], with X = pipe[:-1].transform(X)"
        )
    if fitted:
        check_is_fitted(estimator)
    return estimator
