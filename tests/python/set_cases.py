"""Sets of neighbors over 300 queries and keys, and their pairs by the formula."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

import vicinal as vc

M = N = 300


def distances(q: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the Euclidean distances of all pairs, in float64."""
    return np.sqrt(((q[:, None].astype(float) - x[None].astype(float)) ** 2).sum(-1))


def k_nearest(d: np.ndarray, candidates: np.ndarray, k: int) -> np.ndarray:
    """Return the k nearest candidates of every row, ties by key."""
    used = np.zeros_like(candidates)
    order = np.argsort(np.where(candidates, d, np.inf), axis=1, kind="stable")[:, :k]
    np.put_along_axis(used, order, np.take_along_axis(candidates, order, 1), axis=1)
    return used


def dense_mean(used: np.ndarray, d: np.ndarray, y: np.ndarray, h: float) -> np.ndarray:
    w = np.where(used, np.exp(-0.5 * (d / h) ** 2), 0)
    with np.errstate(invalid="ignore"):
        return (w @ y) / w.sum(1)[:, None]


ROWS, COLUMNS = np.arange(M)[:, None], np.arange(N)[None]
BLOCKS = np.random.default_rng(3).random((-(-M // 7), -(-N // 7))) < 0.4
EDGES = np.random.default_rng(4).random((M, N)) < 0.05
IMAGE = (5, 6, 10)
PIXELS = np.stack(np.unravel_index(np.arange(N), IMAGE), 1)
ALL = np.ones((M, N), bool)


def window(before: float, after: float, offset: int = 0) -> np.ndarray:
    return (ROWS + offset - before <= COLUMNS) & (ROWS + offset + after >= COLUMNS)


SETS = {
    "window": (vc.Window(5, 3), lambda d, c: window(5, 3)),
    "causal": (vc.Window(None, 0), lambda d, c: window(np.inf, 0)),
    "window with offset": (vc.Window(0, 10, offset=-4), lambda d, c: window(0, 10, -4)),
    "blocks": (
        vc.BlockMask(BLOCKS, block=7),
        lambda d, c: BLOCKS[np.ix_(np.arange(M) // 7, np.arange(N) // 7)],
    ),
    "segments": (
        vc.Segments([0, 10, 10, 280, M], [0, 3, 20, 100, N]),
        lambda d, c: (
            np.searchsorted([10, 280, M], ROWS, "right")
            == np.array([0, 9, 1, 2])[np.searchsorted([3, 20, 100, N], COLUMNS, "right")]
        ),
    ),
    "radius": (vc.Radius(0.7), lambda d, c: d <= 0.7),
    "nearest": (vc.KNearest(7), lambda d, c: k_nearest(d, c, 7)),
    "grid": (
        vc.Grid(IMAGE, (1, 2, 0)),
        lambda d, c: (np.abs(PIXELS[:, None] - PIXELS[None]) <= [1, 2, 0]).all(-1),
    ),
    "graph": (vc.Graph(csr_array(EDGES), data="pattern"), lambda d, c: EDGES),
    "nearest within a radius": (
        vc.KNearest(7) & vc.Radius(0.3),
        lambda d, c: k_nearest(d, c & (d <= 0.3), 7),
    ),
    "nearest in a window": (
        vc.Window(20, 20) & vc.KNearest(4),
        lambda d, c: k_nearest(d, c & window(20, 20), 4),
    ),
    "nearest of a graph": (
        vc.Graph(csr_array(EDGES), data="pattern") & vc.KNearest(3) & vc.Radius(2.0),
        lambda d, c: k_nearest(d, c & EDGES & (d <= 2), 3),
    ),
    "causal radius": (vc.Radius(1.0) & vc.Window(None, 0), lambda d, c: (d <= 1) & (window(M, 0))),
    "window or graph": (
        vc.Window(2, 2) | vc.Graph(csr_array(EDGES), data="pattern"),
        lambda d, c: window(2, 2) | EDGES,
    ),
    "nearest or radius": (
        vc.KNearest(5) | vc.Radius(0.2),
        lambda d, c: k_nearest(d, c, 5) | (d <= 0.2),
    ),
    "cut of a union": (
        (vc.KNearest(5) | vc.Grid(IMAGE, 1)) & vc.Radius(1.5),
        lambda d, c: (
            k_nearest(d, c & (d <= 1.5), 5)
            | ((np.abs(PIXELS[:, None] - PIXELS[None]) <= 1).all(-1) & (d <= 1.5))
        ),
    ),
    "two nearest": (vc.KNearest(9) & vc.KNearest(4), lambda d, c: k_nearest(d, c, 4)),
    "union of unions": (
        (vc.Radius(0.1) | vc.Window(1, 0)) | (vc.BlockMask(BLOCKS, 7) & vc.Radius(0.5)),
        lambda d, c: (
            (d <= 0.1)
            | window(1, 0)
            | (BLOCKS[np.ix_(np.arange(M) // 7, np.arange(N) // 7)] & (d <= 0.5))
        ),
    ),
}


LISTED, LIST_LENGTH = 400, 12


def random_lists(rng: np.random.Generator) -> tuple[vc.Graph, np.ndarray]:
    """Return 12 keys at random for each of 400 rows, as a pattern and as a mask."""
    indices = np.stack([rng.choice(LISTED, LIST_LENGTH, replace=False) for _ in range(LISTED)])
    used = np.zeros((LISTED, LISTED), bool)
    np.put_along_axis(used, indices, True, 1)
    return vc.Graph.from_indices(indices, LISTED), used
