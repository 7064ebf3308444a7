"""MeanShift beyond scikit-learn's, against loops of numpy."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

import vicinal as vc
from vicinal.models import KernelDensity, MeanShift, estimate_bandwidth

k = vc.kernels
JOINT = k.Product(
    k.Epanechnikov(columns=0, bandwidth=2.0),
    k.Gaussian(columns=(1, 2), bandwidth=(0.8, 1.2)),
)


@pytest.fixture(scope="module")
def blobs():
    return make_blobs(200, n_features=3, centers=5, random_state=4)


def walked(seeds, keys, weight, tol=1e-3, max_iter=301):
    """Return the ends of seeds in float64, for weight(q, keys) -> (n,)."""
    ends = []
    for q in seeds:
        for _ in range(max_iter):
            w = weight(q, keys)
            new = (w[:, None] * keys).sum(axis=0) / w.sum()
            moved, q = np.sqrt(((new - q) ** 2).sum()), new
            if moved <= tol:
                break
        ends.append(q)
    return np.array(ends)


def near(points, centers):
    return ((points[:, None] - centers) ** 2).sum(axis=2).argmin(axis=1)


def test_labels_are_those_of_the_own_ascent(blobs):
    X, _ = blobs
    h = 0.9
    model = MeanShift(kernel="gaussian", bandwidth=h, capture=0, assign="attractor").fit(X)

    def gaussian(q, keys):
        return np.exp(-0.5 * ((q - keys) ** 2).sum(axis=1) / h**2)

    ends = walked(X, X, gaussian, tol=1e-3 * h)
    np.testing.assert_array_equal(model.labels_, near(ends, model.cluster_centers_))
    gaps = np.sqrt(((ends[:, None] - model.cluster_centers_) ** 2).sum(axis=2)).min(axis=1)
    assert gaps.max() <= h
    pull = KernelDensity(kernel="gaussian", bandwidth=h).fit(X).gradient(model.cluster_centers_)
    assert np.abs(pull).max() * h**2 < 2e-3  # h² ∇ log p is the step
    apart = np.sqrt(((model.cluster_centers_[:, None] - model.cluster_centers_) ** 2).sum(axis=2))
    assert apart[~np.eye(len(apart), dtype=bool)].min() > h


def test_variable_bandwidths_of_rows(blobs):
    X, _ = blobs
    pilot = 0.9
    model = MeanShift(kernel="gaussian", bandwidth=vc.bandwidth.Abramson(pilot), capture=0).fit(X)
    pairs = np.exp(-0.5 * ((X[:, None] - X) ** 2).sum(axis=2) / pilot**2)
    density = pairs.sum(axis=1)
    h = pilot * np.sqrt(np.exp(np.log(density).mean()) / density)

    def weight(q, keys):
        return h**-5 * np.exp(-0.5 * ((q - keys) ** 2).sum(axis=1) / h**2)

    ends = walked(X[::5], X, weight, tol=1e-3 * pilot)
    np.testing.assert_array_equal(model.labels_[::5], near(ends, model.cluster_centers_))
    ours = model._land.ascend(X[::5], tol=1e-3 * pilot, max_iter=301).ends
    np.testing.assert_allclose(ours, ends, atol=1e-9)
    expected = KernelDensity(kernel="gaussian", bandwidth=vc.bandwidth.Abramson(pilot)).fit(X)
    np.testing.assert_allclose(
        model.log_density_, expected.score_samples(model.cluster_centers_), rtol=1e-12
    )


SETTINGS = [
    {},
    {"bin_seeding": True},
    {"bandwidth": 1.5, "cluster_all": False},
    {"kernel": "gaussian"},
    {"kernel": "gaussian", "bandwidth": "silverman"},
    {"kernel": "gaussian", "bandwidth": [0.7, 0.9, 1.1], "mass_tol": 1e-4},
    {"kernel": "epanechnikov", "bandwidth": vc.bandwidth.Abramson([1.5, 2.0, 2.5])},
    {"kernel": "gaussian", "bandwidth": 0.8, "assign": "nearest"},
    {"kernel": "laplace", "bandwidth": 0.5, "alpha": 0.5},
    {"variant": "blurring", "kernel": "gaussian", "bandwidth": 0.8, "alpha": 0.7},
    {"variant": "blurring", "kernel": "epanechnikov", "bandwidth": [1.0, 2.0, 1.5]},
    {"variant": "medoid", "kernel": "gaussian", "bandwidth": 0.8},
    {"variant": "medoid", "bandwidth": 1.5, "cluster_all": False},
    {"kernel": JOINT},
    {"kernel": k.Sum(k.Gaussian(bandwidth=0.7), k.Gaussian(bandwidth=1.0))},
    {"seeds": [[0.0, 0.0, 0.0], [5.0, 5.0, 5.0]], "bandwidth": 30.0},
]


@pytest.mark.filterwarnings("ignore:.*no training row in the support")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_predict_repeats_the_fit_bit_for_bit_and_row_by_row(blobs, setting, dtype, path):
    X = blobs[0].astype(dtype)
    weights = np.random.default_rng(0).integers(0, 4, len(X))
    for weight in (None, weights):
        model = MeanShift(**setting).fit(X, sample_weight=weight)
        assert model.cluster_centers_.dtype == dtype
        assert model.labels_.dtype == np.int64
        np.testing.assert_array_equal(model.predict(X), model.labels_)
        queries = X[::30] + dtype(0.3)
        whole = model.predict(queries)
        alone = [model.predict(queries[i : i + 1])[0] for i in range(len(queries))]
        assert whole.tolist() == alone
        np.testing.assert_array_equal(model.set_params(n_jobs=3).predict(queries), whole)
        again = MeanShift(**setting, n_jobs=2).fit(X, sample_weight=weight)
        assert again.cluster_centers_.tobytes() == model.cluster_centers_.tobytes()
        for mode in ("attractor", "nearest"):
            model.predict(queries, mode=mode)
        model.save(path)
        loaded = vc.load(path)
        np.testing.assert_array_equal(loaded.predict(queries), whole)
        assert loaded.cluster_centers_.tobytes() == model.cluster_centers_.tobytes()


@pytest.mark.parametrize("setting", SETTINGS[:-1], ids=str)
def test_weights_count_equal_rows(blobs, setting):
    X, _ = blobs
    counts = np.random.default_rng(1).integers(0, 4, len(X))
    weighted = MeanShift(**setting).fit(X, sample_weight=counts)
    repeated = MeanShift(**setting).fit(np.repeat(X, counts, axis=0))
    np.testing.assert_allclose(weighted.cluster_centers_, repeated.cluster_centers_, atol=2e-3 * 2)
    np.testing.assert_array_equal(
        weighted.labels_[counts > 0].repeat(counts[counts > 0]), repeated.labels_
    )


@pytest.mark.parametrize("bandwidth", [0.3, 0.5, 0.8])
def test_capture_changes_no_label(bandwidth):
    X, _ = make_blobs(20_000, n_features=2, centers=10, random_state=0)
    options = {"kernel": "gaussian", "bandwidth": bandwidth, "mass_tol": 1e-4}
    shared = MeanShift(**options).fit(X)
    apart = MeanShift(**options, capture=0).fit(X)
    np.testing.assert_array_equal(shared.labels_, apart.labels_)
    gaps = shared.cluster_centers_ - apart.cluster_centers_
    assert np.abs(gaps).max() < 0.05 * bandwidth


def test_bandwidth_per_feature_is_that_of_scaled_rows(blobs):
    X, _ = blobs
    h = np.array([0.5, 1.0, 2.0])
    for kernel in ("flat", "gaussian"):
        model = MeanShift(kernel=kernel, bandwidth=h).fit(X)
        scaled = MeanShift(kernel=kernel, bandwidth=1.0).fit(X / h)
        np.testing.assert_allclose(model.cluster_centers_, scaled.cluster_centers_ * h, rtol=1e-12)
        np.testing.assert_array_equal(model.labels_, scaled.labels_)
        expected = KernelDensity(kernel=kernel, bandwidth=h).fit(X)
        np.testing.assert_allclose(
            model.log_density_, expected.score_samples(model.cluster_centers_), rtol=1e-10
        )


def test_estimated_bandwidth_of_another_kernel_has_the_variance_of_the_flat_one(blobs):
    X, _ = blobs
    flat, d = estimate_bandwidth(X), 3
    assert MeanShift().fit(X).bandwidth_ == flat
    gaussian = MeanShift(kernel="gaussian").fit(X).bandwidth_
    assert gaussian == pytest.approx(flat / np.sqrt(d + 2))
    epanechnikov = MeanShift(kernel="epanechnikov").fit(X).bandwidth_
    assert epanechnikov == pytest.approx(flat * np.sqrt((d + 4) / (d + 2)))


def test_blurring_against_a_loop(blobs):
    X, y = blobs
    model = MeanShift(variant="blurring", kernel="gaussian", bandwidth=0.8).fit(X)
    moved = X.copy()
    for _ in range(model.n_iter_ + 1):
        pairs = np.exp(-0.5 * ((moved[:, None] - moved) ** 2).sum(axis=2) / 0.8**2)
        before, moved = moved, pairs @ moved / pairs.sum(axis=1, keepdims=True)
    assert np.sqrt(((moved - before) ** 2).sum(axis=1)).max() <= 1e-3 * 0.8
    np.testing.assert_array_equal(model.labels_, near(moved, model.cluster_centers_))
    assert adjusted_rand_score(y, model.labels_) > 0.95


def test_medoids_against_their_definition(blobs):
    X, _ = blobs
    h = 1.2
    model = MeanShift(variant="medoid", kernel="gaussian", bandwidth=h).fit(X)
    squares = ((X[:, None] - X) ** 2).sum(axis=2)
    costs = np.exp(-0.5 * squares / h**2) @ squares  # (row, medoid)
    linked = costs.argmin(axis=1)
    ends = linked.copy()
    for _ in range(len(X)):
        ends = linked[ends]
    assert np.array_equal(linked[ends], ends)
    np.testing.assert_array_equal(model._medoids, ends)
    assert all((center == X).all(axis=1).any() for center in model.cluster_centers_)
    np.testing.assert_array_equal(model.labels_, near(X[ends], model.cluster_centers_))


def test_medoids_of_ties_end():
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    model = MeanShift(variant="medoid", bandwidth=1.0).fit(X)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    assert model.labels_.min() >= 0


@pytest.mark.parametrize("kernel", ["flat", "gaussian"])
@pytest.mark.parametrize("counts", [None, [1.0, 1.0, 1.3, 0.0]])
def test_estimated_bandwidth_of_zero(kernel, counts):
    X = np.repeat([1.0, 2.0, 7.0, 3.0], [12, 10, 10, 0 if counts is None else 1])[:, None]
    weights = None if counts is None else np.repeat(counts, [12, 10, 10, 1])
    model = MeanShift(kernel=kernel, cluster_all=False)
    with pytest.warns(vc.LocalizationWarning, match="every one of the . distinct rows") as caught:
        model.fit(X, sample_weight=weights)
    assert len(caught) == 1
    expected = [7.0, 1.0, 2.0] if counts else [1.0, 7.0, 2.0]
    assert model.cluster_centers_.ravel().tolist() == expected
    assert (model.bandwidth_, model.n_iter_, model.converged_) == (0, 0, True)
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    assert model.predict([[2.0], [2.5]]).tolist() == [expected.index(2.0), -1]
    assert not hasattr(model, "log_density_")


def test_too_few_rows_for_an_estimate_are_called_that():
    with pytest.warns(vc.LocalizationWarning, match="too few rows.*every one of the 3 distinct"):
        model = MeanShift().fit([[1.0], [2.0], [4.0]])
    assert model.cluster_centers_.ravel().tolist() == [4.0, 2.0, 1.0]


def test_seeds_that_are_orphans_are_dropped_and_counted(blobs):
    X, _ = blobs
    seeds = [X[0], X[50], [99.0, 0.0, 0.0]]
    model = MeanShift(seeds=seeds, bandwidth=3.0)
    with pytest.warns(vc.LocalizationWarning, match="1 of 3 seeds"):
        model.fit(X)
    assert model.n_orphans_ == 1
    assert model.assign_ == "nearest"
    message = r"No point was within bandwidth=0\.1.* of any seed"
    with pytest.raises(ValueError, match=message):
        MeanShift(seeds=[[99.0, 0.0, 0.0]], bandwidth=0.1).fit(X)
    with pytest.warns(vc.LocalizationWarning, match="1 of 2 rows"):
        labels = model.predict([X[0], [99.0, 0.0, 0.0]], mode="attractor")
    assert labels[1] == near(np.array([[99.0, 0.0, 0.0]]), model.cluster_centers_)[0]


def test_what_does_not_come_to_rest_is_said(blobs):
    X, _ = blobs
    with pytest.warns(ConvergenceWarning, match="seeds still moved after max_iter=2"):
        model = MeanShift(kernel="gaussian", bandwidth=0.5, max_iter=2).fit(X)
    assert not model.converged_
    assert model.n_iter_ == 2


def test_callback_verbose_and_progress(blobs, capsys):
    X, _ = blobs
    seen, shares = [], []

    def look(iteration, error, state):
        seen.append((iteration, error, state.copy()))

    options = {"kernel": "gaussian", "bandwidth": [0.5, 0.8, 1.0], "capture": 0}
    model = MeanShift(**options, callback=look, verbose=1, progress=shares.append).fit(X)
    assert [iteration for iteration, _, _ in seen] == list(range(1, model.n_iter_ + 2))
    assert seen[-1][1] <= 1e-3 < seen[0][1]
    labels = near(seen[-1][2] / options["bandwidth"], model.cluster_centers_ / options["bandwidth"])
    np.testing.assert_array_equal(labels, model.labels_)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(seen)
    assert lines[0].startswith("MeanShift: step 1, longest ")
    with pytest.warns(ConvergenceWarning):
        stopped = MeanShift(**options, callback=lambda *_: True).fit(X)
    assert stopped.n_iter_ == 0


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"bandwidth": 0}, "bandwidth must be None, a positive number.*got 0"),
        ({"bandwidth": np.nan}, "bandwidth must be None, a positive number"),
        ({"bandwidth": [1.0, 2.0]}, "bandwidth has 2 numbers for 3 features"),
        ({"bandwidth": "scot"}, "did you mean 'scott'"),
        (
            {"bandwidth": "x"},
            r"be None, a positive number, one per feature, .*Abramson.*'loo'",
        ),
        ({"bandwidth": vc.bandwidth.KthNeighbor(3)}, r"Abramson\(pilot\)"),
        ({"bandwidth": 1.0, "kernel": k.Gaussian(bandwidth=1.0)}, "given twice"),
        ({"bandwidth": [1.0, np.inf, 1.0]}, r"infinite in columns \[1\]"),
        ({"kernel": "softmax"}, "kernel must weigh distances"),
        ({"kernel": k.Gaussian(metric="manhattan")}, "metric euclidean"),
        ({"kernel": k.Gaussian(columns=(0, 2), bandwidth=1.0)}, r"leaves out columns \[1\]"),
        (
            {
                "kernel": k.Sum(
                    k.Gaussian(bandwidth=1.0), k.Gaussian(bandwidth=2.0), coefficients=(1, -1)
                )
            },
            "no negative weights",
        ),
        ({"kernel": k.Product(k.Gaussian(), k.Laplace())}, "bandwidth must be given"),
        ({"assign": "mode"}, "assign must be one of 'auto', 'attractor', 'nearest'"),
        ({"variant": "gaussian"}, "variant must be one of"),
        ({"alpha": 2.0}, "alpha must be a number between 0 and 2, got 2.0"),
        ({"tol": -1.0}, "tol must be a number from 0 on"),
        ({"mass_tol": 1.0}, "mass_tol must be at least 0 and below 1"),
        ({"capture": "always"}, "capture must be 'auto' or a number from 0 to 1"),
        ({"max_iter": -1}, "max_iter must be a whole number from 0"),
        ({"min_bin_freq": 0}, "min_bin_freq must be a whole number from 1"),
        ({"bin_seeding": True, "min_bin_freq": 999, "bandwidth": 1.0}, "leaves no seed"),
        ({"variant": "blurring", "bin_seeding": True}, "takes neither seeds nor bin_seeding"),
        ({"variant": "medoid", "alpha": 0.5}, "alpha must be 1"),
        ({"seeds": [[0.0, 0.0]]}, "seeds have 2 features, but X has 3"),
        ({"seeds": [[0.0, np.nan, 0.0]]}, "NaN"),
    ],
)
def test_bad_parameters_are_named(blobs, parameters, message):
    with pytest.raises(ValueError, match=message):
        MeanShift(**parameters).fit(blobs[0])


def test_predict_refuses_an_unknown_mode(blobs):
    model = MeanShift(bandwidth=2.0).fit(blobs[0])
    with pytest.raises(ValueError, match="mode must be one of 'attractor', 'nearest'"):
        model.predict(blobs[0], mode="mode")


@pytest.mark.parametrize("kernel", ["flat", "gaussian"])
@pytest.mark.parametrize("variant", ["standard", "blurring", "medoid"])
def test_one_row_one_feature_and_equal_rows(kernel, variant):
    options = {"kernel": kernel, "variant": variant, "bandwidth": 1.0}
    model = MeanShift(**options).fit([[3.0]])
    assert model.cluster_centers_.tolist() == [[3.0]]
    assert model.predict([[3.5], [2.9]]).tolist() == [0, 0]
    equal = MeanShift(**options).fit(np.full((9, 2), 7.0))
    assert equal.cluster_centers_.tolist() == [[7.0, 7.0]]
    assert equal.labels_.tolist() == [0] * 9
    whole = MeanShift(**{**options, "bandwidth": np.inf}).fit(np.arange(8.0)[:, None])
    assert whole.labels_.tolist() == [0] * 8


def test_a_feature_that_does_not_vary_is_left_out():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, 80), rng.normal(9, 1, 80)])
    X = np.column_stack([x, np.full(160, 5.0)])
    model = MeanShift(kernel="gaussian", bandwidth="silverman").fit(X)
    assert model.bandwidth_[1] == np.inf
    alone = MeanShift(kernel="gaussian", bandwidth="silverman").fit(X[:, :1])
    np.testing.assert_allclose(model.cluster_centers_[:, 0], alone.cluster_centers_[:, 0])
    assert np.all(model.cluster_centers_[:, 1] == 5)
    np.testing.assert_array_equal(model.labels_, alone.labels_)
    np.testing.assert_allclose(model.log_density_, alone.log_density_)
