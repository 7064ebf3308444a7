"""Files of tensors: every dtype, and files that are not what they say."""

import hashlib
import json
import struct

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from vicinal.persistence.safetensors import read_safetensors


def written(path, header, body=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + body)
    return path


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tensors.safetensors"


def test_every_dtype_is_read(path, rng):
    arrays = {
        "F64": rng.normal(size=(2, 3)),
        "F32": rng.normal(size=4).astype(np.float32),
        "F16": rng.normal(size=(1, 2)).astype(np.float16),
        "I64": np.arange(3),
        "U8": np.arange(5, dtype=np.uint8),
        "BOOL": np.array([True, False]),
        "I32": np.empty((0, 7), np.int32),
    }
    header, body = {"__metadata__": {"format": "pt"}}, b""
    for name, array in arrays.items():
        data = array.tobytes()
        header[name] = entry(name, array.shape, (len(body), len(body) + len(data)))
        body += data
    got = read_safetensors(written(path, header, body))
    assert list(got) == list(arrays)
    for name, array in arrays.items():
        assert_array_equal(got[name], array)
        assert got[name].dtype == (np.float32 if name == "F16" else array.dtype)
        assert not got[name].flags.writeable


def test_bfloat16_is_the_upper_half_of_a_float32(path):
    x = np.array([1.0, -2.5, 3e38, np.inf], np.float32)  # 2.5 and 1 are exact
    upper = (x.view(np.uint32) >> 16).astype(np.uint16)
    got = read_safetensors(written(path, {"x": entry("BF16", (4,), (0, 8))}, upper.tobytes()))["x"]
    assert_array_equal(got[[0, 1, 3]], x[[0, 1, 3]])
    assert got[2] == pytest.approx(3e38, rel=2**-7)


def test_the_hash_is_compared(path):
    written(path, {"x": entry()}, bytes(8))
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    assert_array_equal(read_safetensors(path, sha256=right.upper())["x"], [0, 0])
    with pytest.raises(ValueError, match=f"has the SHA-256 {right}, expected 00"):
        read_safetensors(path, sha256="00" * 32)


HOSTILE = {
    "empty": (b"", "it has 0 bytes"),
    "short": (b"1234567", "it has 7 bytes"),
    "another kind": (b"PK\x03\x04" + bytes(100), "or of another kind"),
    "long header": (struct.pack("<Q", 1 << 63), "header would have 9223372036854775808 bytes"),
    "truncated header": (struct.pack("<Q", 50) + b"{}", "and 2 follow; it is truncated"),
    "list": (struct.pack("<Q", 2) + b"[]", "no JSON object"),
    "deep": (struct.pack("<Q", 60000) + b"[" * 60000, "header is no JSON"),
    "not utf-8": (struct.pack("<Q", 2) + b"\xff\xff", "header is no JSON"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_file_of_tensors_is_refused(name, path):
    data, message = HOSTILE[name]
    path.write_bytes(data)
    with pytest.raises(ValueError, match="is not a safetensors file") as error:
        read_safetensors(path)
    assert message in str(error.value)


TWICE = b'{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":{}}'
HEADERS = {
    "truncated": ({"x": entry()}, 7, "it is truncated: its tensors take 8 bytes, and 7 follow"),
    "too long": ({"x": entry()}, 9, "bytes that belong to no tensor"),
    "overlap": (
        {"x": entry(offsets=(0, 8)), "y": entry(offsets=(4, 12))},
        12,
        "'y' overlaps another: data_offsets from 4, not 8",
    ),
    "gap": ({"x": entry(offsets=(4, 12))}, 12, "'x' begins behind a gap"),
    "shape": ({"x": entry(shape=(3,))}, 8, "takes 12 bytes, and its data_offsets are 0 to 8"),
    "huge": ({"x": entry(shape=(1 << 62, 8))}, 8, "its data_offsets are 0 to 8"),
    "huge and empty": ({"x": entry(shape=(0, 1 << 62, 9), offsets=(0, 0))}, 0, "no array"),
    "backwards": ({"x": entry(offsets=(8, 0))}, 8, "its data_offsets are 8 to 0"),
    "negative": ({"x": entry(shape=(-2,))}, 8, "shape [-2], not whole numbers"),
    "fraction": ({"x": entry(shape=(2.0,))}, 8, "shape [2.0], not whole numbers"),
    "true": ({"x": entry(offsets=(False, 8))}, 8, "data_offsets [False, 8], not whole numbers"),
    "dtype": ({"x": entry("F8_E4M3")}, 8, "dtype 'F8_E4M3'; known are F64"),
    "no dtype": ({"x": {"shape": [2], "data_offsets": [0, 8]}}, 8, "must have dtype, shape and"),
    "not an object": ({"x": 3}, 8, "must have dtype, shape and"),
    "three offsets": ({"x": entry(offsets=(0, 8, 8))}, 8, "must have two data_offsets"),
    "twice": (TWICE, 0, "names something twice"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_do_not_fit_are_refused(name, path):
    header, size, message = HEADERS[name]
    written(path, header, bytes(size))
    with pytest.raises(ValueError, match="is not a safetensors file") as error:
        read_safetensors(path)
    assert message in str(error.value)
