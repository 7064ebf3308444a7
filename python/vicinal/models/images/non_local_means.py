"""Non-local means of images and of point clouds."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vicinal import _core
from vicinal.arrays import Array, as_array, as_index, as_points, working_dtype
from vicinal.engine import local_mean
from vicinal.errors import LocalizationWarning
from vicinal.models.caller import levels_to_the_caller
from vicinal.models.images.noise import sigma_of
from vicinal.models.images.pixels import (
    IMAGE_AXES,
    NAN_POLICIES,
    Pixels,
    as_mask,
    as_pixels,
    check_level,
    missing_pixels,
)
from vicinal.models.images.surroundings import surroundings
from vicinal.neighbors import knn
from vicinal.progress import Report, reporter
from vicinal.threads import resolve_num_threads

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike

__all__ = ["NonLocalMeans"]

H_PER_SIGMA = {"box": 0.8, "gaussian": 0.6}


@dataclass(frozen=True, kw_only=True)
class NonLocalMeans:
    r"""Replace every pixel by the mean of the pixels near it whose surroundings look alike.

    With the mean squared difference of the patches around p and q, under weights g of sum 1,

    .. math::

        d^2(p, q) = \sum_k g_k \lVert I_{p+k} - I_{q+k} \rVert^2 / \text{channels}, \qquad
        w = \exp\bigl(-\max(d^2 - 2\sigma^2, 0) / h^2\bigr),

    pixel p becomes :math:`\sum_q w I_q / \sum_q w` over the pixels q at most `patch_distance` away
    along each axis.

    Parameters
    ----------
    patch_size : int, default=7
        Pixels of a patch along each axis; an even number is rounded up.
    patch_distance : int, default=11
        How far away pixels may be, in pixels along each axis.
    h : float or None, default=0.1
        Width of the weights in units of the image. None: 0.8 σ for box patches, 0.6 σ for Gaussian
        ones.
    sigma : float or "estimate", default=0.0
        Standard deviation of the image's noise, whose share of d² is subtracted; "estimate" calls
        `estimate_sigma`.
    patch : {"box", "gaussian"}, default="box"
        Weights g: all alike, or :math:`\exp(-\lVert k \rVert^2 / 2a^2)` with
        :math:`a` = (`patch_size` − 1) / 4.
    nan_policy : {"propagate", "omit", "raise"}, default="propagate"
        What pixels that are not finite in some channel do. "omit": nobody uses them, neither as
        pixels nor inside patches, and they are filled by the mean of pixels whose patches match
        what is left of theirs.
    n_jobs : int, default=None
        Threads of the engine; None is `vicinal.get_num_threads()`, −1 all cores.

    See Also
    --------
    Bilateral : Weighs by single pixels and by how far away they are.
    estimate_sigma : The noise of an image.

    Notes
    -----
    Nothing is approximated, for either patch: d² takes one pass per axis. The result is that of
    `vicinal.local_mean` with the patches as queries and keys, a Gaussian of bandwidth h/√2 and
    `vicinal.Grid` (σ = 0). Its bits do not depend on the number of threads.

    At the border, patches continue by reflection, and pixels outside the image are nobody's
    neighbors. scikit-image's `denoise_nl_means` does the same with ``fast_mode=False`` (Gaussian
    patches); with ``fast_mode=True`` (box) it averages mirrored pixels too, its patches are one
    pixel shorter and the pixel itself counts twice. Both approximate the exponential there and
    drop weights under exp(−5).

    Integers are taken as they are: for an image of 0 … 255, `h` and `sigma` are in that unit.

    References
    ----------
    Buades, Coll & Morel (2005), A non-local algorithm for image denoising. Buades, Coll & Morel
    (2011), Non-local means denoising, for the part of σ.

    Examples
    --------
    >>> import numpy as np
    >>> from vicinal.models import NonLocalMeans
    >>> step = np.repeat([0.0, 1.0], 16) * np.ones((32, 1))
    >>> noisy = step + np.random.default_rng(0).normal(scale=0.2, size=step.shape)
    >>> clean = NonLocalMeans(h=0.15, sigma=0.2, patch_distance=8).denoise(noisy)
    >>> bool(np.std(clean - step) < 0.25 * np.std(noisy - step))
    True
    """

    patch_size: int = 7
    patch_distance: int = 11
    h: float | None = 0.1
    sigma: float | str = 0.0
    patch: str = "box"
    nan_policy: str = "propagate"
    n_jobs: int | None = None

    def __post_init__(self) -> None:
        if as_index(self.patch_size, "patch_size") < 1:
            raise ValueError(f"patch_size must be at least 1, got {self.patch_size}")
        if as_index(self.patch_distance, "patch_distance") < 0:
            raise ValueError(f"patch_distance must be at least 0, got {self.patch_distance}")
        if self.patch not in H_PER_SIGMA:
            raise ValueError(f"patch must be 'box' or 'gaussian', got {self.patch!r}")
        if isinstance(self.sigma, str):
            if self.sigma != "estimate":
                raise ValueError(f"sigma must be a number or 'estimate', got {self.sigma!r}")
        else:
            check_level(self.sigma, "sigma", positive=False)
        if self.h is not None:
            check_level(self.h, "h", positive=True)
        if self.nan_policy not in NAN_POLICIES:
            names = ", ".join(map(repr, NAN_POLICIES))
            raise ValueError(f"nan_policy must be one of {names}, got {self.nan_policy!r}")

    def denoise(
        self,
        image: ArrayLike,
        channel_axis: int | None = None,
        *,
        mask: ArrayLike | None = None,
        progress: bool | Report = False,
    ) -> Array:
        """Denoise an image.

        Parameters
        ----------
        image : array_like of one to three axes besides the channels
            A signal, a picture or a volume. Of a longer stack, denoise each volume by itself, or
            give the first axis as channels, whose patches are then compared together.
        channel_axis : int, optional
            The axis of the channels, whose patches are compared together.
        mask : array_like of bool, of the image's shape without channels, optional
            True = the pixel is denoised, and used by others; the rest stays as it is. d² is then
            the mean over what both patches have inside the mask.
        progress : bool or callable
            As in `vicinal.local_mean`.

        Returns
        -------
        ndarray
            Of the image's shape; float32 for float32, else float64.

        Raises
        ------
        ValueError
            For shapes that do not fit, pixels that are not finite under ``nan_policy="raise"``, and
            ``h=None`` where σ is 0.
        TypeError
            For arrays that are not real numbers on the CPU.
        """
        pixels = as_pixels(image, channel_axis)
        if len(pixels.shape) > IMAGE_AXES:
            raise ValueError(
                "image must have one to three axes besides its channels, got "
                f"{len(pixels.shape)}; name the axis of colors by channel_axis=, and denoise "
                "longer stacks volume by volume, or by Bilateral"
            )
        used = as_mask(mask, pixels.shape)
        missing = missing_pixels(pixels, self.nan_policy, used)
        out = np.empty_like(pixels.values)
        if pixels.values.size == 0:
            return pixels.restore(out)
        sigma, h = self._levels(pixels)
        axes = (1,) * (4 - out.ndim) + out.shape
        with reporter(progress) as report:
            empty = _core.non_local_means(
                pixels.values.reshape(axes),
                out.reshape(axes),
                gaussian=self.patch == "gaussian",
                patch_size=self._odd_size(),
                patch_distance=self.patch_distance,
                h=h,
                sigma=sigma,
                mask=None if used is None else used.reshape(-1),
                omit_missing=missing is not None,
                num_threads=resolve_num_threads(self.n_jobs),
                progress=report,
            )
        if empty:
            warnings.warn(
                f"{empty} pixels have nothing to average and stay as they are; enlarge "
                "patch_distance or h",
                LocalizationWarning,
                stacklevel=levels_to_the_caller(),
            )
        return pixels.restore(out)

    def denoise_points(
        self,
        points: ArrayLike,
        values: ArrayLike,
        *,
        features: ArrayLike | None = None,
        n_neighbors: int = 64,
        patch_neighbors: int = 16,
    ) -> Array:
        r"""Denoise what was measured at points in space.

        The patch of a point is the mean and the standard deviation of the values of its
        `patch_neighbors` nearest points, or the `features` given; points are averaged with
        :math:`w = \exp(-\lVert f_p - f_q \rVert^2 / (h^2 \dim f))` over the `n_neighbors` nearest.

        Parameters
        ----------
        points : array_like of shape (n, d)
            Positions.
        values : array_like of shape (n,) or (n, p)
            What is denoised: heights, colors, normals.
        features : array_like of shape (n, f), optional
            What tells the surroundings of points apart.
        n_neighbors, patch_neighbors : int
            At most n are used. `patch_size` and `patch_distance` have no part in it, and σ only
            where `h` is None.

        Returns
        -------
        ndarray of the shape of `values`

        Raises
        ------
        ValueError, TypeError
            For shapes that do not fit, a NaN in a position or arrays that are not real numbers.

        Examples
        --------
        >>> import numpy as np
        >>> from vicinal.models import NonLocalMeans
        >>> points = np.random.default_rng(0).uniform(size=(500, 2))
        >>> NonLocalMeans(h=0.2).denoise_points(points, points[:, 0] > 0.5).shape
        (500,)
        """
        where, what = as_points(points, "points"), as_array(values, "values")
        if where.ndim != 2 or what.ndim not in (1, 2) or len(what) != len(where):
            raise ValueError(
                "points must be (n, d) and values (n,) or (n, p), got shapes "
                f"{where.shape} and {what.shape}"
            )
        count, dtype = len(where), working_dtype(where, what)
        if self.h is None and isinstance(self.sigma, str):
            raise ValueError("sigma='estimate' is a rule of images; give h or a number for points")
        h = self._h_of(0.0 if isinstance(self.sigma, str) else float(self.sigma))
        if count == 0:
            return np.empty(what.shape, dtype)
        rows = what.astype(dtype).reshape(count, -1)
        missing = missing_pixels(Pixels(rows, None), self.nan_policy)
        described = (
            surroundings(where, rows, patch_neighbors, self.nan_policy, self.n_jobs)
            if features is None
            else as_points(features, "features")
        )
        near = min(as_index(n_neighbors, "n_neighbors"), count)
        means = local_mean(
            described,
            described,
            rows,
            bandwidth=h * math.sqrt(described.shape[-1] / 2),
            neighbors=knn(where, where, near, num_threads=self.n_jobs),
            nan_policy="propagate" if missing is None else "omit",
            num_threads=self.n_jobs,
        )
        return means.reshape(what.shape)

    def _odd_size(self) -> int:
        return self.patch_size + 1 - self.patch_size % 2

    def _levels(self, pixels: Pixels) -> tuple[float, float]:
        sigma = sigma_of(pixels) if isinstance(self.sigma, str) else float(self.sigma)
        return sigma, self._h_of(sigma)

    def _h_of(self, sigma: float) -> float:
        if self.h is not None:
            return float(self.h)
        if sigma == 0:
            raise ValueError("h=None is a share of sigma, which is 0; give h or sigma")
        return H_PER_SIGMA[self.patch] * sigma
