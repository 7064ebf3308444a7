"""Draw the chart of README from a stored result: `python bench/plot.py [result.json]`.

One panel per case, one bar per contender, each panel on its own linear axis from zero, rates
written at the bars: readable without color and at half the size.
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from report import latest

TARGET = Path(__file__).resolve().parent.parent / "docs" / "images" / "benchmark.png"
PANELS = {
    "gaussian-d3-p1-n20000": "regression, density: Gaussian, d = 3, p = 1",
    "gaussian-d16-p1-n20000": "Gaussian, d = 16, p = 1",
    "gaussian-d64-p64-n20000": "Gaussian, d = 64, p = 64",
    "softmax-d64-p64": "softmax of products, d = 64, p = 64",
    "float64-d3-p1": "float64: Gaussian, d = 3, p = 1",
    "few-softmax-m16": "16 queries, 100,000 keys, d = p = 64",
}
FAMILIES = {
    "vicinal": "vicinal",
    "torch SDPA": "torch SDPA",
    "torch matmul": "torch matmul",
    "numpy": "numpy",
    "KeOps": "KeOps",
    "scikit-learn": "scikit-learn",
}


def rates(record):
    """Return contender → 10⁹ pairs per second, the best form of each that counts."""
    out = {}
    for family, name in FAMILIES.items():
        timed = [r for r in record["rows"] if r["family"] == family and r["status"] == "ok"]
        if timed:
            out[name] = max(r["pairs"] / r["median_seconds"] for r in timed) / 1e9
    return out


def panel(axes, title, rates):
    names = list(rates)[::-1]
    values = [rates[name] for name in names]
    ours = [name == "vicinal" for name in names]
    bars = axes.barh(names, values, height=0.7, color=["#1f4e79" if o else "#b9c4d0" for o in ours])
    axes.bar_label(bars, [f"{v:.2g}" for v in values], padding=4, fontsize=13)
    for label, own in zip(axes.get_yticklabels(), ours, strict=True):
        label.set_fontweight("bold" if own else "normal")
    axes.set_title(title, fontsize=14, loc="left")
    axes.set_xlim(0, 1.18 * max(values))
    axes.tick_params(labelsize=13)
    axes.locator_params(axis="x", nbins=5)
    axes.spines[["top", "right"]].set_visible(False)


def draw(result, path):
    records = {record["name"]: record for record in result["cases"]}
    shown = [(title, rates(records[name])) for name, title in PANELS.items() if name in records]
    shown = [(title, found) for title, found in shown if "vicinal" in found]
    rows = -(-len(shown) // 2)
    size = (13, 1.0 + 2.7 * rows)
    figure, axes = plt.subplots(rows, 2, figsize=size, squeeze=False, layout="constrained")
    for place, (title, found) in zip(axes.flat, shown, strict=False):
        panel(place, title, found)
    for place in axes.flat[len(shown) :]:
        place.set_visible(False)
    m = result["machine"]
    figure.supxlabel(
        f"pairs of a query and a key per second, 10⁹ (longer is better) · {m['threads']} threads, "
        f"{m['isa']}, {m['date']}",
        fontsize=13,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    plt.close(figure)
    print(f"written to {path}")


def picture_of(group, draw, target):
    """Draw the result that the command line names, or the newest: `[result.json [picture]]`."""
    given = [Path(argument) for argument in sys.argv[1:]]
    result = json.loads(given[0].read_text()) if given else latest(group)
    if result is None:
        sys.exit(f"no stored result: run `python bench/run.py --group {group}` first")
    draw(result, given[1] if len(given) > 1 else target)


if __name__ == "__main__":
    picture_of("dense", draw, TARGET)
