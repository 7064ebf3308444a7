"""Gradients against torch's autograd in float64; its float32 is the yardstick."""

import numpy as np
import pytest
import torch

import vicinal as vc
from gradient_cases import KERNELS, arrays


def dense(q, x, y, kernel, d):
    difference = q[:, None] - x[None]
    square = (difference * difference).sum(-1)
    logs = {
        "direct": lambda: -square / 2,
        "expanded": lambda: -(square.clip(min=1e-300).sqrt()),
        "dot": lambda: (q[:, None] * x[None]).sum(-1) / 4,
    }[kernel]()
    return torch.softmax(logs, -1) @ y


@pytest.mark.parametrize("kernel", ["direct", "expanded", "dot"])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_float32_against_autograd_in_float64(kernel, offset):
    options, d = KERNELS[kernel]
    if offset and kernel == "dot":
        return
    g, q, x, y = arrays(80, 700, d, 4)
    q, x, y = q + np.float32(offset), x + np.float32(offset), y + np.float32(offset / 100)
    exact, plain = (
        [torch.tensor(a, dtype=kind, requires_grad=True) for a in (q, x, y)]
        for kind in (torch.float64, torch.float32)
    )
    dense(*exact, kernel, d).backward(torch.tensor(g, dtype=torch.float64))
    dense(*plain, kernel, d).backward(torch.tensor(g))
    found = vc.local_mean_vjp(g, q, x, y, wrt=["queries", "keys", "values"], **options)
    for name, want, yardstick in zip(("queries", "keys", "values"), exact, plain, strict=True):
        want, yardstick = want.grad.numpy(), yardstick.grad.numpy()
        allowed = 3 * np.abs(yardstick - want).max() + 4 * np.spacing(
            np.float32(np.abs(want).max())
        )
        assert np.abs(getattr(found, name) - want).max() <= allowed, name
