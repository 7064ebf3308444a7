"""
An embedding that takes new rows, and says what it keeps
========================================================

t-SNE gives coordinates of the rows that it was fitted to, and nothing else. Local means of those
pairs are an encoder and a decoder: new digits find their place, places become digits again, and
what is lost there and back tells good embeddings from others, good regions from bad ones, and
known data from unknown.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from vicinal.models import EmbeddingDistiller, LocallyLinearEmbedding
from vicinal.plotting import EmbeddingDisplay

order = np.random.default_rng(0).permutation(1797)
digits = load_digits()
X, labels = digits.data[order], digits.target[order]
known, new = slice(0, 1000), slice(1000, None)

# %%
# Which embedding returns most of rows that its maps have not seen? Every row is left out once.
candidates = {
    "t-SNE": TSNE(random_state=0, max_iter=500).fit_transform(X[known]),
    "PCA": PCA(2).fit_transform(X[known]),
    "LLE": LocallyLinearEmbedding(n_neighbors=30, method="ltsa").fit_transform(X[known]),
}
table = EmbeddingDistiller().compare(X[known], candidates, n_neighbors=[4, 8, 16, 32])
for name in candidates:
    row = table["embedding"].tolist().index(name)  # its best
    print(f"{name:5s} R² {table['score'][row]:.2f} with {table['n_neighbors'][row]} neighbors")

# %%
# The best one, distilled. New digits were kept from t-SNE as well as from the maps.
model = EmbeddingDistiller(n_neighbors=table["n_neighbors"][0])
model.fit(X[known], candidates["t-SNE"])
print(f"R² {model.score(X[new]):.2f} of 797 digits that nothing has seen")

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
EmbeddingDisplay.from_estimator(model, X[new], color=labels[new], color_label="digit", ax=left)
EmbeddingDisplay.from_estimator(model, ax=right)
left.set_title("New digits in the map of the known ones")
right.set_title("How much each known digit loses there and back")

# %%
# Drift is the rank of a row's loss among those of the known rows: even for digits like them, high
# for digits upside down.
upside_down = X[new][:, ::-1]
figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
bins = np.linspace(0, 1, 21)
for rows, name, style in ((X[new], "upright", "-"), (upside_down, "upside down", "--")):
    drift = model.drift(rows)
    left.hist(drift, bins, histtype="step", ls=style, lw=2, label=name)
    print(f"{name}: {(drift > 0.95).mean():.0%} of new digits above 0.95")
left.axhline(len(upside_down) / 20, color="0.5", ls=":", label="no drift")
left.set(xlabel="drift (share of known digits that lose less)", ylabel="new digits")
left.legend(loc="upper center")

back = model.inverse_transform(model.transform(X[new][:8]))
pictures = np.concatenate([X[new][:8], back]).reshape(2, 8, 8, 8)
framed = np.pad(pictures, ((0, 0), (0, 0), (2, 2), (2, 2)))
right.imshow(np.concatenate(np.concatenate(framed, axis=1), axis=1), cmap="gray_r")
right.set(title="New digits, and what comes back", xticks=[], yticks=[5.5, 17.5])
right.set_yticklabels(["new", "back"])
plt.show()
