"""Kernel objects: names, equality, pickles, and who gives bandwidth, metric and columns."""

from __future__ import annotations

import copy
import dataclasses
import functools
import pickle

import numpy as np
import pytest

import vicinal as vc

k = vc.kernels
NAMES = {
    ("gaussian", "normal"): k.Gaussian,
    ("laplace", "exponential"): k.Laplace,
    ("logistic",): k.Logistic,
    ("cauchy",): k.Cauchy,
    ("student_t",): lambda: k.StudentT(nu=3),
    ("rational_quadratic",): lambda: k.RationalQuadratic(alpha=1),
    ("matern",): lambda: k.Matern(nu=1.5),
    ("epanechnikov",): k.Epanechnikov,
    ("biweight", "quartic", "bisquare"): k.Biweight,
    ("triweight",): k.Triweight,
    ("tricube",): k.Tricube,
    ("triangular", "linear"): k.Triangular,
    ("cosine",): k.Cosine,
    ("uniform", "flat", "tophat", "boxcar"): k.Uniform,
    ("wendland_c2",): k.Wendland,
    ("inverse_distance", "shepard"): lambda: k.InverseDistance(power=2),
    ("constant",): k.Constant,
    ("softmax",): lambda: k.Softmax(softcap=None),
    ("von_mises_fisher",): k.VonMisesFisher,
    ("polynomial",): lambda: k.Polynomial(degree=2, offset=1, rectified=False),
    ("sigmoid",): lambda: k.Sigmoid(offset=0),
}
OBJECTS = [
    *(make() for make in NAMES.values()),
    k.AitchisonAitken(3, bandwidth=0.2),
    k.WangVanRyzin(bandwidth=0.1, columns=[1]),
    k.Gaussian(bandwidth=[1.0, 2.0], columns=[0, 1]),
    k.Laplace(metric=k.GreatCircle(unit="mi"), bandwidth=3.0),
    k.Cauchy(metric=k.Mahalanobis([[1.0, 0.5], [0.0, 2.0]])),
    k.Product(k.Gaussian(columns=[0]), k.Softmax(columns=[1])),
    k.Sum(k.Gaussian(bandwidth=1.0), k.Cauchy(bandwidth=2.0), coefficients=[1.0, 0.5]),
    k.Custom(np.negative, log=True),
]


@pytest.mark.parametrize("names", NAMES, ids=lambda names: names[0])
def test_a_name_is_the_default_object(names, rng):
    x = np.abs(rng.normal(size=(40, 2)))
    expected = vc.local_mean(x[:5], x, x, kernel=NAMES[names](), bandwidth=1.5)
    for name in names:
        got = vc.local_mean(x[:5], x, x, kernel=name, bandwidth=1.5)
        assert got.tobytes() == expected.tobytes()


@pytest.mark.parametrize("kernel", OBJECTS, ids=lambda kernel: type(kernel).__name__)
def test_frozen_compared_by_content_picklable(kernel):
    for twin in (pickle.loads(pickle.dumps(kernel)), copy.deepcopy(kernel), copy.copy(kernel)):
        assert twin == kernel
        assert hash(twin) == hash(kernel)
        assert repr(twin) == repr(kernel)
    assert type(kernel).__name__ in repr(kernel)
    field = dataclasses.fields(kernel)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(kernel, field, None)


def test_different_content_is_different():
    assert k.Gaussian(bandwidth=1.0) != k.Gaussian(bandwidth=2.0)
    assert k.Gaussian() != k.Laplace()
    assert k.StudentT(3) != k.StudentT(4)
    assert k.Gaussian(columns=[0]) != k.Gaussian(columns=[1])
    assert k.Product(k.Gaussian(), k.Laplace()) != k.Product(k.Laplace(), k.Gaussian())
    assert k.Mahalanobis(np.eye(2)) != k.Mahalanobis(2 * np.eye(2))


