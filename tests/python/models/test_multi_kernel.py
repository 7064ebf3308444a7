"""MultiKernelRegressor against the plain formula and a general optimizer."""

from __future__ import annotations

import numpy as np
import pytest
from model_formulas import epanechnikov, gaussian
from scipy.optimize import minimize
from sklearn.metrics import r2_score

import vicinal as vc
from vicinal.models import LocalMeanRegressor, MultiKernelRegressor

k = vc.kernels


def left_out_weights(X, widths):
    """Return the Gaussian weights of the others, (K, n, n)."""
    hollow = 1 - np.eye(len(X))
    return np.array([gaussian(X, X, h) * hollow for h in widths])


def mixed(c, w, y):
    total = np.tensordot(c, w, 1)
    return total @ y / total.sum(1)[:, None]


@pytest.mark.parametrize("target", ["y", "Y"])
def test_prediction_is_the_formula(problem, target):
    values = getattr(problem, target)
    model = MultiKernelRegressor([k.Gaussian(bandwidth=0.7), k.Epanechnikov(bandwidth=2.0)])
    model.fit(problem.X, values, sample_weight=problem.weights)
    queries, X = problem.queries, problem.X
    w = model.weights_[0] * gaussian(queries, X, 0.7)
    w = (w + model.weights_[1] * epanechnikov(queries, X, 2.0)) * problem.weights
    total = w.sum(1) if values.ndim == 1 else w.sum(1)[:, None]
    np.testing.assert_allclose(model.predict(queries), w @ values / total, rtol=1e-12, atol=1e-13)


def test_weights_are_optimal(problem):
    """No other point of the simplex that a general optimizer finds has a smaller error."""
    widths = (0.4, 0.8, 1.6)
    w = left_out_weights(problem.X, widths)
    model = MultiKernelRegressor([k.Gaussian(bandwidth=h) for h in widths])
    model.fit(problem.X, problem.Y)

    def error(c):
        return ((mixed(c, w, problem.Y) - problem.Y) ** 2).sum(1).mean()

    reached = error(model.weights_)
    assert model.weights_.min() >= 0
    assert model.weights_.sum() == pytest.approx(1, abs=1e-14)
    best = np.inf
    for start in np.random.default_rng(0).dirichlet(np.ones(3), 20):
        softmax = minimize(lambda z: error(np.exp(z) / np.exp(z).sum()), np.log(start), tol=1e-10)
        best = min(best, softmax.fun)
    assert reached <= best * (1 + 1e-9)
    assert reached <= min(error(vertex) for vertex in np.eye(3))


def test_leave_one_out_is_that_of_the_sum(problem):
    widths = (0.4, 1.6)
    model = MultiKernelRegressor([k.Gaussian(bandwidth=h) for h in widths])
    model.fit(problem.X, problem.Y)
    expected = mixed(model.weights_, left_out_weights(problem.X, widths), problem.Y)
    np.testing.assert_allclose(model.loo_predict(), expected, rtol=1e-11, atol=1e-12)
    assert model.loo_score_ == pytest.approx(r2_score(problem.Y, expected), abs=1e-12)
    assert model.loo_score() == pytest.approx(model.loo_score_, abs=1e-12)
    parts = model.weights_[:, None] * left_out_weights(problem.X, widths).sum(2)
    np.testing.assert_allclose(model.shares_, (parts / parts.sum(0)).mean(1), rtol=1e-12)


def test_never_worse_than_a_kernel_alone(problem):
    kernels = ["tricube", "laplace", k.Gaussian(bandwidth=0.3, columns=0), "epanechnikov"]
    model = MultiKernelRegressor(kernels, bandwidth=9.0).fit(problem.X, problem.y)
    for kernel in model.kernel_.parts:
        assert (
            model.loo_score_
            >= LocalMeanRegressor(kernel=kernel).fit(problem.X, problem.y).loo_score() - 1e-12
        )


def test_finds_the_column_that_matters():
    X = np.random.default_rng(0).uniform(size=(300, 3))
    columns = [k.Gaussian(bandwidth=0.05, columns=j) for j in range(3)]
    model = MultiKernelRegressor(columns).fit(X, np.sin(9 * X[:, 1]))
    np.testing.assert_array_equal(model.weights_, [0, 1, 0])
    rows, shares = model.explain(X[:4], k=1)
    np.testing.assert_array_equal(rows[:, 0], range(4))
    assert (shares > 0).all()


