"""A small hierarchical local model of the digits, trained end to end (needs torch).

Two levels: an image moves towards the local mean of the images near it, a small residual network
bends the result, and the local mean of the labels of digits near there is the answer. The loss
leaves every digit out of its own answer, so its gradient reaches the network and both bandwidths
through the training set itself. Beside it, on three splits: k nearest neighbors, and a multilayer
perceptron of the same size.
"""

from __future__ import annotations

import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from torch import nn

from vicinal.models import Level
from vicinal.torch import HierarchicalLocalModel

OUT = Path("out")
WIDTH, STEPS, EVERY, SPLITS = 64, 60, 5, 3


class Residual(nn.Module):
    """z + network(z), at first z."""

    def __init__(self, columns):
        super().__init__()
        self.hidden, self.out = nn.Linear(columns, WIDTH), nn.Linear(WIDTH, columns)
        self.dropout = nn.Dropout(0.2)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, z):
        return z + self.out(self.dropout(torch.relu(self.hidden(z))))


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def trained(x, y, x_new, y_new):
    """Return the losses of all steps, and held-out accuracies at the start and every few steps."""
    levels = [Level(bandwidth=0.5, step=0.3, map=Residual(x.shape[1])), Level(bandwidth=0.5)]
    model = HierarchicalLocalModel(levels, x, nn.functional.one_hot(y).float())
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.005, weight_decay=0.01)
    losses, accuracies = [], [accuracy(model, x_new, y_new)]
    for step in range(1, STEPS + 1):
        model.train()
        optimizer.zero_grad()
        share_of_right = model()[torch.arange(len(y)), y]
        loss = -share_of_right.clamp_min(1e-6).log().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % EVERY == 0:
            accuracies.append(accuracy(model, x_new, y_new))
    return losses, accuracies


def baselines(x, y, x_new, y_new):
    """Return held-out accuracies of nearest neighbors and a perceptron."""
    neighbors = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3, 5]}, cv=5)
    perceptron = MLPClassifier((WIDTH, x.shape[1]), max_iter=1000, random_state=0)
    return [model.fit(x, y).score(x_new, y_new) for model in (neighbors, perceptron)]


def picture(losses, accuracies, others):
    """Draw loss and errors against the steps: each split, and their mean."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for one in losses:
        left.semilogy(one, "k-", lw=1)
    left.set(
        xlabel="step", ylabel="leave-one-out log loss (nats)", title="The loss falls (three splits)"
    )
    at = np.arange(0, STEPS + 1, EVERY)
    misread = 100 * (1 - np.mean(accuracies, axis=0))
    right.plot(at, misread, "k-", marker="o", label="hierarchical local model")
    names = ("k nearest neighbors", "perceptron of the same size")
    for name, score, style in zip(names, np.mean(others, axis=0), ("--", ":"), strict=True):
        right.axhline(100 * (1 - score), color="0.4", ls=style, lw=2, label=name)
    right.set(xlabel="step", ylabel="new digits misread (%)", ylim=(0, 4))
    right.set_title("Errors on new digits, mean of three splits")
    right.legend()
    OUT.mkdir(exist_ok=True)
    figure.savefig(OUT / "train_digits.png", dpi=120)


def main():
    digits = load_digits()
    pixels = (digits.data / 16).astype("float32")
    losses, accuracies, others, seconds = [], [], [], 0.0
    for split in range(SPLITS):
        torch.manual_seed(split)
        x, x_new, y, y_new = train_test_split(
            pixels, digits.target, test_size=0.3, random_state=split
        )
        start = time.perf_counter()
        loss, curve = trained(*map(torch.from_numpy, (x, y, x_new, y_new)))
        seconds += time.perf_counter() - start
        losses.append(loss)
        accuracies.append(curve)
        others.append(baselines(x, y, x_new, y_new))
    table = np.column_stack([[curve[0] for curve in accuracies], *np.transpose(others)])
    table = np.column_stack([table, [curve[-1] for curve in accuracies]])
    print(f"{'accuracy on 540 new digits':30s} split 1  split 2  split 3   mean")
    names = ("hierarchy before training", "k nearest neighbors", "perceptron, same size")
    for name, row in zip((*names, "hierarchy, trained end to end"), table.T, strict=True):
        print(f"{name:30s} " + "".join(f"{score:7.3f}  " for score in (*row, row.mean())))
    print(f"{STEPS} steps of {len(x)} digits: {seconds / SPLITS:.1f} s a split")
    assert all(loss[-1] < 0.1 * loss[0] for loss in losses)
    picture(losses, accuracies, others)


if __name__ == "__main__":
    main()
