"""scikit-image's bilateral filter: a Gaussian of color in a window."""

from __future__ import annotations

import numpy as np
from skimage.restoration import denoise_bilateral

import vicinal as vc


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
