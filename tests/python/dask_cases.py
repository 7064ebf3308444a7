"""Dask arrays in chunks, and what one process gets that does the same by hand."""

from __future__ import annotations

import dask.array as da
import numpy as np

import vicinal as vc

M, N, D, P = 37, 300, 3, 2
ROWS, COLUMNS = (20, 10, 7), (100, 50, 90, 60)  # chunks of queries and of keys


def chunked(q, x, y, rows=ROWS, columns=COLUMNS):
    """Return dask arrays of two-dimensional queries, keys and values."""
    return (
        da.from_array(q, (rows, -1)),
        da.from_array(x, (columns, -1)),
        da.from_array(y, (columns, *(-1,) * (y.ndim - 1))),
    )


def pieces(chunks):
    ends = np.cumsum(chunks)
    return [slice(end - size, end) for end, size in zip(ends, chunks, strict=True)]


def by_hand(q, x, y, rows, columns, weights=None, mask=None, bias=None, own=None, **options):
    """Return what one process gets that accumulates and merges the same pieces."""
    means = []
    for i in pieces(rows):
        parts = []
        for j in pieces(columns):
            part = vc.LocalMeanAccumulator(
                None if q is None else q[i],
                query_offset=i.start,
                self_indices=None if own is None else own[i],
                **options,
            )
            part.update(
                None if x is None else x[j],
                y[j],
                key_offset=j.start,
                weights=None if weights is None else weights[j],
                mask=None if mask is None else mask[i, j],
                bias=None if bias is None else bias[i, j],
            )
            parts.append(part)
        means.append(vc.partial.merge_all(parts).result().mean)
    return np.concatenate(means)
