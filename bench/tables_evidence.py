"""Tables of docs/evidence.md: quality on held-out folds, time and memory of models and peers."""

import statistics

from cells import seconds_text, table
from pairs.pair import OURS, seconds, verdict

PEERS = (
    *("scikit-learn", "statsmodels", "scikit-misc", "mgwr", "scikit-fuzzy", "simpful"),
    *("scikit-image", "opencv-python-headless", "torch"),
)
SAME_FORMULA = 0.01  # of the largest answer; what differs more computes something else
SECTIONS = (
    *("regression", "localizing", "memory", "fuzzy"),
    *("images", "denoising", "series", "earlier"),
)


def _rounded(mean, spread):
    """Write both with two digits of the spread, at most four places."""
    places = 0
    while places < 4 and spread * 10**places < 10:
        places += 1
    return f"{mean:.{places}f} ± {spread:.{places}f}"


def quality_text(row):
    if row["status"] != "ok":
        return row["status"]
    return _rounded(statistics.fmean(row["scores"]), statistics.stdev(row["scores"]))


def time_text(row):
    return seconds_text(seconds(row)) if row["status"] == "ok" else "–"


def memory_text(row):
    peak = row.get("peak_mb")
    if peak is None:
        return "–"
    return f"{peak:.0f} MB" if peak >= 1 else "< 1 MB"


def verdict_text(record):
    found = verdict(record)
    if found is None:
        return "no incumbent here"
    times = found["faster"]
    speed = f"{times:.3g} × faster" if times >= 1 else f"{1 / times:.3g} × slower"
    like = "equal to" if found["word"] == "equal" else f"{found['word']} than"
    return f"{like} {found['rival']} ({_folds(found)}), {speed}"


def _folds(found):
    won, lost = found["won"], found["lost"]
    return f"folds {won} : {lost}" if won or lost else "the same answers"


def _remark(record, row):
    if row is record["rows"][0]:
        return verdict_text(record)
    if row.get("difference", 1) < SAME_FORMULA:
        return f"answers differ by {row['difference']:.1g} of the largest"
    return "for comparison" if row["context"] else row.get("note", "")


def _cells(record, row):
    name = f"**{row['name']}**" if row["name"].startswith(OURS) else row["name"]
    return [name, quality_text(row), time_text(row), memory_text(row), _remark(record, row)]


def pair_text(record):
    arrow = "higher" if record["higher"] else "lower"
    lines = [f"\n{record['name']}: {record['model']}, {record['title']}; {record['measure']}"]
    lines[0] += f", {arrow} is better"
    lines += ["  " + "  ".join(f"{cell:24}" for cell in _cells(record, r)) for r in record["rows"]]
    return "\n".join(lines)


def _section(name):
    def write(result):
        parts = []
        for record in result["pairs"]:
            if record["section"] != name:
                continue
            arrow = "higher is better" if record["higher"] else "lower is better"
            titles = ["", f"{record['measure']} ({arrow})", "fit + predict", "memory", ""]
            cells = table(titles, [_cells(record, row) for row in record["rows"]])
            head = f"**`{record['model']}`**: {record['title']}. Settings: {record['tuned']}."
            parts.append(f"{head}\n\n{cells}\n")
        return "\n".join(parts) or "not measured"

    return write


def _summary(result):
    rows = []
    for record in result["pairs"]:
        found = verdict(record)
        quality = "–" if found is None else f"{found['word']}, {_folds(found)}"
        time = "–" if found is None else f"{found['faster']:.3g}"
        rival = "none here" if found is None else found["rival"]
        rows.append([f"`{record['model']}`", record["title"], rival, quality, time])
    return table(["", "data", "best rival", "quality", "its time / ours"], rows)


def _losses(result):
    """Tell every pair in which a rival is better or faster."""
    lines = []
    for record in result["pairs"]:
        found = verdict(record)
        if found and (found["word"] == "worse" or found["faster"] < 1):
            lines.append(f"- `{record['model']}`, {record['title']}: {verdict_text(record)}")
    return "\n".join(lines) or "Nowhere in this run."


def _machine(result):
    m = result["machine"]
    told = f"{m['processor']}, {m['threads']} threads, {m['isa']}, {m['date']}, {m['commit']}"
    peers = [f"{name} {m[name]}" for name in PEERS if name in m]
    load = f"load of the machine before the run: {m['load']:.1f}"
    return f"{told}; {', '.join(peers)}; {load}."


TABLES = {f"evidence_{name}": _section(name) for name in SECTIONS}
TABLES |= {
    "evidence_summary": _summary,
    "evidence_losses": _losses,
    "evidence_machine": _machine,
}
