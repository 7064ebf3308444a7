"""scikit-learn's own checks on every model and setting: none may fail, none may skip itself."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas  # noqa: F401  # its absence would turn checks into skips
import polars  # noqa: F401
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

import vicinal as vc
from vicinal.models import (
    GeographicallyWeightedRegressor,
    HierarchicalLocalModel,
    Hopfield,
    KernelDensity,
    LabelPropagation,
    Level,
    LinearNeighborhoodPropagation,
    Localized,
    LocalMeanClassifier,
    LocalMeanRegressor,
    LocalPCA,
    LocalPolynomialRegressor,
    MeanShift,
    MetricLearner,
    MultiKernelRegressor,
    QuickShift,
)

MODELS = (KernelDensity, LocalMeanClassifier, LocalMeanRegressor)
SETTINGS = (
    {},
    {"kernel": "epanechnikov", "empty": "nearest"},
    {"kernel": "tricube", "neighbors": vc.KNearest(5) | vc.Radius(0.5), "empty": "nearest"},
    {"bandwidth": "loo"},
    {"bandwidth": "plugin"},
    {"kernel": "tricube", "bandwidth": vc.bandwidth.KthNeighbor(3)},
    {"bandwidth": vc.bandwidth.Abramson(1.0)},
    {"bandwidth": vc.bandwidth.Perplexity(3)},
)
SHIFTS = (
    MeanShift(),
    MeanShift(kernel="gaussian", bin_seeding=True),
    MeanShift(kernel="epanechnikov", bandwidth=vc.bandwidth.Abramson(2.0), cluster_all=False),
    MeanShift(variant="blurring", kernel="gaussian", assign="nearest"),
    MeanShift(variant="medoid"),
    QuickShift(),
    QuickShift(kernel="laplace", bandwidth=0.5, max_distance=1.5),
)
LEARNED = (
    MultiKernelRegressor(),
    MultiKernelRegressor(["gaussian", "laplace"], bandwidth="loo"),
    MultiKernelRegressor(["tricube", "epanechnikov"], empty="nearest"),
    MetricLearner(tol=1e-2),
    MetricLearner(target="numbers", kernel="laplace", tol=1e-2),
    MetricLearner(2, neighbors=vc.Radius(6.0), tol=1e-3),
    HierarchicalLocalModel(),
    HierarchicalLocalModel([Level("epanechnikov", 2.0, map=np.tanh), Level()]),
    HierarchicalLocalModel([Level("laplace", "loo", step=0.5), Level(bandwidth=0.2)]),
    HierarchicalLocalModel(
        [Level(values="targets"), Level("tricube", vc.bandwidth.KthNeighbor(3))]
    ),
)
MEMORIES = (
    Hopfield(),
    Hopfield(memory="polynomial", degree=4),
    Hopfield(memory="dense"),
    Hopfield(memory="classical", update="synchronous"),
)
LABELINGS = (
    LabelPropagation(),
    LabelPropagation(alpha=0.5, neighbors=vc.KNearest(5)),
    LabelPropagation(kernel="tricube", bandwidth=3.0, mass_tol=1e-3, solver="iterate"),
    LabelPropagation(metric="precomputed", bandwidth=1.0),
    LinearNeighborhoodPropagation(),
    LinearNeighborhoodPropagation(3, alpha=None),
    LinearNeighborhoodPropagation(4, nonnegative=False, alpha=0.5, solver="iterate"),
)
GEOGRAPHIES = (
    GeographicallyWeightedRegressor(),
    GeographicallyWeightedRegressor(kernel="gaussian", bandwidth="loo"),
    GeographicallyWeightedRegressor(kernel="gaussian", bandwidth=vc.bandwidth.KthNeighbor(9)),
    GeographicallyWeightedRegressor(kernel="gaussian", bandwidth=3.0),
    GeographicallyWeightedRegressor(kernel="tricube", neighbors=vc.Radius(9.0), empty="nearest"),
)
COMPONENTS = (
    LocalPCA(),
    LocalPCA(1, kernel="tricube", neighbors=vc.KNearest(5), empty="nearest"),
    LocalPCA(0.9, bandwidth=vc.bandwidth.KthNeighbor(3)),
)
FITS = (
    LocalPolynomialRegressor(),
    LocalPolynomialRegressor(kernel="tricube", bandwidth=vc.bandwidth.KthNeighbor(8), ridge=0.1),
    LocalPolynomialRegressor(2, bandwidth=3.0, ridge=1e-2),
    LocalPolynomialRegressor(family="robust", ridge=1e-3),
    LocalPolynomialRegressor(family="quantile", bandwidth=5.0, empty="nearest"),
    LocalPolynomialRegressor(bandwidth="loo"),
)
NEWTON = LogisticRegression(solver="newton-cholesky", tol=1e-12)
LOCALIZED = (
    Localized(Ridge()),
    Localized(NEWTON, kernel="tricube", bandwidth=vc.bandwidth.KthNeighbor(5)),
    Localized(GaussianNB(), mass_tol=1e-6, empty="nearest"),
    Localized(LocalMeanRegressor(bandwidth=1.0), kernel="epanechnikov", bandwidth=9.0),
)
ESTIMATORS = [
    *(model(**setting) for model in MODELS for setting in SETTINGS),
    *SHIFTS,
    *LEARNED,
    *MEMORIES,
    *LABELINGS,
    *GEOGRAPHIES,
    *COMPONENTS,
    *FITS,
    *LOCALIZED,
]
RAN: Counter[str] = Counter()

# The checks of classifiers whose tag is `multi_label`, less the one for a decision_function.
MULTILABEL = (
    estimator_checks.check_classifiers_multilabel_representation_invariance,
    estimator_checks.check_classifiers_multilabel_output_format_predict,
    estimator_checks.check_classifiers_multilabel_output_format_predict_proba,
)


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


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("check", MULTILABEL, ids=lambda check: check.__name__)
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_multilabel_check(check, setting):
    estimator = LocalMeanClassifier(**setting)
    check(type(estimator).__name__, estimator)
    RAN[repr(estimator)] += 1


def test_count_of_checks(request, capsys):
    """Print how many checks each setting passed; runs last in this file."""
    if not all(repr(estimator) in RAN for estimator in ESTIMATORS):
        assert request.config.option.keyword or "::" in " ".join(request.config.args)
        return
    with capsys.disabled():
        print()
        for name, count in RAN.items():
            print(f"{count:4d} estimator checks passed: {name}")
    assert min(RAN.values()) >= 40
