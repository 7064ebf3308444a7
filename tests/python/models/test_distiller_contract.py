"""The distiller's contract: scikit-learn's checks, refusals, warnings, files."""

from __future__ import annotations

import json
import pickle
from collections import Counter

import numpy as np
import pandas  # noqa: F401  # its absence would turn checks into skips
import polars  # noqa: F401
import pytest
from forging import forge, refused
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

import vicinal as vc
from vicinal.models import EmbeddingDistiller

ESTIMATORS = [
    EmbeddingDistiller(),
    EmbeddingDistiller(method="affine"),
    EmbeddingDistiller(kernel="gaussian", bandwidth=(1.0, 1.0)),
    EmbeddingDistiller(method="affine", metric="manhattan", n_neighbors=1),
]
RAN: Counter[str] = Counter()


@pytest.fixture(autouse=True)
def _array_api_is_checked(monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # without it one check skips itself


@pytest.mark.filterwarnings("ignore::vicinal.LocalizationWarning")  # two labels as an embedding
@parametrize_with_checks(ESTIMATORS)
def test_estimator_check(estimator, check):
    try:
        check(estimator)
    except estimator_checks.SkipTest as skipped:
        raise AssertionError(f"a check skipped itself: {skipped}") from skipped
    RAN[repr(estimator)] += 1


def test_count_of_checks(request):
    if not all(repr(estimator) in RAN for estimator in ESTIMATORS):
        assert request.config.option.keyword or "::" in " ".join(request.config.args)
        return
    assert min(RAN.values()) >= 40


def test_coordinates_have_two_names(problem):
    X, Z = problem.X, problem.X[:, :2]
    model = EmbeddingDistiller().fit(X, Z)
    named = EmbeddingDistiller().fit(X, Z=Z)
    assert named.transform(problem.queries).tobytes() == model.transform(problem.queries).tobytes()
    with pytest.raises(ValueError, match="y and Z are two names"):
        model.fit(X, Z, Z=Z)


def test_coordinates_are_no_metadata():
    """Searches and pipelines hand them on as they do targets: nobody has to request them."""
    assert not hasattr(EmbeddingDistiller, "set_fit_request")
    assert not hasattr(EmbeddingDistiller, "set_score_request")


@pytest.fixture
def pairs(problem):
    return problem.X, problem.Y


@pytest.fixture
def fitted(pairs):
    return EmbeddingDistiller().fit(*pairs)


def spoiled(points, value):
    points = points.copy()
    points[3, 1] = value
    return points


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_neighbors": 60}, "Expected n_neighbors < n_samples, but n_samples = 60"),
        ({"n_neighbors": 0}, "n_neighbors must be a whole number from 1, got 0"),
        ({"n_neighbors": 2.5}, "n_neighbors must be a whole number"),
        ({"n_neighbors": True}, "n_neighbors must be a whole number"),
        ({"method": "linear"}, "method must be one of 'mean', 'affine', got 'linear'"),
        ({"reg": -1.0}, "reg must be finite and at least 0, got -1.0"),
        ({"reg": np.nan}, "reg must be finite and at least 0"),
        ({"metric": "dot"}, "metric must be a distance between rows of coordinates, got 'dot'"),
        ({"metric": "precomputed"}, "got 'precomputed'"),
        ({"metric": "nearby"}, "metric"),
        ({"bandwidth": 1.0}, "bandwidth must be None, a rule such as .* or a pair"),
        ({"bandwidth": "scott"}, "bandwidth must be None, a rule"),
        ({"bandwidth": (1.0, None)}, "bandwidth must be None, a rule"),
        ({"method": "mean", "bandwidth": (1.0, -1.0)}, "bandwidth must be positive"),
        ({"method": "mean", "kernel": "tricubic"}, "tricube"),
        (
            {"method": "mean", "bandwidth": vc.bandwidth.KthNeighbor(60)},
            "k of KthNeighbor must be 1 to the number of keys .59., got 60",
        ),
    ],
    ids=str,
)
def test_parameters_that_do_not_fit_are_refused(pairs, parameters, message):
    with pytest.raises(ValueError, match=message):
        EmbeddingDistiller(**parameters).fit(*pairs)


