"""
Codes without training
======================

A lazy autoencoder keeps pairs of rows and codes; both ways are local means. Here the codes are two
principal components of digits, so that any place of the map can be decoded into a picture.
"""

# %%
# The digits 0, 1, 4 and 7.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from vicinal.models import LazyAutoencoder

digits = load_digits()
kept = np.isin(digits.target, [0, 1, 4, 7])
X, label = digits.data[kept], digits.target[kept]

# %%
# Bandwidths of both ways are chosen by rows that are left out, and the score is theirs. Codes of
# another embedding would go in as `fit(X, Z)`.
model = LazyAutoencoder().fit(X)
Z = model.embedding_
print(f"score of left-out rows {model.loo_score():.2f}")

# %%
# Left the map; right the decoder's pictures on a grid of places in it.
low, high = np.quantile(Z, [0.01, 0.99], axis=0)
across, up = np.meshgrid(np.linspace(low[0], high[0], 14), np.linspace(high[1], low[1], 14))
pictures = model.inverse_transform(np.column_stack([across.ravel(), up.ravel()]))
mosaic = pictures.reshape(14, 14, 8, 8).transpose(0, 2, 1, 3).reshape(112, 112)

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained")
for digit, mark in zip(np.unique(label), "o^sx", strict=True):
    left.scatter(*Z[label == digit].T, s=10, marker=mark, label=str(digit))
left.legend(title="digit")
left.set(title="codes of the rows", xlabel="first code", ylabel="second code")
left.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
right.imshow(mosaic, cmap="gray_r", extent=(low[0], high[0], low[1], high[1]), aspect="auto")
right.set(title="places, decoded", xlabel="first code", ylabel="second code")
plt.show()
