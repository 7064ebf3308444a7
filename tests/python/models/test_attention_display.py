"""The picture of a head: its weights, its names, what marks the heaviest, what it refuses."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from scipy.sparse import csr_array
from sklearn.linear_model import LinearRegression

from vicinal.models import LocalAttention
from vicinal.plotting import AttentionDisplay

mpl.use("Agg")
WORDS = ["to", "be", "or", "not"]


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    pyplot.close("all")


def names(ticks):
    return [label.get_text() for label in ticks]


def test_a_head_of_a_layer(rng):
    q, k, v = rng.normal(size=(3, 6, 6))
    layer = LocalAttention(q, k, v, n_heads=2, causal=True)
    x = rng.normal(size=(4, 6))
    display = AttentionDisplay.from_estimator(layer, x, head=1, tokens=WORDS)
    expected = layer.head_weights(x, 1)
    np.testing.assert_array_equal(display.image_.get_array(), expected)
    assert names(display.ax_.get_xticklabels()) == WORDS
    assert names(display.ax_.get_yticklabels()) == WORDS
    assert display.ax_.get_xlabel() == "key (the token that answers)"
    assert display.ax_.get_ylabel() == "query (the token that asks)"
    assert display.ax_.get_title(loc="left") == "head 1"
    rings = display.heaviest_.get_offsets()
    np.testing.assert_array_equal(rings[:, 0], expected.argmax(1))
    assert [bar.get_ylabel() for bar in display.figure_.axes[1:]] == ["weight (share of the row)"]
    assert display.plot(ax=pyplot.subplots()[1], cmap="Greys") is display
    display.figure_.canvas.draw()


def test_many_tokens_are_counted_and_rows_without_keys_stay_empty(rng):
    weights = rng.random((41, 50))
    display = AttentionDisplay.from_arrays(weights, tokens=["a"] * 41)
    assert display.heaviest_ is None
    assert display.ax_.get_xlabel() == "number of the key (the token that answers)"
    sparse = AttentionDisplay.from_arrays(csr_array([[0.0, 0.0], [0.0, 1.0]]))
    np.testing.assert_array_equal(sparse.heaviest_.get_offsets(), [[1, 1]])
    sparse.figure_.canvas.draw()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: AttentionDisplay.from_estimator(LinearRegression(), np.eye(2)),
            TypeError,
            r"head_weights\(x, head\), .* got LinearRegression",
        ),
        (
            lambda: AttentionDisplay.from_arrays(np.ones((2, 2)), tokens=["a"]),
            ValueError,
            "tokens must be 2 names, got 1",
        ),
        (
            lambda: AttentionDisplay.from_arrays(np.ones((3, 2, 2))),
            ValueError,
            r"weights must be \(m, n\), one head of one sequence, got shape \(3, 2, 2\)",
        ),
        (
            lambda: AttentionDisplay.from_arrays(np.ones((0, 2))),
            ValueError,
            r"got shape \(0, 2\)",
        ),
    ],
)
def test_refusal(call, error, message):
    with pytest.raises(error, match=message):
        call()
