"""Keys in a memory-mapped file larger than you want in memory, streamed through an accumulator."""

import tempfile
from pathlib import Path

import numpy as np

import vicinal as vc

ROWS, BLOCK = 2_000_000, 250_000
rng = np.random.default_rng(3)
queries = rng.normal(size=(20, 3)).astype("float32")

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "keys.dat"
    writer = np.memmap(path, dtype="float32", mode="w+", shape=(ROWS, 4))
    for start in range(0, ROWS, BLOCK):
        block = rng.normal(size=(BLOCK, 4)).astype("float32")
        block[:, 3] = block[:, :3].sum(axis=1)
        writer[start : start + BLOCK] = block
    writer.flush()

    table = np.memmap(path, dtype="float32", mode="r", shape=(ROWS, 4))
    accumulator = vc.LocalMeanAccumulator(
        queries, statistics=("mean", "ess"), kernel="gaussian", bandwidth=0.1
    )
    for start in range(0, ROWS, BLOCK):
        block = table[start : start + BLOCK]
        accumulator.update(block[:, :3], block[:, 3:])
    streamed = accumulator.result()
    at_once = vc.local_mean(queries, table[:, :3], table[:, 3:], kernel="gaussian", bandwidth=0.1)
    del writer, table, block

np.testing.assert_allclose(streamed.mean, at_once, rtol=1e-5, atol=1e-5)
for query, mean, ess in zip(queries[:5], streamed.mean[:5], streamed.ess[:5], strict=True):
    print(f"query {np.round(query, 2)}  mean {mean[0]:+.3f}  from {ess:,.0f} effective keys")
