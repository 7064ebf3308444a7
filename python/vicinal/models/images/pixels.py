"""Images as the engine takes them: spatial axes, then channels; and what users say about them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vicinal.arrays import Array, as_array, as_index, working_dtype

if TYPE_CHECKING:
    from vicinal.arrays import ArrayLike

__all__ = ["IMAGE_AXES", "Pixels", "as_mask", "as_pixels", "check_level", "missing_pixels"]

IMAGE_AXES = 3  # most that the engine takes besides channels
NAN_POLICIES = ("propagate", "omit", "raise")


class Pixels(NamedTuple):
    """An image of one axis or more, and its channels as the last axis."""

    values: Array  # (*shape, channels), C order, float32 or float64
    channel_axis: int | None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.values.shape[:-1])

    @property
    def rows(self) -> Array:
        """Return the pixels in C order, (pixels, channels)."""
        return self.values.reshape(-1, self.values.shape[-1])

    def as_type(self, dtype: np.dtype[Any]) -> Pixels:
        """Return the same pixels in another floating-point type."""
        return self._replace(values=self.values.astype(dtype, copy=False))

    def restore(self, values: Array) -> Array:
        """Give pixels the shape that the user's image has."""
        values = values.reshape(self.values.shape)
        if self.channel_axis is None:
            return values[..., 0]
        return np.ascontiguousarray(np.moveaxis(values, -1, self.channel_axis))


def as_pixels(image: ArrayLike, channel_axis: int | None, name: str = "image") -> Pixels:
    """Read an image; integers and booleans become float64 as they are, without rescaling."""
    array = as_array(image, name)
    if channel_axis is None:
        array = array[..., None]
    else:
        axis = as_index(channel_axis, "channel_axis")
        if not -array.ndim <= axis < array.ndim:
            raise ValueError(
                f"channel_axis must be an axis of {name}, got {axis} for shape {array.shape}"
            )
        array = np.moveaxis(array, axis, -1)
    if array.ndim < 2:
        raise ValueError(
            f"{name} must have at least one axis besides its channels, got shape {array.shape[:-1]}"
        )
    if array.shape[-1] == 0:
        raise ValueError(f"{name} has no channels: {array.shape[-1]} along channel_axis")
    return Pixels(np.ascontiguousarray(array, working_dtype(array)), channel_axis)


def as_mask(mask: ArrayLike | None, shape: tuple[int, ...]) -> Array | None:
    """Read a mask of pixels, True = the pixel takes part."""
    if mask is None:
        return None
    array = as_array(mask, "mask")
    if array.dtype != np.bool_:
        raise TypeError(f"mask must be boolean, True = the pixel is used, got {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"mask must have the image's shape {shape}, got {array.shape}")
    return np.ascontiguousarray(array)


def missing_pixels(pixels: Pixels, nan_policy: str, mask: Array | None = None) -> Array | None:
    """Return where a channel is not finite, or None if nothing is to be done about it."""
    if nan_policy not in NAN_POLICIES:
        names = ", ".join(map(repr, NAN_POLICIES))
        raise ValueError(f"nan_policy must be one of {names}, got {nan_policy!r}")
    if nan_policy == "propagate":
        return None
    missing: Array = np.logical_not(np.isfinite(pixels.values).all(axis=-1))
    count = int(np.count_nonzero(missing if mask is None else missing & mask))
    if count and nan_policy == "raise":
        raise ValueError(
            f"image holds NaN or infinity in {count} pixels; nan_policy='omit' fills them"
        )
    return missing if count else None


def check_level(value: Any, name: str, *, positive: bool) -> float:
    """Return a gray level, finite or (where it must be positive) infinite."""
    number = float(value)
    if positive and not number > 0:
        raise ValueError(f"{name} must be positive, in units of the image, got {value}")
    if not positive and not (number >= 0 and math.isfinite(number)):
        raise ValueError(f"{name} must be finite and at least 0, got {value}")
    return number
