"""Few queries against 100,000 keys, d = p = 64: retrieval, one token of a language model."""

from peers import NUMPY, SDPA, TORCH_MATMUL, VICINAL
from problem import normal
from race import Case, Claim, Entrant

# (m, values = keys): target, and torch SDPA in 10⁹ pairs/s where it is known
TARGETS = {
    (1, False): (1.3, None),
    (1, True): (1.6, 0.083),
    (16, False): (2.0, 0.34),
    (1000, False): (1.3, 0.95),
}


def _case(kernel, m, same, at_least, figure):
    problem = normal(100_000, 64, 64, m=m, same=same, kernel=kernel)
    note = ", values = keys" if same else ""
    return Case(
        f"few-{kernel}-m{m}{'-same' if same else ''}",
        f"{kernel}, {m} quer{'y' if m == 1 else 'ies'}, n = 100,000, d = p = 64{note}",
        [Entrant(c, problem) for c in (VICINAL, *SDPA, TORCH_MATMUL, NUMPY)],
        [Claim("vicinal", ("torch SDPA", "torch matmul", "numpy"), at_least)],
        {"torch SDPA": figure} if figure else {},
        rounds=21,
    )


def cases():
    for (m, same), (at_least, figure) in TARGETS.items():
        yield _case("softmax", m, same, at_least, figure)
    yield _case("gaussian", 1, False, 1.3, None)
    yield _case("gaussian", 16, False, 2.0, None)
