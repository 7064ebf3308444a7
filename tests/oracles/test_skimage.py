"""scikit-image's bilateral filter and non-local means."""

from __future__ import annotations

import numpy as np
from skimage.restoration import denoise_bilateral, denoise_nl_means

import vicinal as vc
from vicinal.models import Bilateral, NonLocalMeans


def test_bilateral_filter(rng):
    """Color weights come from a table of 10⁶ bins, hence 1e-5.

    The Gaussian of place is flat here: their table of it has 8 × 8 entries for a 7 × 7 window
    (numpy.arange(-7 // 2, 7 // 2 + 1)), so its center lies beside the pixel.
    """
    size, radius, sigma_color, flat = 24, 3, 0.2, 1e6
    image = rng.random((size, size))
    expected = denoise_bilateral(
        image,
        win_size=2 * radius + 1,
        sigma_color=sigma_color,
        sigma_spatial=flat,
        bins=1_000_000,
        mode="edge",
    )
    rows, columns = np.mgrid[:size, :size].reshape(2, -1)
    points = np.column_stack([rows, columns, image.ravel()]).astype(float)
    kernel = vc.kernels.Product(
        vc.kernels.Gaussian(bandwidth=flat, columns=[0, 1]),
        vc.kernels.Gaussian(bandwidth=sigma_color, columns=[2]),
        vc.kernels.Uniform(bandwidth=radius + 0.5, columns=[0, 1], metric="chebyshev"),
    )
    got = vc.local_mean(points, points, image.ravel(), kernel=kernel).reshape(size, size)
    inside = np.s_[radius:-radius, radius:-radius]
    assert np.abs(got - expected)[inside].max() <= 1e-5


# Weights of theirs are off by up to 4 % (an approximate exponential) or 0 below exp(−5), by which a
# mean of numbers in [0, 1] moves by less than that share of their range.
WEIGHT_ERROR = 0.04


def test_non_local_means_of_gaussian_patches(rng):
    """Where all weights are within their cut-off, borders included."""
    image = rng.random((24, 20, 2)) * 0.1
    expected = denoise_nl_means(image, 5, 6, 0.1, fast_mode=False, channel_axis=-1)
    model = NonLocalMeans(patch_size=5, patch_distance=6, h=0.1, patch="gaussian")
    assert np.abs(model.denoise(image, channel_axis=-1) - expected).max() <= WEIGHT_ERROR * 0.1


def test_non_local_means_as_all_weights_become_equal(rng):
    """The weights' errors are alike, and cancel: windows, borders and channels are the same."""
    image = rng.random((24, 20))
    expected = denoise_nl_means(image, 5, 6, 1e6, fast_mode=False)
    model = NonLocalMeans(patch_size=5, patch_distance=6, h=1e6, patch="gaussian")
    assert np.abs(model.denoise(image) - expected).max() <= 1e-10


def test_bilateral(rng):
    """Bilateral's window, as above: a flat Gaussian of place, inside."""
    image = rng.random((24, 20))
    expected = denoise_bilateral(
        image, win_size=7, sigma_color=0.2, sigma_spatial=1e6, bins=1_000_000, mode="edge"
    )
    got = Bilateral(win_size=7, sigma_color=0.2, sigma_spatial=1e6).denoise(image)
    assert np.abs(got - expected)[3:-3, 3:-3].max() <= 1e-5
