"""Files that are damaged or made to harm: a ValueError that names the file and what is wrong."""

from __future__ import annotations

import io
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest
from forging import X, Y, forge, refused, saved

import vicinal as vc
from vicinal.models import LocalMeanRegressor


def test_no_npz(path):
    for content in (b"", b"hello", b"PK\x03\x04", pickle.dumps(Y), b"\x93NUMPY\x01\x00"):
        path.write_bytes(content)
        refused(path, "not a model file")


def test_another_npz(path):
    np.savez(path, X=X)
    refused(path, "no header and checksum")


def test_every_prefix_is_refused(path):
    saved(path)
    data = path.read_bytes()
    for size in range(0, len(data), max(1, len(data) // 120)):
        path.write_bytes(data[:size])
        refused(path, "damaged|not a model file")


def test_every_flipped_byte_is_refused_or_harmless(path):
    """Bytes outside the members, such as zip time stamps, may change without harm."""
    model = LocalMeanRegressor(bandwidth=1.0).fit(X, Y)
    model.save(path)
    data, expected = path.read_bytes(), model.predict(X).tobytes()
    refusals = 0
    for position in range(0, len(data), 7):
        path.write_bytes(data[:position] + bytes([data[position] ^ 0x41]) + data[position + 1 :])
        try:
            answer = vc.load(path).predict(X).tobytes()
        except ValueError as error:
            refusals += str(error).startswith("cannot load")
        else:
            assert answer == expected
    assert refusals > len(data) / 7 / 2


def test_changed_array_fails_the_checksum(path):
    header, arrays = saved(path)
    forge(path, header, arrays)
    with np.load(path) as members:
        content = dict(members)
    content[header["state"]["values_"]["array"]] = Y + 1
    np.savez(path, **content)
    refused(path, "checksum does not match")


def test_newer_schema_says_upgrade(path):
    header, arrays = saved(path)
    forge(path, {**header, "schema": 2, "vicinal": "9.1"}, arrays)
    refused(path, "schema 2, written by vicinal '9.1'.*upgrade")


def member(path, name, data, compression=zipfile.ZIP_STORED, repeat=1):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for _ in range(repeat):
            archive.writestr(name, data)


def npy(header, data=b""):
    text = (header + "\n").encode("latin1")
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


NPYS = {
    "empty": b"",
    "no magic": b"hello world",
    "version 9": b"\x93NUMPY\x09\x00\x00\x00",
    "cut header": b"\x93NUMPY\x01\x00\xff\xff{",
    "no dict": npy("[]"),
    "code": npy("__import__('os').system('true')"),
    "deep": npy("(" * 900),
    "long": npy(" " * 60_000),
    "no shape": npy("{'descr': '<f8', 'fortran_order': False}"),
    "objects": npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", b"\x00" * 8),
    "pickled": npy("{'descr': '|O', 'fortran_order': False, 'shape': ()}", pickle.dumps(print)),
    "records": npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}", b"\x00" * 8),
    "complex": npy("{'descr': '<c16', 'fortran_order': False, 'shape': (1,)}", b"\x00" * 16),
    "half": npy("{'descr': '<f2', 'fortran_order': False, 'shape': (1,)}", b"\x00" * 2),
    "date": npy("{'descr': '<M8[s]', 'fortran_order': False, 'shape': (1,)}", b"\x00" * 8),
    "void": npy("{'descr': '|V8', 'fortran_order': False, 'shape': (1,)}", b"\x00" * 8),
    "bad descr": npy(
        "{'descr': 'f8; import os', 'fortran_order': False, 'shape': (1,)}", b"\x00" * 8
    ),
    "fortran": npy("{'descr': '<f8', 'fortran_order': True, 'shape': (1, 1)}", b"\x00" * 8),
    "huge": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}"),
    "overflow": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}"),
    "negative": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1)}", b"\x00" * 8),
    "float shape": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1.0,)}", b"\x00" * 8),
    "empty and huge": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 10**40)}"),
    "many axes": npy(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1," * 80 + ")}", b"\x00" * 8
    ),
    "no width": npy("{'descr': '<U0', 'fortran_order': False, 'shape': (5,)}"),
    "too short": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", b"\x00" * 8),
    "too long": npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", b"\x00" * 9),
}


@pytest.mark.parametrize("name", NPYS)
def test_members_that_are_no_array(path, name):
    member(path, "header.npy", NPYS[name])
    refused(path, "member|damaged|not a model")


def test_zip_tricks(path):
    good = io.BytesIO()
    np.save(good, Y)
    member(path, "header.npy", good.getvalue(), zipfile.ZIP_DEFLATED)
    refused(path, "not a plain stored array")
    member(path, "header.pkl", good.getvalue())
    refused(path, "not a plain stored array")
    with pytest.warns(UserWarning, match="Duplicate"):
        member(path, "header.npy", good.getvalue(), repeat=2)
    refused(path, "repeated")
    with zipfile.ZipFile(path, "w") as archive:
        for i in range(1000):
            archive.writestr(f"{i}.npy", good.getvalue())
    refused(path, "too many")


def test_bombs_take_no_memory(path):
    member(path, "header.npy", b"\x00" * 50_000_000, zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    refused(path, "not a plain stored array")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
