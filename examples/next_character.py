"""A next-character model: two levels of local means of characters (needs torch).

The text is the language reference that ships with Python for `help()` (pydoc_data.topics). Each
level averages what stood before a character, with softmax weights or with those of another kernel,
moves the character towards the mean and maps it: a small Transformer, a hierarchy of local models.
Lines to beat, on text that nothing was counted or trained on: how often characters follow one
another, and how often they follow pairs.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from pydoc_data.topics import topics

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from vicinal.torch import LocalAttention

OUT = Path("out")
WIDTH, HEADS, LEVELS, CONTEXT = 64, 4, 2, 96
BATCH, STEPS, EVERY = 16, 480, 40
KERNELS = ("softmax", "laplace")


class NextCharacter(nn.Module):
    """Characters → levels of (local mean of what came before, map) → the next one's logits."""

    def __init__(self, characters, kernel):
        super().__init__()
        self.embedding = nn.Embedding(characters, WIDTH)
        slopes = 4.0 ** torch.arange(1, 1 - HEADS, -1)  # nearer characters weigh more
        options = {"n_heads": HEADS, "kernel": kernel, "causal": True, "alibi_slopes": slopes}
        self.means = nn.ModuleList(LocalAttention(WIDTH, **options) for _ in range(LEVELS))
        self.maps = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(),
                nn.Linear(4 * WIDTH, WIDTH),
            )
            for _ in range(LEVELS)
        )  # fmt: skip
        self.logits = nn.Linear(WIDTH, characters)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(LEVELS + 1))

    def forward(self, text):
        z = self.embedding(text)
        for norm, mean, map_ in zip(self.norms, self.means, self.maps, strict=False):
            z = z + mean(norm(z))
            z = z + map_(z)
        return self.logits(self.norms[-1](z))


def windows(codes, starts):
    """Return characters and their followers, (len(starts), CONTEXT) each."""
    rows = codes[starts[:, None] + torch.arange(CONTEXT + 1)]
    return rows[:, :-1], rows[:, 1:]


def loss_of(model, batch):
    text, following = batch
    return cross_entropy(model(text).flatten(0, 1), following.flatten())


def trained(kernel, codes, new, characters):
    """Return the model, steps and the loss in bits on the new text at these steps."""
    torch.manual_seed(0)
    model = NextCharacter(characters, kernel)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS, 3e-4)
    held_out = windows(new, torch.arange(0, len(new) - CONTEXT - 1, CONTEXT)[:64])
    steps, bits = [], []
    for step in range(STEPS + 1):
        if step % EVERY == 0:
            with torch.no_grad():
                steps.append(step)
                bits.append(loss_of(model, held_out).item() / np.log(2))
        loss = loss_of(model, windows(codes, torch.randint(len(codes) - CONTEXT - 1, (BATCH,))))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model, steps, bits


def bits_of_counts(codes, new, characters, length):
    """Return bits per new character of a table of who follows `length` characters."""
    grams = np.lib.stride_tricks.sliding_window_view(codes.numpy(), length + 1)
    table = Counter(map(bytes, grams.astype(np.uint8)))
    before = Counter(map(bytes, grams[:, :-1].astype(np.uint8)))
    asked = np.lib.stride_tricks.sliding_window_view(new.numpy(), length + 1).astype(np.uint8)
    chance = [(table[bytes(g)] + 0.1) / (before[bytes(g[:-1])] + 0.1 * characters) for g in asked]
    return float(-np.log2(chance).mean())


def continued(model, text, alphabet, count):
    """Return what the model writes after a text."""
    torch.manual_seed(1)
    codes = [alphabet.index(letter) for letter in text]
    with torch.no_grad():
        for _ in range(count):
            logits = model(torch.tensor([codes[-CONTEXT:]]))[0, -1]
            codes.append(int(torch.multinomial((logits / 0.7).softmax(0), 1)))
    return "".join(alphabet[code] for code in codes[len(text) :])


def picture(curves, lines):
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for (kernel, (steps, bits)), style in zip(curves.items(), ("ko-", "k^--"), strict=True):
        axes.plot(steps, bits, style, mfc="w", label=f"local means, {kernel}")
    for (name, bits), style in zip(lines.items(), (":", "-."), strict=True):
        axes.axhline(bits, color="0.4", ls=style, lw=2, label=name)
    axes.set(
        xlabel=f"step, of {BATCH} × {CONTEXT} characters",
        ylabel="bits per character of new text",
        ylim=(2, None),
    )
    axes.set_title("Learning to write like the language reference")
    axes.legend()
    OUT.mkdir(exist_ok=True)
    figure.savefig(OUT / "next_character.png", dpi=120)


def main():
    text = "\n".join(topics[name] for name in sorted(topics))
    text = "".join(letter for letter in text if " " <= letter <= "~" or letter == "\n")
    alphabet = sorted(set(text))
    codes = torch.tensor([alphabet.index(letter) for letter in text])
    known, new = codes[: len(codes) * 9 // 10], codes[len(codes) * 9 // 10 :]
    print(f"{len(text)} characters of pydoc_data.topics, {len(alphabet)} different ones")
    lines = {
        f"counts after {name}": bits_of_counts(known, new[:20000], len(alphabet), length)
        for length, name in ((1, "a character"), (2, "a pair"))
    }
    for name, bits in lines.items():
        print(f"{name:28s} {bits:.2f} bits per new character")
    curves = {}
    for kernel in KERNELS:
        start = time.perf_counter()
        model, *curve = trained(kernel, known, new, len(alphabet))
        seconds = time.perf_counter() - start
        curves[kernel] = curve
        first, last = curve[1][0], curve[1][-1]
        print(f"local means, {kernel:11s} {first:.2f} → {last:.2f} bits, {seconds:.0f} s")
        assert last < lines["counts after a character"]
    print("after 'The class ' it writes:", repr(continued(model, "The class ", alphabet, 60)))
    picture(curves, lines)


if __name__ == "__main__":
    main()
