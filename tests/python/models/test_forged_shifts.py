"""Files of mean shifts and quick shifts that lie: every one is refused with a reason."""

from __future__ import annotations

import json

import numpy as np
import pytest
from forging import forge, refused
from sklearn.datasets import make_blobs

import vicinal as vc
from vicinal.models import MeanShift, QuickShift

X, _ = make_blobs(40, n_features=2, centers=3, random_state=0)
MODELS = {
    "standard": MeanShift(bandwidth=2.0),
    "blurring": MeanShift(bandwidth=2.0, variant="blurring"),
    "medoid": MeanShift(bandwidth=2.0, variant="medoid"),
    "quick": QuickShift(bandwidth=1.0),
}


def opened(path, model):
    model.fit(X).save(path)
    with np.load(path) as members:
        arrays = {name: members[name] for name in members.files}
    header = json.loads(arrays.pop("header").tobytes())
    del arrays["checksum"]
    return header, arrays


@pytest.mark.parametrize("name", MODELS)
def test_what_is_true_is_taken(path, name):
    forge(path, *opened(path, MODELS[name]))
    loaded = vc.load(path)
    np.testing.assert_array_equal(loaded.predict(X), MODELS[name].labels_)


WRONG = {
    "centers of another width": ("standard", "cluster_centers_", np.ones((2, 3)), "does not fit"),
    "centers of another type": ("standard", "cluster_centers_", np.ones((2, 2), "f4"), "type of"),
    "no centers": ("standard", "cluster_centers_", np.ones((0, 2)), "is empty"),
    "infinite centers": ("standard", "cluster_centers_", np.full((2, 2), np.inf), "not finite"),
    "labels beyond": ("standard", "labels_", np.full(40, 99), "labels_ are not 40 rows"),
    "labels below": ("quick", "labels_", np.full(40, -2), "labels_ are not 40 rows"),
    "labels too few": ("standard", "labels_", np.zeros(3, int), "labels_ are not 40 rows"),
    "medoids beyond": ("medoid", "_medoids", np.full(40, 40), "_medoids are not 40 rows"),
    "medoids of floats": ("medoid", "_medoids", np.zeros(40), "_medoids are not 40 rows"),
    "frames too few": ("blurring", "_frames", np.ones((0, 40, 2)), "_frames is no array"),
    "frames of another shape": ("blurring", "_frames", np.ones((2, 4, 2)), "_frames is no array"),
    "frames of NaN": ("blurring", "_frames", np.full((2, 40, 2), np.nan), "_frames is not finite"),
    "parents beyond": ("quick", "parents_", np.full(40, 40), "parents_ are not 40 rows"),
    "lengths too few": ("quick", "parent_distances_", np.ones(3), "not one number per row"),
    "masses of integers": ("quick", "_log_mass", np.ones(40, int), "not one number per row"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arrays(path, case):
    model, name, value, words = WRONG[case]
    header, arrays = opened(path, MODELS[model])
    arrays[header["state"][name]["array"]] = value
    forge(path, header, arrays)
    refused(path, words)


@pytest.mark.parametrize(
    ("model", "name", "value", "words"),
    [
        ("standard", "n_iter_", -1, "n_iter_ must be"),
        ("standard", "n_orphans_", "many", "n_orphans_ must be"),
        ("standard", "converged_", 1, "converged_ is not"),
        ("standard", "assign_", "auto", "assign_ must be"),
        ("standard", "bandwidth_", -1.0, "bandwidth must be positive"),
        ("standard", "cluster_centers_", 3, "cluster_centers_ is no array"),
        ("standard", "_medoids", [0], "do not fit variant"),
        ("standard", "other_", 1, "unknown"),
    ],
)
def test_wrong_values(path, model, name, value, words):
    header, arrays = opened(path, MODELS[model])
    header["state"][name] = value
    forge(path, header, arrays)
    refused(path, words)


@pytest.mark.parametrize("name", ["blurring", "medoid"])
def test_a_variant_without_its_state(path, name):
    header, arrays = opened(path, MODELS[name])
    del header["state"]["_frames" if name == "blurring" else "_medoids"]
    forge(path, header, arrays)
    refused(path, "do not fit variant")
    header, arrays = opened(path, MODELS["standard"])
    header["parameters"]["variant"] = name
    forge(path, header, arrays)
    refused(path, "do not fit variant")
