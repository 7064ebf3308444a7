"""Windows and block masks: the cost follows the pairs that are kept."""

import numpy as np
from peers import TORCH_ATTENTION, VICINAL_ATTENTION
from problem_attention import attention
from race import Case, Claim, Entrant

SHAPE = (1, 12, 4096)
IN_PROPORTION = 0.8  # of the pairs per second of a call that keeps all


def _case(name, title, whole, problem):
    ours = [
        Entrant(VICINAL_ATTENTION, problem),
        Entrant(VICINAL_ATTENTION, whole, "vicinal, all pairs"),
    ]
    return Case(
        f"rules-{name}",
        f"attention (1, 12, 4096, 64), {title}",
        [*ours, *(Entrant(c, problem) for c in TORCH_ATTENTION)],
        [
            Claim("vicinal", ("torch SDPA",), 10.0),
            Claim("vicinal", ("vicinal, all pairs",), IN_PROPORTION),
        ],
    )


def cases():
    whole = attention(*SHAPE, 64)
    window = attention(*SHAPE, 64, before=255, after=0)
    yield _case("window", "the 256 keys up to the query's own", whole, window)
    blocks = np.random.default_rng(1).random((64, 64)) < 0.1
    np.fill_diagonal(blocks, True)
    kept = f"{blocks.mean():.0%} of its blocks of 64"
    yield _case("blocks", kept, whole, attention(*SHAPE, 64, blocks=blocks))
