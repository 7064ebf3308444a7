"""Sampling by the denoiser of random rows: a local mean of few queries and many keys per step."""

from peers import TORCH_DIFFUSION, VICINAL_DIFFUSION
from problem_diffusion import random_rows
from race import Case, Claim, Entrant


def cases():
    problem = random_rows(60_000, 784, samples=64, steps=100)
    yield Case(
        "diffusion-random",
        "probability flow, 60,000 random keys of 784 features, 64 samples, 100 steps",
        [Entrant(contender, problem) for contender in (VICINAL_DIFFUSION, TORCH_DIFFUSION)],
        [Claim("vicinal", ("torch SDPA",), 1.2)],
        rounds=3,
    )
