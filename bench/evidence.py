"""Every model against its named incumbent on real data: `python bench/evidence.py [names …]`.

Stores a JSON in results/ and writes the tables of docs/evidence.md; `python bench/report.py`
renders them again without a run. A pair runs in a process of its own.
"""

import argparse
import json
import multiprocessing
import os
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = (
    *("statsmodels", "scikit-misc", "mgwr", "scikit-fuzzy", "simpful"),
    *("scikit-image", "opencv-python-headless"),
)


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="pairs whose name starts so; all without")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--output", type=Path, help="folder of the JSON; default: bench/results/ for a full run"
    )
    return parser.parse_args()


def _run(module, name, sender):
    warnings.simplefilter("ignore")  # peers warn of their own settings
    from pairs import GROUPS, pair

    found = next(p for p in GROUPS[module].pairs() if p.name == name)
    sender.send(pair.run(found))


def _record(module, name):
    """Run a pair in a fresh process: no memory, threads or caches of the pairs before."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(module, name, sender))
    process.start()
    sender.close()
    try:
        record = receiver.recv()
    except EOFError:
        raise RuntimeError(f"the pair {name} ended without a result, see above") from None
    process.join()
    return record | {"section": module}


def main():
    options = _arguments()
    for name in ("OMP", "MKL", "OPENBLAS", "NUMBA"):  # before the libraries load
        os.environ[f"{name}_NUM_THREADS"] = str(options.threads)

    import machine
    import report
    import tables_evidence
    from pairs import GROUPS

    description = machine.describe(options.threads, PEERS)
    folder = options.output or (None if options.names else HERE / "results")
    stored = folder and folder / f"{description['isa']}-{options.threads}threads-evidence.json"
    result = {"group": "evidence", "machine": description, "pairs": []}
    if options.names and stored and stored.exists():  # the other pairs stay as they were
        result["pairs"] = json.loads(stored.read_text())["pairs"]
    order = [pair.name for group in GROUPS.values() for pair in group.pairs()]
    result["pairs"] = [record for record in result["pairs"] if record["name"] in order]
    for module, group in GROUPS.items():
        for pair in group.pairs():
            if options.names and not any(pair.name.startswith(start) for start in options.names):
                continue
            record = _record(module, pair.name)
            print(tables_evidence.pair_text(record), flush=True)
            kept = [other for other in result["pairs"] if other["name"] != pair.name]
            result["pairs"] = sorted([*kept, record], key=lambda r: order.index(r["name"]))
            if stored:
                folder.mkdir(parents=True, exist_ok=True)
                stored.write_text(json.dumps(result, indent=1) + "\n")
    if stored and options.output is None:
        report.write([result])


if __name__ == "__main__":
    sys.exit(main())
