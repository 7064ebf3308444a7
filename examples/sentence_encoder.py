"""A Transformer of local means on real weights: sentences, their cosines, and heads cut short.

Every head of a level is a local mean of a sentence's tokens. Cut to the k heaviest keys it moves by
at most the mass left out times the range of the values, column by column: what each head errs, and
how much of that bound, stands in out/sentence_encoder.png. Needs the packages of minilm.py.
"""

from __future__ import annotations

import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from minilm import encoder, token_ids

import vicinal as vc

OUT = Path("out")
TEXTS = [
    "The weather is lovely today.",
    "It's so sunny outside!",
    "He drove to the stadium.",
    "The match was watched by a large crowd.",
    "A kernel weighs the points near a query.",
    "Nearby observations count more in the average.",
]
LONG = (
    "A local mean weighs the values of all keys by how near they are to a query; attention is such "
    "a mean, whose kernel is the exponential of a dot product, and so a Transformer is nothing but "
    "a hierarchy of local models, each level of which averages what the level below has made of "
    "the words of a sentence, head by head."
)
CUTS = (1, 2, 4, 8, 16, 32)
MARKERS = "osv^DP"


def cosines(model):
    """Encode the sentences; print what they have in common."""
    ids = token_ids(TEXTS)
    model.encode(ids)
    started = time.perf_counter()
    vectors = model.encode(ids)
    seconds = time.perf_counter() - started
    print(f"{model}\n{len(ids)} sentences in {1e3 * seconds:.1f} ms; cosines:\n")
    for text, row in zip(TEXTS, vectors @ vectors.T, strict=True):
        print(f"  {text:<48}" + "".join(f"{cosine:>8.4f}" for cosine in row))
    gaussian = model.encode(ids, attention="gaussian")
    apart = np.abs(gaussian - vectors).max()
    print(f"\nas Gaussians with prior weights of the keys: the same to {apart:.0e}")
    for k in CUTS[1:4]:
        cut = model.encode(ids, neighbors=vc.KNearest(k))
        print(
            f"every head cut to {k} keys: cosine to the whole at least {cosine(cut, vectors):.4f}"
        )


def cosine(a, b):
    """Return the least cosine of two rows."""
    return float((a * b).sum(axis=1).min())


def errors(model, ids):
    """Return the error of every level, head and cut, and its bound, both over the values' range.

    (cuts, levels, heads): the largest of all tokens and columns.
    """
    shape = len(CUTS), model.n_levels, model.n_heads
    measured, bounds = np.zeros(shape), np.zeros(shape)
    for level in range(model.n_levels):
        q, k, v = (array.astype(float) for array in model.heads(ids, level))
        options = {"kernel": "softmax", "bandwidth": np.sqrt(q.shape[-1])}
        options["statistics"] = ["mean", "log_mass"]
        whole = vc.local_stats(q, k, v, **options)
        width = np.ptp(v, axis=1)[:, None]
        for i, count in enumerate(CUTS):
            cut = vc.local_stats(q, k, v, neighbors=vc.KNearest(count), **options)
            left_out = -np.expm1(cut.log_mass - whole.log_mass)
            measured[i, level] = (np.abs(cut.mean - whole.mean) / width).max(axis=(1, 2))
            bounds[i, level] = left_out.max(axis=1)
    assert np.all(measured <= bounds + 1e-12)
    return measured, bounds


def draw(measured, bounds, tokens, path):
    """Show the error of every head at one cut, and all heads against their bound."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
    shown = CUTS.index(8)
    image = axes[0].imshow(measured[shown], cmap="magma_r", vmin=0, aspect="auto")
    figure.colorbar(image, ax=axes[0], label="error / range of the values")
    axes[0].set(
        title=f"Each head cut to {CUTS[shown]} of {tokens} keys", xlabel="head", ylabel="level"
    )
    axes[0].set_yticks(range(measured.shape[1]), range(1, measured.shape[1] + 1))
    axes[0].set_xticks(range(measured.shape[2]), range(1, measured.shape[2] + 1))
    colors = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(CUTS)))
    for i, count in enumerate(CUTS):
        axes[1].plot(
            bounds[i].ravel(),
            measured[i].ravel(),
            MARKERS[i],
            ms=3.5,
            color=colors[i],
            label=f"k = {count}",
        )
    ends = [min(bounds.min(), measured.min()), 1]
    axes[1].plot(ends, ends, color="0.4", linewidth=1, label="the bound")
    axes[1].set(
        title="Every head keeps its bound",
        xlabel="mass left out (largest of the tokens)",
        ylabel="error / range of the values",
        xscale="log",
        yscale="log",
    )
    axes[1].legend(fontsize=8)
    for level in range(measured.shape[1]):
        median = np.median(measured[:, level], axis=1)
        style = {"marker": MARKERS[level % 6], "linestyle": ("-", "--", ":")[level % 3]}
        axes[2].plot(CUTS, median, **style, color="0.2", mfc="w", label=f"level {level + 1}")
    axes[2].set(
        title="Median head of each level",
        xlabel="keys kept",
        ylabel="error / range of the values",
        xscale="log",
        yscale="log",
    )
    axes[2].set_xticks(CUTS, CUTS)
    axes[2].legend(fontsize=8)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    model = encoder()
    cosines(model)
    ids = token_ids([LONG])[0]
    measured, bounds = errors(model, ids)
    path = OUT / "sentence_encoder.png"
    draw(measured, bounds, len(ids), path)
    print(f"\nA sentence of {len(ids)} tokens, largest error of a head over the values' range:")
    for count, error, bound in zip(CUTS, measured, bounds, strict=True):
        print(
            f"  k = {count:<3} {error.max():.3f} (median {np.median(error):.3f}), bound "
            f"{bound.max():.3f} (median {np.median(bound):.3f})"
        )
    print(f"written to {path}")


if __name__ == "__main__":
    main()
