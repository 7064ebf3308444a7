"""Tables of the races of whole models."""

from cells import claims_text, fastest, machine_text, measures_table, row_of, table, time_text
from tables_sparse import summary


def _race(start, names, families):
    """Times of ours and of the best form of every peer, and how good the answers are."""

    def write(result):
        rows = []
        for record in result["cases"]:
            if not record["name"].startswith(start):
                continue
            found = [row_of(record, name) for name in names]
            found += [fastest(record, family) for family in families]
            quality = [(row or {}).get("note", "") or "–" for row in found]
            times = [time_text(row) for row in found]
            rows.append([record["title"], *times, claims_text(record), *quality])
        titles = (*names, *families)
        return table(
            ["", *titles, "vicinal is faster by", *(f"{n}: quality" for n in titles)], rows
        )

    return write


TABLES = {
    "models": summary("meanshift-", "lle-"),
    # Clusters and adjusted Rand index against the truth.
    "clusters": _race("meanshift-", ("vicinal", "vicinal, unshared"), ("scikit-learn", "mlpack")),
    # Trustworthiness, angle to scikit-learn's subspace, residual.
    "embeddings": _race("lle-", ("vicinal",), ("scikit-learn",)),
    "models_other": measures_table,
    "models_machine": machine_text,
}
