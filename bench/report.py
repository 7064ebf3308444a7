"""Stored results → text and the tables of README and docs: `python bench/report.py [result.json]`.

A page asks for a table by the markers `<!-- bench:NAME -->` and `<!-- /bench -->`; what stands
between them is replaced. Names: speed, kernels, bandwidth, growth, other, machine.
"""

import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MARKER = re.compile(r"(<!-- bench:(\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)


# ------------------------------------------------------------------------------------- the console
def header(result):
    machine, ceilings = result["machine"], result["ceilings"]
    lines = [f"{key}: {value}" for key, value in machine.items()]
    lines += [f"ceiling, {key}: {value:.1f}" for key, value in ceilings.items()]
    return "\n".join(lines)


def seconds_text(seconds):
    units = (("s", 1), ("ms", 1e-3), ("µs", 1e-6))
    unit, size = next((u for u in units if seconds >= u[1]), units[-1])
    return f"{seconds / size:.3g} {unit}"


def case_text(record):
    lines = [f"\n{record['name']}: {record['title']}  (fma at {record['fma_share']:.0%} of usual)"]
    for row in record["rows"]:
        if "seconds" not in row or not row["seconds"]:
            lines.append(f"  {row['name']:28} {row['status']}: {row.get('note', '')}")
            continue
        time = row["median_seconds"]
        status = "" if row["status"] == "ok" else f"  {row['status'].upper()}"
        error = f"  error {row['error']:.0e}" if "error" in row else ""
        lines.append(
            f"  {row['name']:28} {seconds_text(time):>9} (best {seconds_text(row['best_seconds'])})"
            f"  {row['pairs'] / time / 1e9:7.3f} Gpairs/s {row['flops'] / time / 1e9:7.1f} GFLOP/s"
            f"  cores {row['cores']:.1f}{error}{status}  {row.get('note', '')}"
        )
    lines += [f"  {claim_text(claim)}" for claim in record["claims"]]
    return "\n".join(lines)


def claim_text(claim):
    if claim["ratio"] is None:
        return f"{claim['ours']}: no rival counts ({', '.join(claim['void']) or 'none ran'})"
    low, high = claim["spread"]
    word = {True: "reached", False: "MISSED", None: "VOID"}[claim["kept"]]
    void = f", void: {', '.join(claim['void'])}" if claim["void"] else ""
    return (
        f"{claim['ours']} = {claim['ratio']:.2f} × {claim['best']} [{low:.2f}–{high:.2f}], "
        f"asked {claim['at_least']}: {word}{void}"
    )


def measure_text(rows):
    return "\n".join(f"\n{r['title']}: {_value(r)}" for r in rows)


def _value(row):
    limit = "" if row["limit"] is None else f" (limit {row['limit']:g} {row['unit']})"
    return f"{row['value']:.3g} {row['unit']}{limit}"


# -------------------------------------------------------------------------------------- the tables
def _table(titles, rows):
    cells = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in cells)


def _row(record, name):
    return next((row for row in record["rows"] if row["name"] == name), None)


def _rate(row, unit="pairs"):
    if row is None:
        return "–"
    if row["status"] in ("missing", "void"):
        return row["status"]
    digits = f"{row[unit] / row['median_seconds'] / 1e9:.2g}"
    return f"({digits}, wrong)" if row["status"] == "wrong" else digits


def _fastest(record, family):
    rows = [row for row in record["rows"] if row["family"] == family]
    timed = [row for row in rows if row["status"] == "ok"]
    if timed:
        return max(timed, key=lambda row: row["pairs"] / row["median_seconds"])
    return rows[0] if rows else None


def _ratio(record):
    for claim in record["claims"]:
        if claim["unit"] == "pairs":
            reached = "void" if claim["kept"] is None else f"{claim['ratio']:.2f} ×"
            return reached, f"{claim['at_least']:g} ×"
    return "–", "–"


FAMILIES = ("torch SDPA", "torch matmul", "numpy", "KeOps", "scikit-learn")
RACES = ("gaussian-", "softmax-", "float64-", "attention-", "few-")


def _best_in_bold(rates):
    numbers = [float(rate) if rate[0].isdigit() else 0.0 for rate in rates]
    return [
        f"**{rate}**" if number == max(numbers) else rate
        for rate, number in zip(rates, numbers, strict=True)
    ]


def speed(result):
    """Every race against peers, in 10⁹ pairs per second."""
    rows = []
    for record in result["cases"]:
        if record["name"].startswith(RACES):
            rates = [_rate(_row(record, "vicinal"))]
            rates += [_rate(_fastest(record, family)) for family in FAMILIES]
            rows.append([record["title"], *_best_in_bold(rates), *_ratio(record)])
    return _table(["10⁹ pairs/s", "vicinal", *FAMILIES, "over the best", "asked"], rows)


def kernels(result):
    """Every kernel's rate."""
    records = [r for r in result["cases"] if r["name"].startswith("kernels-")]
    if not records:
        return "not measured"
    names = [row["name"] for row in records[0]["rows"]]
    titles = [
        "10⁹ pairs/s",
        *(r["name"].removeprefix("kernels-").replace("-", ", ") for r in records),
    ]
    return _table(titles, [[n, *(_rate(_row(r, n)) for r in records)] for n in names])


def bandwidth(result):
    """Rates as the bandwidth falls."""
    records = [r for r in result["cases"] if r["name"].startswith("bandwidth-")]
    rows = [[r["title"], *(_rate(row) for row in r["rows"])] for r in records]
    titles = [row["name"] for row in records[0]["rows"]] if records else []
    return _table(["10⁹ pairs/s", *titles], rows)


def growth(result):
    """Seconds as n grows."""
    rows = []
    for record in result["cases"]:
        if record["name"].startswith(("growth-", "latency-")):
            times = [_fastest(record, family) for family in ("vicinal", *FAMILIES[:3])]
            cells = [seconds_text(r["median_seconds"]) if r else "–" for r in times]
            rows.append([record["title"], *cells])
    return _table(["", "vicinal", *FAMILIES[:3]], rows)


def other(result):
    """Memory, import, build."""
    return _table(["", "measured"], [[r["title"], _value(r)] for r in result["measures"]])


def machine(result):
    """One paragraph: where and how."""
    m, c = result["machine"], result["ceilings"]
    ceilings = ", ".join(f"{name} {value:.0f}" for name, value in c.items())
    return (
        f"{m['processor']}, {m['threads']} threads, {m['isa']}, {m['compiler']}, "
        f"{m['date']}, commit {m['commit']}. Ceilings of the run: {ceilings}."
    )


TABLES = {f.__name__: f for f in (speed, kernels, bandwidth, growth, other, machine)}


def latest():
    """Return the newest stored result."""
    stored = sorted((HERE / "results").glob("*.json"), key=lambda path: path.stat().st_mtime)
    if not stored:
        sys.exit("no stored result: run `python bench/run.py` first")
    return stored[-1]


def main():
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else latest()
    result = json.loads(path.read_text())
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        old = page.read_text()
        new = MARKER.sub(lambda m: f"{m[1]}{TABLES[m[2]](result)}\n{m[3]}", old)
        if new != old:
            page.write_text(new)
            print(f"{page.relative_to(ROOT)}: tables of {path.name}")


if __name__ == "__main__":
    main()
