"""Density, clusters and embeddings: the models of earlier parts, a line each."""

import numpy as np
from sklearn.cluster import MeanShift as ScikitShift
from sklearn.cluster import estimate_bandwidth
from sklearn.datasets import load_digits, load_iris
from sklearn.manifold import LocallyLinearEmbedding as ScikitEmbedding
from sklearn.manifold import trustworthiness
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity as ScikitDensity

from vicinal.models import KernelDensity, LocallyLinearEmbedding, MeanShift

from .pair import Contender, Pair
from .tuning import Fold, held_out

WIDTHS = np.geomspace(0.1, 1.5, 12)  # standard deviations
NEAREST = 15
EMBEDDED = 600  # digits of a fold


def iris():
    X, y = load_iris(return_X_y=True)
    return held_out(X, y)


def kinds():
    """Return five draws of four fifths of the irises; labels judge."""
    return [Fold(fold.X, fold.y, fold.X, fold.y) for fold in iris()]


def digits():
    X = load_digits().data
    rows = [np.random.default_rng(seed).permutation(len(X))[:EMBEDDED] for seed in range(5)]
    return [Fold(X[some], X[some], X[some], X[some]) for some in rows]


def _likelihood(fold, answer):
    return np.mean(answer)


def _density(fold):
    return KernelDensity(bandwidth="loo").fit(fold.X).score_samples(fold.X_test)


def _scikit_density(fold):
    search = GridSearchCV(ScikitDensity(), {"bandwidth": WIDTHS}).fit(fold.X)
    return search.best_estimator_.score_samples(fold.X_test)


def _width(X):
    return estimate_bandwidth(X, quantile=0.2)


def _clusters(model):
    return lambda fold: model(bandwidth=_width(fold.X)).fit(fold.X).labels_


def _agreement(fold, answer):
    return adjusted_rand_score(fold.y_test, answer)


def _embedding(model):
    def answer(fold):
        return model(n_neighbors=NEAREST, n_components=2, random_state=0).fit_transform(fold.X)

    return answer


def _trust(fold, answer):
    return trustworthiness(fold.X, answer, n_neighbors=10)


def pairs():
    yield Pair(
        "density-iris",
        "KernelDensity",
        "density of 150 × 4 irises",
        "mean log-likelihood",
        True,
        iris,
        _likelihood,
        (
            Contender("vicinal", _density),
            Contender("scikit-learn KernelDensity", _scikit_density),
        ),
        "leave-one-out, a width per feature (vicinal), 5 inner folds (scikit-learn)",
    )
    yield Pair(
        "clusters-iris",
        "MeanShift",
        "clusters of 150 × 4 irises against their kinds",
        "adjusted Rand index",
        True,
        kinds,
        _agreement,
        (
            Contender("vicinal", _clusters(MeanShift)),
            Contender("scikit-learn MeanShift", _clusters(ScikitShift)),
        ),
        "scikit-learn's estimate_bandwidth, quantile 0.2, for both",
    )
    yield Pair(
        "embedding-digits",
        "LocallyLinearEmbedding",
        f"{EMBEDDED} × 64 digits into the plane",
        "trustworthiness",
        True,
        digits,
        _trust,
        (
            Contender("vicinal", _embedding(LocallyLinearEmbedding)),
            Contender("scikit-learn", _embedding(ScikitEmbedding)),
        ),
        f"none: {NEAREST} neighbors",
    )
