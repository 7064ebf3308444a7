"""Data that the tests of the models share: made, small and with every awkward feature at hand."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

# Of scikit-learn's estimator checks: (class, setting) and outcome of each that ran.
CHECKS: dict[tuple[str, str], Counter[str]] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count what `parametrize_with_checks` made, by class and setting."""
    report = yield
    given = getattr(getattr(item, "callspec", None), "params", {})
    if {"estimator", "check"} <= given.keys() and (report.when == "call" or not report.passed):
        estimator = given["estimator"]
        setting = type(estimator).__name__, repr(estimator)
        outcome = "expected to fail" if hasattr(report, "wasxfail") else report.outcome
        CHECKS.setdefault(setting, Counter())[outcome] += 1
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many classes, settings and checks that was, and how they ended."""
    if not CHECKS:
        return
    classes = {name for name, _ in CHECKS}
    ended = sum(CHECKS.values(), Counter())
    outcomes = ("passed", "failed", "expected to fail", "skipped")
    counts = ", ".join(f"{ended[outcome]} {outcome}" for outcome in outcomes)
    terminalreporter.write_line(
        f"scikit-learn's estimator checks: {len(classes)} classes, {len(CHECKS)} settings; {counts}"
    )


@dataclass(frozen=True)
class Problem:
    """A training set with targets of each kind, and fresh queries."""

    X: np.ndarray  # (60, 3)
    y: np.ndarray  # (60,)
    Y: np.ndarray  # (60, 2)
    labels: np.ndarray  # (60,) strings
    queries: np.ndarray  # (25, 3)
    counts: np.ndarray  # (60,) integers from 0 to 3
    weights: np.ndarray  # (60,) some 0, some under and some over 1


@pytest.fixture
def problem() -> Problem:
    rng = np.random.default_rng(7)
    X = rng.normal(size=(60, 3))
    y = np.sin(2 * X[:, 0]) + 0.3 * X[:, 1] + 0.1 * rng.normal(size=60)
    counts = rng.integers(0, 4, size=60)
    weights = np.where(counts == 0, 0.0, rng.uniform(0.2, 2.5, size=60))
    return Problem(
        X=X,
        y=y,
        Y=np.column_stack([y, X[:, 2] ** 2]),
        labels=np.array(["low", "mid", "high"])[np.digitize(y, [-0.5, 0.5])],
        queries=rng.normal(size=(25, 3)),
        counts=counts,
        weights=weights,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.npz"
