"""Tables of the races in which every pair is computed."""

from cells import (
    fastest,
    machine_text,
    measures_table,
    rate_text,
    row_of,
    seconds_text,
    table,
)

FAMILIES = ("torch SDPA", "torch matmul", "numpy", "KeOps", "scikit-learn")
RACES = ("gaussian-", "softmax-", "float64-", "few-")


def _ratio(record):
    for claim in record["claims"]:
        if claim["unit"] == "pairs":
            reached = "void" if claim["kept"] is None else f"{claim['ratio']:.2f} ×"
            return reached, f"{claim['at_least']:g} ×"
    return "–", "–"


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
            rates = [rate_text(row_of(record, "vicinal"))]
            rates += [rate_text(fastest(record, family)) for family in FAMILIES]
            rows.append([record["title"], *_best_in_bold(rates), *_ratio(record)])
    return table(["10⁹ pairs/s", "vicinal", *FAMILIES, "over the best", "asked"], rows)


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
    return table(titles, [[n, *(rate_text(row_of(r, n)) for r in records)] for n in names])


def bandwidth(result):
    """Rates as the bandwidth falls."""
    records = [r for r in result["cases"] if r["name"].startswith("bandwidth-")]
    rows = [[r["title"], *(rate_text(row) for row in r["rows"])] for r in records]
    titles = [row["name"] for row in records[0]["rows"]] if records else []
    return table(["10⁹ pairs/s", *titles], rows)


def growth(result):
    """Seconds as n grows."""
    rows = []
    for record in result["cases"]:
        if record["name"].startswith(("growth-", "latency-")):
            times = [fastest(record, family) for family in ("vicinal", *FAMILIES[:3])]
            cells = [seconds_text(r["median_seconds"]) if r else "–" for r in times]
            rows.append([record["title"], *cells])
    return table(["", "vicinal", *FAMILIES[:3]], rows)


TABLES = {
    "speed": speed,
    "kernels": kernels,
    "bandwidth": bandwidth,
    "growth": growth,
    "other": measures_table,
    "machine": machine_text,
}
