"""Race vicinal against its peers: `python bench/run.py [names …]`.

One process, all entrants of a case interleaved, answers checked before timing; see README.md.
"""

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="cases whose name starts so; all without")
    parser.add_argument(
        "--group",
        choices=["dense", "sparse", "models", "attention", "family"],
        help="only these; default: all",
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="at least 5 for a stored result")
    parser.add_argument("--without", nargs="*", default=[], help="families of peers to leave out")
    parser.add_argument("--build", action="store_true", help="also time a build from nothing")
    parser.add_argument(
        "--output", type=Path, help="folder of the JSON; default: bench/results/ for a full run"
    )
    return parser.parse_args()


def _race(group, options, description, ceilings):
    import measures
    import race
    import report

    from cases import GROUPS

    def wanted(name):
        return not options.names or any(name.startswith(start) for start in options.names)

    result = {"group": group, "machine": description, "ceilings": ceilings.all()}
    result |= {"cases": [], "measures": []}
    print(report.header(result), flush=True)
    for module in GROUPS[group]:
        for case in module.cases():
            if not wanted(case.name):
                continue
            kept = [e for e in case.entrants if e.contender.family not in options.without]
            case = dataclasses.replace(case, entrants=kept)
            log = lambda line: None  # noqa: E731
            record = race.run(case, options.threads, options.rounds, ceilings.fma_share, log)
            result["cases"].append(record)
            print(report.case_text(record), flush=True)
    for measure in measures.of_group(group, build=options.build):
        if wanted(measure.name):
            result["measures"] += (rows := measure.rows(options.threads))
            print(report.measure_text(rows), flush=True)
    return result | {"ceilings after": ceilings.all()}


def main():
    options = _arguments()
    for name in ("OMP", "MKL", "OPENBLAS", "NUMBA"):  # before the libraries load
        os.environ[f"{name}_NUM_THREADS"] = str(options.threads)

    import machine
    from ceilings import Ceilings

    from cases import GROUPS

    description = machine.describe(options.threads)
    ceilings = Ceilings(description["isa"], options.threads)
    folder = options.output
    if folder is None and not options.names and not options.without:
        folder = HERE / "results"
    for group in [options.group] if options.group else GROUPS:
        result = _race(group, options, description, ceilings)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            output = folder / f"{description['isa']}-{options.threads}threads-{group}.json"
            output.write_text(json.dumps(result, indent=1) + "\n")
            print(f"written to {output}")


if __name__ == "__main__":
    sys.exit(main())
