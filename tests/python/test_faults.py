"""The list of seeded faults (`nox -s faults`) fits the sources of today."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_fault_stands_once(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tests/faults")
    faults = runpy.run_path(str(ROOT / "tests/faults/faults.py"))["FAULTS"]
    for fault in faults:
        text = (ROOT / fault.file).read_text(encoding="utf-8")
        assert text.count(fault.before) == 1, fault.name
        assert fault.after != fault.before
