"""LazyAutoencoder and HierarchicalAutoencoder against plain numpy; the bounds of the levels."""

from __future__ import annotations

import numpy as np
import pytest
from model_formulas import epanechnikov, gaussian, mean
from sklearn.base import clone
from sklearn.decomposition import PCA

import vicinal as vc
from vicinal.models import HierarchicalAutoencoder, LazyAutoencoder

CLOSE = {"rtol": 1e-10, "atol": 1e-11}
MODELS = (
    LazyAutoencoder(bandwidth=(0.8, 0.5)),
    LazyAutoencoder(kernel="tricube", bandwidth=vc.bandwidth.KthNeighbor(9)),
    HierarchicalAutoencoder(bandwidth=(1.5, 0.9), n_levels=3),
    HierarchicalAutoencoder(bandwidth=(4.0, 2.0), kernel="epanechnikov", n_levels=2, shrink=0.7),
)


def leveled(queries, keys, values, bandwidths, weigh=gaussian):
    """Return the sum of the levels at queries, and R_0 … R_L at the keys."""
    left, total = [values], 0
    for h in bandwidths:
        total = total + mean(weigh(queries, keys, h), left[-1])
        left.append(left[-1] - mean(weigh(keys, keys, h), left[-1]))
    return total, left


def test_lazy_formula(problem):
    X, Z = problem.X, problem.Y
    model = LazyAutoencoder(bandwidth=(0.8, 0.5)).fit(X, Z)
    codes = mean(gaussian(problem.queries, X, 0.8), Z)
    np.testing.assert_allclose(model.transform(problem.queries), codes, **CLOSE)
    rows = mean(gaussian(codes, Z, 0.5), X)
    np.testing.assert_allclose(model.inverse_transform(codes), rows, **CLOSE)
    distance = np.linalg.norm(problem.queries - rows, axis=1)
    np.testing.assert_allclose(model.distortion(problem.queries), distance, **CLOSE)
    hollow = 1 - np.eye(60)
    codes = mean(gaussian(X, X, 0.8) * hollow, Z)
    np.testing.assert_allclose(model.loo_transform(), codes, **CLOSE)
    rows = mean(gaussian(codes, Z, 0.5) * hollow, X)
    np.testing.assert_allclose(model.loo_predict(), rows, **CLOSE)
    score = 1 - np.square(X - rows).sum() / np.square(X - X.mean(0)).sum()
    assert model.loo_score() == pytest.approx(score)


def test_judged_by_its_own_rows_a_narrow_kernel_looks_perfect(problem):
    model = LazyAutoencoder(bandwidth=(1e-3, 1e-3)).fit(problem.X, problem.Y)
    assert model.score(problem.X) == pytest.approx(1)
    assert model.loo_score() < 0.9
    chosen = LazyAutoencoder().fit(problem.X, problem.Y)
    selected = vc.bandwidth.select(problem.Y, problem.X).bandwidth
    np.testing.assert_allclose(chosen.bandwidth_[1], selected)


def test_codes_come_from_an_embedding(problem):
    for model in (LazyAutoencoder(PCA(1)), LazyAutoencoder(n_components=1)):
        model.fit(problem.X)
        codes = PCA(1, svd_solver="full").fit_transform(problem.X)
        np.testing.assert_allclose(np.abs(model.embedding_), np.abs(codes), rtol=1e-9)
    given = PCA(1)
    LazyAutoencoder(given).fit(problem.X)
    assert not hasattr(given, "components_")  # a clone is fitted


