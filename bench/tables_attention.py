"""Tables of the races of attention, gradients and encoders."""

from cells import claims_text, fastest, machine_text, row_of, table, time_text
from tables_sparse import summary

FAMILIES = ("torch SDPA", "torch matmul", "KeOps", "torch")


def races(result):
    """Times of ours and of every peer's best form."""
    rows = []
    for record in result["cases"]:
        found = [row_of(record, "vicinal"), *(fastest(record, family) for family in FAMILIES)]
        rows.append([record["title"], *map(time_text, found), claims_text(record)])
    return table(["", "vicinal", *FAMILIES, "vicinal is faster by"], rows)


TABLES = {
    "attention": summary("attention-", "rules-", "gradients-", "encoder-"),
    "attention_races": races,
    "attention_machine": machine_text,
}
