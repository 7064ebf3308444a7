"""Bad arguments: the error names the argument, what came, and what to do."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

import vicinal as vc

X = np.arange(12.0).reshape(6, 2)
Y = np.arange(6.0)


class Device:
    """What a tensor on another device looks like through DLPack."""

    requires_grad = False

    def __dlpack_device__(self):
        return 2, 0

    def __dlpack__(self, **_):
        raise BufferError("on a GPU")


REFUSED = [
    (ValueError, r"queries.*x\[:, None\].*x\[None\]", lambda: vc.local_mean(Y, X, Y)),
    (ValueError, r"keys.*x\[:, None\].*x\[None\]", lambda: vc.local_mean(X, Y, Y)),
    (ValueError, r"queries.*3.*keys.*2", lambda: vc.local_mean(np.ones((4, 3)), X, Y)),
    (ValueError, r"values.*6.*5", lambda: vc.local_mean(X, X, Y[:5])),
    (ValueError, r"queries.*features|feature", lambda: vc.local_mean(X[:, :0], X[:, :0], Y)),
    (ValueError, r"weights.*log_weights", lambda: vc.local_mean(X, X, Y, weights=Y, log_weights=Y)),
    (ValueError, r"weights.*6.*4", lambda: vc.local_mean(X, X, Y, weights=Y[:4])),
    (ValueError, r"log_weights.*6.*4", lambda: vc.local_mean(X, X, Y, log_weights=Y[:4])),
    (ValueError, r"mask.*\(2, 6\)", lambda: vc.local_mean(X, X, Y, mask=np.ones((2, 6), bool))),
    (ValueError, r"bias.*\(2, 6\)", lambda: vc.local_mean(X, X, Y, bias=np.ones((2, 6)))),
    (TypeError, r"mask.*bool", lambda: vc.local_mean(X, X, Y, mask=np.ones((6, 6)))),
    (TypeError, r"queries.*complex", lambda: vc.local_mean(X + 1j, X, Y)),
    (TypeError, r"values.*complex", lambda: vc.local_mean(X, X, Y + 1j)),
    (TypeError, r"keys.*object", lambda: vc.local_mean(X, X.astype(object), Y)),
    (TypeError, r"keys.*(str|<U)", lambda: vc.local_mean(X, X.astype(str), Y)),
    (TypeError, r"values.*object", lambda: vc.local_mean(X, X, np.array(list("abcdef"), object))),
    (TypeError, r"keys.*sparse", lambda: vc.local_mean(X, scipy.sparse.csr_array(X), Y)),
    (TypeError, r"queries.*\.cpu\(\)", lambda: vc.local_mean(Device(), X, Y)),
    (
        TypeError,
        r"values.*mask=",
        lambda: vc.local_mean(X, X, np.ma.masked_equal(Y, 3.0)),
    ),
    (ValueError, r"kernel.*gaussian.*gausian", lambda: vc.local_mean(X, X, Y, kernel="gausian")),
    (ValueError, r"rbf.*2γ|rbf.*gamma", lambda: vc.local_mean(X, X, Y, kernel="rbf")),
    (ValueError, r"metric.*euclid", lambda: vc.local_mean(X, X, Y, metric="euclid")),
    (ValueError, r"empty.*zeros", lambda: vc.local_mean(X, X, Y, empty="zeros")),
    (ValueError, r"self_indices", lambda: vc.local_mean(X[:3], X, Y, exclude_self=True)),
    (
        ValueError,
        r"self_indices.*6|self_indices.*range",
        lambda: vc.local_mean(X[:1], X, Y, exclude_self=True, self_indices=[6]),
    ),
    (ValueError, r"statistics.*means", lambda: vc.local_stats(X, X, Y, statistics=("means",))),
    (ValueError, r"mean.*values", lambda: vc.local_stats(X, X, statistics=("mean",))),
    (ValueError, r"\bk\b", lambda: vc.local_stats(X, X, statistics="top_k", k=0)),
    (ValueError, r"num_threads", lambda: vc.local_mean(X, X, Y, num_threads=0)),
    (ValueError, r"num_threads|\bn\b", lambda: vc.set_num_threads(0)),
    (
        ValueError,
        r"bandwidth.*(twice|both|already)",
        lambda: vc.local_mean(X, X, Y, kernel=vc.kernels.Gaussian(bandwidth=1.0), bandwidth=2.0),
    ),
    (
        ValueError,
        r"metric.*(twice|both|already)",
        lambda: vc.local_mean(
            X, X, Y, kernel=vc.kernels.Gaussian(metric="chebyshev"), metric="manhattan"
        ),
    ),
    (ValueError, r"metric", lambda: vc.local_mean(X, X, Y, kernel="softmax", metric="manhattan")),
    (ValueError, r"haversine.*2", lambda: vc.local_mean(X[:, :1], X[:, :1], Y, metric="haversine")),
    (ValueError, r"nu", lambda: vc.kernels.Matern(nu=1.0)),
    (ValueError, r"nu", lambda: vc.kernels.StudentT(nu=-1.0)),
    (ValueError, r"alpha", lambda: vc.kernels.RationalQuadratic(alpha=0.0)),
    (ValueError, r"power", lambda: vc.kernels.InverseDistance(power=0.0)),
    (ValueError, r"levels", lambda: vc.kernels.AitchisonAitken(1)),
    (ValueError, r"degree", lambda: vc.kernels.Polynomial(degree=-1)),
    (ValueError, r"softcap", lambda: vc.kernels.Softmax(softcap=-1.0)),
    (
        ValueError,
        r"columns",
        lambda: vc.local_mean(X, X, Y, kernel=vc.kernels.Gaussian(columns=[2])),
    ),
    (
        ValueError,
        r"components.*3.*2|components.*2.*3",
        lambda: vc.local_mean(X, X, Y, metric=vc.kernels.Mahalanobis(np.eye(3))),
    ),
    (
        ValueError,
        r"coefficients",
        lambda: vc.kernels.Sum(vc.kernels.Gaussian(), coefficients=[1, 2]),
    ),
    (ValueError, r"out.*shape", lambda: vc.local_mean(X, X, Y, out=np.empty(5))),
    (ValueError, r"out.*float32", lambda: vc.local_mean(X, X, Y, out=np.empty(6, np.float32))),
    (ValueError, r"out.*contiguous", lambda: vc.local_mean(X, X, X, out=np.empty((2, 6)).T)),
    (ValueError, r"out.*overlap", lambda: vc.local_mean(X, X, X, out=X)),
]


@pytest.mark.parametrize(("kind", "message", "call"), REFUSED, ids=[m for _, m, _ in REFUSED])
def test_message_names_the_argument(kind, message, call):
    with pytest.raises(kind, match=f"(?s){message}"):
        call()


@pytest.mark.parametrize("later", ["query_offsets", "degree"])
def test_arguments_of_later_parts_are_absent(later):
    with pytest.raises(TypeError, match=later):
        vc.local_mean(X, X, Y, **{later: None})


def test_an_exception_in_a_bias_is_the_callers(rng):
    x = rng.normal(size=(3000, 2))

    def bias(rows, cols):
        raise LookupError("not here")

    with pytest.raises(LookupError, match="not here"):
        vc.local_mean(x, x, x, bias=bias)
    assert vc.local_mean(x[:2], x, x).shape == (2, 2)


@pytest.mark.parametrize(
    "wrong", [lambda r, c: np.zeros(3), lambda r, c: "text", lambda r, c: None]
)
def test_a_bias_of_the_wrong_shape_or_type(wrong, rng):
    x = rng.normal(size=(30, 2))
    with pytest.raises((TypeError, ValueError), match="bias"):
        vc.local_mean(x, x, x, bias=wrong)


def test_empty_arrays():
    none = np.zeros((0, 2))
    assert vc.local_mean(none, X, Y).shape == (0,)
    assert vc.local_mean(none, X, X).shape == (0, 2)
    got = vc.local_stats(X, none, np.zeros((0, 3)))
    assert got.mean.shape == (6, 3)
    assert np.isnan(got.mean).all()
    assert got.empty_rows == 6
    assert (got.log_mass == -np.inf).all()
    assert (vc.local_mean(X, none, np.zeros(0), empty=1.5) == 1.5).all()
    assert vc.local_weights(X, none).shape == (6, 0)
    assert vc.local_mean(np.zeros((0, 4, 2)), np.zeros((0, 5, 2)), np.zeros((0, 5, 3))).shape == (
        0,
        4,
        3,
    )
