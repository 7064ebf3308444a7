"""The noise of an image from the differences of neighboring pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vicinal.models.images.pixels import Pixels, as_pixels

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike

__all__ = ["estimate_sigma", "sigma_of"]

MEDIAN_OF_MAGNITUDE = 0.6744897501960817  # of a standard normal number: Φ⁻¹(3/4)


def estimate_sigma(image: ArrayLike, channel_axis: int | None = None) -> float:
    r"""Estimate the standard deviation of the noise of an image.

    The pixels are differenced along every axis, :math:`D = \Delta_1 \cdots \Delta_n I / 2^{n/2}`,
    the diagonal details of the Haar wavelet at every position. Smooth parts of the image vanish,
    independent noise keeps its standard deviation :math:`\sigma`, and edges are few:

    .. math:: \hat\sigma = \operatorname{median} |D| \,/\, \Phi^{-1}(3/4).

    Parameters
    ----------
    image : array_like of one or more axes besides the channels
        Pixels that are not finite are left out.
    channel_axis : int, optional
        The axis of the channels. The estimate is the root of the mean square of theirs.

    Returns
    -------
    float
        In units of the image; 0 for an image of one pixel along each axis.

    Raises
    ------
    ValueError, TypeError
        For arrays that are no image of real numbers.

    Notes
    -----
    The median of the magnitudes of wavelet details is Donoho & Johnstone's (1994) estimate. Texture
    as fine as pixels counts as noise.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import estimate_sigma
    >>> noise = np.random.default_rng(0).normal(scale=0.1, size=(256, 256))
    >>> round(estimate_sigma(np.linspace(0, 1, 256) + noise), 3)
    0.1
    """
    return sigma_of(as_pixels(image, channel_axis))


def sigma_of(pixels: Pixels) -> float:
    """Return the estimate for an image that was read already."""
    details = pixels.values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        for axis in range(details.ndim - 1):
            if details.shape[axis] > 1:
                details = np.diff(details, axis=axis) / np.sqrt(2)
    if details.shape[:-1] == (1,) * (details.ndim - 1) or details.size == 0:
        return 0.0
    channels = [np.abs(channel) for channel in np.moveaxis(details, -1, 0)]
    kept = [channel[np.isfinite(channel)] for channel in channels]
    medians = [float(np.median(channel)) for channel in kept if channel.size]
    if not medians:
        return 0.0
    return float(np.sqrt(np.mean(np.square(medians)))) / MEDIAN_OF_MAGNITUDE
