"""Folds and settings: one rule for all sides."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold

INNER = 5


@dataclass(frozen=True)
class Fold:
    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def held_out(X, y, count=5, seed=0):
    """Split rows into folds, features scaled by the training rows of each."""
    X = np.asarray(X, dtype=float)
    folds = []
    for train, test in KFold(count, shuffle=True, random_state=seed).split(X):
        center, scale = X[train].mean(axis=0), X[train].std(axis=0)
        scale = np.where(scale == 0, 1.0, scale)
        rows = (X - center) / scale
        folds.append(Fold(rows[train], y[train], rows[test], y[test]))
    return folds


def r2(fold, answer):
    return r2_score(fold.y_test, answer)


def root_mean_square(fold, answer):
    return np.sqrt(np.mean((fold.y_test - answer) ** 2))


def accuracy(fold, answer):
    return np.mean(fold.y_test == answer)


def squared(truth, answer):
    return float(np.mean((truth - answer) ** 2))


def chosen(settings, answer, X, y, loss=squared, folds=INNER):
    """Return the setting of the smallest mean loss over inner folds of the training rows.

    `answer(setting, X, y, X_test)` fits and predicts; what is not finite loses.
    """
    splits = list(KFold(folds, shuffle=True, random_state=1).split(X))

    def mean_loss(setting):
        losses = [loss(y[out], answer(setting, X[into], y[into], X[out])) for into, out in splits]
        total = float(np.mean(losses))
        return total if np.isfinite(total) else np.inf

    return min(settings, key=mean_loss)


def tuned(settings, answer, loss=squared, folds=INNER):
    """Return a contender's answer that chooses its setting on the training rows."""

    def call(fold):
        best = chosen(settings, answer, fold.X, fold.y, loss, folds)
        return answer(best, fold.X, fold.y, fold.X_test)

    return call


def fitted(build):
    """Return `answer(setting, X, y, X_test)` of what `build(setting)` makes."""
    return lambda setting, X, y, X_test: build(setting).fit(X, y).predict(X_test)
