"""Bilateral and joint bilateral filters of images and of point clouds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vicinal.arrays import Array, as_array, as_index, as_points, working_dtype
from vicinal.engine import local_mean
from vicinal.kernels import Gaussian, Product
from vicinal.models.images.pixels import (
    IMAGE_AXES,
    NAN_POLICIES,
    Pixels,
    as_mask,
    as_pixels,
    check_level,
    missing_pixels,
)
from vicinal.models.images.single_pixels import single_pixels
from vicinal.neighbors import Neighbors, radius_neighbors
from vicinal.progress import Report
from vicinal.row_sets import Grid

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike
    from vicinal.kernels import Kernel

__all__ = ["Bilateral"]


@dataclass(frozen=True, kw_only=True)
class Bilateral:
    r"""Replace every pixel by the mean of the pixels near it in space and in color.

    .. math::

        w(p, q) = \exp\Bigl(-\frac{\lVert p - q \rVert^2}{2\sigma_s^2}\Bigr)
                  \exp\Bigl(-\frac{\lVert G_p - G_q \rVert^2}{2\sigma_c^2}\Bigr),

    where G is the image itself, or another that guides it (joint bilateral filter): a local mean
    under a product of two Gaussians, with a window of pixels as neighbors.

    Parameters
    ----------
    win_size : int, default=None
        Side of the window in pixels, rounded up to an odd number; None is
        ``max(5, 2 ⌈3 sigma_spatial⌉ + 1)``, scikit-image's.
    sigma_color : float, default=None
        Width in color, in units of the guide; None is its standard deviation.
    sigma_spatial : float, default=1.0
        Width in space, in pixels.
    nan_policy : {"propagate", "omit", "raise"}, default="propagate"
        What pixels that are not finite in some channel do. "omit": nobody uses them, and they are
        filled by the mean of their window under the spatial factor alone, for they have no color.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.

    See Also
    --------
    NonLocalMeans : Compares patches in place of single pixels.

    Notes
    -----
    The window is cut at the border, where `skimage.restoration.denoise_bilateral` continues the
    image by a constant; inside, the two agree up to its table of color weights.

    References
    ----------
    Tomasi & Manduchi (1998), Bilateral filtering for gray and color images. Petschnigg et al.
    (2004), Digital photography with flash and no-flash image pairs, for the guide.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import Bilateral
    >>> Bilateral(sigma_color=0.1).denoise([0.0, 0.02, 1.0, 1.02]).round(3)
    array([0.007, 0.013, 1.007, 1.013])
    """

    win_size: int | None = None
    sigma_color: float | None = None
    sigma_spatial: float = 1.0
    nan_policy: str = "propagate"
    n_jobs: int | None = None

    def __post_init__(self) -> None:
        if self.win_size is not None and as_index(self.win_size, "win_size") < 1:
            raise ValueError(f"win_size must be at least 1, got {self.win_size}")
        if self.sigma_color is not None:
            check_level(self.sigma_color, "sigma_color", positive=True)
        check_level(self.sigma_spatial, "sigma_spatial", positive=True)
        if self.win_size is None and not math.isfinite(self.sigma_spatial):
            raise ValueError("sigma_spatial is infinite; give win_size")
        if self.nan_policy not in NAN_POLICIES:
            names = ", ".join(map(repr, NAN_POLICIES))
            raise ValueError(f"nan_policy must be one of {names}, got {self.nan_policy!r}")

    @property
    def radius(self) -> int:
        """How far the window reaches from its middle, in pixels."""
        size = self.win_size
        if size is None:
            size = max(5, 2 * math.ceil(3 * self.sigma_spatial) + 1)
        return size // 2

    def denoise(
        self,
        image: ArrayLike,
        channel_axis: int | None = None,
        *,
        guide: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        progress: bool | Report = False,
    ) -> Array:
        """Denoise an image.

        Parameters
        ----------
        image : array_like of one or more axes besides the channels
            A signal, a picture, a volume, a series of volumes …
        channel_axis : int, optional
            The axis of the channels, also of a guide of as many axes as the image.
        guide : array_like, optional
            An image of the same pixels, whose colors weigh: of the image's shape, or without its
            axis of channels. Its pixels that are not finite count as missing, too.
        mask : array_like of bool, of the image's shape without channels, optional
            True = the pixel is denoised, and used by others; the rest stays as it is.
        progress : bool or callable
            As in `vicinal.local_mean`.

        Returns
        -------
        ndarray
            Of the image's shape; float32 where image and guide are, else float64.

        Raises
        ------
        ValueError
            For shapes that do not fit, and pixels that are not finite under
            ``nan_policy="raise"``.
        TypeError
            For arrays that are not real numbers on the CPU.
        """
        pixels = as_pixels(image, channel_axis)
        colors = self._colors(pixels, guide, channel_axis)
        if colors is not pixels:
            dtype = np.result_type(pixels.values, colors.values)
            pixels, colors = pixels.as_type(dtype), colors.as_type(dtype)
        used = as_mask(mask, pixels.shape)
        missing = missing_pixels(pixels, self.nan_policy, used)
        if colors is not pixels:
            unknown = missing_pixels(colors, self.nan_policy, used)
            known = [part for part in (missing, unknown) if part is not None]
            missing = np.logical_or.reduce(known) if known else None
        if pixels.values.size == 0:
            return pixels.restore(pixels.values.copy())
        if len(pixels.shape) <= IMAGE_AXES and missing is None:
            widths = self._color_width(colors.rows, None), float(self.sigma_spatial)
            return pixels.restore(
                single_pixels(pixels, colors, used, self.radius, widths, self.n_jobs, progress)
            )
        places = np.indices(pixels.shape, pixels.values.dtype).reshape(len(pixels.shape), -1).T
        means = self._means(
            places,
            colors.rows,
            pixels.rows,
            used=None if used is None else used.reshape(-1),
            missing=None if missing is None else missing.reshape(-1),
            neighbors=Grid(pixels.shape, self.radius),
            progress=progress,
        )
        return pixels.restore(means)

    def denoise_points(
        self, points: ArrayLike, values: ArrayLike, *, guide: ArrayLike | None = None
    ) -> Array:
        """Denoise what was measured at points in space.

        Parameters
        ----------
        points : array_like of shape (n, d)
            Positions; `sigma_spatial` is in their units, and points within three of it take part.
        values : array_like of shape (n,) or (n, p)
            What is denoised.
        guide : array_like of shape (n,) or (n, g), optional
            What weighs in place of the values.

        Returns
        -------
        ndarray of the shape of `values`

        Raises
        ------
        ValueError, TypeError
            For shapes that do not fit, or arrays that are not real numbers.
        """
        where, what = as_points(points, "points"), as_array(values, "values")
        told = what if guide is None else as_array(guide, "guide")
        if where.ndim != 2 or not {what.ndim, told.ndim} <= {1, 2}:
            raise ValueError(
                "points must be (n, d), values and guide (n,) or (n, p), got shapes "
                f"{where.shape}, {what.shape} and {told.shape}"
            )
        if not len(where) == len(what) == len(told):
            raise ValueError(
                "points, values and guide must have one row per point, got shapes "
                f"{where.shape}, {what.shape} and {told.shape}"
            )
        dtype = working_dtype(where, what, told)
        if what.size == 0:
            return np.empty(what.shape, dtype)
        places = where.astype(dtype)
        colors, rows = (part.astype(dtype).reshape(len(where), -1) for part in (told, what))
        missing = missing_pixels(Pixels(np.hstack([colors, rows]), None), self.nan_policy)
        reach = 3 * self.sigma_spatial
        near = None
        if math.isfinite(reach):
            near = radius_neighbors(places, places, reach, num_threads=self.n_jobs)
        means = self._means(places, colors, rows, missing=missing, neighbors=near)
        return means.reshape(what.shape)

    def _colors(self, pixels: Pixels, guide: ArrayLike | None, channel_axis: int | None) -> Pixels:
        if guide is None:
            return pixels
        axes = len(pixels.shape) + (channel_axis is not None)
        has_channels = channel_axis is not None and as_array(guide, "guide").ndim == axes
        colors = as_pixels(guide, channel_axis if has_channels else None, "guide")
        if colors.shape != pixels.shape:
            raise ValueError(
                f"guide must have the image's pixels {pixels.shape}, got {colors.shape}"
            )
        return colors

    def _means(
        self,
        places: Array,
        colors: Array,
        values: Array,
        *,
        used: Array | None = None,
        missing: Array | None = None,
        neighbors: Grid | Neighbors | None = None,
        progress: bool | Report = False,
    ) -> Array:
        """Average rows of values; without a color, by place alone."""
        takes_part = None if used is None else used
        if missing is not None:
            takes_part = ~missing if used is None else used & ~missing
            colors = np.where(missing[:, None], colors.dtype.type(0), colors)
            values = np.where(missing[:, None], values.dtype.type(0), values)
        d = places.shape[1]
        place = Gaussian(bandwidth=self.sigma_spatial, columns=tuple(range(d)))
        color = Gaussian(
            bandwidth=self._color_width(colors, missing),
            columns=tuple(range(d, d + colors.shape[1])),
        )
        points = np.ascontiguousarray(np.hstack([places, colors]), places.dtype)

        def average(kernel: Kernel, progress: bool | Report = False) -> Array:
            return local_mean(
                points,
                points,
                values,
                kernel=kernel,
                neighbors=neighbors,
                weights=None if takes_part is None else takes_part.astype(places.dtype),
                num_threads=self.n_jobs,
                progress=progress,
            )

        means = average(Product(place, color), progress)
        if missing is not None:
            means[missing] = average(place)[missing]
        if used is not None:
            means[~used] = values[~used]
        return means

    def _color_width(self, colors: Array, missing: Array | None) -> float:
        if self.sigma_color is not None:
            return float(self.sigma_color)
        known = colors if missing is None else colors[~missing]
        spread = float(np.std(known, dtype=np.float64)) if known.size else 0.0
        return math.inf if spread == 0 else spread  # all colors are alike
