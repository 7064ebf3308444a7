"""Headers that lie behind a right checksum: every one is refused with a reason."""

from __future__ import annotations

import numpy as np
import pytest
from forging import forge, refused, saved

from vicinal.models import KernelDensity, LocalMeanClassifier

HEADERS = {
    "not json": b"{",
    "not unicode": b"\xff\xfe",
    "a list": b"[]",
    "a number": b"7",
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "empty": b"",
    "long integer": b'{"format": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_are_none(path, name):
    forge(path, HEADERS[name], {})
    refused(path, "header")


def changed(*where, value):
    def change(header, arrays):
        target = header
        for step in where[:-1]:
            target = target[step]
        target[where[-1]] = value

    return change


def removed(*where):
    def change(header, arrays):
        target = header
        for step in where[:-1]:
            target = target[step]
        del target[where[-1]]

    return change


def array(name, value):
    def change(header, arrays):
        key = header["state"][name]
        arrays["array_0" if key is None else key["array"]] = value

    return change


def deep(depth):
    value = {"tuple": []}
    for _ in range(depth):
        value = {"tuple": [value]}
    return value


def kernel(name, **fields):
    return changed("parameters", "kernel", value={"object": name, "fields": fields})


CHANGES = {
    "format": (changed("format", value="pickle"), "format"),
    "schema 0": (changed("schema", value=0), "schema"),
    "schema text": (changed("schema", value="1"), "schema"),
    "schema true": (changed("schema", value=True), "schema"),
    "no schema": (removed("schema"), "schema"),
    "model os.system": (changed("model", value="os.system"), "does not know"),
    "model base": (changed("model", value="LocalModel"), "does not know"),
    "model module": (changed("model", value="base"), "does not know"),
    "model dunder": (changed("model", value="__builtins__"), "does not know"),
    "model list": (changed("model", value=["KernelDensity"]), "does not know"),
    "model other": (changed("model", value="LocalMeanClassifier"), "do not fit|does not fit"),
    "model density": (changed("model", value="KernelDensity"), "do not fit|does not fit"),
    "no parameters": (removed("parameters"), "lacks"),
    "parameters list": (changed("parameters", value=[]), "lacks"),
    "unknown parameter": (changed("parameters", "levels", value=3), "parameters"),
    "no set": (changed("parameters", "neighbors", value=3), "neighbors must be"),
    "self parameter": (changed("parameters", "self", value=3), "parameters"),
    "kernel function": (
        changed("parameters", "kernel", value={"object": "eval", "fields": {}}),
        "eval",
    ),
    "kernel module": (kernel("base"), "base"),
    "kernel dunder": (kernel("__class__"), "__class__"),
    "kernel method": (kernel("as_kernel"), "as_kernel"),
    "kernel abstract": (kernel("Kernel"), "Kernel"),
    "kernel profile": (kernel("ProfileKernel"), "ProfileKernel|do not fit|does not fit"),
    "kernel custom": (kernel("Custom", fn="os.system"), "parameters"),
    "kernel field": (kernel("Gaussian", evil=1), "parameters"),
    "kernel fields list": (
        changed("parameters", "kernel", value={"object": "Gaussian", "fields": []}),
        "parameters|fit",
    ),
    "kernel name list": (
        changed("parameters", "kernel", value={"object": ["Gaussian"], "fields": {}}),
        "Gaussian|parameters",
    ),
    "kernel negative": (kernel("Gaussian", bandwidth=-1.0), "bandwidth"),
    "kernel number": (changed("parameters", "kernel", value=5), "kernel"),
    "kernel unknown": (changed("parameters", "kernel", value="no such"), "kernel"),
    "kernel dict": (changed("parameters", "kernel", value={"a": 1}), "kernel"),
    "kernel array": (changed("parameters", "kernel", value={"array": "array_0"}), "kernel|fit"),
    "product of numbers": (kernel("Product", parts={"tuple": [1, 2]}), "kernel"),
    "product of nothing": (kernel("Product", parts={"tuple": []}), "Product"),
    "product of a number": (kernel("Product", parts=5), "parameters"),
    "metric": (changed("parameters", "metric", value="no such"), "metric"),
    "metric map": (
        changed(
            "parameters", "metric", value={"object": "Mahalanobis", "fields": {"components": 3}}
        ),
        "components",
    ),
    "metric wide": (
        changed(
            "parameters",
            "metric",
            value={"object": "Mahalanobis", "fields": {"components": [[1.0, 0.0, 0.0]]}},
        ),
        "mahalanobis",
    ),
    "empty": (changed("parameters", "empty", value="prior"), "empty"),
    "empty list": (changed("parameters", "empty", value=[]), "empty"),
    "threads": (changed("parameters", "n_jobs", value="all"), "fit"),
    "threads 0": (changed("parameters", "n_jobs", value=0), "num_threads"),
    "array unknown": (changed("state", "keys_", value={"array": "array_99"}), "array_99"),
    "array header": (changed("state", "keys_", value={"array": "header"}), "header"),
    "array list": (changed("state", "keys_", value={"array": ["array_0"]}), "fit"),
    "float text": (changed("state", "bandwidth_", value={"float": "x"}), "fit"),
    "objects": (changed("state", "feature_names_in_", value={"objects": 5}), "fit"),
    "names few": (changed("state", "feature_names_in_", value={"objects": ["a"]}), "feature_names"),
    "names numbers": (
        changed("state", "feature_names_in_", value={"objects": [1, 2]}),
        "feature_names",
    ),
    "names text": (changed("state", "feature_names_in_", value="ab"), "feature_names"),
    "deep tuple": (changed("state", "bandwidth_", value=deep(300)), "fit"),
    "no keys": (removed("state", "keys_"), "keys_"),
    "no bandwidth": (removed("state", "bandwidth_"), "bandwidth_"),
    "state method": (changed("state", "predict", value=1), "predict"),
    "state class": (changed("state", "__class__", value=1), "__class__"),
    "bandwidth 0": (changed("state", "bandwidth_", value=0.0), "bandwidth"),
    "bandwidth nan": (changed("state", "bandwidth_", value={"float": "nan"}), "bandwidth"),
    "bandwidth text": (changed("state", "bandwidth_", value="1"), "fit"),
    "bandwidth long": (changed("state", "bandwidth_", value=[1.0] * 5), "bandwidth"),
    "bandwidth none": (changed("state", "bandwidth_", value=None), "bandwidth"),
    "keys none": (changed("state", "keys_", value=None), "keys_"),
    "keys text": (changed("state", "keys_", value="x"), "keys_"),
    "keys flat": (array("keys_", np.ones(6)), "keys_ has shape"),
    "keys deep": (array("keys_", np.ones((6, 2, 1))), "keys_ has shape"),
    "keys integers": (array("keys_", np.ones((6, 2), dtype=int)), "keys_ is no float"),
    "keys text array": (array("keys_", np.full((6, 2), "x")), "keys_ is no float"),
    "keys no rows": (array("keys_", np.ones((0, 2))), "keys_ has shape"),
    "keys no columns": (array("keys_", np.ones((6, 0))), "keys_ has shape"),
    "keys nan": (array("keys_", np.full((6, 2), np.nan)), "keys_ is not finite"),
    "keys fewer": (array("keys_", np.ones((5, 2))), "sample_weight_"),
    "keys wider": (array("keys_", np.ones((6, 3))), "n_features_in_"),
    "keys float32": (array("keys_", np.ones((6, 2), dtype="f4")), "float64, not float32"),
    "values fewer": (array("values_", np.ones(5)), "values_ has shape"),
    "values deep": (array("values_", np.ones((6, 1, 1))), "values_ has shape"),
    "values no columns": (array("values_", np.ones((6, 0))), "values_"),
    "values inf": (array("values_", np.full(6, np.inf)), "values_"),
    "values none": (changed("state", "values_", value=None), "values_"),
    "weights negative": (array("sample_weight_", np.full(6, -1.0)), "sample_weight_"),
    "weights zero": (array("sample_weight_", np.zeros(6)), "sample_weight_"),
    "weights nan": (array("sample_weight_", np.full(6, np.nan)), "sample_weight_"),
    "weights long": (array("sample_weight_", np.ones(7)), "sample_weight_"),
    "features 0": (changed("state", "n_features_in_", value=0), "n_features_in_"),
    "features text": (changed("state", "n_features_in_", value="2"), "n_features_in_"),
    "features huge": (changed("state", "n_features_in_", value=10**400), "n_features_in_|header"),
    "features list": (changed("state", "n_features_in_", value=[2]), "n_features_in_"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_forged_regressor(path, name):
    change, words = CHANGES[name]
    header, arrays = saved(path)
    change(header, arrays)
    forge(path, header, arrays)
    refused(path, words)


CLASS_CHANGES = {
    "classes none": changed("state", "classes_", value=None),
    "classes number": changed("state", "classes_", value=3),
    "classes empty list": changed("state", "classes_", value=[]),
    "classes list of numbers": changed("state", "classes_", value=[1, 2]),
    "classes unsorted": array("classes_", np.array(["b", "a"])),
    "classes repeated": array("classes_", np.array(["a", "a"])),
    "classes many": array("classes_", np.array(["a", "b", "c"])),
    "classes matrix": array("classes_", np.array([["a", "b"]])),
    "classes mixed": changed("state", "classes_", value={"objects": ["a", 1]}),
    "classes nested": changed("state", "classes_", value={"objects": [["a"], ["b"]]}),
    "prior short": array("class_prior_", np.ones(1)),
    "prior none": changed("state", "class_prior_", value=None),
    "prior text": array("class_prior_", np.array(["a", "b"])),
    "values flat": array("values_", np.ones(6)),
    "values narrow": array("values_", np.ones((6, 1))),
    "no classes": removed("state", "classes_"),
}


@pytest.mark.parametrize("name", CLASS_CHANGES)
def test_forged_classifier(path, name):
    header, arrays = saved(path, LocalMeanClassifier)
    CLASS_CHANGES[name](header, arrays)
    forge(path, header, arrays)
    refused(path, "fitted state of the model does not fit")


def test_forged_density(path):
    header, arrays = saved(path, KernelDensity)
    changed("state", "values_", value={"array": "array_0"})(header, arrays)
    forge(path, header, arrays)
    refused(path, "values_")
    header, arrays = saved(path, KernelDensity)
    kernel("InverseDistance")(header, arrays)
    forge(path, header, arrays)
    refused(path, "integra")


def test_code_points_that_do_not_exist(path):
    header, arrays = saved(path, LocalMeanClassifier)
    broken = np.array([0x110000, 0x110001], dtype="<u4").view("<U1")
    array("classes_", broken)(header, arrays)
    forge(path, header, arrays)
    refused(path, "characters that do not exist")


def test_number_of_forged_headers():
    assert len(HEADERS) + len(CHANGES) + len(CLASS_CHANGES) >= 90
