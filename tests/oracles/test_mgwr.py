"""mgwr on the Georgia counties: coefficients, errors, criteria and the bandwidth of a search."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from libpysal import examples
from mgwr.gwr import GWR
from mgwr.sel_bw import Sel_BW

import vicinal as vc
from vicinal.models import GeographicallyWeightedRegressor

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def georgia():
    table = pd.read_csv(examples.get_path("GData_utm.csv"))
    places = table[["X", "Y"]].to_numpy(float)
    covariates = table[["PctRural", "PctPov", "PctBlack"]].to_numpy(float)
    return places, covariates, table["PctBach"].to_numpy(float)


@pytest.mark.parametrize(
    ("kernel", "bandwidth", "fixed"),
    [("bisquare", 90, False), ("gaussian", 80_000.0, True), ("gaussian", 30, False)],
)
def test_everything(georgia, kernel, bandwidth, fixed):
    places, covariates, y = georgia
    h = bandwidth if fixed else vc.bandwidth.KthNeighbor(bandwidth)
    model = GeographicallyWeightedRegressor([0, 1], kernel=kernel, bandwidth=h)
    model.fit(np.column_stack([places, covariates]), y)
    oracle = GWR(
        places, y[:, None], covariates, bw=bandwidth, fixed=fixed, kernel=kernel, n_jobs=1
    ).fit()
    for ours, theirs in (
        (model.coefficients_, oracle.params),
        (model.standard_errors_, oracle.bse),
        (model.t_values_, oracle.tvalues),
        (model.local_r2_, oracle.localR2[:, 0]),
        (model.influence_, oracle.influ[:, 0]),
        (model.fitted_, oracle.predy[:, 0]),
        (model.sigma2_, oracle.sigma2),
        (model.aicc_, oracle.aicc),
        (model.effective_parameters_, oracle.tr_S),
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-10)


def test_new_places(georgia):
    places, covariates, y = georgia
    X = np.column_stack([places, covariates])
    model = GeographicallyWeightedRegressor([0, 1], bandwidth=vc.bandwidth.KthNeighbor(94))
    oracle = GWR(places[:140], y[:140, None], covariates[:140], bw=94, n_jobs=1)
    expected = oracle.predict(places[140:], covariates[140:])
    model.fit(X[:140], y[:140])
    np.testing.assert_allclose(model.predict(X[140:]), expected.predictions[:, 0], rtol=1e-8)
    np.testing.assert_allclose(model.coefficients(X[140:]), expected.params, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("adaptive", [True, False])
def test_search(georgia, adaptive):
    places, covariates, y = georgia
    model = GeographicallyWeightedRegressor([0, 1], adaptive=adaptive)
    model.fit(np.column_stack([places, covariates]), y)
    search = Sel_BW(places, y[:, None], covariates, fixed=not adaptive, n_jobs=1)
    found = search.search(criterion="AICc")
    if adaptive:
        assert model.bandwidth_.k == found
    else:
        assert model.bandwidth_ == pytest.approx(found, rel=1e-3)
