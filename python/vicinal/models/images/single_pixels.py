"""The bilateral filter of an image: non-local means of patches of one pixel, less far away."""

from __future__ import annotations

import math

import numpy as np

from vicinal import _core
from vicinal.arrays import Array
from vicinal.models.images.pixels import Pixels
from vicinal.progress import Report, reporter
from vicinal.threads import resolve_num_threads

__all__ = ["single_pixels"]


def single_pixels(
    pixels: Pixels,
    colors: Pixels,
    used: Array | None,
    radius: int,
    widths: tuple[float, float],
    num_threads: int | None,
    progress: bool | Report,
) -> Array:
    """Average pixels by the Gaussians of colors and of places, of these widths; all of one type.

    Non-local means weigh by exp(−d²/h²), d² a mean over C channels: h² = 2 width² / C.
    """
    image, guide = pixels.values, colors.values
    out = np.empty_like(image)
    leading = (1,) * (4 - out.ndim)
    with reporter(progress) as report:
        _core.non_local_means(
            image.reshape(leading + image.shape),
            out.reshape(leading + out.shape),
            guide=None if colors is pixels else guide.reshape(leading + guide.shape),
            patch_size=1,
            patch_distance=radius,
            h=widths[0] * math.sqrt(2 / guide.shape[-1]),
            spatial_width=widths[1],
            mask=None if used is None else used.reshape(-1),
            num_threads=resolve_num_threads(num_threads),
            progress=report,
        )
    return out
