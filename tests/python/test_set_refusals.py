"""Sets of neighbors that do not fit, with the message."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

import vicinal as vc
from vicinal.kernels import Gaussian, Product

PRODUCT = Product(Gaussian(columns=[0]), Gaussian(columns=[1]))

X = np.zeros((4, 2))


BROKEN = csr_array((np.ones(3), [0, 1, 2], [0, 1, 2, 3, 3]), shape=(4, 4))


REFUSED = [
    ("k must be at least 1", lambda: vc.KNearest(0)),
    ("k must be 1 to the number of keys \\(4\\), got 5", lambda: mean(vc.KNearest(5))),
    ("radius must be at least 0", lambda: mean(vc.Radius(-1.0))),
    ("NaN", lambda: vc.Radius(np.nan)),
    ("before must be at least 0", lambda: vc.Window(-1, 0)),
    ("before must be a whole number", lambda: vc.Window(0.5, 0)),
    ("offset must be", lambda: vc.Window(1, 0, offset="start")),
    ("on must be a column", lambda: mean(vc.Window(1, 0, on=2))),
    ("9 pixels, but there are 4", lambda: mean(vc.Grid((3, 3), 1))),
    ("radius must be at least 0", lambda: vc.Grid((2, 2), -1)),
    ("shape must have", lambda: vc.Grid((0, 2), 1)),
    ("must have shape \\(2, 2\\)", lambda: mean(vc.BlockMask(np.ones((1, 2), bool), 2))),
    ("must be boolean", lambda: vc.BlockMask(np.ones((1, 2)))),
    ("key_offsets must begin with 0", lambda: mean(vc.Segments([0, 4], [0, 3]))),
    ("never fall", lambda: mean(vc.Segments([0, 3, 2, 4], [0, 1, 2, 4]))),
    ("bare sparse matrix", lambda: mean(BROKEN)),
    ("data must be one of", lambda: vc.Graph(BROKEN, data="edges")),
    ("3 queries × 4 keys", lambda: mean(vc.Graph(BROKEN[:3], data="pattern"))),
    ("below n_keys = 3", lambda: vc.Graph.from_indices([[0, 3]], 3)),
    ("shape of indices", lambda: vc.Graph.from_indices([[0, 1]], 3, [[1.0]])),
    ("distances of the graph must be at least 0", lambda: mean(distances([[-1.0, 0, 0, 0]] * 4))),
    ("no kernel", lambda: mean(vc.Graph(BROKEN, data="weight"), bandwidth=2.0)),
    ("with & once, not with |", lambda: mean(distances(np.eye(4)) | vc.KNearest(1))),
    ("k nearest", lambda: mean(vc.Graph(BROKEN, data="weight") & vc.KNearest(1))),
    ("kernel of one", lambda: mean(vc.Radius(1.0), kernel=PRODUCT)),
    (
        "reads coordinates",
        lambda: vc.local_mean(
            None, None, X, neighbors=vc.Graph(BROKEN, data="weight") & vc.Window(1, 1, on=0)
        ),
    ),
]


def mean(near: object, x: np.ndarray = X, **arguments: object) -> np.ndarray:
    return vc.local_mean(x, x, x, neighbors=near, **arguments)


def distances(d: object) -> vc.Graph:
    return vc.Graph(csr_array(np.asarray(d)), data="distance")


@pytest.mark.parametrize(("message", "call"), REFUSED, ids=[m for m, _ in REFUSED])
def test_bad_sets_are_refused(message, call):
    with pytest.raises(ValueError, match=message):
        call()


def test_other_things_are_no_sets():
    with pytest.raises(TypeError, match="neighbors must be None, a set such as"):
        mean(16)
    with pytest.raises(TypeError, match="csr must be a sparse matrix"):
        vc.Graph(np.eye(3), data="weight")
    with pytest.raises(TypeError, match="unsupported operand"):
        vc.KNearest(3) & 4
    with pytest.raises(TypeError, match="queries must be an array"):
        vc.local_mean(None, X, X)


def test_more_sets_are_refused():
    bad = csr_array((2, 5))
    bad.indptr = np.array([0, 200_000_000, 2], np.int32)
    bad.indices, bad.data = np.array([0, 1], np.int32), np.ones(2)
    with pytest.raises(ValueError, match="indptr"):
        vc.Graph(bad, data="pattern")
    signed = vc.Graph(csr_array(np.array([[1.0, -0.5], [-2.0, 1.0]])), data="weight")
    with pytest.raises(ValueError, match="tol must be 0"):
        vc.local_mean(None, None, np.ones(2), neighbors=signed, tol=0.5)
    large = vc.Graph(csr_array(np.full((1, 2), 1e300)), data="weight")
    with pytest.raises(ValueError, match="do not fit float32"):
        vc.local_mean(None, None, np.ones(2, np.float32), neighbors=large)
    assert vc.Window(np.inf, 0) == vc.Window(None, 0)
    with pytest.raises(ValueError, match="offset"):
        vc.Window(1, 0, offset=2**63 - 1)
    with pytest.raises(TypeError, match="radius must be a number"):
        vc.Radius("1")
    with pytest.raises(TypeError, match="shape must be"):
        vc.Grid(6, 1)
    assert vc.Grid((2, 3), np.array([1, 2])) == vc.Grid([2, 3], (1, 2))
