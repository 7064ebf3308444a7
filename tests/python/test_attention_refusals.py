"""What attention refuses: the message names the argument, what came, and the way out."""

from __future__ import annotations

import numpy as np
import pytest

import vicinal as vc

Q = np.zeros((2, 12, 5, 16), np.float32)
K = np.zeros((2, 4, 7, 16), np.float32)


def attend(queries=Q, keys=Q, values=Q, **options):
    return vc.attention(queries, keys, values, **options)


REFUSALS = {
    "heads that share keys": (
        lambda: attend(keys=K, values=K),
        ValueError,
        r"queries have 12 heads and keys have 4; reshape queries to \(\.\.\., 4, 3, m, d\)",
    ),
    "heads that do not divide": (
        lambda: attend(keys=K[:, :3].repeat(3, 1)[:, :5], values=K[:, :1]),
        ValueError,
        "queries have 12 heads and keys have 5; the number of heads of queries must be a multiple",
    ),
    "other features": (lambda: attend(keys=Q[..., :8]), ValueError, "queries have 16 features"),
    "no keys": (
        lambda: vc.attention(Q),
        TypeError,
        "keys must be an array, got None; only a cache=",
    ),
    "keys without values": (lambda: vc.attention(Q, Q), TypeError, "keys and values come together"),
    "a cache that is none": (
        lambda: attend(cache={}),
        TypeError,
        "cache must be a KeyCache, got dict",
    ),
    "a table of other heads": (
        lambda: attend(bias=vc.bias.Relative(np.zeros((3, 5)))),
        ValueError,
        r"table for heads of shape \(3,\)",
    ),
    "offsets that do not fit": (
        lambda: attend(query_offsets=[0, 4]),
        ValueError,
        r"query_offsets must begin with 0, never fall and end with 5, got \[0, 4\]",
    ),
    "a scale of 0": (
        lambda: attend(scale=0),
        ValueError,
        "scale must be positive and finite, got 0",
    ),
    "a scale per head": (
        lambda: attend(scale=np.ones(12)),
        TypeError,
        r"scale must be one number, got array.*PerQuery\(1 / scale\[:, None\]\)",
    ),
    "scale and bandwidth": (
        lambda: attend(scale=0.1, bandwidth=10.0),
        ValueError,
        "scale and bandwidth say the same",
    ),
    "scale of a kernel that has its own": (
        lambda: attend(scale=0.1, kernel=vc.kernels.Gaussian(bandwidth=1.0)),
        ValueError,
        "scale is given, but the kernel has its own bandwidth",
    ),
    "a softcap of a Gaussian": (
        lambda: attend(kernel="gaussian", softcap=3.0),
        ValueError,
        r"softcap limits the logits of the softmax kernel, got kernel=Gaussian\(\)",
    ),
    "two softcaps": (
        lambda: attend(kernel=vc.kernels.Softmax(softcap=2.0), softcap=3.0),
        ValueError,
        "softcap is given twice",
    ),
    "one number as window": (
        lambda: attend(window=255),
        TypeError,
        r"window must be \(before, after\), None = unbounded, or a Window, got 255",
    ),
    "flash attention's unbounded window": (
        lambda: attend(window=(-1, 0)),
        ValueError,
        r"before must be at least 0, or None \(unbounded\), got -1",
    ),
    "slopes of other heads": (
        lambda: attend(alibi_slopes=np.ones(8)),
        ValueError,
        r"slopes for heads of shape \(8,\) must broadcast to the leading dimensions \(2, 12\)",
    ),
    "slopes and a table": (
        lambda: attend(alibi_slopes=0.5, bias=vc.bias.Relative([1.0])),
        ValueError,
        "alibi_slopes go together with an array as bias only",
    ),
    "offsets that do not end with m": (
        lambda: attend(query_offsets=[0, 2]),
        ValueError,
        "query_offsets must begin with 0, never fall and end with 5",
    ),
    "offsets that fall": (lambda: attend(query_offsets=[0, 4, 2, 5]), ValueError, "never fall"),
    "offsets of other sequences": (
        lambda: attend(query_offsets=[0, 2, 5], key_offsets=[0, 5]),
        ValueError,
        "query_offsets and key_offsets must be of one length, got 3 and 2",
    ),
    "offsets of keys alone": (
        lambda: attend(key_offsets=[0, 5]),
        ValueError,
        "key_offsets need query_offsets",
    ),
    "offsets by halves": (
        lambda: attend(query_offsets=[0.0, 5.0]),
        ValueError,
        "query_offsets must be whole numbers in one dimension",
    ),
    "more nearest than keys": (
        lambda: attend(neighbors=vc.KNearest(6)),
        ValueError,
        r"k must be 1 to the number of keys \(5\), got 6",
    ),
    "a graph of weights": (
        lambda: attend(neighbors=vc.Graph.from_indices([[0]] * 5, 5, np.ones((5, 1)))),
        ValueError,
        "has distances in the place of products",
    ),
    "a mask of numbers": (lambda: attend(mask=np.ones((5, 5))), TypeError, "mask must be bool"),
    "slopes that are no numbers": (
        lambda: vc.bias.ALiBi([1.0, np.inf]),
        ValueError,
        r"slopes must be finite, got \[1, inf\]",
    ),
    "a table of even length": (
        lambda: vc.bias.Relative(np.zeros((2, 4))),
        ValueError,
        r"table must be \(\.\.\., 2 r \+ 1\), .* got shape \(2, 4\)",
    ),
    "a table of NaN": (lambda: vc.bias.Relative([np.nan]), ValueError, "table must hold numbers"),
    "an offset from somewhere": (
        lambda: vc.bias.ALiBi(1.0, offset="start"),
        ValueError,
        "offset must be a whole number or 'end', got 'start'",
    ),
    "slopes of no heads": (lambda: vc.bias.ALiBi.of_heads(0), ValueError, "n_heads must be"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name):
    call, error, message = REFUSALS[name]
    with pytest.raises(error, match=message):
        call()
