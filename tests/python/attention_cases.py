"""Attention written plainly: logits, which pairs count, softmax; for tests only."""

from __future__ import annotations

import numpy as np

import vicinal as vc


def plain_attention(q, k, v, *, scale=None, bias=None, used=None, softcap=None):
    """Return (out, log_mass) in the dtype of the arrays; a row that sees no key is 0 and −inf."""
    logits = (q @ k.swapaxes(-1, -2)) * q.dtype.type(
        q.shape[-1] ** -0.5 if scale is None else scale
    )
    if softcap is not None:
        logits = softcap * np.tanh(logits / softcap)
    if bias is not None:
        logits = logits + np.asarray(bias, q.dtype)
    return masked_mean(logits, v, used)


def masked_mean(logits, v, used=None):
    """Return (out, log_mass) of log-weights, those not `used` left out."""
    if used is not None:
        logits = np.where(used, logits, -np.inf)
    peak = logits.max(-1, keepdims=True)
    peak = np.where(np.isneginf(peak), 0, peak)
    with np.errstate(divide="ignore", invalid="ignore"):
        w = np.exp(logits - peak)
        mass = w.sum(-1, keepdims=True)
        out = np.where(mass > 0, (w @ v) / mass, 0)
        return out, (np.log(mass) + peak)[..., 0]


def window(m, n, before, after, offset=0):
    """Return which of m × n pairs lie in a window of positions."""
    difference = np.arange(n) - (np.arange(m)[:, None] + offset)
    low = -np.inf if before is None else -before
    high = np.inf if after is None else after
    return (difference >= low) & (difference <= high)


def alibi(slopes, m, n, offset=0):
    """Return −slope |difference of positions|, (..., m, n)."""
    distance = np.abs(np.arange(n) - (np.arange(m)[:, None] + offset))
    return -np.asarray(slopes, float)[..., None, None] * distance


def heads(rng, dtype, *, lead=(2, 3), m=37, n=37, d=16, p=8):
    """Return queries, keys and values."""
    sizes = ((m, d), (n, d), (n, p))
    return tuple(rng.normal(size=(*lead, *size)).astype(dtype) for size in sizes)


# name -> (options of vicinal.attention, options of `plain_attention`), for 3 heads of 37 × 37
SLOPES = np.array([0.5, 0.1, 0.02])
TABLE = np.sin(np.arange(3 * 9.0)).reshape(3, 9)
_rng = np.random.default_rng(5)
MASK = _rng.random((2, 1, 37, 37)) < 0.6
MASK[..., 5, :] = False
KEY_MASK = _rng.random((2, 1, 1, 37)) < 0.7
BIAS = _rng.normal(size=(3, 37, 37))
BLOCKS = _rng.random((5, 5)) < 0.5
_CUTS = np.clip(np.arange(37) - np.arange(37)[:, None], -4, 4) + 4
_IN_BLOCKS = np.kron(BLOCKS, np.ones((8, 8), bool))[:37, :37]
OPTIONS = {
    "all": ({}, {}),
    "scale": ({"scale": 0.7}, {"scale": 0.7}),
    "causal": ({"causal": True}, {"used": window(37, 37, None, 0)}),
    "window": ({"window": (5, 2)}, {"used": window(37, 37, 5, 2)}),
    "causal window": ({"window": (5, 9), "causal": True}, {"used": window(37, 37, 5, 0)}),
    "window at an offset": (
        {"window": vc.Window(None, 0, offset=-3)},
        {"used": window(37, 37, None, 0, -3)},
    ),
    "alibi": ({"alibi_slopes": SLOPES}, {"bias": alibi(SLOPES, 37, 37)}),
    "causal alibi": (
        {"alibi_slopes": SLOPES, "causal": True},
        {"bias": alibi(SLOPES, 37, 37), "used": window(37, 37, None, 0)},
    ),
    "alibi and bias": (
        {"alibi_slopes": SLOPES, "bias": BIAS},
        {"bias": alibi(SLOPES, 37, 37) + BIAS},
    ),
    "table": ({"bias": vc.bias.Relative(TABLE)}, {"bias": TABLE[:, _CUTS]}),
    "softcap": ({"softcap": 1.5}, {"softcap": 1.5}),
    "bias": ({"bias": BIAS}, {"bias": BIAS}),
    "bias of keys": ({"bias": BIAS[:, :1]}, {"bias": BIAS[:, :1]}),
    "function": (
        {"bias": lambda i, j: 0.1 * (i[:, None] - j)},
        {"bias": 0.1 * (np.arange(37)[:, None] - np.arange(37))},
    ),
    "mask": ({"mask": MASK}, {"used": MASK}),
    "mask of keys": ({"mask": KEY_MASK}, {"used": KEY_MASK}),
    "blocks": ({"neighbors": vc.BlockMask(BLOCKS, 8)}, {"used": _IN_BLOCKS}),
    "everything": (
        {"alibi_slopes": SLOPES, "bias": BIAS, "mask": MASK, "window": (20, 3), "softcap": 4.0},
        {
            "bias": alibi(SLOPES, 37, 37) + BIAS,
            "used": MASK & window(37, 37, 20, 3),
            "softcap": 4.0,
        },
    ),
}
