"""What a fitted model must look like before it answers, whatever file it came from."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from vicinal.bandwidth.adaptive import RuleOfQueries
from vicinal.bandwidth.given import AdaptiveBandwidth, PerKey
from vicinal.kernels import Sum

State = Mapping[str, Any]


def check_names(state: State, expected: tuple[str, ...], optional: tuple[str, ...]) -> None:
    """Raise unless exactly the expected attributes are there."""
    missing = set(expected) - state.keys()
    unknown = state.keys() - {*expected, *optional}
    if missing or unknown:
        raise ValueError(f"attributes missing: {sorted(missing)}, unknown: {sorted(unknown)}")


def check_training_set(state: State) -> None:
    """Raise unless keys, weights and feature names agree."""
    keys, weights = state["keys_"], state["sample_weight_"]
    _check_array(keys, "keys_", (None, None))
    rows, features = keys.shape
    _require(rows > 0 and features > 0, "keys_", f"has shape {keys.shape}")
    _require(np.isfinite(keys).all(), "keys_", "is not finite")
    _require(state["n_features_in_"] == features, "n_features_in_", f"is not {features}")
    _check_bandwidth(state["bandwidth_"], rows)
    if weights is not None:
        _check_array(weights, "sample_weight_", (rows,), np.dtype(np.float64))
        fits = np.isfinite(weights).all() and weights.min() >= 0 and weights.max() > 0
        _require(fits, "sample_weight_", "holds no valid weights")
    _check_feature_names(state, features)


def check_values(state: State, columns: int | None = None, gaps: bool = False) -> None:
    """Raise unless the values fit the keys, with `columns` columns if given; `gaps` are NaN."""
    values, keys = state["values_"], state["keys_"]
    shape = (len(keys),) if np.ndim(values) == 1 and columns is None else (len(keys), columns)
    _check_array(values, "values_", shape, keys.dtype)
    finite = np.isfinite(values) | (gaps & np.isnan(values))
    _require(values.size > 0 and finite.all(), "values_", "is empty or not finite")


def check_embedding(state: State, n_components: int, precomputed: bool) -> None:
    """Raise unless coordinates, eigenvalues and landmarks fit the keys."""
    keys, coordinates, chosen = state["keys_"], state["embedding_"], state["landmarks_"]
    count, features = keys.shape[0], state["n_features_in_"]
    _check_array(coordinates, "embedding_", (None, n_components), np.dtype(np.float64))
    _require(np.isfinite(coordinates).all(), "embedding_", "is not finite")
    n = len(coordinates)
    if precomputed:
        _require(features == n, "n_features_in_", f"is not {n}")
    else:
        _check_array(keys, "keys_", (count, features), np.dtype(np.float64))
        _require(np.isfinite(keys).all() and features > 0, "keys_", "is empty or not finite")
    if chosen is None:
        _require(count == n, "embedding_", f"has {n} rows of {count} keys")
    else:
        whole = isinstance(chosen, np.ndarray) and chosen.dtype == np.int64
        _require(whole and chosen.shape == (count,), "landmarks_", "is not one row per key")
        rising = (np.diff(chosen) > 0).all() and chosen[0] >= 0 and chosen[-1] < n
        _require(count > 0 and rising, "landmarks_", "holds no ascending rows")
    for name in ("eigenvalues_", "residuals_"):
        _check_array(state[name], name, (n_components,), np.dtype(np.float64))
        _require(np.isfinite(state[name]).all(), name, "is not finite")
    error, parts = state["reconstruction_error_"], state["n_connected_components_"]
    _require(isinstance(error, float), "reconstruction_error_", "is no number")
    _require(isinstance(parts, int), "n_connected_components_", "is no count")
    _check_feature_names(state, features)


def check_pairs(state: State) -> None:
    """Raise unless there is one row of finite coordinates for every finite key, both double."""
    keys, coordinates = state["keys_"], state["embedding_"]
    double = np.dtype(np.float64)
    _check_array(keys, "keys_", (None, state["n_features_in_"]), double)
    _check_array(coordinates, "embedding_", (len(keys), None), double)
    for name in ("keys_", "embedding_"):
        given = state[name]
        _require(given.size > 0 and np.isfinite(given).all(), name, "is empty or not finite")
    _check_feature_names(state, keys.shape[1])


def check_classes(state: State) -> None:
    """Raise unless the labels are sorted and their number is that of the value columns."""
    classes = state["classes_"]
    outputs = classes if isinstance(classes, list) else [classes]
    for labels in outputs:
        fits = isinstance(labels, np.ndarray) and labels.ndim == 1 and labels.size > 0
        _require(fits, "classes_", "is no array of labels")
        _require(labels.tolist() == sorted(set(labels.tolist())), "classes_", "is not sorted")
    count = sum(map(len, outputs))
    check_values(state, count)
    _check_array(state["class_prior_"], "class_prior_", (count,))


def check_hierarchy(state: State, count: int) -> None:
    """Raise unless there are `count` levels of as many rows, each as wide as the next compares."""
    means = state["means"]
    _require(isinstance(means, list) and len(means) == count, "means", f"are not {count} levels")
    for below, above in pairwise(means):
        rows, values = above["keys_"], below["values_"]
        columns = 1 if np.ndim(values) == 1 else np.shape(values)[1]
        _require(np.shape(rows) == (len(below["keys_"]), columns), "keys_", "fit no level below")
    _require(state["n_features_in_"] == np.shape(means[0]["keys_"])[-1], "n_features_in_", "wrong")
    _check_feature_names(state, state["n_features_in_"])


def check_components(state: State, count: int | None) -> None:
    """Raise unless there is a map of finite numbers and a curve of losses."""
    components, features = state["components_"], state["n_features_in_"]
    rows = features if count is None else count
    _check_array(components, "components_", (rows, features))
    _check_array(state["loss_curve_"], "loss_curve_", (None,), np.dtype(np.float64))
    for name in ("components_", "loss_curve_"):
        fits = state[name].size > 0 and np.isfinite(state[name]).all()
        _require(fits, name, "is empty or not finite")
    _check_feature_names(state, features)


def check_kernel_weights(state: State) -> None:
    """Raise unless there is a sum of kernels with its weights on the simplex."""
    kernel, weights, shares = state["kernel_"], state["weights_"], state["shares_"]
    _require(isinstance(kernel, Sum), "kernel_", "is no sum of kernels")
    count = len(kernel.parts)
    for name, numbers in (("weights_", weights), ("shares_", shares)):
        _check_array(numbers, name, (count,), np.dtype(np.float64))
        fits = numbers.min() >= 0 and abs(numbers.sum() - 1) < 1e-6
        _require(fits, name, "is not on the simplex")
    _require(tuple(weights.tolist()) == kernel.coefficients, "weights_", "are not the kernel's")
    _require(isinstance(state["loo_score_"], float), "loo_score_", "is no number")


def check_geography(state: State) -> None:
    """Raise unless places, covariates, columns and the fits at the places agree."""
    places, covariates, columns = state["keys_"], state["covariates_"], state["coordinates_"]
    _check_array(places, "keys_", (None, None), np.dtype(np.float64))
    count = len(places)
    _check_array(covariates, "covariates_", (count, None), np.dtype(np.float64))
    d, features = covariates.shape[1], state["n_features_in_"]
    _require(isinstance(features, int) and d > 0, "n_features_in_", "is no count")
    whole = isinstance(columns, np.ndarray) and columns.dtype == np.int64
    _require(whole and columns.shape == (places.shape[1],), "coordinates_", "fit no columns")
    inside = columns.min() >= 0 and columns.max() < features
    _require(inside and len(set(columns.tolist())) == len(columns), "coordinates_", "are wrong")
    _require(features in (d, d + len(columns)), "n_features_in_", "does not fit the columns")
    check_training_set({**state, "n_features_in_": places.shape[1], "feature_names_in_": None})
    check_values(state)
    _check_feature_names(state, features)
    shapes = {"coefficients_": (count, 1 + d), "fitted_": (count,), "influence_": (count,)}
    for name, shape in shapes.items():
        _check_array(state[name], name, shape, np.dtype(np.float64))
    _require(np.isfinite(covariates).all(), "covariates_", "are not finite")
    for name in ("effective_parameters_", "sigma2_", "aicc_"):
        _require(isinstance(state[name], float), name, "is no number")
    _require(isinstance(state["regularized_"], int), "regularized_", "is no count")


def check_localized(state: State, classes: Any) -> None:
    """Raise unless rows, places, columns and targets agree."""
    rows, places, columns = state["rows_"], state["keys_"], state["columns_"]
    _check_array(rows, "rows_", (None, state["n_features_in_"]), np.dtype(np.float64))
    _require(np.isfinite(rows).all(), "rows_", "are not finite")
    whole = isinstance(columns, np.ndarray) and columns.dtype == np.int64 and columns.ndim == 1
    inside = whole and columns.size > 0 and columns.min() >= 0 and columns.max() < rows.shape[1]
    _require(inside, "columns_", "are no columns of the rows")
    _require(np.array_equal(places, rows[:, columns]), "keys_", "are not those columns")
    check_training_set({**state, "n_features_in_": len(columns), "feature_names_in_": None})
    _check_feature_names(state, rows.shape[1])
    _require(isinstance(state["linear_"], bool), "linear_", "is neither True nor False")
    values = state["values_"]
    if classes is None:
        check_values(state)
        return
    labels = isinstance(classes, np.ndarray) and classes.ndim == 1
    numbers = isinstance(values, np.ndarray) and values.dtype == np.int64
    _require(labels and numbers and values.shape == (len(rows),), "values_", "are no classes")
    _require(values.min() >= 0 and values.max() < len(classes), "values_", "are no classes")


def _check_feature_names(state: State, features: int) -> None:
    names = state.get("feature_names_in_")
    if names is not None:
        texts = isinstance(names, np.ndarray) and all(isinstance(name, str) for name in names)
        _require(texts and len(names) == features, "feature_names_in_", "is not one per feature")


def _check_bandwidth(bandwidth: Any, rows: int) -> None:
    _require(bandwidth is not None, "bandwidth_", "is missing")
    if isinstance(bandwidth, PerKey):
        _check_array(bandwidth.h, "bandwidth_", (rows,))
    elif isinstance(bandwidth, AdaptiveBandwidth):
        _require(isinstance(bandwidth, RuleOfQueries), "bandwidth_", "is not settled")


def _check_array(
    value: Any, name: str, shape: tuple[int | None, ...], dtype: np.dtype[Any] | None = None
) -> None:
    _require(isinstance(value, np.ndarray) and value.dtype.kind == "f", name, "is no float array")
    _require(dtype is None or value.dtype == dtype, name, f"is {value.dtype}, not {dtype}")
    fits = len(shape) == value.ndim and all(
        want in (None, have) for want, have in zip(shape, value.shape, strict=True)
    )
    _require(fits, name, f"has shape {value.shape}, not {shape}")


def _require(fits: Any, name: str, problem: str) -> None:
    if not fits:
        raise ValueError(f"{name} {problem}")
