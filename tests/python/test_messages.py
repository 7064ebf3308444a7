"""Mistakes that newcomers made: each message says what came and what to do."""

import numpy as np
import pytest

import vicinal as vc
from vicinal.models import KernelDensity, LocalMeanClassifier, LocalMeanRegressor, MeanShift

X = np.linspace(0, 1, 12)[:, None]
Y = np.sin(X[:, 0])


def mean(**options):
    return vc.local_mean(X, X, Y, **options)


MISTAKES = {
    "a misspelled kernel": (lambda: mean(kernel="Gausian"), ValueError, "did you mean 'gaussian'"),
    "a misspelled metric": (
        lambda: mean(metric="euclid"),
        ValueError,
        "did you mean 'euclidean'",
    ),
    "a misspelled statistic": (
        lambda: vc.local_stats(X, X, Y, statistics="men"),
        ValueError,
        "did you mean 'mean'",
    ),
    "a number of statistics": (
        lambda: vc.local_stats(X, X, Y, statistics=3),
        TypeError,
        "statistics must be a name or several, got 3",
    ),
    "a class of kernels": (
        lambda: mean(kernel=vc.kernels.Gaussian),
        TypeError,
        r"got the class Gaussian; write Gaussian\(\)",
    ),
    "a selection": (
        lambda: mean(bandwidth=vc.bandwidth.select(X, Y)),
        TypeError,
        r"pass its \.bandwidth",
    ),
    "no keys": (lambda: vc.local_mean(X, None, Y), TypeError, "keys must be an array.*None"),
    "a callable mask": (
        lambda: mean(mask=lambda r, c: r == c),
        TypeError,
        "mask must be an array.*function",
    ),
    "another shape of values": (
        lambda: vc.LocalMeanAccumulator(X).update(X, Y).update(X, X),
        ValueError,
        r"it had values \(n,\) of float64, this one has values \(n, 1\) of float64",
    ),
    "a selection from one row": (
        lambda: vc.bandwidth.select(X[:1], Y[:1]),
        ValueError,
        "at least 2 rows of X, got 1",
    ),
    "a misspelled rule": (
        lambda: LocalMeanRegressor(bandwidth="scot").fit(X, Y),
        ValueError,
        "one number per feature.*did you mean 'scott'",
    ),
    "a misspelled rule of labels": (
        lambda: MeanShift(assign="atractor", bandwidth=1.0).fit(X),
        ValueError,
        "assign must be one of 'auto', .*, got 'atractor'; did you mean 'attractor'",
    ),
    "a number for a callback": (
        lambda: MeanShift(bandwidth=1.0, callback=3).fit(X),
        TypeError,
        r"callback must be None or callable\(iteration, error, state\), got int",
    ),
    "a word for progress": (
        lambda: MeanShift(bandwidth=1.0, progress="bar").fit(np.full((3, 1), np.nan)),
        TypeError,
        "progress must be True, False or callable",
    ),
    "a density of inner products": (
        lambda: KernelDensity(kernel="softmax").fit(X),
        ValueError,
        "softmax has no density",
    ),
    "missing labels": (
        lambda: LocalMeanClassifier().fit(X, np.array(["a", None] * 6, dtype=object)),
        ValueError,
        "y holds 6 missing labels",
    ),
    "a folder that is not there": (
        lambda: LocalMeanRegressor().fit(X, Y).save("no such folder/model"),
        FileNotFoundError,
        "path must lie in a folder that exists, got 'no such folder/model'",
    ),
    "a number for a path": (lambda: vc.load(123), TypeError, "path must be a str or a path"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_message(mistake):
    call, kind, words = MISTAKES[mistake]
    with pytest.raises(kind, match=words):
        call()
