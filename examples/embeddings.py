"""Locally linear embedding of handwritten digits and of 100,000 points of a swiss roll.

Rows that no fit has seen go into the embedding and back: the share of their variance that is lost
on the way says what the coordinates keep. Trustworthiness (Venna & Kaski, 2001) falls where the
embedding makes neighbors of rows that are none.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from cost import measured
from sklearn.datasets import load_digits, make_swiss_roll
from sklearn.manifold import LocallyLinearEmbedding as ScikitEmbedding
from sklearn.manifold import trustworthiness
from sklearn.model_selection import train_test_split

from vicinal.models import LocallyLinearEmbedding

OUT = Path("out")
SAMPLE, NEIGHBORS = 2000, 10  # rows whose neighbors are compared, and how many of them


def lost(rows, back):
    """Return the share of the variance of `rows` that `back` does not have."""
    return np.square(rows - back).sum() / np.square(rows - rows.mean(axis=0)).sum()


def fitted(name, model, train, test):
    """Fit a model, print its line of the table, and return it."""
    _, cost = measured(lambda: model.fit(train))
    some = np.random.default_rng(0).permutation(len(train))[:SAMPLE]
    trust = trustworthiness(train[some], model.embedding_[some], n_neighbors=NEIGHBORS)
    share = "no way back"
    if hasattr(model, "inverse_transform"):
        share = f"{lost(test, model.inverse_transform(model.transform(test))):.2g}"
    print(f"  {name:<46}{trust:>8.3f}{share:>14}   {cost}")
    return model


def heading(title):
    print(f"{title}\n  {'':<46}{'trust':>8}{'lost':>14}   time and memory of fit")


def in_deviations(coordinates):
    """Return the coordinates in standard deviations about their mean."""
    return (coordinates - coordinates.mean(axis=0)) / coordinates.std(axis=0)


def draw_roll(path, test, placed, back, along):
    """Show held-out points, their embedding and what comes back, shaded along the roll."""
    figure = plt.figure(figsize=(12, 4.2), layout="constrained")
    style = {"c": along, "cmap": "cividis", "s": 3}
    before, after = (figure.add_subplot(1, 3, i, projection="3d") for i in (1, 3))
    plane = figure.add_subplot(1, 3, 2)
    before.scatter(*test.T, **style)
    dots = plane.scatter(*in_deviations(placed).T, **style)
    after.scatter(*back.T, **style)
    titles = {before: f"{len(test):,} new points", after: "back from the plane"}
    for ax, title in titles.items():
        ax.set(title=title, xlabel="x", ylabel="y", zlabel="z")
        ax.set_yticks([0, 10, 20])
        ax.view_init(8, -65)
        ax.set_box_aspect(None, zoom=0.8)
    plane.set(title="their embedding")
    plane.set(xlabel="first (standard deviations)", ylabel="second (standard deviations)")
    figure.colorbar(dots, ax=plane, label="place along the roll (radians)")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def unroll(path, count=100_000, new=5000):
    """Embed a swiss roll, print what it costs and keeps, and draw the way there and back."""
    rows, along = make_swiss_roll(count + new, random_state=0)
    train, test, along = rows[:count], rows[count:], along[count:]
    heading(f"Locally linear embedding of {count:,} points of a swiss roll; {new:,} held out")
    model = LocallyLinearEmbedding(n_neighbors=12, n_components=2, method="modified")
    fitted("vicinal, modified, k = 12, 3 → 2", model, train, test)
    placed = model.transform(test)
    draw_roll(path, test, placed, model.inverse_transform(placed), along)


def draw_digits(path, plane, labels, test, back):
    """Show the digits at their places in the plane, and some held-out ones before and after."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5.4), layout="constrained")
    spread = in_deviations(plane)
    for digit in range(10):
        dots = {"marker": f"${digit}$", "s": 22, "lw": 0.2, "color": plt.cm.tab10(digit)}
        left.scatter(*spread[labels == digit].T, **dots)
    left.set(title="two coordinates of the digits; every mark is a digit")
    left.set(xlabel="first (standard deviations)", ylabel="second (standard deviations)")
    count, side = 10, 8
    rows = [before_after for pair in zip(test, back, strict=True) for before_after in pair]
    tiles = np.reshape(rows[: 2 * count * 4], (4, count, 2, side, side))
    sheet = np.pad(tiles, [(0, 0)] * 3 + [(1, 1)] * 2, constant_values=0.5)
    sheet = sheet.transpose(0, 2, 3, 1, 4).reshape(8 * (side + 2), count * (side + 2))
    right.imshow(sheet, cmap="Greys", vmin=0, vmax=1)
    heights = (np.arange(8) + 0.5) * (side + 2)
    right.set_yticks(heights, ["held out", "back"] * 4)
    right.set(title="held-out digits, and back from ten coordinates", xticks=[])
    figure.savefig(path, dpi=120)
    plt.close(figure)


def embed_digits(path):
    """Embed the digits in two and ten dimensions, beside scikit-learn, and draw them."""
    X, y = load_digits(return_X_y=True)
    train, test, labels, _ = train_test_split(X / 16, y, test_size=1 / 3, random_state=0)
    heading(f"Locally linear embedding of {len(train):,} digits; {len(test):,} held out")
    models = {}
    for method, k, d in (("modified", 30, 2), ("standard", 80, 10)):
        options = {"n_neighbors": k, "n_components": d, "method": method}
        for name, model in (
            ("scikit-learn", ScikitEmbedding(**options)),
            ("vicinal", LocallyLinearEmbedding(**options)),
        ):
            models[d] = fitted(f"{name}, {method}, k = {k}, 64 → {d}", model, train, test)
    back = models[10].inverse_transform(models[10].transform(test))
    draw_digits(path, models[2].embedding_, labels, test, back)


def main():
    OUT.mkdir(exist_ok=True)
    embed_digits(OUT / "digits.png")
    unroll(OUT / "swiss_roll.png")


if __name__ == "__main__":
    main()
