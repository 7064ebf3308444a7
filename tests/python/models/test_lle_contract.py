"""scikit-learn's contract: its checks on every setting, and its own tests with our class."""

from __future__ import annotations

import inspect
from collections import Counter

import numpy as np
import pandas  # noqa: F401  # its absence would turn checks into skips
import polars  # noqa: F401
import pytest
import sklearn.manifold
from sklearn.manifold.tests import test_locally_linear as theirs
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from vicinal.models import LocallyLinearEmbedding

SETTINGS = (
    {"n_components": 1},
    {"n_components": 1, "method": "ltsa", "eigen_solver": "dense"},
    {"n_components": 1, "method": "hessian", "landmarks": 15},
    {"n_components": 1, "method": "modified", "metric": "manhattan"},
    {"n_components": 1, "metric": "precomputed"},
)
ESTIMATORS = [LocallyLinearEmbedding(**setting) for setting in SETTINGS]
RAN: Counter[str] = Counter()


@pytest.fixture(autouse=True)
def _array_api_is_checked(monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # without it one check skips itself


@pytest.mark.filterwarnings("default")
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


def test_parameters_and_defaults_are_those_of_scikit_learn():
    reference = inspect.signature(sklearn.manifold.LocallyLinearEmbedding).parameters
    ours = inspect.signature(LocallyLinearEmbedding).parameters
    assert list(ours)[: len(reference)] == list(reference)
    assert {name: ours[name].default for name in reference} == {
        name: parameter.default for name, parameter in reference.items()
    }


@pytest.fixture
def our_class(monkeypatch):
    monkeypatch.setattr(sklearn.manifold, "LocallyLinearEmbedding", LocallyLinearEmbedding)


# The two tests left out are of scikit-learn's functions, not of its class.
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "test",
    [
        theirs.test_lle_simple_grid,
        theirs.test_pipeline,
        theirs.test_integer_input,
        theirs.test_get_feature_names_out,
    ],
    ids=lambda test: test.__name__,
)
def test_scikit_learns_tests(our_class, test, dtype):
    test(dtype) if inspect.signature(test).parameters else test()


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("solver", ["dense", "arpack"])
@pytest.mark.parametrize("method", ["standard", "hessian", "modified", "ltsa"])
def test_scikit_learns_manifold(our_class, method, solver, dtype):
    theirs.test_lle_manifold(dtype, method, solver)
