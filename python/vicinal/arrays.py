"""Arrays in: numpy, anything with ``__array__``, CPU DLPack; refusals name the way out."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from typing import Protocol

    import numpy.typing as npt

    class SupportsDLPack(Protocol):
        """An array of another library, on the CPU."""

        def __dlpack__(self, *args: Any, **kwargs: Any) -> Any: ...
        def __dlpack_device__(self) -> tuple[int, int]: ...

    ArrayLike = npt.ArrayLike | SupportsDLPack

__all__ = [
    "Array",
    "as_array",
    "as_index",
    "as_points",
    "as_rows",
    "check_points",
    "in_short",
    "is_row_contiguous",
    "working_dtype",
]

Array = np.ndarray[Any, np.dtype[Any]]

_CPU_DEVICES = (1, 3)  # DLPack: kDLCPU, kDLCUDAHost (pinned memory of the host)
_KINDS = {
    "c": "complex numbers; take .real, or put real and imaginary parts side by side as features",
    "O": "objects; convert with .astype(float), missing entries as NaN",
    "U": "strings; encode the categories as numbers",
    "S": "strings; encode the categories as numbers",
    "T": "strings; encode the categories as numbers",
    "M": "dates; convert to numbers, for example seconds since a start",
    "m": "time differences; convert to numbers, for example seconds",
    "V": "records; pass one array of numbers, one column per feature",
}


def as_array(value: ArrayLike, name: str) -> Array:
    """Return `value` as a numpy array of booleans, integers, float32 or float64.

    Nothing is copied unless the type has to change (float16 and bfloat16 become float32).

    Parameters
    ----------
    value : array_like
        Anything with ``__array__``, CPU DLPack or nested sequences of numbers.
    name : str
        The argument's name, for messages.

    Returns
    -------
    ndarray

    Raises
    ------
    TypeError
        For arrays on another device, tensors that require grad, masked entries, sparse matrices,
        complex numbers, objects and strings.
    """
    if type(value) is not np.ndarray:
        _refuse_containers(value, name)
        value = _to_numpy(value, name)
    dtype = value.dtype.newbyteorder("=")
    if dtype == np.float64 or dtype == np.float32 or dtype.kind in "biu":
        return value
    if dtype == np.float16 or dtype.name == "bfloat16":
        return value.astype(np.float32)
    if dtype.kind == "f":
        raise TypeError(f"{name} is {dtype}; convert it with .astype(numpy.float64)")
    what = _KINDS.get(dtype.kind, f"{dtype}; convert to float32 or float64")
    raise TypeError(f"{name} must hold real numbers, got an array of {what}")


def in_short(numbers: Array) -> str:
    """Say what an array of numbers holds, in a few words: for the one line of a repr."""
    if numbers.ndim == 0:
        return f"{numbers:.6g}"
    if numbers.ndim == 1 and numbers.size <= 4:
        return f"[{', '.join(f'{number:.6g}' for number in numbers)}]"
    span = f" from {numbers.min():.6g} to {numbers.max():.6g}" if numbers.size else ""
    return f"{' × '.join(map(str, numbers.shape))} numbers{span}"


def as_index(value: Any, name: str) -> int:
    """Return a whole number; a TypeError names the argument."""
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {value!r}") from None


def as_points(value: ArrayLike, name: str) -> Array:
    """Return `value` as points in rows, (..., points, features), with at least one feature."""
    points = as_array(value, name)
    check_points(points.shape, name)
    return points


def check_points(shape: tuple[int, ...], name: str) -> None:
    """Refuse a shape that is not (..., points, features) with at least one feature."""
    if len(shape) < 2:
        raise ValueError(
            f"{name} must be (..., points, features), got shape {shape}; "
            "write x[:, None] (one feature) or x[None] (one point)"
        )
    if shape[-1] == 0:
        raise ValueError(f"{name} has shape {shape}, without any feature; give at least one")


def working_dtype(*arrays: Array | None) -> np.dtype[Any]:
    """Return float32 or float64: numpy's result type of the floating arrays, float64 if none."""
    floating = {array.dtype for array in arrays if array is not None and array.dtype.kind == "f"}
    return np.result_type(*floating).newbyteorder("=") if floating else np.dtype(np.float64)


def is_row_contiguous(array: Array, dtype: np.dtype[Any]) -> bool:
    """Tell whether the engine reads `array` as it lies: its dtype, unit stride along each row."""
    if array.dtype != dtype or not array.flags.aligned:
        return False
    if array.flags.c_contiguous and array.size:
        return True
    if array.shape[-1] > 1 and array.strides[-1] != dtype.itemsize:
        return False
    return all(stride % dtype.itemsize == 0 for stride in array.strides)


def as_rows(array: Array, dtype: np.dtype[Any]) -> Array:
    """Return `array` in `dtype` with contiguous rows; a copy only where it is neither."""
    if is_row_contiguous(array, dtype):
        return array
    if array.size == 0:  # numpy gives empty arrays strides of 0, which no row can have
        return np.empty([max(1, size) for size in array.shape], dtype)[
            tuple(slice(size) for size in array.shape)
        ]
    return converted(array, dtype)


def converted(array: Array, dtype: np.dtype[Any]) -> Array:
    """Copy to `dtype` in C order; what does not fit becomes ±inf without numpy's warning.

    The edge-case rules of the caller's argument then say what an infinity means.
    """
    with np.errstate(over="ignore"):
        return np.array(array, dtype=dtype, order="C")


def _refuse_containers(value: Any, name: str) -> None:
    if value is None or (callable(value) and not hasattr(value, "__array__")):
        what = "None" if value is None else f"a {type(value).__name__}"
        raise TypeError(f"{name} must be an array of numbers, got {what}")
    if getattr(value, "requires_grad", False):
        raise TypeError(
            f"{name} requires grad, which is lost here: gradients are the matter of "
            f"vicinal.torch; pass {name}.detach() for the values alone"
        )
    if hasattr(value, "tocsr") or (hasattr(value, "toarray") and hasattr(value, "nnz")):
        raise TypeError(f"{name} is a sparse matrix; convert it with .toarray()")
    if isinstance(value, np.ma.MaskedArray):
        if np.ma.is_masked(value):
            raise TypeError(
                f"{name} is a numpy.ma array with masked entries; pass {name}.data and say with "
                "mask= (True = used) or weights= which keys take part"
            )
    elif not isinstance(value, np.ndarray) and not _is_on_cpu(value):
        raise TypeError(f"{name} is on another device than the CPU; move it with .cpu()")


def _is_on_cpu(value: Any) -> bool:
    if not hasattr(value, "__dlpack_device__"):
        return True
    try:
        return int(value.__dlpack_device__()[0]) in _CPU_DEVICES
    except (ValueError, RuntimeError, BufferError):  # a device that DLPack has no number for
        return False


def _to_numpy(value: Any, name: str) -> Array:
    if str(getattr(value, "dtype", "")) == "torch.bfloat16":
        value = value.float()  # numpy has no bfloat16; every one of them is a float32
    try:
        if not hasattr(value, "__array__") and hasattr(value, "__dlpack__"):
            return np.from_dlpack(value)
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is not an array: {error}") from error
    except (TypeError, RuntimeError, BufferError) as error:
        raise TypeError(f"{name} cannot be read as an array: {error}") from error
