"""torch's scaled_dot_product_attention, which is a Gaussian local mean in four disguises.

exp(−‖q − x‖²/2h²) is, up to a factor of the row, exp(q·x/h² − ‖x‖²/2h²): the second term enters as
one more coordinate of the key (padded to the next width, 8 or 16), or as a bias. torch's fused
kernel wants queries, keys and values equally wide. The best form of a run counts.
"""

import numpy as np

from .contender import Contender, Missing, Unsuited

try:
    import torch
except ImportError:
    torch = None


def _padded(array, width):
    pad = [(0, 0)] * (array.ndim - 1) + [(0, width - array.shape[-1])]
    padded = np.pad(array, pad)
    return torch.from_numpy(padded.reshape((1,) * (4 - array.ndim) + padded.shape))


def _timed(q, k, v, shape, scale, bias=None):
    def call():
        with torch.inference_mode():
            out = torch.nn.functional.scaled_dot_product_attention(
                q, k, v, attn_mask=bias, scale=scale
            )
        return out.numpy()[..., : shape[-1]].reshape(shape)

    return call


def _form(multiple):
    def prepare(problem, threads):
        if torch is None:
            raise Missing("pip install torch")
        torch.set_num_threads(threads)
        q, k, v, h = problem.queries, problem.keys, problem.values, problem.bandwidth
        shape = (*q.shape[:-1], problem.p)
        if problem.kernel == "softmax":
            if multiple is not None:
                raise Unsuited("softmax needs no disguise")
            width = max(problem.d, problem.p)
            return _timed(*(_padded(a, width) for a in (q, k, v)), shape, 1 / h)
        if problem.kernel != "gaussian":
            raise Unsuited("only Gaussian and softmax")
        square = problem.dtype.type(1 / h**2)
        k2 = -(k * k).sum(-1, keepdims=True) / 2 * square
        if multiple is None:
            width = max(problem.d, problem.p)
            bias = torch.from_numpy(np.ascontiguousarray(k2[..., 0])).reshape(1, 1, 1, -1)
            bias = bias.expand(1, 1, q.shape[-2], -1)
            return _timed(*(_padded(a, width) for a in (q, k * square, v)), shape, 1.0, bias)
        left = np.concatenate([q, np.ones_like(q[..., :1])], -1)
        right = np.concatenate([k * square, k2], -1)
        width = -(-max(problem.d + 1, problem.p) // multiple) * multiple
        return _timed(*(_padded(a, width) for a in (left, right, v)), shape, 1.0)

    return prepare


_FORMS = {"": None, " (d + 1)": 1, " (of 8)": 8, " (of 16)": 16}
SDPA = [Contender(f"torch SDPA{name}", _form(form), "torch SDPA") for name, form in _FORMS.items()]
