"""Draw growth and tolerance from a stored result: `python bench/plot_sparse.py [result.json]`.

Three panels: time of a query as keys grow, error and pairs by tol. Series differ by marker and
line, so that they read without color and at half the size.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from plot import picture_of

TARGET = Path(__file__).resolve().parent.parent / "docs" / "images" / "pruning.png"
SERIES = {
    "scale-density": ("density, d = 2, h as 1/√n", "o-", "#1f4e79"),
    "scale-search": ("16 nearest, d = 16", "s--", "#b5651d"),
}


def keys_of(row):
    return row["pairs"] / row["rows"]


def growth(axes, records):
    for name, (label, style, color) in SERIES.items():
        if name in records:
            rows = [row for row in records[name]["rows"] if row["status"] == "ok"]
            micros = [1e6 * row["median_seconds"] / row["rows"] for row in rows]
            axes.loglog(list(map(keys_of, rows)), micros, style, color=color, label=label)
    axes.set(xlabel="keys n", ylabel="time per query (µs)", title="Growth, index built before")
    low, high = axes.get_ylim()
    axes.set_ylim(low, 10 * high)  # room for the legend
    axes.legend(fontsize=12, loc="upper left")


def error(axes, tols, rows):
    axes.loglog(tols, [row["error"] for row in rows], "o-", color="#1f4e79", label="measured")
    axes.loglog(tols, tols, "k:", label="the bound: tol")
    axes.set(xlabel="tol", ylabel="largest relative error", title="Error of a density, float64")
    axes.legend(fontsize=12)


def work(axes, tols, rows):
    visited = [100 * row["visited"] / row["pairs"] for row in rows]
    axes.semilogx(tols, visited, "o-", color="#1f4e79")
    axes.set(xlabel="tol", ylabel="pairs visited (% of all)", title="Work of the same density")
    axes.set_ylim(0, 1.15 * max(visited))


def draw(result, path):
    records = {record["name"]: record for record in result["cases"]}
    figure, places = plt.subplots(1, 3, figsize=(15, 4.6), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    growth(places[0], records)
    rows = records["tol-density"]["rows"]
    tols = [float(row["name"].removeprefix("tol = ")) for row in rows]
    error(places[1], tols, rows)
    work(places[2], tols, rows)
    for axes in places:
        axes.title.set_size(14)
        axes.xaxis.label.set_size(13)
        axes.yaxis.label.set_size(13)
        axes.tick_params(labelsize=12)
        axes.grid(color="#dddddd", lw=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    plt.close(figure)
    print(f"written to {path}")


if __name__ == "__main__":
    picture_of("sparse", draw, TARGET)
