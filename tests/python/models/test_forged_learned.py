"""Files of learned models that were tampered with: a ValueError, whatever they hold."""

from __future__ import annotations

import json

import numpy as np
import pytest
from forging import forge, refused, saved

import vicinal as vc
from vicinal.models import HierarchicalLocalModel, MetricLearner, MultiKernelRegressor


def forged(path, header, arrays, name, value):
    """Write the file with another array or value in its state."""
    key = header["state"][name].get("array") if isinstance(header["state"][name], dict) else None
    if key is None:
        header["state"][name] = value
    else:
        arrays[key] = np.asarray(value, dtype=arrays[key].dtype)
    forge(path, header, arrays)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("weights_", [0.5, 0.25, 0.25, 0.0, 0.5]),
        ("weights_", [2.0, -1.0, 0.0, 0.0, 0.0]),
        ("weights_", [0.0, 0.0, 0.0, 0.0, 1.0]),
        ("shares_", [np.nan] * 5),
        ("loo_score_", "good"),
        ("kernel_", 3),
        ("keys_", np.zeros((3, 2))),
    ],
)
def test_weights_of_kernels(path, name, value):
    header, arrays = saved(path, MultiKernelRegressor, bandwidth=3.0)
    forged(path, header, arrays, name, value)
    refused(path, "fitted state of the model does not fit")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"means": []}, "are not 2 levels"),
        ({"means": [1, 2]}, "does not fit"),
        ({"n_features_in_": 3}, "n_features_in_"),
    ],
)
def test_levels(path, state, words):
    header, arrays = saved(path, HierarchicalLocalModel)
    header["state"] |= state
    forge(path, header, arrays)
    refused(path, words)


def test_levels_that_fit_each_other(path):
    header, arrays = saved(path, HierarchicalLocalModel)
    key = header["state"]["means"][1]["keys_"]["array"]
    arrays[key] = np.ascontiguousarray(arrays[key][:, :1])
    forge(path, header, arrays)
    refused(path, "fit no level below")


@pytest.mark.parametrize(
    ("name", "value"),
    [("components_", [[1.0]]), ("components_", [[np.nan, 0.0], [0.0, 1.0]]), ("loss_curve_", [])],
)
def test_components(path, name, value):
    X = np.random.default_rng(0).normal(size=(20, 2))
    MetricLearner(tol=1e-2).fit(X, X[:, 0]).save(path)
    assert vc.load(path).n_iter_ > 0
    with np.load(path) as members:
        arrays = {member: members[member] for member in members.files}
    header = json.loads(arrays.pop("header").tobytes())
    del arrays["checksum"]
    forged(path, header, arrays, name, value)
    refused(path, "fitted state of the model does not fit")
