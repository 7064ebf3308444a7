"""Non-local means against the paper's formula, the local mean of patches, and its own promises."""

from __future__ import annotations

import pickle

import image_formulas
import numpy as np
import pytest

import vicinal as vc
from vicinal.models import NonLocalMeans, estimate_sigma

SHAPES = [(40,), (11, 13), (4, 5, 6), (1, 30), (70, 4)]


@pytest.mark.parametrize("patch", ["box", "gaussian"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("channels", [1, 3])
def test_formula(rng, shape, patch, channels):
    image = rng.random((*shape, channels))
    settings = {"h": 0.3, "sigma": 0.2}
    model = NonLocalMeans(patch_size=3, patch_distance=2, patch=patch, **settings)
    expected = image_formulas.non_local_means(image, 3, 2, 0.3, 0.2, patch)
    got = model.denoise(image, channel_axis=-1)
    assert np.abs(got - expected).max() <= 1e-13
    assert np.abs(model.denoise(image.astype("f4"), -1) - expected).max() <= 1e-5


@pytest.mark.parametrize("size", [1, 4, 5, 7, 9])
def test_patch_sizes(rng, size):
    image = rng.random((8, 9, 1))
    for patch in ("box", "gaussian") if size > 1 else ("box",):
        got = NonLocalMeans(patch_size=size, patch_distance=30, h=0.2, patch=patch).denoise(
            image[..., 0]
        )
        odd = size + 1 - size % 2
        expected = image_formulas.non_local_means(image, odd, 30, 0.2, patch=patch)[..., 0]
        assert np.abs(got - expected).max() <= 1e-13


@pytest.mark.parametrize(("shape", "size", "reach"), [((80, 12), 5, 4), ((20, 2200), 3, 8)])
def test_is_a_local_mean_of_patches(rng, shape, size, reach):
    image, h = rng.random(shape), 0.4
    padded = np.pad(image, size // 2, mode="reflect")
    patches = np.lib.stride_tricks.sliding_window_view(padded, (size, size)).reshape(-1, size**2)
    expected = vc.local_mean(
        patches,
        patches,
        image.ravel(),
        bandwidth=size * h / np.sqrt(2),
        neighbors=vc.Grid(image.shape, reach),
    )
    got = NonLocalMeans(patch_size=size, patch_distance=reach, h=h).denoise(image)
    assert np.abs(got.ravel() - expected).max() <= 1e-13


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_bits_of_any_number_of_threads(rng, dtype):
    image = rng.random((300, 20, 2)).astype(dtype)
    image[5, 3] = np.nan
    for policy in ("propagate", "omit"):
        results = {
            NonLocalMeans(h=0.3, n_jobs=n, nan_policy=policy).denoise(image, -1).tobytes()
            for n in (1, 2, 3, 7)
        }
        assert len(results) == 1


def test_channel_axis_and_strides(rng):
    image = rng.random((9, 3, 11))
    model = NonLocalMeans(patch_size=3, patch_distance=3)
    expected = model.denoise(np.moveaxis(image, 1, -1), channel_axis=-1)
    assert np.array_equal(model.denoise(image, channel_axis=1), np.moveaxis(expected, -1, 1))
    strided = np.repeat(image[:, 0], 2, axis=1)[:, ::2]
    assert np.array_equal(model.denoise(strided), model.denoise(image[:, 0].copy()))
    assert model.denoise(image[:, 0].astype("f4")).dtype == np.float32
    assert model.denoise(np.eye(5, dtype=np.uint8)).dtype == np.float64


def test_mask(rng):
    image, mask = rng.random((14, 16, 2)), rng.random((14, 16)) > 0.3
    expected = image_formulas.non_local_means(image, 5, 4, 0.3, used=mask)
    model = NonLocalMeans(patch_size=5, patch_distance=4, h=0.3)
    assert np.abs(model.denoise(image, -1, mask=mask) - expected).max() <= 1e-13
    spoiled = np.where(mask[..., None], image, np.nan)
    got = model.denoise(spoiled, -1, mask=mask)
    assert np.array_equal(got[mask], model.denoise(image, -1, mask=mask)[mask])
    assert np.isnan(got[~mask]).all()


def test_missing_pixels_are_filled_from_their_patches(rng):
    image = rng.random((14, 16, 1))
    image[3:5, 6:9] = np.nan
    image[0, 0] = np.inf
    used = np.isfinite(image[..., 0])
    expected = image_formulas.non_local_means(image, 5, 4, 0.3, used=used, filled=True)
    model = NonLocalMeans(patch_size=5, patch_distance=4, h=0.3, nan_policy="omit")
    got = model.denoise(image, channel_axis=2)
    assert np.isfinite(got).all()
    assert np.abs(got - expected).max() <= 1e-13


def test_nothing_to_fill_from(rng):
    image = rng.random((20, 20))
    image[:9, :9] = np.nan
    model = NonLocalMeans(patch_size=3, patch_distance=2, nan_policy="omit")
    with pytest.warns(vc.LocalizationWarning, match="enlarge patch_distance") as caught:
        got = model.denoise(image)
    assert caught[0].filename == __file__
    assert np.isnan(got[:5, :5]).all()
    assert np.isfinite(got[9:, 9:]).all()


def test_nan_spoils_what_meets_it_and_nothing_else(rng):
    image = rng.random((40, 40))
    spoiled = image.copy()
    spoiled[20, 20] = np.nan
    model = NonLocalMeans(patch_size=3, patch_distance=4)
    got, clean = model.denoise(spoiled), model.denoise(image)
    met = np.zeros(image.shape, bool)
    met[15:26, 15:26] = True  # patch_distance and one patch radius away
    assert np.isnan(got[met]).all()
    assert np.array_equal(got[~met], clean[~met])
    with pytest.raises(ValueError, match="NaN or infinity in 1 pixels; nan_policy='omit'"):
        NonLocalMeans(nan_policy="raise").denoise(spoiled)


def test_limits(rng):
    image = rng.random((11, 13))
    assert np.array_equal(NonLocalMeans(h=1e-200).denoise(image), image)
    assert np.array_equal(NonLocalMeans(h=1e-30).denoise(image.astype("f4")), image.astype("f4"))
    assert np.array_equal(NonLocalMeans(patch_distance=0).denoise(image), image)
    flat = np.full((30, 30), 12345.678, dtype="f4")
    assert np.array_equal(NonLocalMeans().denoise(flat), flat)
    mean = NonLocalMeans(h=np.inf, patch_distance=50).denoise(image)
    assert np.abs(mean - image.mean()).max() <= 1e-14
    assert NonLocalMeans().denoise(np.empty((0, 4))).shape == (0, 4)
    assert np.array_equal(NonLocalMeans().denoise([3.0]), [3.0])


def test_patches_without_a_pixel_in_common_tell_nothing(rng):
    image, mask = rng.random((3, 9)), np.zeros((3, 9), bool)
    mask[1, [1, 6]] = True
    model = NonLocalMeans(patch_size=3, patch_distance=9, h=np.inf)
    expected = np.where(mask, image[mask].mean(), image)
    assert np.abs(model.denoise(image, mask=mask) - expected).max() <= 1e-15


def test_large_offset(rng):
    image = rng.random((30, 30)).round(3)
    model = NonLocalMeans(patch_size=3, patch_distance=3, h=0.3)
    shifted = np.float32(4096) + (image * 256).astype("f4").round() / 256
    base = (shifted - np.float32(4096)).astype("f4")
    assert np.abs((model.denoise(shifted) - 4096) - model.denoise(base)).max() <= 2.5e-4  # ulp / 2


def test_sigma_and_h(rng):
    image = rng.normal(scale=0.1, size=(200, 200)) + np.linspace(0, 3, 200)
    sigma = estimate_sigma(image)
    assert abs(sigma - 0.1) <= 0.002
    by_rule = NonLocalMeans(sigma="estimate", h=None, patch_distance=3).denoise(image)
    said = NonLocalMeans(sigma=sigma, h=0.8 * sigma, patch_distance=3).denoise(image)
    assert np.array_equal(by_rule, said)
    colors = rng.normal(scale=[0.1, 0.3], size=(300, 200, 2))
    assert abs(estimate_sigma(colors, -1) - np.sqrt(0.05)) <= 0.005
    stack = rng.normal(scale=0.1, size=(20, 19, 18, 17))
    assert abs(estimate_sigma(stack) - 0.1) <= 0.002
    assert estimate_sigma([[1.0]]) == 0
    assert estimate_sigma(np.full((4, 4), np.nan)) == 0
    with pytest.raises(ValueError, match="h=None is a share of sigma, which is 0"):
        NonLocalMeans(h=None).denoise(image)


def test_points(rng):
    points = rng.uniform(size=(400, 3))
    clean = (points[:, 0] > 0.5) * 1.0
    values = clean + rng.normal(scale=0.2, size=400)
    model = NonLocalMeans(h=0.2)
    got = model.denoise_points(points, values, n_neighbors=30, patch_neighbors=10)
    assert np.std(got - clean) < np.std(values - clean)
    near = np.argsort(((points[:, None] - points) ** 2).sum(axis=-1), axis=1)
    around = values[near[:, :10]]
    told = np.column_stack([around.mean(axis=1), around.std(axis=1)])
    for i in range(0, 400, 37):
        q = near[i, :30]
        w = np.exp(-((told[q] - told[i]) ** 2).mean(axis=1) / 0.2**2)
        assert abs(got[i] - (w * values[q]).sum() / w.sum()) <= 1e-12
    given = model.denoise_points(points, values, features=told, n_neighbors=30)
    assert np.abs(given - got).max() <= 1e-12
    assert model.denoise_points(points[:5], np.eye(5)[:, :2]).shape == (5, 2)
    assert model.denoise_points(points[:0], values[:0]).shape == (0,)
    values[7] = np.nan
    filled = NonLocalMeans(h=0.2, nan_policy="omit").denoise_points(points, values)
    assert np.isfinite(filled).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch_size": 0}, "patch_size must be at least 1, got 0"),
        ({"patch_distance": -1}, "patch_distance must be at least 0, got -1"),
        ({"h": 0.0}, "h must be positive, in units of the image, got 0.0"),
        ({"h": np.nan}, "h must be positive"),
        ({"sigma": -1.0}, "sigma must be finite and at least 0, got -1.0"),
        ({"sigma": "guess"}, "sigma must be a number or 'estimate'"),
        ({"patch": "disk"}, "patch must be 'box' or 'gaussian', got 'disk'"),
        ({"nan_policy": "drop"}, "nan_policy must be one of"),
    ],
)
def test_refused_options(options, message):
    with pytest.raises(ValueError, match=message):
        NonLocalMeans(**options)


def test_refused_images(rng):
    image, model = rng.random((5, 6)), NonLocalMeans()
    for call, message in (
        (lambda: model.denoise(1.0), "at least one axis besides its channels"),
        (lambda: model.denoise(np.ones((2, 2, 2, 2))), "besides its channels, got 4"),
        (lambda: model.denoise(image, 2), "channel_axis must be an axis of image, got 2"),
        (lambda: model.denoise(image, mask=np.ones((5, 5), bool)), r"image's shape \(5, 6\)"),
        (lambda: model.denoise_points(image, image[0]), "points must be"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match="mask must be boolean"):
        model.denoise(image, mask=np.ones((5, 6)))
    with pytest.raises(TypeError, match="complex"):
        model.denoise(image * 1j)


def test_progress_pickle_and_bar(rng):
    seen = []
    model = NonLocalMeans(patch_distance=3)
    model.denoise(rng.random((50, 50)), progress=seen.append)
    assert seen[-1] == 1.0
    assert pickle.loads(pickle.dumps(model)) == model
