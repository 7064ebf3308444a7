"""Cells of tables: times, rates and ratios of a stored record."""


def seconds_text(seconds):
    units = (("s", 1), ("ms", 1e-3), ("µs", 1e-6))
    unit, size = next((u for u in units if seconds >= u[1]), units[-1])
    return f"{seconds / size:.3g} {unit}"


def value_text(measure):
    limit = "" if measure["limit"] is None else f" (limit {measure['limit']:g} {measure['unit']})"
    return f"{measure['value']:.3g} {measure['unit']}{limit}"


def table(titles, rows):
    cells = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in cells)


def row_of(record, name):
    return next((row for row in record["rows"] if row["name"] == name), None)


def fastest(record, family):
    """Return the fastest form of a peer that counts, else its first."""
    rows = [row for row in record["rows"] if row["family"] == family]
    timed = [row for row in rows if row["status"] == "ok"]
    if timed:
        return max(timed, key=lambda row: row["pairs"] / row["median_seconds"])
    return rows[0] if rows else None


def rate_text(row, unit="pairs"):
    """10⁹ pairs or flops per second."""
    if row is None:
        return "–"
    if row["status"] in ("missing", "void"):
        return row["status"]
    digits = f"{row[unit] / row['median_seconds'] / 1e9:.2g}"
    return f"({digits}, wrong)" if row["status"] == "wrong" else digits


def whole_seconds(row):
    """Seconds for all queries, from those that were timed."""
    return row["median_seconds"] / row.get("share", 1)


def time_text(row):
    """Seconds for all queries; what does not count stands in parentheses with its reason."""
    if row is None:
        return "–"
    if row["status"] in ("missing", "void"):
        return row["status"]
    time = seconds_text(whole_seconds(row))
    if row["status"] == "ok":
        return time
    why = f"error {row['error']:.0e}" if row["status"] == "wrong" else row["note"].split(", ")[-1]
    return f"({time}, {why})"


def digits(x):
    """Return three digits, whole thousands too."""
    return f"{x:.3g}" if x < 1000 else f"{float(f'{x:.3g}'):,.0f}"


def claims_text(record):
    """Say over whom, by how much, and what was asked."""
    texts = []
    for claim in record["claims"]:
        if claim["ratio"] is None:
            continue
        void = claim["kept"] is None
        reached = "void against" if void else f"{digits(claim['ratio'])} ×"
        whose = "" if claim["ours"] == "vicinal" else f"{claim['ours']}: "
        what = " in rows per second" if claim["unit"] == "rows" else ""
        asked = f"asked {digits(claim['at_least'])}"
        texts.append(f"{whose}{reached} {claim['best']}{what} ({asked})")
    texts += [f"asked {limit['at_most']:g} s" for limit in record.get("limits", [])]
    return ", ".join(texts) or "–"


def machine_text(result):
    """One paragraph: where and how."""
    m, c = result["machine"], result["ceilings"]
    ceilings = ", ".join(f"{name} {value:.0f}" for name, value in c.items())
    return (
        f"{m['processor']}, {m['threads']} threads, {m['isa']}, {m['compiler']}, "
        f"{m['date']}, commit {m['commit']}. Ceilings of the run: {ceilings}."
    )


def measures_table(result):
    return table(["", "measured"], [[r["title"], value_text(r)] for r in result["measures"]])
