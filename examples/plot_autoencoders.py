"""
Digits through ten numbers, level by level
==========================================

The codes are ten principal components. The decoder adds up local means of what the coarser levels
leave; on rows of the fit each level comes nearer, on left-out rows the gain ends.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from vicinal.models import HierarchicalAutoencoder

digits = load_digits().data
fitted, held_out = digits[:900], digits[900:]
embedding = PCA(10, svd_solver="full").fit(fitted)
model = HierarchicalAutoencoder(bandwidth=(20.0, 20.0), n_levels=4)
model.fit(fitted, embedding.transform(fitted))
codes = embedding.transform(held_out)
levels = np.arange(1, 5)


def error(rows, codes, level):
    """Return the root mean square of what the decoder misses."""
    return np.sqrt(np.mean((rows - model.inverse_transform(codes, level)) ** 2))


figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
rows = [3, 17, 58]
pictures = [held_out[rows], *(model.inverse_transform(codes[rows], level) for level in levels)]
framed = [np.pad(part.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1))) for part in pictures]
left.imshow(np.concatenate([np.concatenate(part) for part in framed], axis=1), cmap="gray_r")
left.set_xticks(10 * np.arange(5) + 4.5, ["digit", *(f"{level} lev." for level in levels)])
left.set(yticks=[], title="held-out digits, decoded")
ours = [error(fitted, model.embedding_, level) for level in levels]
theirs = [error(held_out, codes, level) for level in levels]
plain = np.sqrt(np.mean((held_out - embedding.inverse_transform(codes)) ** 2))
right.plot(levels, ours, "o-", label="rows of the fit")
right.plot(levels, theirs, "s--", label="held-out rows")
right.axhline(plain, color="0.4", linestyle=":", label="held-out rows, linear decoder")
right.set(
    xlabel="levels added up", ylabel="error (gray levels of 16)", xticks=levels, ylim=(0, None)
)
right.legend()
plt.show()
