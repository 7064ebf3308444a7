"""MiniLM: one sentence, many of mixed lengths (torch pads them), many of one length."""

import numpy as np
from peers import TORCH_ENCODER, VICINAL_ENCODER
from problem_encoder import sentences
from race import Case, Claim, Entrant

COUNT = 64


def _case(name, title, problem, at_least):
    return Case(
        f"encoder-{name}",
        f"MiniLM sentence encoder, {title}",
        [Entrant(c, problem) for c in (VICINAL_ENCODER, TORCH_ENCODER)],
        [Claim("vicinal", ("torch",), at_least, "rows")],
    )


def cases():
    lengths = np.random.default_rng(1).integers(8, 129, COUNT)
    yield _case("one", "one sentence of 12 tokens", sentences([12]), 1.2)
    yield _case("mixed", f"{COUNT} sentences of 8–128 tokens", sentences(lengths), 1.3)
    yield _case("equal", f"{COUNT} sentences of 64 tokens", sentences([64] * COUNT), 0.95)