def test_default_is_five_gaussians(problem):
    model = MultiKernelRegressor(bandwidth=0.8).fit(problem.X, problem.y)
    np.testing.assert_allclose(model.bandwidth_, [0.2, 0.4, 0.8, 1.6, 3.2])


def test_weights_count_equal_rows(problem):
    rows = np.repeat(np.arange(60), problem.counts)
    one = MultiKernelRegressor(bandwidth=0.8).fit(problem.X[rows], problem.y[rows])
    other = MultiKernelRegressor(bandwidth=0.8).fit(problem.X, problem.y, problem.counts)
    np.testing.assert_allclose(one.weights_, other.weights_, atol=1e-9)
    np.testing.assert_allclose(
        one.predict(problem.queries), other.predict(problem.queries), rtol=1e-9
    )


def test_bits_do_not_depend_on_threads_or_batch(problem):
    fits = [MultiKernelRegressor(n_jobs=n).fit(problem.X, problem.y) for n in (1, 2)]
    assert fits[0].weights_.tobytes() == fits[1].weights_.tobytes()
    whole = fits[0].predict(problem.queries)
    alone = np.concatenate([fits[1].predict(row[None]) for row in problem.queries])
    assert whole.tobytes() == alone.tobytes()


def test_metric_goes_to_the_kernels_without_one(problem):
    open_, own = k.Gaussian(bandwidth=1.0), k.Gaussian(bandwidth=1.0, metric="chebyshev")
    model = MultiKernelRegressor([open_, own], metric="manhattan").fit(problem.X, problem.y)
    gap = np.abs(problem.queries[:, None] - problem.X)
    w = model.weights_[0] * np.exp(-0.5 * gap.sum(-1) ** 2)
    w += model.weights_[1] * np.exp(-0.5 * gap.max(-1) ** 2)
    expected = w @ problem.y / w.sum(1)
    np.testing.assert_allclose(model.predict(problem.queries), expected, rtol=1e-12)


def test_neighbors(problem):
    nearest = vc.KNearest(7)
    model = MultiKernelRegressor(bandwidth=0.8, neighbors=nearest).fit(problem.X, problem.y)
    single = LocalMeanRegressor(kernel=model.kernel_, neighbors=nearest)
    expected = single.fit(problem.X, problem.y).loo_score()
    assert model.loo_score_ == pytest.approx(expected, abs=1e-12)


def test_rows_that_no_kernel_answers(problem):
    X = np.vstack([problem.X, np.full((1, 3), 50.0)])
    y = np.append(problem.y, 0.0)
    kernels = [k.Epanechnikov(bandwidth=h) for h in (2.0, 4.0)]
    model = MultiKernelRegressor(kernels).fit(X, y)
    assert model.empty_rows_ == 1
    with pytest.warns(vc.LocalizationWarning, match="1 of 61 rows"):
        assert model.loo_score() == pytest.approx(model.loo_score_, abs=1e-12)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"kernels": []}, "kernels is empty"),
        ({"kernels": "gaussian"}, "sequence of kernels"),
        ({"kernels": ["sigmoid"]}, "no negative weights"),
        ({"kernels": ["gaussain"]}, "gaussian"),
        ({"bandwidth": vc.bandwidth.KthNeighbor(3)}, "rule of each row"),
        (
            {"kernels": ["gaussian", k.Laplace(metric="manhattan")], "neighbors": vc.KNearest(3)},
            "rank rows alike",
        ),
    ],
)
def test_refusals(problem, parameters, words):
    with pytest.raises(ValueError, match=words):
        MultiKernelRegressor(**parameters).fit(problem.X, problem.y)


def test_one_row_is_too_few():
    with pytest.raises(ValueError, match="at least 2 training rows"):
        MultiKernelRegressor().fit([[1.0]], [1.0])


def test_file(problem, path):
    model = MultiKernelRegressor(["gaussian", "laplace"], metric="manhattan")
    model.fit(problem.X, problem.Y).save(path)
    again = vc.load(path)
    assert again.kernel_ == model.kernel_
    assert again.predict(problem.queries).tobytes() == model.predict(problem.queries).tobytes()
