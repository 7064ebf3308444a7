"""Hostile input: whatever comes, an answer of the right shape or a ValueError or TypeError.

200 examples each; `--hypothesis-profile=nightly` runs 20,000.
"""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import vicinal as vc

KERNELS = (
    "gaussian",
    "laplace",
    "cauchy",
    "epanechnikov",
    "uniform",
    "cosine",
    "inverse_distance",
    "constant",
    "softmax",
    "von_mises_fisher",
    "polynomial",
    "sigmoid",
    "wang_van_ryzin",
    "rbf",
)
METRICS = (None, "euclidean", "manhattan", "chebyshev", "haversine", "dot", "cosine", "nonsense")
STATISTICS = ("mean", "log_mass", "ess", "count", "variance", "covariance", "self_weight", "top_k")

sizes = st.integers(0, 4)
kinds = st.sampled_from(["f4", "f8", "f2", "i4", "u1", "?", ">f8", "c8", "O", "U3"])
numbers = st.sampled_from(
    [0.0, -0.0, 1.0, -2.5, 1e-45, 5e-324, 1e30, 3e38, 1e308, np.nan, np.inf, -np.inf]
)
bandwidths = st.one_of(
    st.none(),
    st.sampled_from([0.0, -1.0, 1e-320, 1e-30, 0.5, 1.0, 1e30, 1e308, np.inf, np.nan]),
    st.lists(st.sampled_from([0.5, 1.0, 1e-30, np.inf, 0.0]), min_size=0, max_size=3),
)


def floats_of(shape):
    """Return arrays of hostile doubles."""
    return npst.arrays(np.float64, shape, elements=numbers)


@st.composite
def anything(draw):
    """Draw an array of any kind and up to four dimensions."""
    shape = tuple(draw(st.lists(sizes, max_size=4)))
    with np.errstate(all="ignore"):
        array = draw(floats_of(shape))
        array = np.nan_to_num(array) if draw(st.booleans()) else array
        kind = draw(kinds)
        if np.dtype(kind).kind in "iu?":
            array = np.clip(np.nan_to_num(array), 0, 100)
        return array.astype(kind)


def answer(function, *arrays, **given_options):
    """Return what the function returns, None where it refuses with a message."""
    try:
        return function(*arrays, **given_options)
    except (ValueError, TypeError) as error:
        if not str(error):
            raise
        return None


@given(anything(), anything(), anything(), st.sampled_from(KERNELS), bandwidths)
def test_any_arrays(q, x, y, kernel, bandwidth):
    got = answer(vc.local_mean, q, x, y, kernel=kernel, bandwidth=bandwidth)
    if got is not None:
        assert got.dtype in (np.float32, np.float64)
        expected = q.shape[-2:-1] if y.ndim < x.ndim else (q.shape[-2], y.shape[-1])
        assert got.shape[-len(expected) :] == expected


@st.composite
def options(draw, m, n):
    """Draw options of the right and of wrong shapes."""
    own = npst.arrays(np.int64, (m,), elements=st.integers(-3, 5))
    return {
        name: draw(strategy)
        for name, strategy in {
            "weights": st.one_of(st.none(), floats_of((n,)), floats_of((m,))),
            "log_weights": st.one_of(st.none(), floats_of((n,))),
            "bias": st.one_of(st.none(), floats_of((m, n)), floats_of((1, n)), floats_of((n, m))),
            "mask": st.one_of(st.none(), npst.arrays(bool, (m, n)), npst.arrays(bool, (m, 1))),
            "exclude_self": st.booleans(),
            "self_indices": st.one_of(st.none(), own),
            "empty": st.sampled_from(["nan", "zero", "nearest", "raise", 0.5, np.inf, "other"]),
            "metric": st.sampled_from(METRICS),
            "num_threads": st.sampled_from([None, 1, 3, -1, 0]),
            "k": st.sampled_from([1, 3, 100, 0]),
            "statistics": st.lists(st.sampled_from(STATISTICS), min_size=1, unique=True),
            "nan_policy": st.sampled_from(["propagate", "omit", "raise"]),
        }.items()
    }


@given(
    st.data(),
    st.integers(0, 8),
    st.integers(0, 9),
    st.integers(1, 3),
    st.sampled_from(["f4", "f8"]),
)
def test_hostile_numbers_and_options(data, m, n, d, dtype):
    """Rows of finite data that are answered lie between the extremes of the values."""
    with np.errstate(all="ignore"):
        q, x, y = (data.draw(floats_of(shape)).astype(dtype) for shape in ((m, d), (n, d), (n, 2)))
    kernel, given_options = data.draw(st.sampled_from(KERNELS)), data.draw(options(m, n))
    bandwidth = data.draw(bandwidths)
    got = answer(vc.local_stats, q, x, y, kernel=kernel, bandwidth=bandwidth, **given_options)
    if got is None:
        return
    for name in given_options["statistics"]:
        field = getattr(got, name)
        for part in field if isinstance(field, tuple) else (field,):
            assert part.shape[0] == m
    if got.count is not None:
        assert ((got.count >= 0) & (got.count <= n)).all()
    if got.top_k is not None:
        assert ((got.top_k[0] >= -1) & (got.top_k[0] < n)).all()
    positive = kernel not in ("polynomial", "sigmoid")
    if got.mean is not None and n and positive and np.isfinite(y).all():
        inside = ~np.isnan(got.mean) & (got.mean != 0) & (got.mean != 0.5) & ~np.isinf(got.mean)
        slack = 8 * np.spacing(np.abs(y).max())
        assert (got.mean[inside] >= (y.min() - slack)).all()
        assert (got.mean[inside] <= (y.max() + slack)).all()
