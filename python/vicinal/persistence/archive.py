"""Reading an npz from an untrusted file: sizes are checked before memory is taken."""

from __future__ import annotations

import io
import math
import os
import struct
import sys
import zipfile
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from vicinal.arrays import Array

__all__ = ["Refused", "read_members"]

MAX_MEMBERS = 256
MAX_NPY_HEADER = 1000  # ours take 64 to 128 bytes
DTYPES = ("b1", "i8", "u1", "u8", "f4", "f8")  # and strings


class Refused(ValueError):
    """Why a file is not taken; the caller adds which file."""


def read_members(file: BinaryIO) -> dict[str, Array]:
    """Return every member as a read-only array.

    Nothing may be compressed, so no member can be larger than the file; every shape has to agree
    with the bytes that are there.
    """
    size = os.fstat(file.fileno()).st_size
    try:
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            _check_directory(infos, size)
            return {info.filename[:-4]: _array(archive.read(info), info.filename) for info in infos}
    except Refused:
        raise
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise Refused(f"it is not a model file, or is damaged ({error})") from error
    except (ValueError, OverflowError, UnicodeError, struct.error) as error:
        raise Refused(f"it is damaged ({error})") from error


def _check_directory(infos: list[zipfile.ZipInfo], size: int) -> None:
    names = [info.filename for info in infos]
    if len(names) > MAX_MEMBERS or len(set(names)) < len(names):
        raise Refused(f"it has {len(names)} members, too many or repeated")
    for info in infos:
        if not info.filename.endswith(".npy") or info.compress_type != zipfile.ZIP_STORED:
            raise Refused(f"its member {info.filename!r} is not a plain stored array")
    if sum(info.file_size for info in infos) > size:
        raise Refused("its members claim more bytes than the file has")


def _array(data: bytes, name: str) -> Array:
    stream = io.BytesIO(data)
    version = npy.read_magic(stream)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise Refused(f"its member {name!r} has npy version {version}")
    try:
        shape, fortran, dtype = readers[version](stream, max_header_size=MAX_NPY_HEADER)
    except Exception as error:  # numpy evaluates a literal here: whatever a hostile text raises
        raise Refused(f"its member {name!r} has an unreadable header") from error
    if dtype.kind != "U" and dtype.str[1:] not in DTYPES:
        raise Refused(f"its member {name!r} has dtype {dtype}, which no model uses")
    count, offset = math.prod(shape), stream.tell()
    if fortran or min(shape, default=0) < 0 or count * dtype.itemsize != len(data) - offset:
        raise Refused(f"its member {name!r} of shape {shape} does not fit its bytes")
    if count == 0:
        return np.zeros(shape, dtype.newbyteorder("="))
    array = np.frombuffer(data, dtype, offset=offset).reshape(shape)
    array = array.astype(dtype.newbyteorder("="), copy=False)
    if dtype.kind == "U" and array.view(np.uint32).max() > sys.maxunicode:
        raise Refused(f"its member {name!r} has characters that do not exist")
    return array