@pytest.mark.parametrize("kernel", ["gaussian", "epanechnikov"])
def test_hierarchical_formula(problem, kernel):
    weigh, first = {"gaussian": (gaussian, 1.5), "epanechnikov": (epanechnikov, 9.0)}[kernel]
    X, Z = problem.X, problem.Y
    model = HierarchicalAutoencoder(bandwidth=(first, first), n_levels=3, kernel=kernel).fit(X, Z)
    bandwidths = first * 0.5 ** np.arange(3)
    for level in (1, 2, 3, None):
        codes, _ = leveled(problem.queries, X, Z, bandwidths[:level], weigh)
        np.testing.assert_allclose(model.transform(problem.queries, level), codes, **CLOSE)
        rows, _ = leveled(Z[:9], Z, X, bandwidths[:level], weigh)
        np.testing.assert_allclose(model.inverse_transform(Z[:9], level), rows, **CLOSE)
    for column, (keys, values) in enumerate(((X, Z), (Z, X))):
        _, left = leveled(keys[:1], keys, values, bandwidths, weigh)
        errors = [np.sqrt(np.mean(row**2)) for row in left]
        np.testing.assert_allclose(model.level_errors_[:, column], errors, **CLOSE)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_leaving_out_is_a_fit_without_the_row(problem, model):
    X, Z = problem.X[:30], problem.Y[:30]
    fitted = clone(model).fit(X, Z)
    codes, rows = fitted.loo_transform(), fitted.loo_predict()
    for row in (0, 7, 29):
        kept = np.arange(30) != row
        alone = clone(model).fit(X[kept], Z[kept])
        np.testing.assert_allclose(codes[row], alone.transform(X[row][None])[0], **CLOSE)
        back = alone.inverse_transform(codes[row][None])[0]
        np.testing.assert_allclose(rows[row], back, **CLOSE)


def test_blocks_of_left_out_rows_do_not_matter(problem, monkeypatch):
    model = HierarchicalAutoencoder(bandwidth=(1.5, 0.9)).fit(problem.X, problem.Y)
    whole = model.loo_transform()
    monkeypatch.setattr("vicinal.models.autoencoders.leveled_map.AT_ONCE", 700)
    assert model.loo_transform().tobytes() == whole.tobytes()


@pytest.mark.parametrize("kernel", ["gaussian", "cauchy", "tricube", "matern"])
@pytest.mark.parametrize("first", [0.3, 2.0])
def test_bound_for_any_kernel(problem, kernel, first):
    """max |R'| is at most (1 − min S_ii) times the range of R, in each column and level."""
    options = {"kernel": kernel, "bandwidth": (first, first), "n_levels": 5}
    model = HierarchicalAutoencoder(**options).fit(problem.X, problem.Y)
    for column, (keys, values) in enumerate(((problem.X, problem.Y), (problem.Y, problem.X))):
        left = values
        for level, h in enumerate(first * 0.5 ** np.arange(5)):
            S = vc.local_weights(keys, keys, kernel=kernel, bandwidth=h)
            factor = 1 - np.diagonal(S).min()
            assert model.contractions_[level, column] == pytest.approx(factor, abs=1e-12)
            reduced = left - S @ left
            bound = factor * np.ptp(left, axis=0) + 1e-14
            assert (np.abs(reduced).max(axis=0) <= bound).all()
            left = reduced
    assert (np.diff(model.contractions_, axis=0) <= 0).all()
    if kernel == "tricube" and first == 0.3:
        assert model.level_errors_[-1, 0] < 1e-12  # the identity, on training rows


def test_bound_for_a_positive_definite_kernel(problem):
    """In the norm of the masses a level shrinks by 1 − λ_min(S) at least."""
    X, left = problem.X, problem.Y
    for h in (2.0, 1.0, 0.5, 0.25):
        K = gaussian(X, X, h)
        mass = K.sum(1)
        root = np.sqrt(mass)
        values = np.linalg.eigvalsh(K / root[:, None] / root)
        assert values.min() > -1e-12
        assert values.max() == pytest.approx(1)
        reduced = left - mean(K, left)
        for column in range(2):
            before = np.sqrt(mass @ left[:, column] ** 2)
            after = np.sqrt(mass @ reduced[:, column] ** 2)
            assert after <= (1 - values.min()) * before * (1 + 1e-12) <= before * (1 + 1e-9)
        left = reduced