def test_arrays_that_do_not_fit_are_refused(pairs, fitted):
    X, Z = pairs
    model = EmbeddingDistiller()
    for given, message in (
        ((X, Z[:50]), "Z must have one row of coordinates per row of X, got 50 for 60"),
        ((X[:1], Z[:1]), "n_samples = 1"),
        ((X[:8], Z[:8]), "Expected n_neighbors < n_samples, but n_samples = 8"),
        ((X, spoiled(Z, np.nan)), "Input Z contains NaN"),
        ((spoiled(X, np.inf), Z), "Input X contains infinity"),
        ((X, Z[:, :0]), "0 feature"),
        ((X, Z[None]), "dim 3"),
        ((X, 1e200 * Z), "Z must be at most 1e\\+150 in size"),
        ((1e200 * X, Z), "X must be at most 1e\\+150 in size"),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(*given)
    with pytest.raises(ValueError, match="n_components=2 columns, got shape"):
        fitted.inverse_transform(X)
    with pytest.raises(ValueError, match="3 features"):
        fitted.transform(Z)
    with pytest.raises(ValueError, match="2 rows at least"):
        fitted.score(X[:1])
    for call in (
        lambda: model.transform(X),
        lambda: model.inverse_transform(Z),
        lambda: model.score(X),
        lambda: model.loo_score(),
        lambda: model.distortion(X),
        lambda: model.drift(X),
    ):
        with pytest.raises(NotFittedError):
            call()
    assert not hasattr(model, "distortion_")


@pytest.mark.parametrize("method", ["affine", "mean"])
@pytest.mark.parametrize("count", [9, 30])
def test_several_rows_in_one_place_are_averaged_and_warned_of(pairs, method, count):
    """More of them than there are neighbors."""
    X, Z = (part.copy() for part in pairs)
    Z[:count] = Z[0]
    with pytest.warns(vc.LocalizationWarning, match=f"{count} of 60 rows of Z coin") as caught:
        model = EmbeddingDistiller(method=method).fit(X, Z)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    back = model.inverse_transform(Z[:1])
    np.testing.assert_allclose(back[0], X[:count].mean(axis=0), atol=1e-12)
    X[:count] = X[0]
    with pytest.warns(vc.LocalizationWarning, match=f"{count} of 60 rows of X coincide"):
        model.fit(X, pairs[1])
    place = model.transform(X[:1])
    np.testing.assert_allclose(place[0], pairs[1][:count].mean(axis=0), atol=1e-12)
    others = (pairs[1][:count].sum(axis=0) - pairs[1][0]) / (count - 1)
    np.testing.assert_allclose(model.loo_transform()[0], others, atol=1e-12)


def test_pairs_that_are_repeated_are_no_ambiguity(pairs):
    EmbeddingDistiller().fit(*(np.concatenate([part, part[:20]]) for part in pairs))


def test_zeros_of_both_signs_coincide(pairs):
    X, Z = pairs
    X = np.concatenate([[[0.0, 1, 2], [-0.0, 1, 2]], X[2:]])
    with pytest.warns(vc.LocalizationWarning, match="2 of 60 rows of X coincide"):
        EmbeddingDistiller().fit(X, Z)


@pytest.mark.parametrize("method", ["affine", "mean"])
def test_an_embedding_in_one_place_returns_the_mean(pairs, method):
    X = pairs[0]
    with pytest.warns(vc.LocalizationWarning, match="60 of 60 rows of Z coincide"):
        model = EmbeddingDistiller(method=method).fit(X, np.ones((60, 2)))
    assert np.isfinite(model.distortion_).all()
    assert model.loo_score() < 0.1
    back = model.inverse_transform(np.ones((1, 2)))
    np.testing.assert_allclose(back[0], X.mean(axis=0), atol=1e-12)


@pytest.mark.filterwarnings("ignore::vicinal.LocalizationWarning")
@pytest.mark.parametrize("method", ["affine", "mean"])
def test_awkward_data_never_give_nan(method):
    spread = np.random.default_rng(0).normal(size=(40, 3))
    for X in (np.ones((40, 3)), np.arange(40.0)[:, None] * [1, 2, 3], spread * 1e140):
        for Z in (np.ones((40, 2)), spread[:, :2], 1e-160 * spread):
            model = EmbeddingDistiller(method=method, n_neighbors=4).fit(X, Z)
            assert np.isfinite(model.distortion_).all()
            assert np.isfinite(model.transform(X + 1e-3)).all()
            assert np.isfinite(model.drift(X * 2)).all()
            assert np.isfinite([model.loo_score(), model.score(X)]).all()


def test_far_rows_get_the_nearest_row_where_no_kernel_reaches(pairs):
    X, Z = pairs
    model = EmbeddingDistiller(method="mean", bandwidth=(0.5, 0.5)).fit(X, Z)
    far = np.array([[100.0, 0, 0]])
    np.testing.assert_array_equal(model.transform(far)[0], Z[vc.knn(far, X, 1).indices[0, 0]])
    assert model.drift(far) == model.drift(far, "distance") == 1


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_files_and_pickles(pairs, path, estimator):
    model, new = clone(estimator).fit(*pairs), 1.1 * pairs[0]
    model.save(path)
    for again in (vc.load(path), pickle.loads(pickle.dumps(model))):
        assert repr(again) == repr(model)
        assert again.transform(new).tobytes() == model.transform(new).tobytes()
        assert again.distortion_.tobytes() == model.distortion_.tobytes()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("embedding_", np.ones((3, 2)), "embedding_ has shape"),
        ("embedding_", np.ones(60), "embedding_ has shape"),
        ("embedding_", np.ones((60, 2), "f4"), "embedding_ is float32"),
        ("embedding_", np.full((60, 2), np.nan), "embedding_ is empty or not finite"),
        ("embedding_", np.ones((60, 0)), "embedding_ is empty"),
        ("keys_", np.ones((60, 2)), "keys_ has shape"),
        ("keys_", np.ones((0, 3)), "embedding_ has shape"),
        ("keys_", np.full((60, 3), np.inf), "keys_ is empty or not finite"),
    ],
)
def test_files_that_lie_are_refused(fitted, path, name, value, words):
    header, arrays = opened(fitted, path)
    arrays[header["state"][name]["array"]] = value
    forge(path, header, arrays)
    refused(path, words)


@pytest.mark.parametrize(
    ("part", "name", "value", "words"),
    [
        ("state", "n_features_in_", 4, "keys_ has shape"),
        ("state", "n_features_in_", "3", "keys_ has shape"),
        ("state", "other_", 1, "unknown"),
        ("state", "feature_names_in_", ["a"], "feature_names_in_"),
        ("parameters", "n_neighbors", 60, "n_neighbors=60 of 60 keys"),
        ("parameters", "method", "none", "method must be one of"),
        ("parameters", "bandwidth", -1.0, "bandwidth must be"),
        ("parameters", "metric", "nearby", "metric"),
    ],
)
def test_headers_that_lie_are_refused(fitted, path, part, name, value, words):
    header, arrays = opened(fitted, path)
    header[part][name] = value
    forge(path, header, arrays)
    refused(path, words)


def opened(model, path):
    model.save(path)
    with np.load(path) as members:
        arrays = {name: members[name] for name in members.files}
    header = json.loads(arrays.pop("header").tobytes())
    del arrays["checksum"]
    return header, arrays
