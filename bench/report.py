"""Stored results → text and the tables of README and docs: `report.py [result.json …]`.

A page asks for a table by the markers `<!-- bench:NAME -->` and `<!-- /bench -->`; what stands
between them is replaced. Names: the keys of TABLES in the tables_*.py.
"""

import json
import re
import sys
from pathlib import Path

import tables_attention
import tables_dense
import tables_evidence
import tables_family
import tables_models
import tables_sparse
from cells import seconds_text, value_text

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MARKER = re.compile(r"(<!-- bench:(\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)
GROUPS = {
    "dense": tables_dense.TABLES,
    "sparse": tables_sparse.TABLES,
    "models": tables_models.TABLES,
    "attention": tables_attention.TABLES,
    "family": tables_family.TABLES,
    "evidence": tables_evidence.TABLES,
}


def header(result):
    machine, ceilings = result["machine"], result["ceilings"]
    lines = [f"{key}: {value}" for key, value in machine.items()]
    lines += [f"ceiling, {key}: {value:.1f}" for key, value in ceilings.items()]
    return "\n".join(lines)


def _row_text(row):
    if not row.get("seconds"):
        return f"  {row['name']:28} {row['status']}: {row.get('note', '')}"
    time, prepared = row["median_seconds"], row.get("prepare_seconds", 0)
    remarks = [f"cores {row['cores']:.1f}"]
    if "error" in row:
        remarks.append(f"error {row['error']:.0e}")
    if "visited" in row:
        remarks.append(f"visited {row['visited'] / row['pairs']:.2%}")
    if prepared > 1:
        remarks.append(f"prepared in {seconds_text(prepared)}")
    if row["status"] != "ok":
        remarks.append(row["status"].upper())
    return (
        f"  {row['name']:28} {seconds_text(time):>9} (best {seconds_text(row['best_seconds'])})"
        f"  {row['pairs'] / time / 1e9:7.3f} Gpairs/s {row['flops'] / time / 1e9:7.1f} GFLOP/s"
        f"  {'  '.join(remarks)}  {row.get('note', '')}"
    )


def case_text(record):
    lines = [f"\n{record['name']}: {record['title']}  (fma at {record['fma_share']:.0%} of usual)"]
    lines += [_row_text(row) for row in record["rows"]]
    lines += [f"  {claim_text(claim)}" for claim in record["claims"]]
    lines += [f"  {limit_text(limit)}" for limit in record.get("limits", [])]
    return "\n".join(lines)


def claim_text(claim):
    if claim["ratio"] is None:
        reason = ", ".join(claim["void"]) or "nothing to compare with"
        return f"{claim['ours']} over {', '.join(claim['against'])}: {reason}"
    low, high = claim["spread"]
    word = {True: "reached", False: "MISSED", None: "VOID"}[claim["kept"]]
    void = f", void: {', '.join(claim['void'])}" if claim["void"] else ""
    return (
        f"{claim['ours']} = {claim['ratio']:.2f} × {claim['best']} [{low:.2f}–{high:.2f}], "
        f"asked {claim['at_least']:.3g}: {word}{void}"
    )


def limit_text(limit):
    if limit["kept"] is None:
        return f"{limit['ours']}: not measured"
    word = "reached" if limit["kept"] else "MISSED"
    seconds = seconds_text(limit["seconds"])
    return f"{limit['ours']}: {seconds}, asked {limit['at_most']:g} s: {word}"


def measure_text(rows):
    return "\n".join(f"\n{r['title']}: {value_text(r)}" for r in rows)


def latest(group):
    """Return the newest stored result of a group of cases, or None."""
    stored = sorted((HERE / "results").glob(f"*-{group}.json"), key=lambda p: p.stat().st_mtime)
    return json.loads(stored[-1].read_text()) if stored else None


def tables(results):
    """Return every table by name, from results by group."""
    texts = {}
    for group, made in GROUPS.items():
        result = results.get(group) or latest(group)
        texts |= {name: make(result) if result else "not measured" for name, make in made.items()}
    return texts


def write(given):
    """Replace the tables of all pages, by these results or the newest stored ones."""
    texts = tables({result.get("group", "dense"): result for result in given})
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        old = page.read_text()
        new = MARKER.sub(lambda m: f"{m[1]}{texts[m[2]]}\n{m[3]}", old)
        if new != old:
            page.write_text(new)
            print(f"{page.relative_to(ROOT)}: tables replaced")


if __name__ == "__main__":
    write([json.loads(Path(path).read_text()) for path in sys.argv[1:]])