def test_equal_bandwidths_are_twicing(problem):
    """Levels that do not shrink: (I − S)^L, which falls in the norm of the masses."""
    K = gaussian(problem.Y, problem.Y, 0.6)
    S = K / K.sum(1, keepdims=True)
    model = HierarchicalAutoencoder(bandwidth=(0.6, 0.6), shrink=1.0, n_levels=6)
    model.fit(problem.X, problem.Y)
    left = problem.X - model.inverse_transform(problem.Y)
    expected = np.linalg.matrix_power(np.eye(60) - S, 6) @ problem.X
    np.testing.assert_allclose(left, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_bits_do_not_depend_on_threads_or_batch(problem, model):
    model = clone(model).fit(problem.X, problem.Y)
    whole = model.transform(problem.queries)
    alone = np.concatenate([model.transform(row[None]) for row in problem.queries])
    assert alone.tobytes() == whole.tobytes()
    back = model.inverse_transform(whole)
    alone = np.concatenate([model.inverse_transform(row[None]) for row in whole])
    assert alone.tobytes() == back.tobytes()
    codes = model.loo_transform()
    other = clone(model).set_params(n_jobs=2).fit(problem.X, problem.Y)
    assert other.transform(problem.queries).tobytes() == whole.tobytes()
    assert other.loo_transform().tobytes() == codes.tobytes()


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_file(problem, path, model):
    model = clone(model).fit(problem.X, problem.Y)
    model.save(path)
    again = vc.load(path)
    assert again.transform(problem.queries).tobytes() == model.transform(problem.queries).tobytes()
    assert again.loo_score() == model.loo_score()


def test_a_chosen_bandwidth_stays_in_the_file(problem, path):
    model = LazyAutoencoder().fit(problem.X, problem.Y)
    model.save(path)
    for one, other in zip(vc.load(path).bandwidth_, model.bandwidth_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_far_rows_get_the_nearest(problem):
    model = LazyAutoencoder(kernel="epanechnikov", bandwidth=(0.5, 0.5)).fit(problem.X, problem.Y)
    far = np.full((1, 3), 40.0)
    nearest = vc.knn(far, problem.X, 1).indices[0]
    np.testing.assert_allclose(model.transform(far), problem.Y[nearest])


def test_a_second_fit_forgets_the_first(problem):
    model = HierarchicalAutoencoder().fit(problem.X, problem.Y)
    before = model.level_errors_, model.contractions_, model.distortion_
    model.fit(problem.X[:30], problem.Y[:30])
    assert model.distortion_.shape == (30,)
    assert not np.array_equal(model.level_errors_, before[0])
    assert not np.array_equal(model.contractions_, before[1])


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (LazyAutoencoder(bandwidth=1.0), "bandwidth must be the name .* or a pair"),
        (LazyAutoencoder(bandwidth=(1.0, -1.0)), "bandwidth must be positive"),
        (LazyAutoencoder(bandwidth="lo"), "did you mean"),
        (LazyAutoencoder(n_components=0), "n_components must be a whole number from 1"),
        (LazyAutoencoder(mass_tol=2), "mass_tol"),
        (HierarchicalAutoencoder(n_levels=0), "n_levels must be a whole number from 1"),
        (HierarchicalAutoencoder(shrink=1.5), "shrink must be above 0 and at most 1"),
        (HierarchicalAutoencoder(bandwidth=vc.bandwidth.KthNeighbor(3)), "which can shrink"),
    ],
    ids=str,
)
def test_refusals(problem, model, words):
    with pytest.raises(ValueError, match=words):
        model.fit(problem.X, problem.Y)


def test_refused_calls(problem):
    model = HierarchicalAutoencoder().fit(problem.X, problem.Y)
    with pytest.raises(ValueError, match="level must be at most n_levels=4, got 5"):
        model.transform(problem.queries, level=5)
    with pytest.raises(ValueError, match="one code per row of X, got 59 for 60"):
        model.fit(problem.X, problem.Y[1:])
    with pytest.raises(ValueError, match="n_samples=1"):
        model.fit(problem.X[:1], problem.Y[:1])


@pytest.mark.parametrize("model", [LazyAutoencoder, HierarchicalAutoencoder])
def test_rows_that_weigh_are_named_and_those_alone_counted(model):
    rng = np.random.default_rng(2)
    X = np.concatenate([rng.normal(size=(30, 2)), [[40.0, 0.0]]])
    fitted = model(kernel="epanechnikov", bandwidth=(3.0, 3.0)).fit(X, X)
    asked = X[:3] + 0.1
    weights = np.maximum(1 - ((asked[:, None] - X) ** 2).sum(axis=2) / 9, 0)
    indices, shares = fitted.explain(asked, k=4)
    np.testing.assert_array_equal(indices, np.argsort(-weights, axis=1, kind="stable")[:, :4])
    heaviest = np.take_along_axis(weights, indices, axis=1)
    np.testing.assert_allclose(shares, heaviest / weights.sum(axis=1, keepdims=True), rtol=1e-12)
    assert fitted.empty_rows_ == 1
    np.testing.assert_array_equal(fitted.values_, fitted.embedding_)
