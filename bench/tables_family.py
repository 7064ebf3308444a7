"""Tables of the races of the rest of the family: any case of the group, whoever takes part."""

from cells import claims_text, machine_text, table, time_text
from tables_sparse import summary


def races(result):
    """A row per contender: time for all queries, how right it was, what was asked."""
    rows = []
    for record in result["cases"]:
        title, claims = record["title"], claims_text(record)
        for row in record["rows"]:
            if row["status"] == "unsuited":
                continue
            rows.append([title, row["name"], time_text(row), _quality(row), claims])
            title = claims = ""
    return table(["", "", "time", "error, or quality", "vicinal is faster by"], rows)


def _quality(row):
    if row["status"] == "missing":
        return row.get("note") or "–"
    error = row.get("error")
    note = row.get("note", "")
    measured = "" if error is None else f"{error:.0e}"
    return ", ".join(part for part in (measured, note) if part) or "–"


TABLES = {"family": summary(""), "family_races": races, "family_machine": machine_text}
