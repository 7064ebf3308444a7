"""Reading a safetensors file: named arrays without pickle, from a file that nobody vouches for.

Eight bytes say how long the header is, the header (JSON) says of every tensor its dtype, its shape
and where its bytes stand in the rest of the file, which they fill without gaps or overlaps
(https://huggingface.co/docs/safetensors, "Format").
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
from typing import Any

import numpy as np

from vicinal.arrays import Array

__all__ = ["read_safetensors"]

MAX_HEADER = 100_000_000  # bytes, as the format says
DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",  # the upper half of a float32
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "<u1",
    "BOOL": "<b1",
}


def read_safetensors(
    path: str | os.PathLike[str], *, sha256: str | None = None
) -> dict[str, Array]:
    """Return the tensors of a safetensors file by name.

    Parameters
    ----------
    path : path-like
        The file.
    sha256 : str, optional
        What the file's SHA-256 has to be, in hexadecimal digits.

    Returns
    -------
    dict of str to ndarray
        Read-only; float16 and bfloat16 as float32.

    Raises
    ------
    ValueError
        For a file that is not what it should be: another hash, no header, bytes that are missing
        or too many, tensors that overlap, unknown dtypes.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from vicinal.persistence.safetensors import read_safetensors
    >>> header = b'{"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "x.safetensors"
    ...     _ = file.write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    ...     read_safetensors(file)
    {'x': array([0., 0.], dtype=float32)}
    """
    with open(path, "rb") as file:
        data = file.read()
    if sha256 is not None:
        found = hashlib.sha256(data).hexdigest()
        if found != sha256.lower():
            raise ValueError(
                f"{os.fspath(path)!r} has the SHA-256 {found}, expected {sha256}; it is another "
                "file, or damaged"
            )
    try:
        header, body = _split(data)
        _check_layout(header, len(body))
        return {name: _array(name, entry, body) for name, entry in header.items()}
    except _Refused as error:
        raise ValueError(f"{os.fspath(path)!r} is not a safetensors file: {error}") from None


class _Refused(ValueError):
    """Why a file is not taken."""


def _split(data: bytes) -> tuple[dict[str, Any], memoryview]:
    """Return the checked entries of the header by name, and the bytes behind it."""
    if len(data) < 8:
        raise _Refused(f"it has {len(data)} bytes, and its first 8 are the length of the header")
    (length,) = struct.unpack_from("<Q", data)
    if length > MAX_HEADER or length > len(data) - 8:
        raise _Refused(
            f"its header would have {length} bytes, and {len(data) - 8} follow; it is truncated, "
            "or of another kind"
        )
    try:
        header = json.loads(data[8 : 8 + length].decode(), object_pairs_hook=_without_repeats)
    except _Refused:
        raise
    except (ValueError, RecursionError) as error:
        raise _Refused(f"its header is no JSON ({error})") from error
    if not isinstance(header, dict):
        raise _Refused("its header is no JSON object")
    header.pop("__metadata__", None)
    for name, entry in header.items():
        _check_entry(name, entry)
    return header, memoryview(data)[8 + length :]


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise _Refused("its header names something twice")
    return dict(pairs)


def _check_entry(name: str, entry: Any) -> None:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _Refused(f"tensor {name!r} must have dtype, shape and data_offsets")
    if not isinstance(entry["dtype"], str) or entry["dtype"] not in DTYPES:
        raise _Refused(
            f"tensor {name!r} has dtype {entry['dtype']!r}; known are {', '.join(DTYPES)}"
        )
    for field in ("shape", "data_offsets"):
        numbers = entry[field]
        if not isinstance(numbers, list) or not all(
            type(number) is int and number >= 0 for number in numbers
        ):
            raise _Refused(f"tensor {name!r} has {field} {numbers!r}, not whole numbers")
    if len(entry["data_offsets"]) != 2 or len(entry["shape"]) > 32:
        raise _Refused(f"tensor {name!r} must have two data_offsets and at most 32 dimensions")


def _check_layout(header: dict[str, Any], size: int) -> None:
    """Every tensor has the bytes of its shape, and begins where the one before it ends."""
    end = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        first, last = entry["data_offsets"]
        bytes_of_shape = math.prod(entry["shape"]) * np.dtype(DTYPES[entry["dtype"]]).itemsize
        if last - first != bytes_of_shape:
            raise _Refused(
                f"tensor {name!r} of shape {entry['shape']} and dtype {entry['dtype']} takes "
                f"{bytes_of_shape} bytes, and its data_offsets are {first} to {last}"
            )
        if first != end:
            kind = "overlaps another" if first < end else "begins behind a gap"
            raise _Refused(f"tensor {name!r} {kind}: data_offsets from {first}, not {end}")
        end = last
    if end != size:
        what = "is truncated" if end > size else "has bytes that belong to no tensor"
        raise _Refused(f"it {what}: its tensors take {end} bytes, and {size} follow the header")


def _array(name: str, entry: dict[str, Any], body: memoryview) -> Array:
    first, last = entry["data_offsets"]
    dtype = np.dtype(DTYPES[entry["dtype"]])
    flat = np.frombuffer(body[first:last], dtype) if last > first else np.zeros(0, dtype)
    if entry["dtype"] == "BF16":
        flat = (flat.astype(np.uint32) << 16).view(np.float32)
    elif entry["dtype"] == "F16":
        flat = flat.astype(np.float32)
    try:
        array = flat.astype(flat.dtype.newbyteorder("="), copy=False).reshape(entry["shape"])
    except (ValueError, OverflowError):
        raise _Refused(f"tensor {name!r} of shape {entry['shape']} is no array") from None
    array.flags.writeable = False
    return array