def test_a_kernel_owns_its_bandwidth_metric_and_columns(rng):
    x, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    own = k.Laplace(bandwidth=0.7, metric="manhattan", columns=[0, 2])
    expected = vc.local_mean(
        x[:, [0, 2]], x[:, [0, 2]], y, kernel="laplace", bandwidth=0.7, metric="manhattan"
    )
    assert vc.local_mean(x, x, y, kernel=own).tobytes() == expected.tobytes()
    filled = k.Laplace(columns=[0, -1])
    got = vc.local_mean(x, x, y, kernel=filled, bandwidth=0.7, metric="manhattan")
    assert got.tobytes() == expected.tobytes()


def test_arguments_fill_every_factor_that_left_them_open(rng):
    x, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    open_ = k.Product(k.Gaussian(columns=[0]), k.Laplace(columns=[1, 2], bandwidth=2.0))
    closed = k.Product(
        k.Gaussian(columns=[0], bandwidth=0.7), k.Laplace(columns=[1, 2], bandwidth=2.0)
    )
    got = vc.local_mean(x, x, y, kernel=open_, bandwidth=0.7)
    assert got.tobytes() == vc.local_mean(x, x, y, kernel=closed).tobytes()
    with pytest.raises(ValueError, match=r"bandwidth.*twice"):
        vc.local_mean(x, x, y, kernel=closed, bandwidth=0.7)


def test_nothing_given_is_bandwidth_one(rng):
    x = rng.normal(size=(50, 3))
    for name in ("gaussian", "softmax", "epanechnikov"):
        expected = vc.local_mean(x, x, x, kernel=name, bandwidth=1.0).tobytes()
        assert vc.local_mean(x, x, x, kernel=name).tobytes() == expected


def test_a_per_feature_bandwidth_follows_the_columns(rng):
    x, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    expected = vc.local_mean(x, x, y, bandwidth=[0.5, 1.0, 2.0])
    kernel = k.Product(k.Gaussian(columns=[0, 2]), k.Gaussian(columns=[1]))
    got = vc.local_mean(x, x, y, kernel=kernel, bandwidth=[0.5, 1.0, 2.0])
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)


def test_custom_kernels_pickle_through_their_function(rng):
    x = rng.normal(size=(50, 3))
    kernel = k.Custom(functools.partial(np.multiply, -1.5), log=True)
    again = pickle.loads(pickle.dumps(kernel))
    expected = vc.local_mean(x, x, x, kernel=kernel).tobytes()
    assert vc.local_mean(x, x, x, kernel=again).tobytes() == expected
    assert again == kernel  # though partial objects compare by identity
    assert hash(again) == hash(kernel)
    parts = [vc.LocalMeanAccumulator(x, kernel=one).update(x, x) for one in (kernel, again)]
    vc.partial.merge_all(parts)


def test_custom_kernels_are_compared_by_what_their_function_returns():
    def kernel(slope, **options):
        return k.Custom(lambda u: 1 - slope * u, support=0.5, **options)

    assert kernel(1.0) == kernel(1.0)
    assert kernel(1.0) != kernel(1.5)
    assert kernel(1.0) != kernel(1.0, breakpoints=[0.25])


@pytest.mark.parametrize(("unit", "radius"), {"km": 6371.0088, "m": 6371008.8}.items())
def test_great_circle_units(unit, radius):
    """A quarter of the equator, as a Laplace log-mass: −distance."""
    points = np.array([[0.0, 0.0], [0.0, 90.0]])
    got = vc.local_stats(
        points[:1], points[1:], kernel="laplace", metric=k.GreatCircle(unit), bandwidth=1000.0
    )
    assert abs(got.log_mass[0] + radius * np.pi / 2 / 1000) < 1e-9


def test_aitchison_aitken_has_no_name():
    with pytest.raises(ValueError, match="levels"):
        vc.local_mean(np.ones((3, 1)), np.ones((3, 1)), np.ones(3), kernel="aitchison_aitken")
