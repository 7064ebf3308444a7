"""scikit-learn's checks on denoisers, autoencoders and self-local fits: none fails or skips."""

from __future__ import annotations

from collections import Counter

import pandas  # noqa: F401  # its absence would turn checks into skips
import polars  # noqa: F401
import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

import vicinal as vc
from vicinal.models import Denoiser, HierarchicalAutoencoder, LazyAutoencoder, SelfLocalRegressor

ESTIMATORS = [
    Denoiser(),
    Denoiser(0.2, mass_tol=1e-6),
    Denoiser(3.0, neighbors=vc.Radius(2.0), empty="zero"),
    LazyAutoencoder(),
    LazyAutoencoder(kernel="epanechnikov", bandwidth="scott", n_components=1),
    LazyAutoencoder(kernel="tricube", bandwidth=vc.bandwidth.KthNeighbor(3)),
    HierarchicalAutoencoder(),
    HierarchicalAutoencoder(kernel="laplace", bandwidth="loo", n_levels=2, shrink=0.7),
    HierarchicalAutoencoder(kernel="tricube", bandwidth=(2.0, 1.0), n_levels=1),
    SelfLocalRegressor(),
    SelfLocalRegressor(kernel="epanechnikov", empty="nearest"),
    SelfLocalRegressor(kernel="laplace", bandwidth="loo", target_bandwidth=0.3),
]
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
