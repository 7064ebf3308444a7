"""The models among other tools: routing, pipelines, frames, memory maps, pickles, threads."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

import vicinal as vc
from vicinal.models import KernelDensity, LocalMeanClassifier, LocalMeanRegressor

MODELS = [LocalMeanRegressor, LocalMeanClassifier, KernelDensity]


def fitted(model, problem, **parameters):
    y = problem.labels if model is LocalMeanClassifier else problem.y
    return model(**parameters).fit(problem.X, y)


def answers(model, queries):
    return (model.score_samples if isinstance(model, KernelDensity) else model.predict)(queries)


def test_every_model_is_importable_from_the_package():
    assert set(vc.models.__all__) >= {model.__name__ for model in MODELS}
    for name in vc.models.__all__:  # of the package of memberships, the last part
        assert getattr(vc.models, name).__name__.rpartition(".")[2] == name
    assert set(vc.models.__all__) <= set(dir(vc.models))
    with pytest.raises(AttributeError, match="no attribute 'NoSuchModel'"):
        _ = vc.models.NoSuchModel


def test_tags():
    assert is_regressor(LocalMeanRegressor())
    assert is_classifier(LocalMeanClassifier())
    assert get_tags(KernelDensity()).estimator_type == "density_estimator"
    for model in (LocalMeanRegressor(), LocalMeanClassifier()):
        assert get_tags(model).target_tags.multi_output
        assert get_tags(model).target_tags.required
    assert not get_tags(LocalMeanRegressor()).input_tags.sparse


def test_weights_are_routed(problem):
    with sklearn.config_context(enable_metadata_routing=True):
        model = LocalMeanRegressor(bandwidth=0.8).set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=True)
        routed = cross_validate(
            model, problem.X, problem.y, cv=3, params={"sample_weight": problem.weights + 0.1}
        )
        plain = cross_val_score(LocalMeanRegressor(bandwidth=0.8), problem.X, problem.y, cv=3)
        assert not np.allclose(routed["test_score"], plain)
        density = KernelDensity().set_fit_request(sample_weight=True)
        density.set_score_request(sample_weight=False)
        search = GridSearchCV(density, {"bandwidth": [0.3, 1.0]}, cv=3)
        search.fit(problem.X, sample_weight=problem.weights + 0.1)
        assert search.best_params_["bandwidth"] == 1.0


@pytest.mark.parametrize("model", MODELS)
def test_pipeline_and_grid_search(problem, model):
    y = problem.labels if model is LocalMeanClassifier else problem.y
    steps = make_pipeline(StandardScaler(), model())
    name = f"{model.__name__.lower()}__bandwidth"
    search = GridSearchCV(steps, {name: ["scott", 0.5, [0.5, 1.0, 2.0]]}, cv=4).fit(problem.X, y)
    assert np.all(np.isfinite(search.cv_results_["mean_test_score"]))


def test_classifier_chain(problem):
    labels = (np.column_stack([problem.y, problem.X[:, 1]]) > 0).astype(int)
    chain = ClassifierChain(LocalMeanClassifier(bandwidth=1.0)).fit(problem.X, labels)
    assert chain.predict(problem.queries).shape == (25, 2)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
@pytest.mark.parametrize("model", MODELS)
def test_frames(problem, model, frame):
    columns = {name: problem.X[:, i] for i, name in enumerate("abc")}
    y = problem.labels if model is LocalMeanClassifier else problem.y
    series = (pd.Series if frame is pd.DataFrame else pl.Series)(y)
    named = model().fit(frame(columns), series, sample_weight=problem.weights)
    bare = model().fit(problem.X, y, sample_weight=problem.weights)
    assert named.feature_names_in_.tolist() == ["a", "b", "c"]
    queries = frame({name: problem.queries[:, i] for i, name in enumerate("abc")})
    assert np.array_equal(answers(named, queries), answers(bare, problem.queries))


@pytest.mark.parametrize("model", MODELS)
def test_memory_maps_are_read_in_place(problem, model, tmp_path):
    stored = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", "f8", problem.X.shape)
    stored[:] = problem.X
    stored.flush()
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    y = problem.labels if model is LocalMeanClassifier else problem.y
    mapped = model(bandwidth=0.7).fit(X, y)
    assert np.shares_memory(mapped.keys_, X)
    expected = answers(fitted(model, problem, bandwidth=0.7), problem.queries)
    assert answers(mapped, problem.queries).tobytes() == expected.tobytes()
    assert len(answers(mapped, X)) == 60


@pytest.mark.parametrize("model", MODELS)
def test_clone_and_pickle(problem, model):
    kernel = vc.kernels.Matern(nu=2.5, metric="manhattan")
    original = fitted(model, problem, kernel=kernel, bandwidth=[0.5, 0.7, 1.0], n_jobs=2)
    copy = pickle.loads(pickle.dumps(original))
    assert answers(copy, problem.queries).tobytes() == answers(original, problem.queries).tobytes()
    fresh = clone(original)
    assert fresh.kernel == kernel
    assert not hasattr(fresh, "keys_")


@pytest.mark.parametrize("model", MODELS)
def test_sixteen_threads_share_one_model(problem, model):
    shared = fitted(model, problem, bandwidth=0.6)
    expected = answers(shared, problem.queries).tobytes()
    with ThreadPoolExecutor(16) as pool:
        results = pool.map(lambda _: answers(shared, problem.queries).tobytes(), range(64))
        assert set(results) == {expected}


@pytest.mark.parametrize("model", MODELS)
def test_fit_leaves_its_arguments_alone(problem, model):
    y = (problem.labels if model is LocalMeanClassifier else problem.y).copy()
    X, weights = problem.X.copy(), problem.weights.copy()
    estimator = model(bandwidth=0.7).fit(X, y, sample_weight=weights)
    estimator.loo_score()
    answers(estimator, problem.queries)
    assert np.array_equal(X, problem.X)
    assert np.array_equal(weights, problem.weights)
    assert np.array_equal(y, problem.labels if model is LocalMeanClassifier else problem.y)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("model", MODELS)
def test_nan_and_infinity_are_refused(problem, model, bad):
    X = problem.X.copy()
    X[3, 1] = bad
    y = problem.labels if model is LocalMeanClassifier else problem.y
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        model().fit(X, y)
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        answers(fitted(model, problem), X)


@pytest.mark.parametrize("model", MODELS)
def test_no_rows_and_no_columns_are_refused(problem, model):
    with pytest.raises(ValueError, match="0 sample"):
        model().fit(np.empty((0, 3)), [])
    with pytest.raises(ValueError, match="0 feature"):
        model().fit(np.empty((5, 0)), np.arange(5) % 2)
    with pytest.raises(ValueError, match="0 sample"):
        answers(fitted(model, problem), np.empty((0, 3)))
