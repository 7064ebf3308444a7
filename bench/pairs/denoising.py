"""Digits out of noise, and digits through ten numbers."""

import importlib

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.neighbors import KernelDensity
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from vicinal.models import Denoiser, HierarchicalAutoencoder, LazyAutoencoder

from .pair import Contender, Pair
from .tuning import Fold, held_out, root_mean_square, tuned

SIGMA = 4.0  # of gray levels from 0 to 16
ASKED = 100  # rows of a fold
STEP = 1e-3  # of central differences
CODES = 10
WIDTHS = (10.0, 14.0, 20.0)  # of the first level, both ways
COPIES = 2  # of every row, each with other noise, for a network


def noisy_digits():
    X = load_digits().data
    folds = []
    for seed, at in enumerate(held_out(np.zeros((len(X), 1)), np.arange(len(X)))):
        clean = X[at.y_test[:ASKED]]
        noise = np.random.default_rng(seed).normal(scale=SIGMA, size=clean.shape)
        folds.append(Fold(X[at.y], X[at.y], clean + noise, clean))
    return folds


def _ours(fold):
    return Denoiser(sigma=SIGMA).fit(fold.X).predict(fold.X_test)


def _numpy(fold):
    q, x = fold.X_test, fold.X
    squares = (q**2).sum(axis=1)[:, None] - 2 * q @ x.T + (x**2).sum(axis=1)
    weights = np.exp(-(squares - squares.min(axis=1, keepdims=True)) / (2 * SIGMA**2))
    return weights @ x / weights.sum(axis=1, keepdims=True)


def _torch(fold):
    torch = importlib.import_module("torch")
    q, x = (torch.from_numpy(np.ascontiguousarray(rows)) for rows in (fold.X_test, fold.X))
    scores = (q @ x.T - (x**2).sum(dim=1) / 2) / SIGMA**2
    return (torch.softmax(scores, dim=1) @ x).numpy()


def _differences(fold):
    """Return Miyasawa's x + σ² ∇ log p, with differences of scikit-learn's log-density.

    One leaf holds all rows: with smaller ones its log-densities of 64 features are off by 1.
    """
    density = KernelDensity(bandwidth=SIGMA, leaf_size=len(fold.X)).fit(fold.X)
    size = fold.X.shape[1]
    moved = STEP * np.concatenate([np.eye(size), -np.eye(size)])
    points = (fold.X_test[:, None, :] + moved).reshape(-1, size)
    logs = density.score_samples(points).reshape(-1, 2, size)
    return fold.X_test + SIGMA**2 * (logs[:, 0] - logs[:, 1]) / (2 * STEP)


def _network(fold):
    """Train a denoising autoencoder on noise of the known width."""
    rng = np.random.default_rng(0)
    clean = np.tile(fold.X, (COPIES, 1))
    network = MLPRegressor(hidden_layer_sizes=(128,), max_iter=30, random_state=0)
    with threadpool_limits(1):  # two threads slow such small products down
        network.fit((clean + rng.normal(scale=SIGMA, size=clean.shape)) / 16, clean)
        return network.predict(fold.X_test / 16)


def whole_digits():
    X = load_digits().data
    return [
        Fold(X[at.y], X[at.y], X[at.y_test], X[at.y_test])
        for at in held_out(np.zeros((len(X), 1)), np.arange(len(X)))
    ]


def _coded(build):
    """Return the reconstruction of rows through the codes of what `build` makes."""

    def answer(setting, X, y, X_test):
        model = build(setting).fit(X)
        return model.inverse_transform(model.transform(X_test))

    return answer


def _levels(width):
    return HierarchicalAutoencoder(n_components=CODES, bandwidth=(width, width))


def _neural_codes(fold):
    network = MLPRegressor(
        hidden_layer_sizes=(128, CODES, 128),
        activation="tanh",
        learning_rate_init=3e-3,
        batch_size=64,
        max_iter=60,
        random_state=0,
    )
    with threadpool_limits(1):
        return 16 * network.fit(fold.X / 16, fold.X / 16).predict(fold.X_test / 16)


def _without_settings(build):
    return lambda fold: _coded(lambda _: build())(None, fold.X, fold.y, fold.X_test)


AXES = Contender("scikit-learn PCA", _without_settings(lambda: PCA(CODES, svd_solver="full")))
LAZY = _without_settings(lambda: LazyAutoencoder(n_components=CODES))


def _codes(name, model, contenders, tuning):
    title = f"1,797 digits through {CODES} numbers"
    return Pair(
        name,
        model,
        title,
        "root mean square error",
        False,
        whole_digits,
        root_mean_square,
        contenders,
        tuning,
    )


def pairs():
    yield Pair(
        "denoiser-digits",
        "Denoiser",
        f"{ASKED} held-out digits with noise of {SIGMA:g} gray levels, 1,437 known ones",
        "root mean square error",
        False,
        noisy_digits,
        root_mean_square,
        (
            Contender("vicinal", _ours),
            Contender("the formula in numpy", _numpy),
            Contender("the formula in torch", _torch, ("torch",)),
            Contender("gradient of scikit-learn's KernelDensity by differences", _differences),
        ),
        "none: σ is known",
        equal=True,
    )
    yield Pair(
        "denoiser-network",
        "Denoiser",
        f"{ASKED} held-out digits with noise of {SIGMA:g} gray levels, 1,437 known ones",
        "root mean square error",
        False,
        noisy_digits,
        root_mean_square,
        (
            Contender("vicinal", _ours),
            Contender("scikit-learn MLP, trained to denoise", _network),
        ),
        "none: σ is known",
    )
    yield _codes(
        "codes-lazy",
        "LazyAutoencoder",
        (
            Contender("vicinal", LAZY),
            AXES,
            Contender("scikit-learn MLP autoencoder", _neural_codes),
        ),
        "leave-one-out; the others have none",
    )
    yield _codes(
        "codes-levels",
        "HierarchicalAutoencoder",
        (
            Contender("vicinal", tuned(WIDTHS, _coded(_levels), folds=2)),
            AXES,
            Contender("vicinal, one level (LazyAutoencoder)", LAZY),
        ),
        "2 inner folds; the others have none",
    )
