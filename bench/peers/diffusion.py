"""The probability flow of a denoiser: vicinal's, and torch's attention in the same loop.

torch's keys have the coordinate −‖x‖²/2 more, and are padded to a multiple of 16 once; a step
scales the queries alone by 1/σ².
"""

import numpy as np

from .contender import WHOLE, Contender, Missing

try:
    import torch
except ImportError:
    torch = None


def _vicinal(problem, threads):
    from vicinal.models import Denoiser

    model = Denoiser(float(problem.sigmas[-1]), n_jobs=threads).fit(problem.keys)
    return lambda: model.sample(sigmas=problem.sigmas, start=problem.start, solver="euler")


def _torch(problem, threads):
    if torch is None:
        raise Missing("pip install torch")
    torch.set_num_threads(threads)
    keys = torch.from_numpy(problem.keys)
    (n, d), width = keys.shape, -(-(keys.shape[1] + 1) // 16) * 16
    values = torch.zeros(1, 1, n, width)
    values[..., :d] = keys
    augmented = values.clone()
    augmented[..., d] = -keys.square().sum(1) / 2
    attention = torch.nn.functional.scaled_dot_product_attention

    def call():
        points = torch.zeros(1, 1, len(problem.start), width)
        points[..., :d] = torch.from_numpy(problem.start)
        with torch.inference_mode():
            for now, below in zip(problem.sigmas, problem.sigmas[1:], strict=False):
                points[..., d] = 1
                means = attention(points / now**2, augmented, values, scale=1.0)
                points = points + (1 - below / now) * (means - points)
        return np.asarray(points[0, 0, :, :d])

    return call


TORCH_DIFFUSION = Contender("torch SDPA", _torch, "torch SDPA", WHOLE)
VICINAL_DIFFUSION = Contender("vicinal", _vicinal, "vicinal", WHOLE)
