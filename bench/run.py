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
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5, help="at least 5 for a stored result")
    parser.add_argument("--without", nargs="*", default=[], help="families of peers to leave out")
    parser.add_argument("--build", action="store_true", help="also time a build from nothing")
    parser.add_argument("--output", type=Path, help="JSON; default: bench/results/ for a full run")
    return parser.parse_args()


def main():
    options = _arguments()
    for name in ("OMP", "MKL", "OPENBLAS"):  # before the libraries load
        os.environ[f"{name}_NUM_THREADS"] = str(options.threads)

    import machine
    import measures
    import race
    import report
    from ceilings import Ceilings

    from cases import MODULES

    description = machine.describe(options.threads)
    ceilings = Ceilings(description["isa"], options.threads)
    result = {"machine": description, "ceilings": ceilings.all(), "cases": [], "measures": []}
    print(report.header(result), flush=True)

    def wanted(name):
        return not options.names or any(name.startswith(start) for start in options.names)

    for module in MODULES:
        for case in module.cases():
            if not wanted(case.name):
                continue
            kept = [e for e in case.entrants if e.contender.family not in options.without]
            case = dataclasses.replace(case, entrants=kept)
            log = lambda line: None  # noqa: E731
            record = race.run(case, options.threads, options.rounds, ceilings.fma_share, log)
            result["cases"].append(record)
            print(report.case_text(record), flush=True)
    for measure in measures.all_measures(build=options.build):
        if wanted(measure.name):
            result["measures"] += (rows := measure.rows(options.threads))
            print(report.measure_text(rows), flush=True)
    result["ceilings after"] = ceilings.all()

    output = options.output
    if output is None and not options.names and not options.without:
        name = f"{description['isa']}-{options.threads}threads.json"
        output = HERE / "results" / name
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(result, indent=1) + "\n")
        print(f"written to {output}")


if __name__ == "__main__":
    sys.exit(main())
