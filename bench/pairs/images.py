"""Photographs with noise: settings are chosen on one picture, five parts of another judge."""

import functools
import importlib

import numpy as np
from sklearn.datasets import load_sample_image

from vicinal.models import Bilateral, NonLocalMeans

from .pair import Contender, Pair
from .tuning import Fold

NOISE = 0.1
PATCH, DISTANCE = 7, 10
SHARES = (0.5, 0.7, 0.9, 1.1, 1.3)  # of the noise: h of non-local means
COLORS = (1.0, 2.0, 3.0, 4.5)  # of the noise: width in color of a bilateral filter
SPATIAL, WINDOW = 2.0, 13  # pixels
SIZE = 128
CORNERS = ((130, 0), (130, 128), (130, 256), (130, 384), (258, 200))  # below the sky


def _gray(name):
    return load_sample_image(name).mean(axis=-1) / 255


def _part(picture, row, column, seed):
    clean = picture[row : row + SIZE, column : column + SIZE]
    noise = np.random.default_rng(seed).normal(scale=NOISE, size=clean.shape)
    noisy = (clean + noise).astype(np.float32)
    return Fold(noisy, clean, noisy, clean)


def china():
    picture = _gray("china.jpg")
    return [_part(picture, row, column, i) for i, (row, column) in enumerate(CORNERS)]


def decibels(fold, answer):
    return -10 * np.log10(np.mean((answer - fold.y_test) ** 2))


def _with_best(shares, denoise):
    """Return a contender's answer at the share of the noise that suits the flower best."""

    @functools.cache
    def best():
        flower = _part(_gray("flower.jpg"), 100, 250, 9)
        return max(shares, key=lambda s: decibels(flower, denoise(flower.X, s * NOISE)))

    return lambda fold: denoise(fold.X, best() * NOISE)


def _means(patch):
    def denoise(noisy, h):
        model = NonLocalMeans(
            patch_size=PATCH, patch_distance=DISTANCE, h=h, sigma=NOISE, patch=patch
        )
        return model.denoise(noisy)

    return denoise


def _skimage_means(fast):
    def denoise(noisy, h):
        restoration = importlib.import_module("skimage.restoration")
        return restoration.denoise_nl_means(
            noisy, PATCH, DISTANCE, h, fast_mode=fast, sigma=NOISE, preserve_range=True
        )

    return denoise


def _bytes(noisy):
    return np.clip(np.rint(noisy * 255), 0, 255).astype(np.uint8)


def _opencv_means(noisy, h):
    cv2 = importlib.import_module("cv2")
    found = cv2.fastNlMeansDenoising(_bytes(noisy), None, 255 * h, PATCH, 2 * DISTANCE + 1)
    return found / 255.0


def _bilateral(noisy, color):
    return Bilateral(win_size=WINDOW, sigma_color=color, sigma_spatial=SPATIAL).denoise(noisy)


def _skimage_bilateral(noisy, color):
    restoration = importlib.import_module("skimage.restoration")
    return restoration.denoise_bilateral(
        np.clip(noisy, 0, 1), win_size=WINDOW, sigma_color=color, sigma_spatial=SPATIAL, bins=1000
    )


def _opencv_bilateral(noisy, color):
    return importlib.import_module("cv2").bilateralFilter(noisy, WINDOW, color, SPATIAL)


def _pair(name, model, contenders):
    title = f"5 parts of 128 × 128 pixels (china.jpg), noise of {NOISE:g}"
    tuning = "the best of a grid on another picture (flower.jpg), before the clock starts"
    return Pair(
        name, model, title, "peak signal to noise, dB", True, china, decibels, contenders, tuning
    )


def pairs():
    yield _pair(
        "non-local-means",
        "NonLocalMeans",
        (
            Contender("vicinal", _with_best(SHARES, _means("box"))),
            Contender("scikit-image, fast", _with_best(SHARES, _skimage_means(True)), ("skimage",)),
            Contender("OpenCV, bytes", _with_best(SHARES, _opencv_means), ("cv2",)),
        ),
    )
    yield _pair(
        "non-local-means-gaussian",
        'NonLocalMeans(patch="gaussian")',
        (
            Contender("vicinal", _with_best(SHARES, _means("gaussian"))),
            Contender(
                "scikit-image, exact", _with_best(SHARES, _skimage_means(False)), ("skimage",)
            ),
        ),
    )
    yield _pair(
        "bilateral",
        "Bilateral",
        (
            Contender("vicinal", _with_best(COLORS, _bilateral)),
            Contender("scikit-image", _with_best(COLORS, _skimage_bilateral), ("skimage",)),
            Contender("OpenCV", _with_best(COLORS, _opencv_bilateral), ("cv2",)),
        ),
    )
