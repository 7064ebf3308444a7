"""Retrieval from parts of a pattern, and labels that spread from a few rows."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsRegressor
from sklearn.semi_supervised import LabelPropagation as ScikitPropagation
from sklearn.semi_supervised import LabelSpreading as ScikitSpreading

import vicinal as vc
from vicinal.models import (
    Hopfield,
    LabelPropagation,
    LinearNeighborhoodPropagation,
    RelaxationLabeling,
)

from .pair import Contender, Pair
from .tuning import Fold, accuracy, chosen, held_out, root_mean_square, tuned

UPPER = 32  # of 64 pixels: those that are seen
BETAS = (10.0, 20.0, 40.0, 80.0, 160.0)
COUNTS = (5, 8, 12)
WIDTHS = (4.0, 6.0, 9.0)  # of a Gaussian over pixels from 0 to 16
LABELED = 0.05
PULL = 0.2  # LabelSpreading's


def halves():
    """Split digits; X is the upper half of each as a unit vector, y the lower half."""
    digits = load_digits().data
    folds = []
    for at in held_out(np.zeros((len(digits), 1)), np.arange(len(digits))):
        mean = digits[at.y, :UPPER].mean(axis=0)
        known, asked = (_unit(digits[rows, :UPPER] - mean) for rows in (at.y, at.y_test))
        folds.append(Fold(known, digits[at.y, UPPER:], asked, digits[at.y_test, UPPER:]))
    return folds


def _unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _hopfield(updates):
    """Store whole digits, and ask with zeros, the mean, where pixels are hidden."""

    def answer(beta, X, y, X_test):
        mean = y.mean(axis=0)
        size = np.linalg.norm(y - mean, axis=1).mean()
        asked = np.column_stack([X_test, np.zeros((len(X_test), y.shape[1]))])
        memory = Hopfield(beta=beta, max_iter=updates)
        found = memory.fit(np.column_stack([X, (y - mean) / size])).predict(asked)
        return mean + size * found[:, UPPER:]

    return answer


def _softmax(beta, X, y, X_test):
    scores = beta * X_test @ X.T
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (weights / weights.sum(axis=1, keepdims=True)) @ y


def _nearest(fold):
    return KNeighborsRegressor(1).fit(fold.X, fold.y).predict(fold.X_test)


def few_labels():
    """Draw five times which rows have a label; y holds −1 elsewhere, y_test the truth."""
    digits = load_digits()
    folds = []
    for seed in range(5):
        known = np.random.default_rng(seed).random(len(digits.target)) < LABELED
        y = np.where(known, digits.target, -1)
        folds.append(Fold(digits.data, y, digits.data[~known], digits.target[~known]))
    return folds


def _spread(spread, settings):
    """Choose the setting by two folds of the labels, then label the rows without one."""

    def call(fold):
        known = np.flatnonzero(fold.y >= 0)

        def answer(setting, rows, labels, asked):
            some = np.full_like(fold.y, -1)
            some[rows[:, 0]] = labels
            return spread(setting, fold.X, some)[asked[:, 0]]

        errors = lambda truth, found: np.mean(truth != found)  # noqa: E731
        best = chosen(settings, answer, known[:, None], fold.y[known], errors, 2)
        return spread(best, fold.X, fold.y)[fold.y < 0]

    return call


def _ours(build):
    return lambda setting, X, y: build(setting).fit(X, y).transduction_


def _held(k):
    return LabelPropagation(kernel="constant", bandwidth=1.0, neighbors=vc.KNearest(k))


def _pulled(k):
    near = vc.KNearest(k)
    return LabelPropagation(kernel="constant", bandwidth=1.0, neighbors=near, alpha=PULL)


def _agreeing(k, X, y):
    """Start with equal shares where there is no label; equal labels support each other."""
    labels = int(y.max()) + 1
    p0 = np.full((len(y), labels), 1 / labels)
    p0[y >= 0] = np.eye(labels)[y[y >= 0]]
    like = RelaxationLabeling(np.eye(labels), kernel="constant", max_iter=50)
    near = vc.knn(X, X, k + 1)
    graph = vc.Graph.from_indices(near.indices[:, 1:], len(X))
    return like.run(p0, graph, points=X).labels


def _scikit(model, **options):
    return lambda k, X, y: model(kernel="knn", n_neighbors=k, **options).fit(X, y).transduction_


def _scikit_gaussian(width, X, y):
    model = ScikitSpreading(kernel="rbf", gamma=0.5 / width**2, alpha=PULL)
    return model.fit(X, y).transduction_


PROPAGATED = Contender(
    "scikit-learn LabelPropagation", _spread(_scikit(ScikitPropagation, max_iter=5000), COUNTS)
)
SPREAD = Contender(
    "scikit-learn LabelSpreading", _spread(_scikit(ScikitSpreading, max_iter=100), COUNTS)
)


def _labels(name, model, title, contenders, tuning="2 inner folds of the labels"):
    told = f"{title}, {LABELED:.0%} of 1,797 digits have a label"
    return Pair(name, model, told, "accuracy", True, few_labels, accuracy, contenders, tuning)


def pairs():
    yield Pair(
        "hopfield-digits",
        "Hopfield",
        "the lower half of 1,797 digits from the upper half",
        "root mean square error",
        False,
        halves,
        root_mean_square,
        (
            Contender("vicinal", tuned(BETAS, _hopfield(1))),
            Contender("softmax(β q·x) in numpy", tuned(BETAS, _softmax)),
            Contender("scikit-learn nearest neighbor", _nearest),
            Contender("vicinal, to the fixed point", tuned(BETAS, _hopfield(100))),
        ),
        "5 inner folds over β",
        equal=True,
    )
    yield _labels(
        "labels-held",
        "LabelPropagation",
        "k nearest rows",
        (Contender("vicinal", _spread(_ours(_held), COUNTS)), PROPAGATED, SPREAD),
    )
    yield _labels(
        "labels-pulled",
        "LabelPropagation(alpha=0.2)",
        "a Gaussian",
        (
            Contender(
                "vicinal",
                _spread(_ours(lambda h: LabelPropagation(bandwidth=h, alpha=PULL)), WIDTHS),
            ),
            Contender("scikit-learn LabelSpreading", _spread(_scikit_gaussian, WIDTHS)),
        ),
    )
    yield _labels(
        "labels-linear",
        "LinearNeighborhoodPropagation",
        "k nearest rows",
        (
            Contender("vicinal", _spread(_ours(LinearNeighborhoodPropagation), COUNTS)),
            SPREAD,
        ),
    )
    yield _labels(
        "labels-relaxed",
        "RelaxationLabeling",
        "k nearest rows",
        (Contender("vicinal", _spread(_agreeing, COUNTS)), SPREAD),
    )
