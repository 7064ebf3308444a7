"""A row's answer has the same bits alone, in any batch, in any order and for any thread count."""

from __future__ import annotations

import numpy as np
import pytest

import vicinal as vc
from vicinal.models import KernelDensity, LocalMeanClassifier, LocalMeanRegressor

SETTINGS = [
    {},
    {"kernel": "epanechnikov", "bandwidth": 1.0, "empty": "nearest"},
    {"kernel": "laplace", "bandwidth": 0.05},
    {"bandwidth": vc.bandwidth.KthNeighbor(7)},
    {"bandwidth": vc.bandwidth.Perplexity(4.5)},
    {"kernel": "tricube", "bandwidth": vc.bandwidth.Abramson(1.0), "empty": "nearest"},
]
METHODS = [
    (LocalMeanRegressor, "predict"),
    (LocalMeanClassifier, "predict_proba"),
    (LocalMeanClassifier, "predict"),
    (KernelDensity, "score_samples"),
]


@pytest.fixture(params=[np.float64, np.float32], ids=["f64", "f32"])
def training(request):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(700, 5)).astype(request.param)
    y = X[:, 0] + rng.normal(size=700)
    queries = np.concatenate([rng.normal(size=(290, 5)), 6 * rng.normal(size=(10, 5))])
    return X, y, queries.astype(request.param)


def fitted(model, setting, training):
    X, y, _ = training
    y = np.column_stack([y, -y]) if model is LocalMeanRegressor else (y > 0)
    weights = np.linspace(0, 2, len(X))
    return model(**setting).fit(X, y, sample_weight=weights)


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize(("model", "method"), METHODS)
def test_batch_order_and_threads(training, model, method, setting):
    estimator = fitted(model, setting, training)
    answer, queries = getattr(estimator, method), training[2]
    whole = answer(queries)
    some = np.r_[:290:7, 290:300]  # the last ten are far away
    alone = np.concatenate([answer(queries[i : i + 1]) for i in some])
    assert whole[some].tobytes() == alone.tobytes()
    order = np.random.default_rng(0).permutation(len(queries))
    assert answer(queries[order]).tobytes() == whole[order].tobytes()
    for size, rows in ((2, 70), (7, 300), (64, 300)):
        parts = [answer(queries[i : i + size]) for i in range(0, rows, size)]
        assert np.concatenate(parts).tobytes() == whole[:rows].tobytes()
    for threads in (1, 2, 3, 8, -1):
        estimator.set_params(n_jobs=threads)
        assert answer(queries).tobytes() == whole.tobytes()


def test_layout_of_the_queries_does_not_matter(training):
    estimator = fitted(LocalMeanRegressor, {}, training)
    queries = training[2]
    whole = estimator.predict(queries)
    assert estimator.predict(np.asfortranarray(queries)).tobytes() == whole.tobytes()
    assert estimator.predict(queries[::-1])[::-1].tobytes() == whole.tobytes()
    assert estimator.predict(np.repeat(queries, 2, axis=1)[:, ::2]).tobytes() == whole.tobytes()


def test_explain_does_not_depend_on_the_batch(training):
    estimator = fitted(LocalMeanRegressor, {}, training)
    indices, shares = estimator.explain(training[2], k=7)
    for i in (0, 17, 299):
        one = estimator.explain(training[2][i : i + 1], k=7)
        assert one[0].tobytes() == indices[i : i + 1].tobytes()
        assert one[1].tobytes() == shares[i : i + 1].tobytes()
