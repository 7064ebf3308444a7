"""Dask arrays: refusals in the words of one process, empty arrays, the documentation's code."""

from __future__ import annotations

import doctest
import subprocess
import sys

import dask
import dask.array as da
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import pages
import vicinal as vc
from accuracy import near
from dask_cases import by_hand

X = np.arange(12.0).reshape(6, 2)
Y = np.arange(6.0)
XC, YC = da.from_array(X, (4, 2)), da.from_array(Y, 4)
UNKNOWN = XC[XC[:, 0] > 2]
f = vc.dask.local_mean
REFUSED = [
    (ValueError, r"tol .*0\.001.*all keys.*vicinal\.local_mean", lambda: f(XC, XC, YC, tol=1e-3)),
    (ValueError, r"empty .*nearest.*all keys", lambda: f(XC, XC, YC, empty="nearest")),
    (ValueError, r"nan_policy .*omit.*weights=", lambda: f(XC, XC, YC, nan_policy="omit")),
    (ValueError, r"nan_policy .*raise", lambda: f(XC, XC, YC, nan_policy="raise")),
    (ValueError, r"nan_policy .*drop", lambda: f(XC, XC, YC, nan_policy="drop")),
    (ValueError, r"empty .*none", lambda: f(XC, XC, YC, empty="none")),
    (ValueError, r"num_threads .*0", lambda: f(XC, XC, YC, num_threads=0)),
    (TypeError, r"'out'", lambda: f(XC, XC, YC, out=Y)),
    (TypeError, r"'progress'", lambda: f(XC, XC, YC, progress=True)),
    (ValueError, r"queries .*unknown.*queries\.compute_chunk_sizes", lambda: f(UNKNOWN, XC, YC)),
    (ValueError, r"keys .*unknown.*keys\.compute_chunk_sizes", lambda: f(XC, UNKNOWN, YC)),
    (ValueError, r"weights .*unknown", lambda: f(XC, XC, YC, weights=UNKNOWN[:, 0])),
    (
        ValueError,
        r"queries .*one chunk.*2.*queries\.rechunk\(\{-1: -1\}\)",
        lambda: f(XC.rechunk(1), XC, YC),
    ),
    (ValueError, r"keys .*keys\.rechunk", lambda: f(XC, XC.rechunk(1), YC)),
    (ValueError, r"values .*values\.rechunk", lambda: f(XC, XC, XC.rechunk(1))),
    (ValueError, r"queries.*x\[:, None\]", lambda: f(YC, XC, YC)),
    (ValueError, r"keys.*x\[None\]", lambda: f(XC, YC, YC)),
    (ValueError, r"queries.*1 feature.*keys.*2", lambda: f(XC[:, :1], XC, YC)),
    (ValueError, r"values.*\(6, 2\).*\(5,\)", lambda: f(XC, XC, YC[:5])),
    (ValueError, r"weights .*6.*\(5,\)", lambda: f(XC, XC, YC, weights=YC[:5])),
    (ValueError, r"log_weights .*6.*\(5,\)", lambda: f(XC, XC, YC, log_weights=Y[:5])),
    (ValueError, r"weights.*log_weights", lambda: f(XC, XC, YC, weights=Y, log_weights=YC)),
    (ValueError, r"mask.*\(2, 6\)", lambda: f(XC, XC, YC, mask=np.ones((2, 6), bool))),
    (TypeError, r"mask.*bool", lambda: f(XC, XC, YC, mask=XC @ XC.T)),
    (ValueError, r"bias.*\(2, 6\)", lambda: f(XC, XC, YC, bias=da.ones((2, 6)))),
    (ValueError, r"self_indices.*4 queries.*6 keys", lambda: f(XC[:4], XC, YC, exclude_self=True)),
    (ValueError, r"self_indices.*6.*\(5,\)", lambda: f(XC, XC, YC, self_indices=np.arange(5))),
    (TypeError, r"self_indices.*whole", lambda: f(XC, XC, YC, self_indices=YC)),
    (
        ValueError,
        r"do not broadcast.*weights",
        lambda: f(da.stack([XC] * 3), XC, X, weights=np.ones((2, 6))),
    ),
    (TypeError, r"keys.*complex", lambda: f(XC, XC + 1j, YC)),
    (TypeError, r"values.*object", lambda: f(XC, XC, YC.astype(object))),
    (TypeError, r"values.*None", lambda: f(XC, XC, None)),
    (TypeError, r"values .*Delayed.*to_dask_array", lambda: f(XC, XC, dask.delayed(Y))),
    (TypeError, r"bias .*Delayed", lambda: f(XC, XC, YC, bias=dask.delayed(Y))),
    (TypeError, r"bandwidth.*compute", lambda: f(XC, XC, YC, bandwidth=XC.std(axis=0))),
    (ValueError, r"bandwidth.*positive", lambda: f(XC, XC, YC, bandwidth=0.0)),
    (ValueError, r"gaussian", lambda: f(XC, XC, YC, kernel="gausian")),
]


@pytest.mark.parametrize(("kind", "message", "call"), REFUSED, ids=[m for _, m, _ in REFUSED])
def test_message_names_the_argument(kind, message, call):
    with pytest.raises(kind, match=f"(?s){message}"):
        call()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": -YC}, "weights"),
        ({"log_weights": np.inf * (YC + 1)}, "log_weights"),
        ({"self_indices": YC.astype(int) + 1, "exclude_self": True}, r"self_indices.*below 6"),
        ({"kernel": "uniform", "mask": XC @ XC.T > 1e9, "empty": "raise"}, "empty='raise'"),
    ],
    ids=str,
)
def test_numbers_are_refused_when_they_are_computed(options, message):
    result = f(XC, XC, YC, **options)
    with pytest.raises(ValueError, match=message):
        result.compute(scheduler="synchronous")


def test_empty_arrays():
    none = da.zeros((0, 2))
    assert f(none, XC, YC).compute().shape == (0,)
    assert f(none, XC, XC).compute().shape == (0, 2)
    assert f(none, none, none, exclude_self=True).compute().shape == (0, 2)
    assert_array_equal(f(XC, none, none[:, 0], empty=1.5).compute(), np.full(6, 1.5))
    assert f(XC, XC, XC[:, :0]).compute().shape == (6, 0)
    assert f(da.zeros((0, 4, 2)), XC, XC).compute().shape == (0, 4, 2)


def test_lists_and_a_key_index_are_one_chunk():
    result = f(X.tolist(), vc.KeyIndex(X), Y.tolist())
    assert result.chunks == ((6,),)
    assert result.compute().tobytes() == by_hand(X, X, Y, (6,), (6,)).tobytes()


def test_without_dask_the_message_says_what_to_install():
    code = """
import sys
sys.modules["dask"] = None
from vicinal import *
import vicinal as vc
try:
    vc.dask
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "vicinal.dask needs dask: pip install 'vicinal[dask]'"


def test_the_example_of_the_docstring():
    examples = doctest.DocTestFinder().find(vc.dask.local_mean, "local_mean", globs={})
    assert examples
    for example in examples:
        assert doctest.DocTestRunner().run(example).failed == 0


def test_the_code_of_the_documentation():
    names = pages.run("larger-than-memory.md")
    near(names["streamed"].mean, names["merged"], np.dtype("float32"))
    x, y, rows = names["keys"], names["values"], slice(70_000, 70_100)
    recent = vc.Window(10_000, 0, offset=70_000) & vc.Radius(0.5)
    expected = vc.local_mean(x[rows], x, y, neighbors=recent)
    near(names["backwards"].result().mean, expected, np.dtype("float32"))
