"""Tables of the races in which most pairs are left out; times are for all queries."""

from cells import (
    claims_text,
    fastest,
    machine_text,
    measures_table,
    row_of,
    seconds_text,
    table,
    time_text,
)


def race(prefixes, families, title="", names=("vicinal",)):
    """A row per case: our rows by name, then the best form of every family of peers."""

    def made(result):
        rows = []
        for record in result["cases"]:
            if record["name"].startswith(prefixes):
                ours = [time_text(row_of(record, name)) for name in names]
                peers = [time_text(fastest(record, family)) for family in families]
                rows.append([record["title"], *ours, *peers, claims_text(record)])
        return table([title, *names, *families, "vicinal is faster by"], rows)

    return made


def summary(*shown):
    """One line per case that README shows: our time, and by how much over whom."""

    def made(result):
        rows = [
            [record["title"], time_text(row_of(record, "vicinal")), claims_text(record)]
            for record in result["cases"]
            if record["name"].startswith(shown)
        ]
        return table(["", "vicinal", "faster by"], rows)

    return made


def scale(result):
    """Seconds per query as keys grow."""
    rows = []
    for record in result["cases"]:
        if record["name"].startswith("scale-"):
            timed = [row for row in record["rows"] if row["status"] == "ok"]
            seconds = [row["median_seconds"] / row["rows"] for row in timed]
            for row, each in zip(timed, seconds, strict=True):
                built = seconds_text(row["prepare_seconds"])
                grown = f"{each / seconds[0]:.2g} ×"
                rows.append([record["title"], row["name"], seconds_text(each), grown, built])
    return table(["", "keys", "per query", "over the first", "index built in"], rows)


def tolerance(result):
    """Error, pairs and time by tol."""
    rows = []
    for record in result["cases"]:
        if record["name"].startswith("tol-"):
            for row in record["rows"]:
                error = f"{row['error']:.0e}"
                error = error if row["status"] == "ok" else f"**{error}, above tol**"
                visited = f"{row['visited'] / row['pairs']:.2%}"
                rows.append([row["name"], error, visited, time_text(row)])
    return table(["", "largest relative error", "pairs visited", "time"], rows)


TABLES = {
    "sparse": summary("density-", "radius-", "knn-", "lists-computed-k16-", "lists-given-k16-"),
    "density": race(
        ("density-",), ("scikit-learn", "mlpack", "KDEpy, Fourier", "KDEpy, tree", "KeOps")
    ),
    "means": race(
        ("mean-", "radius-"),
        ("scikit-learn regressor", "scikit-learn graph", "KeOps", "torch matmul", "numpy"),
        names=("vicinal", "vicinal, tol = 0"),
    ),
    "search": race(
        ("knn-",), ("scipy", "scikit-learn", "mlpack", "faiss", "hnswlib", "pynndescent")
    ),
    "lists": race(("lists-",), ("torch embedding_bag", "torch sparse", "scipy", "torch pipeline")),
    "scale": scale,
    "tolerance": tolerance,
    "sparse_other": measures_table,
    "sparse_machine": machine_text,
}
