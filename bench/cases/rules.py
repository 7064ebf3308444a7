"""Fuzzy inference: a full grid of 15,552 rules over six inputs, by three T-norms, and Mamdani's."""

from peers import SIMPFUL_RULES, SKFUZZY_RULES, VICINAL_MAMDANI, VICINAL_RULES
from problem_rules import OUTPUT_TERMS, grid_of_mamdani_rules, grid_of_rules
from race import Case, Claim, Entrant, Limit

ROWS = 100_000
ROWS_OF_PEERS = 64  # of which they do what they can in ten seconds


def cases():
    for norm in ("product", "min", "lukasiewicz"):
        problem = grid_of_rules(ROWS, norm)
        peers = () if norm == "lukasiewicz" else (SKFUZZY_RULES, SIMPFUL_RULES)
        yield Case(
            f"fuzzy-{norm}",
            f"Takagi–Sugeno, {len(problem.table):,} rules × {problem.d} inputs, {ROWS:,} rows, "
            f"T-norm {norm}",
            [
                Entrant(VICINAL_RULES, problem),
                *(Entrant(peer, problem.first(ROWS_OF_PEERS / ROWS)) for peer in peers),
            ],
            [Claim("vicinal", (peer.family,), 10_000) for peer in peers],
            limits=[Limit("vicinal", 1.5)],
        )
    problem = grid_of_mamdani_rules(ROWS)
    yield Case(
        "fuzzy-mamdani",
        f"Mamdani, {len(problem.table):,} rules × {problem.d} inputs, {OUTPUT_TERMS} triangles, "
        f"{ROWS:,} rows, centroid",
        [Entrant(VICINAL_MAMDANI, problem)],
        [],
        limits=[Limit("vicinal", 1.5)],
    )
