"""Bilateral filters against the paper's formula; guides, masks, missing pixels, points."""

from __future__ import annotations

import image_formulas
import numpy as np
import pytest

from vicinal.models import Bilateral


@pytest.mark.parametrize("shape", [(30,), (12, 14), (5, 6, 7), (3, 4, 5, 4), (2, 3, 2, 3, 2)])
@pytest.mark.parametrize("channels", [1, 3])
def test_formula(rng, shape, channels):
    image = rng.random((*shape, channels))
    model = Bilateral(sigma_color=0.3, sigma_spatial=1.5, win_size=5)
    expected = image_formulas.bilateral(image, image, 2, 0.3, 1.5)
    assert np.abs(model.denoise(image, -1) - expected).max() <= 1e-13
    assert np.abs(model.denoise(image.astype("f4"), -1) - expected).max() <= 1e-5


def test_guide(rng):
    image, guide = rng.random((12, 14, 3)), rng.random((12, 14, 2))
    model = Bilateral(sigma_color=0.3, win_size=5)
    expected = image_formulas.bilateral(image, guide, 2, 0.3, 1.0)
    assert np.abs(model.denoise(image, -1, guide=guide) - expected).max() <= 1e-13
    gray = image_formulas.bilateral(image, guide[..., :1], 2, 0.3, 1.0)
    assert np.abs(model.denoise(image, -1, guide=guide[..., 0]) - gray).max() <= 1e-13
    with pytest.raises(ValueError, match=r"guide must have the image's pixels \(12, 14\)"):
        model.denoise(image, -1, guide=guide[1:])


def test_defaults_are_those_of_scikit_image(rng):
    image = rng.random((15, 15))
    said = Bilateral(sigma_color=image.std(), sigma_spatial=1, win_size=7)
    assert np.array_equal(Bilateral().denoise(image), said.denoise(image))
    assert Bilateral(sigma_spatial=0.5).radius == 2
    flat = np.full((9, 9), 0.1)
    assert np.abs(Bilateral().denoise(flat) - flat).max() <= 1e-16


def test_mask_and_missing_pixels(rng):
    image, model = rng.random((12, 14)), Bilateral(sigma_color=0.3, nan_policy="omit")
    mask = rng.random(image.shape) > 0.2
    got = model.denoise(image, mask=mask)
    assert np.array_equal(got[~mask], image[~mask])
    spoiled = image.copy()
    spoiled[~mask] = np.nan
    filled = model.denoise(spoiled)
    assert np.abs(filled[mask] - got[mask]).max() <= 1e-13
    p = tuple(np.argwhere(~mask)[5])
    near = [q for q in image_formulas.window_of(p, image.shape, 3) if mask[q]]
    w = np.exp([-((q[0] - p[0]) ** 2 + (q[1] - p[1]) ** 2) / 2 for q in near])
    assert abs(filled[p] - (w * [image[q] for q in near]).sum() / w.sum()) <= 1e-13
    with pytest.raises(ValueError, match="NaN or infinity"):
        Bilateral(nan_policy="raise").denoise(spoiled)
    one = image.copy()
    one[6, 6] = np.nan
    assert np.isnan(Bilateral(sigma_color=0.3).denoise(one)[4:9, 4:9]).all()


def test_points(rng):
    points, values = rng.uniform(size=(200, 2)), rng.normal(size=200)
    guide = rng.normal(size=(200, 2))
    model = Bilateral(sigma_color=0.7, sigma_spatial=0.1)
    for told, got in (
        (values[:, None], model.denoise_points(points, values)),
        (guide, model.denoise_points(points, values, guide=guide)),
    ):
        place = ((points[:, None] - points) ** 2).sum(axis=-1)
        w = np.exp(-place / 0.02 - ((told[:, None] - told) ** 2).sum(axis=-1) / (2 * 0.49))
        w[place > 0.09] = 0
        assert np.abs(got - w @ values / w.sum(axis=1)).max() <= 1e-12
    values[3] = np.nan
    filled = Bilateral(sigma_color=0.7, sigma_spatial=0.1, nan_policy="omit")
    assert np.isfinite(filled.denoise_points(points, values)).all()
    with pytest.raises(ValueError, match="one row per point"):
        model.denoise_points(points, values[1:])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_bits_of_any_number_of_threads(rng, dtype):
    image = rng.random((60, 50)).astype(dtype)
    assert len({Bilateral(n_jobs=n).denoise(image).tobytes() for n in (1, 2, 5)}) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"win_size": 0}, "win_size must be at least 1, got 0"),
        ({"sigma_color": 0.0}, "sigma_color must be positive"),
        ({"sigma_spatial": -1.0}, "sigma_spatial must be positive"),
        ({"sigma_spatial": np.inf}, "sigma_spatial is infinite; give win_size"),
        ({"nan_policy": "drop"}, "nan_policy must be one of"),
    ],
)
def test_refused_options(options, message):
    with pytest.raises(ValueError, match=message):
        Bilateral(**options)


@pytest.mark.parametrize("spoiled", [False, True])
def test_a_guide_of_double_precision_counts_in_full(rng, spoiled):
    image, guide = rng.random((9, 9)).astype("f4"), 1e6 + rng.random((9, 9))
    expected = image_formulas.bilateral(image[..., None], guide[..., None], 3, 0.3, 1.0)[..., 0]
    given = image.copy()
    if spoiled:  # out of sight of the pixels that are compared
        given[8, 8] = np.nan
    got = Bilateral(sigma_color=0.3, nan_policy="omit").denoise(given, guide=guide)
    assert got.dtype == np.float64
    assert np.abs(got - expected)[:5].max() <= 1e-9


@pytest.mark.parametrize("where", ["image", "guide", "both"])
def test_pixels_that_miss_in_the_image_or_the_guide_are_left_out(rng, where):
    image, guide = rng.random((9, 9)), rng.random((9, 9))
    used = np.ones((9, 9), bool)
    if where != "guide":
        image[4, 4], used[4, 4] = np.nan, False
    if where != "image":
        guide[2, 6], used[2, 6] = np.nan, False
    model = Bilateral(sigma_color=0.3, nan_policy="omit")
    got = model.denoise(image, guide=guide)
    expected = model.denoise(np.nan_to_num(image), guide=np.nan_to_num(guide), mask=used)
    assert np.abs(got - expected)[used].max() <= 1e-13
    assert np.isfinite(got).all()
