"""The display of an embedding: what is drawn where, colors, marks, bar and legend, refusals."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from lle_cases import swiss_roll
from matplotlib import pyplot
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError

import vicinal as vc
from vicinal.models import EmbeddingDistiller, LocallyLinearEmbedding
from vicinal.plotting import EmbeddingDisplay

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def roll():
    return swiss_roll(300)


@pytest.fixture(scope="module")
def model(roll):
    return EmbeddingDistiller().fit(*roll)


def bars(display):
    return [ax.get_ylabel() for ax in display.figure_.axes if ax is not display.ax_]


def drawn(artist):
    """Return the places of dots in the order of their numbers, and the numbers."""
    return np.asarray(artist.get_offsets()), np.asarray(artist.get_array())


def test_training_rows_in_the_color_of_their_distortion(model):
    display = EmbeddingDisplay.from_estimator(model, coordinates=(-1, 0))
    (dots,) = display.artists_
    places, numbers = drawn(dots)
    order = np.argsort(model.distortion_, kind="stable")
    np.testing.assert_array_equal(places, model.embedding_[order][:, [1, 0]])
    np.testing.assert_array_equal(numbers, model.distortion_[order])
    assert display.ax_.get_xlabel() == "coordinate 1"
    assert display.ax_.get_ylabel() == "coordinate 0"
    assert bars(display) == ["distortion (units of X)"]
    assert display.ax_.get_legend() is None
    display.figure_.canvas.draw()


def test_new_rows(model):
    fresh, _ = swiss_roll(40, seed=1)
    display = EmbeddingDisplay.from_estimator(model, fresh, s=3)
    places, numbers = drawn(display.artists_[0])
    order = np.argsort(model.distortion(fresh), kind="stable")
    np.testing.assert_array_equal(places, model.transform(fresh)[order])
    np.testing.assert_array_equal(numbers, model.distortion(fresh)[order])
    assert display.artists_[0].get_sizes() == 3


def test_numbers_that_are_given(model, roll):
    display = EmbeddingDisplay.from_estimator(model, color=roll[0][:, 1], color_label="height")
    np.testing.assert_array_equal(drawn(display.artists_[0])[1], np.sort(roll[0][:, 1]))
    assert bars(display) == ["height"]


@pytest.mark.parametrize("kind", [int, str, bool, object])
def test_classes_differ_in_marks_and_have_a_legend(model, kind):
    numbers = np.arange(300) % (2 if kind is bool else 12)
    classes = numbers.astype(str).astype(kind) if kind is object else numbers.astype(kind)
    display = EmbeddingDisplay.from_estimator(model, color=classes)
    names = np.unique(classes.astype(str) if kind is object else classes)
    legend = display.ax_.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [str(name) for name in names]
    assert legend.get_title().get_text() == "class"
    assert bars(display) == []
    looks = set()
    for name, dots in zip(names, display.artists_, strict=True):
        np.testing.assert_array_equal(dots.get_offsets(), model.embedding_[classes == name])
        looks.add(dots.get_paths()[0].vertices.tobytes())
    assert len(looks) == min(len(names), 10)
    display.figure_.canvas.draw()


@pytest.mark.parametrize("landmarks", [None, 120])
def test_locally_linear_embedding(roll, landmarks):
    lle = LocallyLinearEmbedding(n_neighbors=8, method="modified", landmarks=landmarks).fit(roll[0])
    display = EmbeddingDisplay.from_estimator(lle)
    chosen = np.arange(300) if landmarks is None else lle.landmarks_
    same = EmbeddingDistiller(n_neighbors=8, method="affine", reg=1e-3).fit(
        roll[0][chosen], lle.embedding_[chosen]
    )
    order = np.argsort(same.distortion_, kind="stable")
    places, numbers = drawn(display.artists_[0])
    np.testing.assert_array_equal(places, lle.embedding_[chosen][order])
    np.testing.assert_array_equal(numbers, same.distortion_[order])
    whole = EmbeddingDisplay.from_estimator(lle, color=roll[1][:, 0])
    assert len(whole.coordinates) == 300
    fresh, _ = swiss_roll(30, seed=2)
    new = EmbeddingDisplay.from_estimator(lle, fresh)
    np.testing.assert_array_equal(new.coordinates, lle.transform(fresh))


def test_distances_have_no_distortion_but_take_colors(roll):
    graph = vc.radius_neighbors(roll[0], roll[0], 12.0).to_csr()
    lle = LocallyLinearEmbedding(n_neighbors=8, metric="precomputed").fit(graph)
    with pytest.raises(ValueError, match="color must be given for metric='precomputed'"):
        EmbeddingDisplay.from_estimator(lle)
    assert len(EmbeddingDisplay.from_estimator(lle, color=roll[1][:, 0]).artists_) == 1


def test_on_given_axes(model):
    figure, axes = pyplot.subplots(1, 2)
    display = EmbeddingDisplay.from_estimator(model, ax=axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert display.plot(ax=axes[0]) is display
    assert display.ax_ is axes[0]


def test_what_does_not_fit_is_refused(model, roll):
    draw = EmbeddingDisplay.from_estimator
    with pytest.raises(TypeError, match="got PCA; EmbeddingDistiller"):
        draw(PCA(2).fit(roll[0]))
    with pytest.raises(NotFittedError):
        draw(EmbeddingDistiller())
    line = EmbeddingDistiller().fit(roll[0], roll[1][:, 0])
    with pytest.raises(ValueError, match="coordinates must be two columns out of 1, got"):
        draw(line)
    for color, message in (
        (np.ones(20), "one entry for each of the 300 rows drawn, got shape .20,."),
        (np.ones((300, 3)), "one entry for each of the 300 rows"),
        (np.arange(300).astype(str), "at most 20 classes, got 300"),
        (np.ones(300, complex), "numbers or classes, got complex128"),
    ):
        with pytest.raises(ValueError, match=message):
            draw(model, color=color)
    display = draw(model, color=np.arange(300))  # many whole numbers are numbers
    assert bars(display) == ["color"]
